// SPDX-License-Identifier: Apache-2.0
#include "jit/tier.h"

#include "engine/base/parallel.h"
#include "engine/interp/dispatch.h"
#include "engine/interp/stepping.h"
#include "engine/interp/tier.h"
#include "engine/validate/body_reader.h"
#include "jit/code_names.h"
#include "jit/executable_memory.h"
#include "jit/machine_sink.h"

#include <atomic>
#include <cpuid.h>
#include <cstring>
#include <map>
#include <mutex>
#include <new>

namespace wsb::jit {

namespace {

using lower::Code;

/// Instructions that the compiler may emit beyond those of every x86-64.
struct ProcessorFeatures {
    bool has_sse4_2 = false;      ///< and everything before it
    bool has_bit_counts = false;  ///< popcnt, lzcnt, tzcnt
};

[[nodiscard]] ProcessorFeatures processor_features() noexcept {
    ProcessorFeatures features;
    unsigned a = 0, b = 0, c = 0, d = 0;
    bool has_popcnt = false, has_lzcnt = false, has_bmi1 = false;
    if (__get_cpuid(1, &a, &b, &c, &d) != 0) {
        features.has_sse4_2 = (c & bit_SSE4_2) != 0;
        has_popcnt = (c & bit_POPCNT) != 0;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0)
        has_bmi1 = (b & bit_BMI) != 0;
    if (__get_cpuid(0x80000001, &a, &b, &c, &d) != 0)
        has_lzcnt = (c & bit_LZCNT) != 0;
    features.has_bit_counts = has_popcnt && has_lzcnt && has_bmi1;
    return features;
}

/// A function's machine code, before it has its place.
struct Compiled {
    std::vector<uint8_t> bytes;
    std::vector<MachineText::Address> addresses;
    std::vector<MachineText::Call> calls;
    std::vector<lower::MachineSite> sites;
    std::vector<uint32_t> landings;
    std::vector<lower::ChangePoint> changes;
    std::vector<lower::FoldedOperand> folded;
    uint32_t code_bytes = 0;
    uint32_t entry = 0;
    uint32_t entry_cell = 0;
    uint32_t native_entry = 0;
};

/// One thread's compiler.
class FunctionCompiler {
public:
    FunctionCompiler(const Module& module, const MachineOptions& options)
        : m_sink(options), m_use_reader(module, m_use), m_reader(module, m_sink) {}
    FunctionCompiler(const FunctionCompiler&) = delete;
    FunctionCompiler& operator=(const FunctionCompiler&) = delete;

    /// The body was validated before. Null if patience was over.
    [[nodiscard]] std::unique_ptr<Compiled> compile(FuncIdx func, const Patience& patience) {
        if (!has_read(m_use_reader.run(func, patience), patience))
            return nullptr;
        m_sink.expect(m_use);
        if (!has_read(m_reader.run(func, patience), patience))
            return nullptr;
        MachineText text = m_sink.take();
        auto compiled = std::make_unique<Compiled>();
        compiled->bytes.assign(text.bytes.begin(), text.bytes.end());
        compiled->addresses.assign(text.addresses.begin(), text.addresses.end());
        compiled->calls.assign(text.calls.begin(), text.calls.end());
        compiled->sites = std::move(text.sites);
        compiled->landings = std::move(text.landings);
        compiled->code_bytes = text.code_bytes;
        compiled->entry = text.entry;
        compiled->entry_cell = text.entry_cell;
        compiled->native_entry = text.native_entry;
        return compiled;
    }

private:
    [[nodiscard]] static bool has_read(const Result<void>& outcome, const Patience& patience) {
        WSB_CHECK(outcome.has_value() || patience.is_over());
        return outcome.has_value();
    }

    LocalUseSink m_use;
    MachineSink m_sink;
    validate::BodyReader<LocalUseSink> m_use_reader;
    validate::BodyReader<MachineSink> m_reader;
};

constexpr size_t alignment = 64;
/// What calls can reach.
constexpr size_t most_bytes = INT32_MAX;
[[nodiscard]] constexpr size_t aligned(size_t bytes) noexcept {
    return (bytes + alignment - 1) / alignment * alignment;
}

/// Copies a function to where it will run, with its addresses.
void write_body(const Compiled& function, uint8_t* begin) noexcept {
    std::memcpy(begin, function.bytes.data(), function.bytes.size());
    for (const auto& address : function.addresses) {
        const uint8_t* const target = begin + address.target;
        std::memcpy(begin + address.at, &target, sizeof target);
    }
}

/// Writes the displacement of a call that ends at `end`.
void link(uint8_t* end, const void* target) noexcept {
    const auto distance = static_cast<int32_t>(static_cast<const uint8_t*>(target) - end);
    std::memcpy(end - sizeof distance, &distance, sizeof distance);
}

/// The functions of a module side by side, at offsets that are multiples of `alignment`.
class Layout {
public:
    explicit Layout(std::span<const std::unique_ptr<Compiled>> functions) : m_functions(functions) {
        for (const auto& function : functions) {
            m_offsets.push_back(m_size_bytes);
            m_size_bytes += aligned(function->bytes.size());
        }
    }
    [[nodiscard]] size_t size_bytes() const noexcept { return m_size_bytes; }
    [[nodiscard]] size_t offset(size_t i) const noexcept { return m_offsets[i]; }

    /// Copies all to where they will run, with their addresses and calls.
    void write(uint8_t* memory) const noexcept {
        for (size_t i = 0; i < m_functions.size(); ++i) {
            const Compiled& function = *m_functions[i];
            uint8_t* const begin = memory + m_offsets[i];
            write_body(function, begin);
            for (const auto& call : function.calls)
                link(begin + call.end, memory + m_offsets[call.body] + m_functions[call.body]->native_entry);
        }
    }

private:
    std::span<const std::unique_ptr<Compiled>> m_functions;
    std::vector<size_t> m_offsets;
    size_t m_size_bytes = 0;
};

/// From here on calls of the function go to its machine code.
void publish(const runtime::CompiledModule& module, Code& code, const uint8_t* begin, Compiled& function) {
    auto machine = std::make_unique<lower::MachineCode>();
    machine->begin = begin;
    machine->size_bytes = static_cast<uint32_t>(function.bytes.size());
    machine->sites = std::move(function.sites);
    machine->landings = std::move(function.landings);
    WSB_CHECK(machine->landings.size() == code.catches.size());  // both were made of the same clauses
    machine->changes = std::move(function.changes);
    machine->folded = std::move(function.folded);
    module.code_index.enter(code, begin, [&] {
        code.machine.store(machine.release(), std::memory_order_release);
        return true;
    });
    code.native_entry.store(begin + function.native_entry, std::memory_order_release);
    // SAFETY: cells lie aligned behind the code.
    code.entry.store(reinterpret_cast<const lower::Word*>(begin + function.entry_cell),
                     std::memory_order_release);
}

/// Where functions are, and who knows of it as long as they are there.
struct Residence {
    std::unique_ptr<ExecutableMemory> memory;
    std::shared_ptr<const void> known;
};

/// Gives all functions of a module their place.
[[nodiscard]] Result<void> place(runtime::CompiledModule& module,
                                 std::span<const std::unique_ptr<Compiled>> functions) {
    const Layout layout(functions);
    if (layout.size_bytes() == 0)
        return {};
    if (layout.size_bytes() > most_bytes)
        return fail(ErrorCode::limit_exceeded, "machine code of more than 2 GiB");
    std::unique_ptr<ExecutableMemory> memory = ExecutableMemory::create(layout.size_bytes());
    if (memory == nullptr)
        return fail(ErrorCode::out_of_memory, "for machine code");
    layout.write(memory->bytes().data());
    if (!memory->seal())
        return fail(ErrorCode::out_of_memory, "the system does not allow machine code to be executed");
    std::vector<PlacedCode> placed;
    for (size_t i = 0; module.code_names.are_wanted() && i < functions.size(); ++i)
        placed.push_back({.func = module.codes[i].func,
                          .bytes = memory->bytes().subspan(layout.offset(i), functions[i]->code_bytes),
                          .entry = functions[i]->entry});
    WSB_TRY_ASSIGN(auto known, announce(module, placed));
    for (size_t i = 0; i < functions.size(); ++i)
        publish(module, module.codes[i], memory->bytes().data() + layout.offset(i), *functions[i]);
    module.machine_memory = std::make_shared<const Residence>(std::move(memory), std::move(known));
    return {};
}

/// Where a member of Code is, in bytes. (Code has no standard layout, so offsetof is not for it.)
template <class Member>
[[nodiscard]] int32_t offset_in_code(Member Code::* member) noexcept {
    const Code code;
    return static_cast<int32_t>(reinterpret_cast<const char*>(&(code.*member)) -
                                reinterpret_cast<const char*>(&code));
}

[[nodiscard]] Result<void> compile_module(runtime::CompiledModule& module,
                                          const runtime::CompileOptions& options) {
    const size_t count = module.module.bodies.size();
    const MachineOptions compiled_by = machine_options(module, Processor::this_one);
    std::vector<std::unique_ptr<Compiled>> functions(count);
    const Patience patience(options.deadline);
    std::atomic<bool> is_late = false, is_out_of_memory = false;
    std::atomic<uint64_t> size_bytes = 0;
    parallel_for(count, usable_threads(options.threads), [&] {
        return [&, compiler =
                       std::make_unique<FunctionCompiler>(module.module, compiled_by)](size_t i) noexcept {
            if (is_late || is_out_of_memory || size_bytes > options.most_bytes)
                return;
            try {
                functions[i] = compiler->compile(
                    FuncIdx(module.module.imported_funcs + static_cast<uint32_t>(i)), patience);
            } catch (const std::bad_alloc&) {
                is_out_of_memory = true;
            }
            if (functions[i] != nullptr)
                size_bytes += functions[i]->bytes.size();
            if (patience.is_over())
                is_late = true;
        };
    });
    if (is_out_of_memory)
        throw std::bad_alloc();
    if (size_bytes > options.most_bytes)
        return fail(ErrorCode::limit_exceeded,
                    "machine code of more than " + std::to_string(options.most_bytes) + " bytes");
    if (is_late)
        return fail(ErrorCode::limit_exceeded, "compile time");
    return place(module, functions);
}

/// Compiles functions of a module that were found running often enough.
class HotFunctions final : public runtime::TierUp {
public:
    HotFunctions(const runtime::CompiledModule& module, const runtime::CompileOptions& options)
        : m_hot_samples(std::max(options.hot_samples, 1u)),
          m_samples(std::make_unique<std::atomic<uint32_t>[]>(module.module.bodies.size())),
          m_bytes_left(options.most_bytes) {}

    void sample(const runtime::CompiledModule& module, const Code& code,
                const Patience& patience) noexcept override {
        const size_t body = code.func.value - module.module.imported_funcs;
        std::atomic<uint32_t>& samples = m_samples[body];
        if (samples.load(std::memory_order_relaxed) == settled || !code.is_lowered())
            return;
        // What ran as long as compiling takes may run as long again.
        const uint64_t wanted =
            m_hot_samples + module.module.bodies[body].whole.size_bytes / bytes_per_sample;
        if (samples.fetch_add(1, std::memory_order_relaxed) + 1 < wanted)
            return;
        const std::unique_lock lock(m_mutex, std::try_to_lock);
        if (!lock.owns_lock() || samples.load(std::memory_order_relaxed) == settled)
            return;  // while another thread compiles, this one goes on in the interpreter
        samples.store(settled, std::memory_order_relaxed);
        try {
            compile(module, body, patience);
        } catch (const std::bad_alloc&) {
            m_bytes_left = 0;
        }
    }

private:
    static constexpr uint32_t settled = UINT32_MAX;  ///< no more samples: it is compiled, or never will be
    static constexpr uint64_t bytes_per_sample = 2048;
    // Address space, of which little is used: bytes of machine code for a byte of a body at the very most,
    // the rest of the last page for each, and how far calls reach.
    static constexpr uint64_t most_growth = 64, page_bytes = 4096, most_space_bytes = uint64_t{1} << 30;

    void compile(const runtime::CompiledModule& module, size_t body, const Patience& patience) {
        if (m_bytes_left == 0 || (m_space == nullptr && !reserve(module)))
            return;
        const std::unique_ptr<Compiled> compiled = m_compiler->compile(module.codes[body].func, patience);
        if (compiled == nullptr || !add_changes(*compiled, module, module.codes[body], patience))
            return m_samples[body].store(0, std::memory_order_relaxed);  // another run may have the time
        if (compiled->bytes.size() > m_bytes_left)
            return;
        const Relays relays = add_relays(*compiled, module, body);
        const auto bytes = m_space->add(compiled->bytes.size(), [&](std::span<uint8_t> memory) {
            write_body(*compiled, memory.data());
            for (const auto& call : compiled->calls) {
                const Code& callee = module.codes[call.body];
                const auto relay = relays.find(call.body);
                link(memory.data() + call.end, call.body == body ? memory.data() + compiled->native_entry
                                               : relay != relays.end()
                                                   ? memory.data() + relay->second
                                                   : callee.native_entry.load(std::memory_order_relaxed));
            }
        });
        if (bytes.empty()) {
            m_bytes_left = 0;
            return;
        }
        m_bytes_left -= bytes.size();
        tell(module, {.func = module.codes[body].func,
                      .bytes = bytes.first(compiled->code_bytes),
                      .entry = compiled->entry});
        publish(module, module.codes[body], bytes.data(), *compiled);
    }

    /// A file of names that cannot be written any more is no reason to stop.
    void tell(const runtime::CompiledModule& module, const PlacedCode& function) {
        if (!module.code_names.are_wanted())
            return;
        if (auto known = announce(module, {&function, 1}); known && *known != nullptr)
            m_known.push_back(*std::move(known));
    }

    /// @return false if the system has no room.
    [[nodiscard]] bool reserve(const runtime::CompiledModule& module) {
        uint64_t wasm_bytes = 0;
        for (const auto& body : module.module.bodies)
            wasm_bytes += body.whole.size_bytes;
        const uint64_t most = most_growth * wasm_bytes + page_bytes * (module.module.bodies.size() + 1);
        m_space = ExecutableSpace::reserve(std::min(most, most_space_bytes));
        const auto detour = m_space != nullptr ? add_detour() : std::span<const uint8_t>();
        if (detour.empty()) {
            m_bytes_left = 0;
            return false;
        }
        for (Code& code : std::span(module.codes.get(), module.module.bodies.size()))
            code.native_entry.store(detour.data(), std::memory_order_relaxed);
        m_compiler =
            std::make_unique<FunctionCompiler>(module.module, machine_options(module, Processor::this_one));
        return true;
    }

    /// How machine code calls functions that have none: the Code is in the accumulator.
    [[nodiscard]] std::span<const uint8_t> add_detour() {
        Assembler assembler;
        assembler.endbr64();
        assembler.pop(reg::scratch);  // the header tells where to return to
        assembler.load(Width::w32, Gpr::rax, {reg::int_result, offset_in_code(&Code::header_slot)});
        assembler.alu(Width::w64, Alu::and_, Mem{reg::frame, Gpr::rax, 0, 3},
                      ~static_cast<int32_t>(lower::native_return_flag));
        assembler.mov_immediate(reg::scratch, interp::handlers().enter_code);
        assembler.jump(reg::scratch);
        const auto& bytes = assembler.bytes();
        return m_space->add(bytes.size(),
                            [&](std::span<uint8_t> memory) { std::ranges::copy(bytes, memory.begin()); });
    }

    /// For calls of functions without machine code, which may get some: these go where native_entry says.
    /// @return where they are behind the code, by callee.
    using Relays = std::map<size_t, uint32_t>;
    [[nodiscard]] static Relays add_relays(Compiled& compiled, const runtime::CompiledModule& module,
                                           size_t body) {
        Relays relays;
        for (const auto& call : compiled.calls) {
            const Code& callee = module.codes[call.body];
            const bool is_known =
                call.body == body || callee.machine.load(std::memory_order_relaxed) != nullptr;
            if (is_known || !relays.try_emplace(call.body, compiled.bytes.size()).second)
                continue;
            Assembler relay;
            relay.mov_immediate(reg::int_result, reinterpret_cast<uint64_t>(&callee));
            relay.jump(Mem{reg::int_result, static_cast<int32_t>(Code::native_entry_offset)});
            compiled.bytes.insert(compiled.bytes.end(), relay.bytes().begin(), relay.bytes().end());
        }
        return relays;
    }

    /// Where the interpreter can go on in it: nowhere if what would have to be stored is out of proportion.
    /// @return false if patience was over.
    [[nodiscard]] static bool add_changes(Compiled& compiled, const runtime::CompiledModule& module,
                                          const Code& code, const Patience& patience) {
        const size_t most_folded = 64 + module.module.body(code.func).whole.size_bytes;
        auto recording = interp::settlement_points(module, code, most_folded, patience);
        if (!recording)
            return false;
        if (recording->folded.size() >= most_folded)
            return true;
        for (const auto& point : recording->points)
            compiled.changes.push_back({.fast_word = point.word, .end_operand = point.end_operand});
        compiled.folded = std::move(recording->folded);
        size_t known = 0;
        for (const lower::MachineSite& site : compiled.sites) {
            if (site.point == lower::MachineSite::no_point)
                continue;
            WSB_CHECK(site.point < compiled.changes.size());
            compiled.changes[site.point].at = site.at;
            ++known;
        }
        WSB_CHECK(known == compiled.changes.size());
        return true;
    }

    uint32_t m_hot_samples;
    std::mutex m_mutex;
    std::unique_ptr<std::atomic<uint32_t>[]> m_samples;  ///< by body
    // Under the lock:
    uint64_t m_bytes_left;
    std::unique_ptr<FunctionCompiler> m_compiler;
    std::unique_ptr<ExecutableSpace> m_space;
    std::vector<std::shared_ptr<const void>> m_known;  ///< see announce
};

/// Runs whatever there is: the interpreter and machine code enter each other.
class MachineTier : public runtime::Tier {
public:
    [[nodiscard]] runtime::HostOutcome invoke(runtime::VmContext& context, const runtime::VmFunc& func,
                                              runtime::Slot* slots) const noexcept override {
        return interp::tier().invoke(context, func, slots);
    }
    [[nodiscard]] bool mark_roots(const runtime::VmContext& context, runtime::RootMaps& maps,
                                  runtime::Heap& heap) const noexcept override {
        return interp::tier().mark_roots(context, maps, heap);
    }
    [[nodiscard]] std::vector<runtime::GuestFrame> backtrace(const runtime::VmContext& context,
                                                             size_t max_frames) const override {
        return interp::tier().backtrace(context, max_frames);
    }
};

class JitTier final : public MachineTier {
public:
    [[nodiscard]] Result<void> compile(runtime::CompiledModule& compiled,
                                       const runtime::CompileOptions& options) const override {
        runtime::CompileOptions at_once = options;
        at_once.is_lazy = false;
        WSB_TRY(interp::tier().compile(compiled, at_once));
        if (compiled.executed != nullptr)
            return {};  // instructions are counted by cells
        return compile_module(compiled, options);
    }
};

class AutomaticTier final : public MachineTier {
public:
    [[nodiscard]] Result<void> compile(runtime::CompiledModule& compiled,
                                       const runtime::CompileOptions& options) const override {
        WSB_TRY(interp::tier().compile(compiled, options));
        if (compiled.executed != nullptr)
            return {};
        WSB_TRY(announce(compiled, {}));  // files begin here, where they may still be written
        compiled.tier_up = std::make_unique<HotFunctions>(compiled, options);
        return {};
    }
};

}  // namespace

bool is_available() noexcept {
    return WSB_TAIL_DISPATCH != 0 && processor_features().has_sse4_2;
}

MachineOptions machine_options(const runtime::CompiledModule& module, Processor processor) {
    WSB_CHECK(offset_in_code(&Code::native_entry) == Code::native_entry_offset);
    return {
        .handlers = interp::handlers(),
        .codes = module.codes.get(),
        .trap_exit = reinterpret_cast<const void*>(&interp::trap_exit),
        .fuel_low = reinterpret_cast<const void*>(&interp::fuel_low),
        .frame_slots_offset = offset_in_code(&Code::frame_slots),
        .header_slot_offset = offset_in_code(&Code::header_slot),
        .canonical_nans = module.canonical_nans,
        .has_bit_counts = processor == Processor::this_one ? processor_features().has_bit_counts
                                                           : processor == Processor::x86_64_v3,
    };
}

const runtime::Tier& tier() noexcept {
    static const JitTier jit;
    return jit;
}

const runtime::Tier& automatic_tier() noexcept {
    static const AutomaticTier automatic;
    return automatic;
}

}  // namespace wsb::jit
