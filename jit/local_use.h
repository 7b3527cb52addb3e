// SPDX-License-Identifier: Apache-2.0
// A glance over a body before it is compiled: how much each local is used, and which ones each loop reads and
// writes. Only the best registers depend on it, so that it need not judge what it sees: the body may not even
// be valid.
#pragma once

#include "engine/base/patience.h"
#include "engine/binary/instr_reader.h"
#include "engine/module/module.h"

#include <cstdint>
#include <span>
#include <vector>

namespace wsb::jit {

class LocalUse {
public:
    static constexpr uint32_t no_loop = ~uint32_t{0};

    /// A use counts eight times as much for each loop around it.
    struct Local {
        uint64_t weight = 0;
        uint32_t last_read = no_loop, last_write = no_loop;  ///< the loop where it was last seen
    };
    struct Use {
        uint32_t loop;
        uint32_t local;
        bool is_write;
    };
    struct Loop {
        uint64_t offset_bytes = 0;  ///< of its head in the module
        uint32_t outer = no_loop;
        bool leaves_registers = false;  ///< something in it takes all registers away
    };

    /// Looks at a function that is not imported; up to where it is malformed, or patience is over.
    void scan(const Module& module, FuncIdx func, const Patience& patience);

    [[nodiscard]] std::span<const Local> locals() const noexcept { return m_locals; }
    /// In the order of their heads. What is not reachable is there too.
    [[nodiscard]] std::span<const Loop> loops() const noexcept { return m_loops; }
    /// Without most repetitions. Those of inner loops are not repeated for outer ones.
    [[nodiscard]] std::span<const Use> uses() const noexcept { return m_uses; }

private:
    void begin(const Module& module, FuncIdx func);
    void skim(binary::InstrReader& reader, size_t most_bytes);
    void note(const binary::Instr& instr);
    void use(uint32_t local, bool is_write) {
        Local& used = m_locals[local];
        used.weight += m_weight;
        const uint32_t loop = m_frames.back();
        uint32_t& last = is_write ? used.last_write : used.last_read;
        if (loop == no_loop || last == loop)
            return;
        last = loop;
        m_uses.push_back({loop, local, is_write});
    }
    void leave_registers() {
        if (m_frames.back() != no_loop)
            m_loops[m_frames.back()].leaves_registers = true;
    }
    void open_block() { m_frames.push_back(m_frames.back()); }
    void open_loop(uint64_t offset_bytes);
    void close();
    void set_depth(unsigned depth) noexcept;

    std::vector<Local> m_locals;
    std::vector<Use> m_uses;
    std::vector<Loop> m_loops;
    std::vector<uint32_t> m_frames;  ///< the innermost loop of each open block, the function's own first
    binary::Instr m_instr;
    unsigned m_depth = 0;
    uint64_t m_weight = 1;  ///< of a use at that depth
};

}  // namespace wsb::jit
