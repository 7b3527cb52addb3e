// SPDX-License-Identifier: Apache-2.0
// Compiling modules, entering guest code, and telling where it stopped.
#include "engine/interp/tier.h"

#include "engine/base/parallel.h"
#include "engine/interp/frames.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>

namespace wsb::interp {

const lower::HandlerTable& handlers() {
    // Filled where it lies, in zeroed memory: pages that name no handler are never touched.
    static constinit lower::HandlerTable table;
    [[maybe_unused]] static const bool is_filled = [] {
        fill_numeric(table);
        fill_float(table);
        fill_branches(table);
        fill_memory(table);
        fill_atomic(table);
        fill_control(table);
        fill_calls(table);
        fill_state(table);
        fill_exceptions(table);
        fill_vectors(table);
        fill_vector_memory(table);
        fill_gc(table);
        return true;
    }();
    return table;
}

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

/// True fuel of a stopped run: the register holds fuel + P - bias. Spec of P: docs/adr, metering.
[[nodiscard]] int64_t true_fuel(const VmContext& context) {
    const FoundCode found = find_code(context, context.trap_ip);
    uint32_t potential = 0;
    if (found.code != nullptr) {
        if (const auto origin = locate(found, context.trap_ip, false))
            potential = origin->potential;
    }
    return context.fuel_left + fuel_bias - potential;
}

class InterpreterTier final : public runtime::Tier {
public:
    [[nodiscard]] Result<void> compile(runtime::CompiledModule& compiled, unsigned threads) const override;
    [[nodiscard]] runtime::HostOutcome invoke(VmContext& context, const VmFunc& func,
                                              Slot* slots) const noexcept override;
    [[nodiscard]] bool mark_roots(const VmContext& context, runtime::RootMaps& maps,
                                  runtime::Heap& heap) const noexcept override {
        return mark_frames(context, maps, heap);
    }
    [[nodiscard]] std::vector<runtime::GuestFrame> backtrace(const VmContext& context,
                                                             size_t max_frames) const override;
};

/// Below this a second thread costs more than it does.
constexpr uint64_t min_parallel_bytes = uint64_t{128} << 10;

/// Lowers every body. @return the error of the first bad one, whatever the threads did first.
[[nodiscard]] Result<void> lower_all(runtime::CompiledModule& compiled, std::span<const Code* const> callees,
                                     unsigned threads) {
    const Module& module = compiled.module;
    uint64_t code_bytes = 0;
    for (const auto& body : module.bodies)
        code_bytes += body.whole.size_bytes;
    if (code_bytes < min_parallel_bytes)
        threads = 1;
    std::mutex mutex;
    std::atomic<size_t> first_bad = module.bodies.size();
    Result<void> verdict;
    bool is_out_of_memory = false;
    parallel_for(module.bodies.size(), threads, [&](size_t i) noexcept {
        if (i > first_bad)
            return;
        try {
            auto lowered =
                lower::lower_function(module, FuncIdx(module.imported_funcs + i), handlers(), callees,
                                      lower::Form::fast, nullptr, *compiled.codes[i], compiled.executed);
            if (lowered)
                return;
            const std::scoped_lock lock(mutex);
            if (i > first_bad)
                return;
            first_bad = i;
            verdict = std::move(lowered);
        } catch (const std::bad_alloc&) {
            const std::scoped_lock lock(mutex);
            is_out_of_memory = true;
        }
    });
    if (is_out_of_memory)
        throw std::bad_alloc();
    return verdict;
}

Result<void> InterpreterTier::compile(runtime::CompiledModule& compiled, unsigned threads) const {
    const Module& module = compiled.module;
    std::vector<const Code*> callees(module.funcs.size(), nullptr);
    compiled.codes.reserve(module.bodies.size());
    for (size_t i = 0; i < module.bodies.size(); ++i) {
        compiled.codes.push_back(std::make_unique<Code>());
        callees[module.imported_funcs + i] = compiled.codes.back().get();
    }
    WSB_TRY(lower_all(compiled, callees, threads));
    for (const auto& code : compiled.codes)
        compiled.codes_by_address.push_back(code.get());
    std::ranges::sort(compiled.codes_by_address, std::less<>{}, [](const Code* code) { return code->entry; });
    return {};
}

/// Puts a frame on the guest stack, runs, and takes the results off.
[[nodiscard]] runtime::HostOutcome run_code(VmContext& context, const VmFunc& func, Slot* slots) {
    const Code& code = *func.code;
    Slot* const frame = context.stack_top;
    if (static_cast<size_t>(context.stack_limit - frame) < code.frame_slots) {
        context.trap = TrapCode::stack_overflow;
        context.trap_ip = nullptr;
        return runtime::HostOutcome::trapped;
    }
    std::copy_n(slots, code.param_slots, frame);
    std::fill_n(frame + code.param_slots, code.zeroed_slots, Slot{0});
    frame[code.header_slot] = reinterpret_cast<Slot>(leave_cell());
    frame[code.header_slot + 1] = reinterpret_cast<Slot>(frame);
    const int64_t fuel = context.fuel_left - fuel_bias;
    const Word* const ip = fuel < 0 ? stepping_cell(context, code.entry) : code.entry;
    if (ip == nullptr) {
        context.trap = TrapCode::allocation_failure;
        context.trap_ip = nullptr;
        return runtime::HostOutcome::trapped;
    }
    const runtime::Activation activation{context.trap_ip, context.trap_sp, context.activation};
    context.activation = &activation;
    enter(ip, frame, func.instance, &context, fuel);
    context.activation = activation.outer;
    if (context.trap != TrapCode::none) {
        context.fuel_left = true_fuel(context);
        return runtime::HostOutcome::trapped;
    }
    context.fuel_left += fuel_bias;
    std::copy_n(frame, code.result_slots, slots);
    return runtime::HostOutcome::returned;
}

runtime::HostOutcome InterpreterTier::invoke(VmContext& context, const VmFunc& func,
                                             Slot* slots) const noexcept {
    if (func.host != nullptr)
        return func.host(func.host_environment, context, nullptr, slots);
    const Word* const outer_ip = context.trap_ip;
    Slot* const outer_sp = context.trap_sp;
    const auto outcome = run_code(context, func, slots);
    if (outcome == runtime::HostOutcome::returned) {
        context.trap_ip = outer_ip;
        context.trap_sp = outer_sp;
    }
    return outcome;
}

std::vector<runtime::GuestFrame> InterpreterTier::backtrace(const VmContext& context,
                                                            size_t max_frames) const {
    std::vector<runtime::GuestFrame> frames;
    Place place{.cell = context.trap_ip, .sp = context.trap_sp};
    while (place.cell != nullptr && frames.size() < max_frames) {
        const FoundCode found = find_code(context, place.cell);
        if (found.code == nullptr)
            break;
        const auto origin = locate(found, place.cell, place.is_return);
        if (!origin)
            break;
        frames.push_back({&found.module->module, found.code->func, origin->offset_bytes});
        place.to_caller(found.code->header_slot);
    }
    return frames;
}

}  // namespace

const runtime::Tier& tier() noexcept {
    static const InterpreterTier interpreter;
    return interpreter;
}

}  // namespace wsb::interp
