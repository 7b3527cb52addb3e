// SPDX-License-Identifier: Apache-2.0
#include "jit/tier.h"

#include "engine/base/huge_pages.h"
#include "engine/interp/dispatch.h"
#include "engine/interp/stepping.h"
#include "engine/interp/tier.h"
#include "engine/lower/lower.h"
#include "engine/runtime/compile_bodies.h"
#include "jit/code_names.h"
#include "jit/code_registry.h"
#include "jit/executable_memory.h"
#include "jit/function_compiler.h"
#include "jit/hot_functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cpuid.h>
#include <deque>
#include <mutex>

namespace wsb::jit {

namespace {

using lower::Code;
using lower::MachineCode;

/// Instructions that the compiler may emit beyond those of every x86-64.
struct ProcessorFeatures {
    bool has_sse4_2 = false;      ///< and everything before it
    bool has_bit_counts = false;  ///< popcnt, lzcnt, tzcnt
    bool has_shifts = false;      ///< BMI2
    bool has_avx = false;         ///< and the system keeps its registers
};

/// Whether the system says that it saves xmm and ymm registers.
[[nodiscard]] bool keeps_avx_registers() noexcept {
    uint32_t low = 0, high = 0;
    asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6;
}

[[nodiscard]] ProcessorFeatures detect_features() noexcept {
    ProcessorFeatures features;
    unsigned a = 0, b = 0, c = 0, d = 0;
    bool has_popcnt = false, has_lzcnt = false, has_bmi1 = false;
    if (__get_cpuid(1, &a, &b, &c, &d) != 0) {
        features.has_sse4_2 = (c & bit_SSE4_2) != 0;
        has_popcnt = (c & bit_POPCNT) != 0;
        features.has_avx = (c & bit_OSXSAVE) != 0 && (c & bit_AVX) != 0 && keeps_avx_registers();
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
        has_bmi1 = (b & bit_BMI) != 0;
        features.has_shifts = (b & bit_BMI2) != 0;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d) != 0)
        has_lzcnt = (c & bit_LZCNT) != 0;
    features.has_bit_counts = has_popcnt && has_lzcnt && has_bmi1;
    return features;
}

/// Asked once: on a virtual machine, each answer of the processor comes from its host.
[[nodiscard]] const ProcessorFeatures& processor_features() noexcept {
    static const ProcessorFeatures features = detect_features();
    return features;
}

/// Writes a module's functions to where they will run.
class ModuleCode {
public:
    /// What a thread has of it.
    struct Share {
        std::span<uint8_t> room;                ///< writable, and still free
        TrivialVector<MachineText::Call> open;  ///< calls of what has no place yet; `end` from the beginning
    };

    [[nodiscard]] static Result<std::unique_ptr<ModuleCode>> reserve(runtime::CompiledModule& module,
                                                                     const MachineOptions& compiled_by,
                                                                     unsigned threads, uint64_t most_bytes);
    /// Another one for each thread that asks.
    [[nodiscard]] Share& next_share() {
        const std::scoped_lock lock(m_mutex);
        if (m_taken == m_shares.size())
            m_shares.emplace_back();
        return m_shares[m_taken++];
    }
    /// Gives a function its place. @return how many bytes it takes there.
    [[nodiscard]] Result<uint64_t> add(const MachineText& text, Code& code, lower::CodeWriter& writer,
                                       Share& share);
    /// After all functions. @return what has to live as long as any of them may run.
    [[nodiscard]] Result<std::shared_ptr<const void>> finish();

private:
    ModuleCode(runtime::CompiledModule& module, const MachineOptions& compiled_by,
               std::unique_ptr<ExecutableSpace> space, size_t piece_bytes)
        : m_module(module), m_space(std::move(space)), m_piece_bytes(piece_bytes), m_common(compiled_by) {
        if (module.code_names.are_wanted())
            m_placed.resize(module.module.bodies.size());
    }
    [[nodiscard]] static size_t aligned(size_t size_bytes) noexcept {
        constexpr size_t alignment = 16;  // constants of vectors want it as well
        return (size_bytes + alignment - 1) / alignment * alignment;
    }
    [[nodiscard]] Result<uint8_t*> place(size_t size_bytes, Share& share);
    [[nodiscard]] const void* entry_of(size_t body) const noexcept {
        return m_module.codes[body].native_entry.load(std::memory_order_relaxed);
    }
    [[nodiscard]] uint8_t* begin() const noexcept { return m_space->begin(); }

    runtime::CompiledModule& m_module;
    std::unique_ptr<ExecutableSpace> m_space;
    const size_t m_piece_bytes;
    CommonCode m_common;
    std::vector<PlacedCode> m_placed;  ///< by body, if somebody wants to know
    std::mutex m_mutex;
    // Under the lock: the space, and
    std::deque<Share> m_shares;
    size_t m_taken = 0;  ///< of the shares
};

Result<std::unique_ptr<ModuleCode>> ModuleCode::reserve(runtime::CompiledModule& module,
                                                        const MachineOptions& compiled_by, unsigned threads,
                                                        uint64_t most_bytes) {
    // Measured: 2.6 to 4.7 bytes of machine code for a byte of code; and each thread leaves some of its last
    // piece unused. Where address space is limited, less than wanted must do.
    constexpr uint64_t most_reach = INT32_MAX, least_growth = 8;
    const uint64_t least_bytes = (4 + uint64_t{threads}) * huge_page_bytes;
    const uint64_t code_bytes = module.module.code_size_bytes();
    const uint64_t least = std::min(least_growth * code_bytes + least_bytes, most_reach);
    uint64_t size_bytes = std::clamp(most_bytes, least, most_reach);
    std::unique_ptr<ExecutableSpace> space = ExecutableSpace::reserve(size_bytes);
    while (space == nullptr && size_bytes > least)
        space = ExecutableSpace::reserve(size_bytes = std::max(size_bytes / 2, least));
    if (space == nullptr)
        return fail(ErrorCode::out_of_memory, "for machine code");
    // Huge pages where most of one is used; else pieces of which the last leaves little unused.
    const uint64_t expected_bytes = 3 * code_bytes / threads;
    const uint64_t piece_bytes =
        expected_bytes < huge_page_bytes / 2 ? std::max<uint64_t>(expected_bytes / 4, 1) : huge_page_bytes;
    std::unique_ptr<ModuleCode> code(new ModuleCode(module, compiled_by, std::move(space), piece_bytes));
    // In the first share, whose thread puts its functions behind it.
    const size_t common_bytes = aligned(code->m_common.bytes().size());
    WSB_TRY_ASSIGN(uint8_t* const common, code->place(common_bytes, code->m_shares.emplace_back()));
    code->m_common.write(common);
    return code;
}

Result<uint8_t*> ModuleCode::place(size_t size_bytes, Share& share) {
    if (size_bytes > share.room.size()) {
        const std::scoped_lock lock(m_mutex);
        if (size_bytes > m_space->bytes_left())
            return fail(ErrorCode::limit_exceeded,
                        fmt::format("machine code of more than {} bytes", m_space->whole().size()));
        const size_t piece_bytes = std::clamp(m_piece_bytes, size_bytes, m_space->bytes_left());
        share.room = m_space->open(piece_bytes);
        if (share.room.empty())
            return fail(ErrorCode::out_of_memory, "for machine code");
    }
    uint8_t* const begin = share.room.data();
    share.room = share.room.subspan(std::min(size_bytes, share.room.size()));
    return begin;
}

Result<uint64_t> ModuleCode::add(const MachineText& text, Code& code, lower::CodeWriter& writer,
                                 Share& share) {
    const size_t size_bytes = aligned(text.bytes.size());
    WSB_TRY_ASSIGN(uint8_t* const place_begin, place(size_bytes, share));
    write_body(text, m_common, place_begin);
    const MachineCode known = describe(text, place_begin, writer);
    publish(text, writer.write(std::span(&known, 1)).front(), code);
    for (const auto& call : text.calls) {
        uint8_t* const end = place_begin + call.end;
        if (const void* const entry = entry_of(call.body))
            link(end, entry);
        else
            share.open.push_back({static_cast<uint32_t>(end - begin()), call.body});
    }
    if (!m_placed.empty())
        m_placed[code.func.value - m_module.module.imported_funcs] = {
            .func = code.func, .bytes = {place_begin, text.code_bytes}, .entry = text.entry};
    return size_bytes;
}

/// Where functions are, and who knows of it as long as they are there.
struct Residence {
    std::unique_ptr<ExecutableSpace> memory;
    std::shared_ptr<const void> known;
    std::unique_ptr<RegisteredCode> registered;
};

Result<std::shared_ptr<const void>> ModuleCode::finish() {
    for (const Share& share : m_shares)
        for (const auto& call : share.open)
            link(begin() + call.end, entry_of(call.body));
    m_space->close();
    if (!m_space->seal())
        return fail(ErrorCode::out_of_memory, "the system does not allow machine code to be executed");
    WSB_TRY_ASSIGN(auto known, announce(m_module, m_placed, m_common.placed()));
    const auto functions = m_module.code_index.loaded_machines();
    auto registered = RegisteredCode::create(m_space->whole(), functions.size());
    if (registered == nullptr)
        return fail(ErrorCode::out_of_memory, "for machine code");
    for (const Code* const function : functions)
        registered->add(*function->machine.load(std::memory_order_relaxed));
    return std::make_shared<const Residence>(std::move(m_space), std::move(known), std::move(registered));
}

/// Compiles bodies. Who catches exceptions is lowered as well: the interpreter searches its clauses.
class BodyCompiler {
public:
    BodyCompiler(runtime::CompiledModule& module, const runtime::CompileOptions& options,
                 const MachineOptions& compiled_by, ModuleCode& machine_code)
        : m_module(module),
          m_patience(options.deadline),
          m_machine_code(machine_code),
          m_share(machine_code.next_share()),
          m_compiler(module.module, compiled_by),
          m_writer(module.code_memory),
          m_lowerer(module.module, interp::lower_options(module, m_writer, options)) {}
    BodyCompiler(const BodyCompiler&) = delete;
    BodyCompiler& operator=(const BodyCompiler&) = delete;

    [[nodiscard]] Result<uint64_t> operator()(size_t body) {
        const FuncIdx func(m_module.module.imported_funcs + body);
        Code& code = m_module.codes[body];
        lower::write_outline(m_module.module, func, code);
        WSB_TRY_ASSIGN(const MachineText text, m_compiler.compile(func, m_patience));
        if (!text.landings.empty())
            WSB_TRY(m_lowerer.lower(func, code));
        WSB_TRY_ASSIGN(const uint64_t size_bytes, m_machine_code.add(text, code, m_writer, m_share));
        return size_bytes + code.size_bytes();
    }

private:
    runtime::CompiledModule& m_module;
    const Patience m_patience;
    ModuleCode& m_machine_code;
    ModuleCode::Share& m_share;
    FunctionCompiler m_compiler;
    lower::CodeWriter m_writer;
    lower::FunctionLowerer m_lowerer;
};

[[nodiscard]] Result<void> compile_module(runtime::CompiledModule& module,
                                          const runtime::CompileOptions& options) {
    const size_t count = module.module.bodies.size();
    module.codes = std::make_unique<Code[]>(count);
    if (count == 0)
        return {};
    const MachineOptions compiled_by = machine_options(module, Processor::this_one);
    const unsigned threads = usable_threads(options.threads);
    // What is known of machine code takes 1.2 to 2.2 times as much as the code that it was made of.
    module.code_memory.expect(2 * module.module.code_size_bytes(), threads);
    WSB_TRY_ASSIGN(auto code, ModuleCode::reserve(module, compiled_by, threads, options.most_bytes));
    WSB_TRY(runtime::compile_bodies(count, threads, options, [&] {
        return std::make_unique<BodyCompiler>(module, options, compiled_by, *code);
    }));
    module.code_index.enter_loaded({module.codes.get(), count});
    WSB_TRY_ASSIGN(module.machine_memory, code->finish());
    return {};
}

/// Runs whatever there is: the interpreter and machine code enter each other.
class MachineTier : public runtime::Tier {
public:
    [[nodiscard]] runtime::HostOutcome invoke(runtime::VmContext& context, const runtime::VmFunc& func,
                                              runtime::Slot* slots) const noexcept override {
        return interp::invoke(context, func, slots);
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
        if (compiled.executed == nullptr)
            return compile_module(compiled, options);
        runtime::CompileOptions at_once = options;  // instructions are counted by cells
        at_once.is_lazy = false;
        return interp::tier().compile(compiled, at_once);
    }
};

class AutomaticTier final : public MachineTier {
public:
    [[nodiscard]] Result<void> compile(runtime::CompiledModule& compiled,
                                       const runtime::CompileOptions& options) const override {
        WSB_TRY(interp::tier().compile(compiled, options));
        if (compiled.executed != nullptr)
            return {};
        WSB_TRY(announce(compiled, {}, {}));  // files begin here, where they may still be written
        compiled.tier_up = hot_functions(compiled, options);
        return {};
    }
};

}  // namespace

bool is_available() noexcept {
    return WSB_TAIL_DISPATCH != 0 && processor_features().has_sse4_2;
}

MachineOptions machine_options(const runtime::CompiledModule& module, Processor processor) {
    // Code has no standard layout, so offsetof is not for it.
    const Code code;
    WSB_CHECK(static_cast<const void*>(&code) == &code.native_entry);
    const bool is_v3 = processor == Processor::x86_64_v3;
    const ProcessorFeatures features = processor == Processor::this_one
                                           ? processor_features()
                                           : ProcessorFeatures{true, is_v3, is_v3, is_v3};
    return {
        .handlers = interp::handlers(),
        .codes = module.codes.get(),
        .trap_exit = reinterpret_cast<const void*>(&interp::trap_exit),
        .fuel_low = reinterpret_cast<const void*>(&interp::fuel_low),
        .host_call_ended = reinterpret_cast<const void*>(&interp::host_call_ended),
        .are_entries_final = module.tier_up == nullptr,
        .canonical_nans = module.canonical_nans,
        .has_guard_regions = module.has_guard_regions,
        .has_bit_counts = features.has_bit_counts,
        .has_shifts = features.has_shifts,
        .has_avx = features.has_avx,
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
