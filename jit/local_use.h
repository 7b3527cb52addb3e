// SPDX-License-Identifier: Apache-2.0
// The first pass over a body: how much each local is used, and which ones each loop reads and writes.
#pragma once

#include "engine/validate/body_sink.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace wsb::jit {

class LocalUseSink : public validate::NullSink {
public:
    static constexpr uint32_t no_loop = ~uint32_t{0};

    struct Use {
        uint32_t loop;
        uint32_t local;
        bool is_write;
    };
    struct Loop {
        uint32_t outer = no_loop;
        bool leaves_registers = false;  ///< something in it takes all registers away
    };

    void begin(const validate::BodyInfo& info) {
        m_weights.assign(info.locals.size(), 0);
        m_last_read.assign(info.locals.size(), no_loop);
        m_last_write.assign(info.locals.size(), no_loop);
        m_uses.clear();
        m_loops.clear();
        m_frames.assign(1, no_loop);
        set_depth(0);
    }
    void local_get(LocalIdx local, ValType) { use(local.value, false); }
    void local_set(LocalIdx local, ValType) { use(local.value, true); }
    void local_tee(LocalIdx local, ValType) { use(local.value, true); }
    void block(const validate::BlockShape&) { open(m_frames.back()); }
    void if_(const validate::BlockShape&) { open(m_frames.back()); }
    void try_table(const validate::BlockShape&, std::span<const binary::CatchClause>) {
        open(m_frames.back());
    }
    void legacy_try(const validate::BlockShape&) { open(m_frames.back()); }
    void loop(const validate::BlockShape&) {
        m_loops.push_back({m_frames.back()});
        open(static_cast<uint32_t>(m_loops.size() - 1));
        set_depth(m_depth + 1);
    }
    void end_block(bool) {
        const uint32_t loop = m_frames.back();
        m_frames.pop_back();
        if (loop != m_frames.back())
            set_depth(m_depth - 1);
    }
    void call(FuncIdx, const FuncType&, bool) { leave_registers(); }
    void call_indirect(TypeIdx, TableIdx, const FuncType&, bool) { leave_registers(); }
    void call_ref(TypeIdx, const FuncType&, bool) { leave_registers(); }

    /// By local; a use counts eight times as much for each loop around it.
    [[nodiscard]] const std::vector<uint64_t>& weights() const noexcept { return m_weights; }
    /// In the order of their heads.
    [[nodiscard]] const std::vector<Loop>& loops() const noexcept { return m_loops; }
    /// Without most repetitions. Those of inner loops are not repeated for outer ones.
    [[nodiscard]] const std::vector<Use>& uses() const noexcept { return m_uses; }

private:
    void open(uint32_t loop) { m_frames.push_back(loop); }
    void leave_registers() {
        if (m_frames.back() != no_loop)
            m_loops[m_frames.back()].leaves_registers = true;
    }
    void set_depth(unsigned depth) {
        constexpr unsigned deepest = 6;
        m_depth = depth;
        m_weight = uint64_t{1} << (3 * std::min(depth, deepest));
    }
    void use(uint32_t local, bool is_write) {
        m_weights[local] += m_weight;
        const uint32_t loop = m_frames.back();
        uint32_t& last = is_write ? m_last_write[local] : m_last_read[local];
        if (loop == no_loop || last == loop)
            return;
        last = loop;
        m_uses.push_back({loop, local, is_write});
    }

    std::vector<uint64_t> m_weights;
    std::vector<uint32_t> m_last_read, m_last_write;  ///< by local: the loop where it was last seen
    std::vector<Use> m_uses;
    std::vector<Loop> m_loops;
    std::vector<uint32_t> m_frames;  ///< the innermost loop of each open block
    unsigned m_depth = 0;
    uint64_t m_weight = 1;  ///< of a use at that depth
};

}  // namespace wsb::jit
