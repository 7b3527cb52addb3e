// SPDX-License-Identifier: Apache-2.0
#include "jit/tier.h"

#include "engine/base/huge_pages.h"
#include "engine/interp/dispatch.h"
#include "engine/interp/stepping.h"
#include "engine/interp/tier.h"
#include "engine/lower/lower.h"
#include "engine/runtime/compile_bodies.h"
#include "jit/code_names.h"
#include "jit/executable_memory.h"
#include "jit/function_compiler.h"
#include "jit/hot_functions.h"

#include <algorithm>
#include <atomic>
#include <cpuid.h>
#include <deque>
#include <memory_resource>
#include <new>

namespace wsb::jit {

namespace {

using lower::Code;

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

[[nodiscard]] ProcessorFeatures processor_features() noexcept {
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

constexpr size_t alignment = 64;
/// What calls can reach.
constexpr size_t most_bytes = INT32_MAX;
[[nodiscard]] constexpr size_t aligned(size_t bytes) noexcept {
    return (bytes + alignment - 1) / alignment * alignment;
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

/// Where functions are, and who knows of it as long as they are there.
struct Residence {
    std::unique_ptr<ExecutableMemory> memory;
    std::shared_ptr<const void> known;
    std::unique_ptr<RegisteredCode> registered;
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
    std::unique_ptr<RegisteredCode> registered = RegisteredCode::create(memory->bytes(), functions.size());
    if (registered == nullptr)
        return fail(ErrorCode::out_of_memory, "for machine code");
    for (size_t i = 0; i < functions.size(); ++i)
        publish(module, module.codes[i], memory->bytes().data() + layout.offset(i), *functions[i],
                *registered);
    module.machine_memory =
        std::make_shared<const Residence>(std::move(memory), std::move(known), std::move(registered));
    return {};
}

/// Blocks for what is large and written at once.
class LargeBlocks final : public std::pmr::memory_resource {
    void* do_allocate(size_t bytes, size_t needed) override {
        void* const block = ::operator new(bytes, huge_page_alignment(bytes, needed));
        prefer_huge_pages(block, bytes);
        return block;
    }
    void do_deallocate(void* block, size_t bytes, size_t needed) override {
        ::operator delete(block, huge_page_alignment(bytes, needed));
    }
    [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }
};

/// Where each thread keeps machine code until it has its place.
class Rooms {
public:
    Rooms(uint64_t code_bytes, unsigned threads) {
        // Measured: 2.9 to 5.5 bytes of machine code for a byte of code.
        const uint64_t expected_bytes = 5 * code_bytes / threads;
        for (unsigned i = 0; i < threads; ++i)
            m_rooms.emplace_back(std::clamp<uint64_t>(expected_bytes, 1024, 4 * huge_page_bytes), &m_blocks);
    }
    /// Another one for each thread that asks, as many as were wanted.
    [[nodiscard]] std::pmr::memory_resource* next() noexcept { return &m_rooms[m_next.fetch_add(1)]; }

private:
    LargeBlocks m_blocks;
    std::deque<std::pmr::monotonic_buffer_resource> m_rooms;
    std::atomic<size_t> m_next = 0;
};

/// Compiles bodies. Who catches exceptions is lowered as well: the interpreter searches its clauses.
class BodyCompiler {
public:
    BodyCompiler(runtime::CompiledModule& module, const runtime::CompileOptions& options,
                 const MachineOptions& compiled_by, std::pmr::memory_resource* room,
                 std::span<std::unique_ptr<Compiled>> functions)
        : m_module(module),
          m_patience(options.deadline),
          m_room(room),
          m_functions(functions),
          m_compiler(module.module, compiled_by),
          m_writer(module.code_memory),
          m_lowerer(module.module, interp::lower_options(module, m_writer, options)) {}
    BodyCompiler(const BodyCompiler&) = delete;
    BodyCompiler& operator=(const BodyCompiler&) = delete;

    [[nodiscard]] Result<uint64_t> operator()(size_t body) {
        const FuncIdx func(m_module.module.imported_funcs + body);
        Code& code = m_module.codes[body];
        lower::write_outline(m_module.module, func, code);
        WSB_TRY_ASSIGN(m_functions[body], m_compiler.compile(func, m_patience, m_room));
        if (!m_functions[body]->landings.empty())
            WSB_TRY(m_lowerer.lower(func, code));
        return m_functions[body]->bytes.size() + code.size_bytes();
    }

private:
    runtime::CompiledModule& m_module;
    const Patience m_patience;
    std::pmr::memory_resource* m_room;
    const std::span<std::unique_ptr<Compiled>> m_functions;
    FunctionCompiler m_compiler;
    lower::CodeWriter m_writer;
    lower::FunctionLowerer m_lowerer;
};

[[nodiscard]] Result<void> compile_module(runtime::CompiledModule& module,
                                          const runtime::CompileOptions& options) {
    const size_t count = module.module.bodies.size();
    module.codes = std::make_unique<Code[]>(count);
    const MachineOptions compiled_by = machine_options(module, Processor::this_one);
    const unsigned threads = usable_threads(options.threads);
    Rooms rooms(module.module.code_size_bytes(), threads);
    std::vector<std::unique_ptr<Compiled>> functions(count);
    WSB_TRY(runtime::compile_bodies(count, threads, options, [&] {
        return std::make_unique<BodyCompiler>(module, options, compiled_by, rooms.next(), functions);
    }));
    module.code_index.enter_loaded({module.codes.get(), count});
    return place(module, functions);
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
        WSB_TRY(announce(compiled, {}));  // files begin here, where they may still be written
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
