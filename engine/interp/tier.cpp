// SPDX-License-Identifier: Apache-2.0
// Compiling modules, entering guest code, and telling where it stopped.
#include "engine/interp/tier.h"

#include "engine/interp/frames.h"
#include "engine/runtime/compile_bodies.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/store.h"

#include <algorithm>
#include <map>
#include <new>
#include <optional>

namespace wsb::interp {

namespace {

/// Runs cells until one leaves.
/// SAFETY: handlers own every register (preserve_none), so this is the only ordinary function that enters
/// them, and it keeps nothing whose address is taken: a realigned frame would lose its base pointer.
[[gnu::noinline]]
#if defined(__clang__)
__attribute__((no_sanitize("address", "undefined", "thread")))
#endif
void enter(const Word* ip, Slot* sp, VmInstance* instance, VmContext* context, int64_t fuel) noexcept {
#if WSB_TAIL_DISPATCH
    reinterpret_cast<Handler>(*ip)(ip, sp, instance->first_memory->base, instance->first_memory->size_bytes,
                                   0, fuel, instance, context, FloatAccumulator{});
#else
    Registers registers{ip,
                        sp,
                        instance->first_memory->base,
                        instance->first_memory->size_bytes,
                        0,
                        fuel,
                        instance,
                        context,
                        FloatAccumulator{}};
    while (registers.ip != nullptr)
        reinterpret_cast<Handler>(*registers.ip)(registers);
#endif
}

/// P where a run stopped. Without memory to find it out, the most that it can be.
[[nodiscard]] uint32_t potential_at_trap(const VmContext& context) noexcept {
    const FoundCode found = find_code(context, context.trap_ip);
    if (found.code == nullptr)
        return 0;
    try {
        return locate(found, context.trap_ip).potential;
    } catch (const std::bad_alloc&) {
        return validate::fuel_window;
    }
}

/// True fuel of a stopped run: the register holds fuel + P - bias. Spec of P: docs/adr, metering.
[[nodiscard]] int64_t true_fuel(const VmContext& context) noexcept {
    return std::max<int64_t>(context.fuel_left + fuel_bias - potential_at_trap(context), 0);
}

class InterpreterTier final : public runtime::Tier {
public:
    [[nodiscard]] Result<void> compile(runtime::CompiledModule& compiled,
                                       const runtime::CompileOptions& options) const override;
    [[nodiscard]] runtime::HostOutcome invoke(VmContext& context, const VmFunc& func,
                                              Slot* slots) const noexcept override {
        return interp::invoke(context, func, slots);
    }
    [[nodiscard]] bool mark_roots(const VmContext& context, runtime::RootMaps& maps,
                                  runtime::Heap& heap) const noexcept override {
        return mark_frames(context, maps, heap);
    }
    [[nodiscard]] std::vector<runtime::GuestFrame> backtrace(const VmContext& context,
                                                             size_t max_frames) const override;
};

/// Below this a second thread costs more than it does.
constexpr uint64_t min_parallel_bytes = uint64_t{128} << 10;

/// Validates bodies, and lowers them now or makes them ready to be lowered later.
class Preparer {
public:
    Preparer(runtime::CompiledModule& compiled, const runtime::CompileOptions& options) noexcept
        : m_compiled(compiled),
          m_is_lazy(options.is_lazy),
          m_writer(compiled.code_memory),
          m_lowerer(compiled.module, lower_options(compiled, m_writer, options)) {}
    Preparer(const Preparer&) = delete;
    Preparer& operator=(const Preparer&) = delete;

    [[nodiscard]] Result<uint64_t> operator()(size_t body) {
        const FuncIdx func(m_compiled.module.imported_funcs + body);
        Code& code = m_compiled.codes[body];
        if (m_is_lazy) {
            WSB_TRY_ASSIGN(const bool can_wait, m_lowerer.outline(func, code));
            if (can_wait)
                return 0;
        }
        WSB_TRY(m_lowerer.lower(func, code));
        return code.size_bytes();
    }

private:
    const runtime::CompiledModule& m_compiled;
    const bool m_is_lazy;
    lower::CodeWriter m_writer;
    lower::FunctionLowerer m_lowerer;
};

Result<void> InterpreterTier::compile(runtime::CompiledModule& compiled,
                                      const runtime::CompileOptions& options) const {
    const size_t count = compiled.module.bodies.size();
    compiled.codes = std::make_unique<Code[]>(count);
    const uint64_t code_bytes = compiled.module.code_size_bytes();
    const unsigned threads = code_bytes < min_parallel_bytes ? 1 : usable_threads(options.threads);
    // Measured: 3.5 to 3.8 bytes of cells for a byte of code.
    if (!options.is_lazy)
        compiled.code_memory.expect(4 * code_bytes, threads);
    WSB_TRY(runtime::compile_bodies(count, threads, options,
                                    [&] { return std::make_unique<Preparer>(compiled, options); }));
    compiled.code_index.enter_loaded({compiled.codes.get(), count});
    return {};
}

/// Most calls have one or two parameters and results, for which calling memcpy takes longer than copying.
void copy_slots(const Slot* from, uint32_t count, Slot* to) noexcept {
    switch (count) {
        case 2: to[1] = from[1]; [[fallthrough]];
        case 1: to[0] = from[0]; [[fallthrough]];
        case 0: return;
        default: std::copy_n(from, count, to);
    }
}

/// A function's frame did not fit: perhaps only because its size was not known yet. @return none if it fits.
[[nodiscard, gnu::cold, gnu::noinline]] TrapCode make_callable(const VmContext& context, const VmFunc& func) {
    const Code& code = *func.code;
    if (!code.can_run() &&
        !lower_now(*runtime::owner_of(*func.instance).compiled(), code, context.store->patience()))
        return lack_of_code(context);
    const auto room = static_cast<size_t>(context.stack_limit - context.stack_top);
    return code.frame_slots <= room ? TrapCode::none : TrapCode::stack_overflow;
}

[[nodiscard, gnu::cold, gnu::noinline]] runtime::HostOutcome trap_with(VmContext& context,
                                                                       TrapCode trap) noexcept {
    context.trap = trap;
    context.trap_ip = nullptr;
    return runtime::HostOutcome::trapped;
}

/// What the interpreter stopped with.
[[nodiscard, gnu::cold, gnu::noinline]] runtime::HostOutcome stopped(VmContext& context) noexcept {
    context.fuel_left = true_fuel(context);
    return runtime::HostOutcome::trapped;
}

/// Parameters, zeroed locals, and a header that leads out of the guest.
void write_frame(const Code& code, const Slot* slots, Slot* frame) noexcept {
    if (slots != frame)
        copy_slots(slots, code.param_slots, frame);
    if (code.zeroed_slots != 0)
        std::fill_n(frame + code.param_slots, code.zeroed_slots, Slot{0});
    frame[code.header_slot] = reinterpret_cast<Slot>(leave_cell());
    frame[code.header_slot + 1] = reinterpret_cast<Slot>(frame);
}

/// Puts a frame on the guest stack, runs, and takes the results off.
[[nodiscard]] runtime::HostOutcome run_code(VmContext& context, const VmFunc& func, Slot* slots) noexcept {
    const Code& code = *func.code;
    Slot* const frame = context.stack_top;
    if (static_cast<size_t>(context.stack_limit - frame) < code.frame_slots.load(std::memory_order_acquire))
        [[unlikely]] {
        const TrapCode trap = make_callable(context, func);
        if (trap != TrapCode::none)
            return trap_with(context, trap);
    }
    write_frame(code, slots, frame);
    const int64_t fuel = context.fuel_left - fuel_bias;
    const Word* ip = code.entry.load(std::memory_order_acquire);
    if (fuel < 0) [[unlikely]] {
        ip = stepping_place(context, ip, frame).cell;
        if (ip == nullptr)
            return trap_with(context, lack_of_code(context));
    }
    const runtime::Activation activation{context.trap_ip, context.trap_sp, context.activation};
    context.activation = &activation;
    enter(ip, frame, func.instance, &context, fuel);
    context.activation = activation.outer;
    if (context.trap != TrapCode::none) [[unlikely]]
        return stopped(context);
    context.fuel_left += fuel_bias;
    if (slots != frame)
        copy_slots(frame, code.result_slots, slots);
    return runtime::HostOutcome::returned;
}

/// Where frames stand, from functions lowered once more. Each function is lowered once, and no more of them
/// than what takes some milliseconds: a call that was interrupted must not take long to say where.
class FrameLocator {
public:
    [[nodiscard]] std::optional<uint64_t> offset_bytes(const FoundCode& found, const Place& place) {
        if (found.is_machine())
            return found.site(place.cell).offset_bytes;
        const Code* const form = &found.form();
        auto known = m_origins.find(form);
        if (known == m_origins.end()) {
            if (form->origins == nullptr && !spend(found.module->module.body(found.code->func)))
                return std::nullopt;
            known = m_origins.emplace(form, Origins::of(found, {}).value()).first;
        }
        return known->second.at(found, place.cell, place.is_return).offset_bytes;
    }

private:
    static constexpr uint64_t most_bytes = uint64_t{128} << 10;
    static_assert(lower::large_body_bytes <= most_bytes);  // so the innermost frame is always told

    [[nodiscard]] bool spend(const FuncBody& body) noexcept {
        const bool is_enough = body.whole.size_bytes <= m_bytes_left;
        m_bytes_left -= is_enough ? body.whole.size_bytes : 0;
        return is_enough;
    }

    uint64_t m_bytes_left = most_bytes;
    std::map<const Code*, Origins> m_origins;
};

std::vector<runtime::GuestFrame> InterpreterTier::backtrace(const VmContext& context,
                                                            size_t max_frames) const {
    std::vector<runtime::GuestFrame> frames;
    FrameLocator locator;
    Place place{.cell = context.trap_ip, .sp = context.trap_sp};
    while (place.cell != nullptr && frames.size() < max_frames) {
        const FoundCode found = find_code(context, place.cell);
        if (found.code == nullptr)
            break;
        const auto offset_bytes = locator.offset_bytes(found, place);
        frames.push_back({&found.module->module, found.code->func, offset_bytes.value_or(no_offset)});
        place.to_caller(found.code->header_slot);
    }
    return frames;
}

}  // namespace

lower::LowerOptions lower_options(const runtime::CompiledModule& compiled, lower::CodeWriter& writer,
                                  const runtime::CompileOptions& options) noexcept {
    return {.handlers = handlers(),
            .codes = compiled.codes.get(),
            .executed = compiled.executed,
            .writer = &writer,
            .canonical_nans = compiled.canonical_nans,
            .origins_from_bytes = lower::large_body_bytes,
            .patience = Patience(options.deadline)};
}

runtime::HostOutcome invoke(VmContext& context, const VmFunc& func, Slot* slots) noexcept {
    if (func.host != nullptr)
        return func.host(func.host_environment, context, nullptr, slots);
    return run_code(context, func, slots);
}

const runtime::Tier& tier() noexcept {
    static const InterpreterTier interpreter;
    return interpreter;
}

}  // namespace wsb::interp
