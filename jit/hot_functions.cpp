// SPDX-License-Identifier: Apache-2.0
#include "jit/hot_functions.h"

#include "engine/interp/dispatch.h"
#include "engine/interp/stepping.h"
#include "jit/code_names.h"
#include "jit/code_registry.h"
#include "jit/executable_memory.h"
#include "jit/function_compiler.h"
#include "jit/tier.h"
#include "jit/worker.h"

#include <atomic>
#include <map>
#include <mutex>
#include <new>
#include <optional>

namespace wsb::jit {

namespace {

using lower::Code;
using lower::MachineCode;

/// For calls of functions without machine code, which may get some: pieces of code that go where native_entry
/// says, to lie behind the function.
class Relays {
public:
    Relays(const MachineText& text, const runtime::CompiledModule& module, size_t body) {
        for (const auto& call : text.calls) {
            const Code& callee = module.codes[call.body];
            const bool is_known =
                call.body == body || callee.machine.load(std::memory_order_relaxed) != nullptr;
            const auto place = static_cast<uint32_t>(text.bytes.size()) + m_code.position();
            if (is_known || !m_places.try_emplace(call.body, place).second)
                continue;
            m_code.mov_immediate(reg::int_result, reinterpret_cast<uint64_t>(&callee));
            m_code.jump(Mem{reg::int_result, static_cast<int32_t>(Code::native_entry_offset)});
        }
    }
    [[nodiscard]] std::span<const uint8_t> bytes() const noexcept { return m_code.bytes(); }
    /// From the beginning of the function; none if the callee needs none.
    [[nodiscard]] std::optional<uint32_t> of(size_t body) const noexcept {
        const auto found = m_places.find(body);
        return found != m_places.end() ? std::optional(found->second) : std::nullopt;
    }

private:
    Assembler m_code;
    std::map<size_t, uint32_t> m_places;  ///< by callee
};

class HotFunctions final : public runtime::TierUp {
public:
    HotFunctions(const runtime::CompiledModule& module, const runtime::CompileOptions& options)
        : m_hot_samples(std::max(options.hot_samples, 1u)),
          m_samples(std::make_unique<std::atomic<uint32_t>[]>(module.module.bodies.size())),
          m_bytes_left(options.most_bytes) {
        if (options.in_background)
            m_worker = std::make_unique<Worker>([this, &module](size_t body, const Patience& patience) {
                const std::scoped_lock lock(m_mutex);
                compile_or_give_up(module, body, patience);
            });
    }

    void sample(const runtime::CompiledModule& module, const Code& code,
                const Patience& patience) noexcept override {
        const size_t body = code.func.value - module.module.imported_funcs;
        std::atomic<uint32_t>& samples = m_samples[body];
        if (samples.load(std::memory_order_relaxed) == settled || !code.is_lowered)
            return;
        // What ran as long as compiling takes may run as long again.
        const uint64_t wanted =
            m_hot_samples + module.module.bodies[body].whole.size_bytes / bytes_per_sample;
        if (samples.fetch_add(1, std::memory_order_relaxed) + 1 < wanted)
            return;
        if (m_worker != nullptr) {
            // Handed over once. Without a thread it stays in the interpreter, and is asked for again.
            if (samples.exchange(settled, std::memory_order_relaxed) != settled && !m_worker->add(body))
                samples.store(0, std::memory_order_relaxed);
            return;
        }
        const std::unique_lock lock(m_mutex, std::try_to_lock);
        if (!lock.owns_lock() || samples.load(std::memory_order_relaxed) == settled)
            return;  // while another thread compiles, this one goes on in the interpreter
        samples.store(settled, std::memory_order_relaxed);
        compile_or_give_up(module, body, patience);
    }

private:
    static constexpr uint32_t settled = UINT32_MAX;  ///< no more samples: it is compiled, or never will be
    static constexpr uint64_t bytes_per_sample = 2048;
    // Address space, of which little is used: bytes of machine code for a byte of a body at the very most,
    // the rest of the last page for each, and how far calls reach.
    static constexpr uint64_t most_growth = 64, page_bytes = 4096, most_space_bytes = uint64_t{1} << 30;

    void compile_or_give_up(const runtime::CompiledModule& module, size_t body,
                            const Patience& patience) noexcept {
        try {
            compile(module, body, patience);
        } catch (const std::bad_alloc&) {
            m_bytes_left = 0;
        }
    }

    void compile(const runtime::CompiledModule& module, size_t body, const Patience& patience) {
        // Of two threads that found it at the same time one may have counted on from `settled`.
        if (module.codes[body].machine.load(std::memory_order_relaxed) != nullptr)
            return;
        if (m_bytes_left == 0 || (m_space == nullptr && !reserve(module)))
            return;
        const auto outcome = m_compiler->compile(module.codes[body].func, patience);
        WSB_CHECK(outcome.has_value() || patience.is_over());  // the body is lowered already
        const std::optional<Changes> changes =
            outcome ? changes_to(outcome->sites, module, module.codes[body], patience) : std::nullopt;
        if (!changes)
            return m_samples[body].store(0, std::memory_order_relaxed);  // another run may have the time
        const MachineText& text = *outcome;
        const Relays relays(text, module, body);
        const size_t size_bytes = text.bytes.size() + relays.bytes().size();
        if (size_bytes > m_bytes_left)
            return;
        const auto bytes = m_space->add(size_bytes, [&](std::span<uint8_t> memory) {
            write_body(text, *m_common, memory.data());
            std::ranges::copy(relays.bytes(), memory.begin() + static_cast<ptrdiff_t>(text.bytes.size()));
            for (const auto& call : text.calls) {
                const Code& callee = module.codes[call.body];
                const auto relay = relays.of(call.body);
                link(memory.data() + call.end, call.body == body ? memory.data() + text.native_entry
                                               : relay           ? memory.data() + *relay
                                                       : callee.native_entry.load(std::memory_order_relaxed));
            }
        });
        if (bytes.empty()) {
            m_bytes_left = 0;
            return;
        }
        m_bytes_left -= bytes.size();
        tell(module,
             {.func = module.codes[body].func, .bytes = bytes.first(text.code_bytes), .entry = text.entry});
        MachineCode known = describe(text, bytes.data(), m_writer);
        known.size_bytes = static_cast<uint32_t>(bytes.size());
        known.changes = m_writer.write(std::span<const lower::ChangePoint>(changes->points));
        known.folded = m_writer.write(std::span<const lower::FoldedOperand>(changes->folded));
        const MachineCode& machine = m_writer.write(std::span<const MachineCode>(&known, 1)).front();
        m_registered->add(machine);
        module.code_index.enter(module.codes[body], machine.begin, [&] {
            publish(text, machine, module.codes[body]);
            return true;
        });
    }

    /// A file of names that cannot be written any more is no reason to stop.
    void tell(const runtime::CompiledModule& module, const PlacedCode& function) {
        if (!module.code_names.are_wanted())
            return;
        remember(announce(module, {&function, 1}, {}));
    }
    void remember(Result<std::shared_ptr<const void>> known) {
        if (known && *known != nullptr)
            m_known.push_back(*std::move(known));
    }

    /// @return false if the system has no room.
    [[nodiscard]] bool reserve(const runtime::CompiledModule& module) {
        const uint64_t most =
            most_growth * module.module.code_size_bytes() + page_bytes * (module.module.bodies.size() + 1);
        m_space = ExecutableSpace::reserve(std::min(most, most_space_bytes));
        if (m_space != nullptr)
            m_registered = RegisteredCode::create(m_space->whole(), module.module.bodies.size());
        if (m_registered == nullptr || !add_common(module)) {
            m_bytes_left = 0;
            return false;
        }
        const void* const detour = m_common->at(CommonPiece::enter_code);
        for (Code& code : std::span(module.codes.get(), module.module.bodies.size()))
            code.native_entry.store(detour, std::memory_order_relaxed);
        return true;
    }

    [[nodiscard]] bool add_common(const runtime::CompiledModule& module) {
        const MachineOptions compiled_by = machine_options(module, Processor::this_one);
        m_common = std::make_unique<CommonCode>(compiled_by);
        m_compiler = std::make_unique<FunctionCompiler>(module.module, compiled_by);
        const auto bytes = m_space->add(m_common->bytes().size(),
                                        [&](std::span<uint8_t> memory) { m_common->write(memory.data()); });
        if (!bytes.empty() && module.code_names.are_wanted())
            remember(announce(module, {}, bytes));
        return !bytes.empty();
    }

    /// Where the interpreter can go on in machine code, and what has to be stored there.
    struct Changes {
        std::vector<lower::ChangePoint> points;
        std::vector<lower::FoldedOperand> folded;
    };
    /// Nowhere if what would have to be stored is out of proportion. @return nullopt if patience was over.
    [[nodiscard]] static std::optional<Changes> changes_to(std::span<const lower::MachineSite> sites,
                                                           const runtime::CompiledModule& module,
                                                           const Code& code, const Patience& patience) {
        const size_t most_folded = 64 + module.module.body(code.func).whole.size_bytes;
        auto recording = interp::settlement_points(module, code, most_folded, patience);
        if (!recording)
            return std::nullopt;
        Changes changes;
        if (recording->folded.size() >= most_folded)
            return changes;
        for (const auto& point : recording->points)
            changes.points.push_back({.fast_word = point.word, .end_operand = point.end_operand});
        changes.folded = std::move(recording->folded);
        size_t known = 0;
        for (const lower::MachineSite& site : sites) {
            if (site.point == lower::MachineSite::no_point)
                continue;
            WSB_CHECK(site.point < changes.points.size());
            changes.points[site.point].at = site.at;
            ++known;
        }
        WSB_CHECK(known == changes.points.size());
        return changes;
    }

    uint32_t m_hot_samples;
    std::mutex m_mutex;
    std::unique_ptr<std::atomic<uint32_t>[]> m_samples;  ///< by body
    // Under the lock:
    uint64_t m_bytes_left;
    lower::CodeMemory m_memory;  ///< for what is known of machine code
    lower::CodeWriter m_writer{m_memory};
    std::unique_ptr<CommonCode> m_common;
    std::unique_ptr<FunctionCompiler> m_compiler;
    std::unique_ptr<ExecutableSpace> m_space;
    std::unique_ptr<RegisteredCode> m_registered;
    std::vector<std::shared_ptr<const void>> m_known;  ///< see announce

    std::unique_ptr<Worker> m_worker;  ///< null: who notices compiles. Last, since its thread uses the rest
};

}  // namespace

std::unique_ptr<runtime::TierUp> hot_functions(const runtime::CompiledModule& module,
                                               const runtime::CompileOptions& options) {
    return std::make_unique<HotFunctions>(module, options);
}

}  // namespace wsb::jit
