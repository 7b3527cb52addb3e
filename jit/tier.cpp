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

    /// @return nothing if the function is left to the interpreter.
    [[nodiscard]] std::unique_ptr<Compiled> compile(FuncIdx func) {
        WSB_CHECK(m_use_reader.run(func).has_value());  // the body was validated before
        if (m_use.is_refused())
            return nullptr;
        m_sink.expect(m_use);
        WSB_CHECK(m_reader.run(func).has_value());
        MachineText text = m_sink.take();
        auto compiled = std::make_unique<Compiled>();
        compiled->bytes.assign(text.bytes.begin(), text.bytes.end());
        compiled->addresses.assign(text.addresses.begin(), text.addresses.end());
        compiled->calls.assign(text.calls.begin(), text.calls.end());
        compiled->sites = std::move(text.sites);
        compiled->code_bytes = text.code_bytes;
        compiled->entry = text.entry;
        compiled->entry_cell = text.entry_cell;
        compiled->native_entry = text.native_entry;
        return compiled;
    }

private:
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

/// How machine code calls a function that has none.
[[nodiscard]] Compiled detour(const Code& code) {
    Assembler assembler;
    assembler.endbr64();
    assembler.pop(reg::scratch);  // the header tells where to return to
    assembler.alu(Width::w64, Alu::and_,
                  {reg::frame, static_cast<int32_t>(code.header_slot * sizeof(runtime::Slot))},
                  ~static_cast<int32_t>(lower::native_return_flag));
    assembler.mov_immediate(reg::int_result, reinterpret_cast<uint64_t>(&code));
    assembler.mov_immediate(reg::scratch, interp::handlers().enter_code);
    assembler.jump(reg::scratch);
    Compiled compiled;
    compiled.bytes.assign(assembler.bytes().begin(), assembler.bytes().end());
    return compiled;
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
            std::memcpy(begin, function.bytes.data(), function.bytes.size());
            for (const auto& address : function.addresses) {
                const uint8_t* const target = begin + address.target;
                std::memcpy(begin + address.at, &target, sizeof target);
            }
            for (const auto& call : function.calls) {
                const uint8_t* const target =
                    memory + m_offsets[call.body] + m_functions[call.body]->native_entry;
                const auto distance = static_cast<int32_t>(target - (begin + call.end));
                std::memcpy(begin + call.end - sizeof distance, &distance, sizeof distance);
            }
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

/// Gives functions their place. Those that are null are left to the interpreter.
[[nodiscard]] Result<void> place(runtime::CompiledModule& module,
                                 std::vector<std::unique_ptr<Compiled>>& functions) {
    std::vector<bool> is_compiled;
    for (size_t i = 0; i < functions.size(); ++i) {
        is_compiled.push_back(functions[i] != nullptr);
        if (functions[i] == nullptr)
            functions[i] = std::make_unique<Compiled>(detour(module.codes[i]));
    }
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
        if (is_compiled[i])
            placed.push_back({.func = FuncIdx(module.module.imported_funcs + static_cast<uint32_t>(i)),
                              .bytes = memory->bytes().subspan(layout.offset(i), functions[i]->code_bytes),
                              .entry = functions[i]->entry});
    WSB_TRY_ASSIGN(auto known, announce(module, placed));
    for (size_t i = 0; i < functions.size(); ++i) {
        const uint8_t* const begin = memory->bytes().data() + layout.offset(i);
        if (is_compiled[i])
            publish(module, module.codes[i], begin, *functions[i]);
        else
            module.codes[i].native_entry.store(begin, std::memory_order_release);
    }
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
    WSB_CHECK(offset_in_code(&Code::native_entry) == Code::native_entry_offset);
    const size_t count = module.module.bodies.size();
    const MachineOptions compiled_by = machine_options(module, Processor::this_one);
    std::vector<std::unique_ptr<Compiled>> functions(count);
    std::atomic<bool> is_late = false, is_out_of_memory = false;
    std::atomic<uint64_t> size_bytes = 0;
    parallel_for(count, usable_threads(options.threads), [&] {
        return [&, compiler =
                       std::make_unique<FunctionCompiler>(module.module, compiled_by)](size_t i) noexcept {
            if (is_late || is_out_of_memory || size_bytes > options.most_bytes)
                return;
            try {
                functions[i] =
                    compiler->compile(FuncIdx(module.module.imported_funcs + static_cast<uint32_t>(i)));
            } catch (const std::bad_alloc&) {
                is_out_of_memory = true;
            }
            if (functions[i] != nullptr)
                size_bytes += functions[i]->bytes.size();
            if (options.deadline && std::chrono::steady_clock::now() >= *options.deadline)
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

class JitTier final : public runtime::Tier {
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

}  // namespace

bool is_available() noexcept {
    return WSB_TAIL_DISPATCH != 0 && processor_features().has_sse4_2;
}

MachineOptions machine_options(const runtime::CompiledModule& module, Processor processor) {
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

}  // namespace wsb::jit
