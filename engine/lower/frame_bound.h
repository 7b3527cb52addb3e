// SPDX-License-Identifier: Apache-2.0
// An upper bound of a function's frame, found while its body is validated: if it is small enough, lowering
// the function later cannot fail any more.
#pragma once

#include "engine/isa/limits.h"
#include "engine/validate/body_sink.h"

#include <algorithm>

namespace wsb::lower {

class FrameBoundSink : public validate::NullSink {
public:
    void begin(const validate::BodyInfo& info) {
        m_info = info;
        m_operands = 0;
        m_keeps_exceptions = false;
    }
    void at(const binary::Instr&) { m_operands = std::max(m_operands, m_info.operands->size()); }
    void legacy_try(const validate::BlockShape&) { m_keeps_exceptions = true; }

    /// Whether the frame is within the limit for certain.
    [[nodiscard]] bool is_small() const noexcept {
        // Any value may be a vector. Beside the operands there are at most those that one instruction has
        // on its way, and an exception for each legacy block that is open: those are not counted here.
        constexpr size_t most_slots = 2;
        constexpr size_t header_and_way = 64 + most_slots * (limits::parameters + limits::results);
        const size_t values = m_info.locals.size() + m_info.type->results.size() + m_operands;
        return !m_keeps_exceptions && most_slots * values + header_and_way <= limits::frame_slots;
    }

private:
    validate::BodyInfo m_info;
    size_t m_operands = 0;  ///< the most before an instruction
    bool m_keeps_exceptions = false;
};

}  // namespace wsb::lower
