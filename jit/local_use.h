// SPDX-License-Identifier: Apache-2.0
// A glance over a body before it is compiled: how much each local is used, and which ones each loop reads and
// writes. Only the best registers depend on it, so that it need not judge what it sees: the body may not even
// be valid.
#pragma once

#include "engine/base/patience.h"
#include "engine/binary/instr_reader.h"
#include "engine/module/module.h"

#include <array>
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
        std::array<uint32_t, 2> last{no_loop, no_loop};  ///< the loops where it was last read and written
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

    [[nodiscard]] std::span<const Local> locals() const noexcept {
        return std::span(m_locals).subspan(1, m_count);
    }
    /// In the order of their heads. What is not reachable is there too.
    [[nodiscard]] std::span<const Loop> loops() const noexcept { return m_loops; }
    /// Without most repetitions. Those of inner loops are not repeated for outer ones.
    [[nodiscard]] std::span<const Use> uses() const noexcept { return m_uses; }

private:
    void begin(const Module& module, FuncIdx func);
    void skim(binary::InstrReader& reader, size_t most_bytes);
    void note(const binary::Instr& instr);
    /// `place` is in m_locals.
    void use(uint32_t place, bool is_write) {
        m_locals[place].weight += m_weight;
        if (m_locals[place].last[is_write] != m_loop) [[unlikely]]
            use_in_loop(place, is_write);
    }
    void use_in_loop(uint32_t place, bool is_write) {
        m_locals[place].last[is_write] = m_loop;
        if (m_loop != no_loop && place != 0 && place <= m_count)
            m_uses.push_back({m_loop, place - 1, is_write});
    }
    void leave_registers() {
        if (m_loop != no_loop)
            m_loops[m_loop].leaves_registers = true;
    }
    void open_block() { m_frames.push_back(m_loop); }
    void open_loop(uint64_t offset_bytes);
    void close();
    void enter(uint32_t loop, unsigned depth) noexcept;

    /// Behind one that is none, for what is no use of any; perhaps before others that are none, and have
    /// whatever was written there.
    std::vector<Local> m_locals;
    uint32_t m_count = 0;  ///< of the function's
    std::vector<Use> m_uses;
    std::vector<Loop> m_loops;
    std::vector<uint32_t> m_frames;  ///< the innermost loop of each open block, the function's own first
    binary::Instr m_instr;
    uint32_t m_loop = no_loop;  ///< the innermost open one
    unsigned m_depth = 0;
    uint64_t m_weight = 1;  ///< of a use at that depth
};

}  // namespace wsb::jit
