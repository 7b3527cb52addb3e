// SPDX-License-Identifier: Apache-2.0
// The instructions that most code consists of, by their first and only byte. The body reader has a short way
// for them (BodyReader::read_usual).
#pragma once

#include "engine/isa/opcode.h"
#include "engine/isa/types.h"

#include <array>
#include <cstdint>

namespace wsb::validate {

struct UsualInstr {
    enum class Kind : uint8_t {
        none,
        local_get,
        local_set,
        local_tee,
        i32_const,
        i64_const,
        unary,
        compare,
        binary,
        load,
        store,
        block,  // if and loop too
        br,     // br_if too
        call,
        global,      // get and set
        parametric,  // drop and select
        else_,
        end,
    };
    Kind kind = Kind::none;
    uint8_t fuel = 0;
    uint8_t max_align_log2 = 0;  ///< load, store
    /// Operands; of a load none (i32 is its address), of a store second is the value.
    ValType::Kind first = ValType::i32, second = ValType::i32;
    ValType::Kind result = ValType::i32;
    Op op{};
};
static_assert(sizeof(UsualInstr) == 8);  // so that the processor finds one by its index

namespace detail {

[[nodiscard]] constexpr UsualInstr::Kind usual_kind(Op op) noexcept {
    using Kind = UsualInstr::Kind;
    switch (op) {
        case Op::local_get: return Kind::local_get;
        case Op::local_set: return Kind::local_set;
        case Op::local_tee: return Kind::local_tee;
        case Op::i32_const: return Kind::i32_const;
        case Op::i64_const: return Kind::i64_const;
        case Op::block:
        case Op::if_:
        case Op::loop: return Kind::block;
        case Op::br:
        case Op::br_if: return Kind::br;
        case Op::call: return Kind::call;
        case Op::global_get:
        case Op::global_set: return Kind::global;
        case Op::drop:
        case Op::select: return Kind::parametric;
        case Op::else_: return Kind::else_;
        case Op::end: return Kind::end;
        default: break;
    }
    switch (op_info(op).cls) {
        case OpClass::unary: return Kind::unary;
        case OpClass::compare: return Kind::compare;
        case OpClass::binary: return Kind::binary;
        case OpClass::load: return Kind::load;
        case OpClass::store: return Kind::store;
        default: return Kind::none;
    }
}

/// Addresses are those of a 32-bit memory.
[[nodiscard]] constexpr ValType::Kind usual_type(char letter) noexcept {
    switch (letter) {
        case 'l': return ValType::i64;
        case 'f': return ValType::f32;
        case 'd': return ValType::f64;
        default: return ValType::i32;
    }
}

}  // namespace detail

/// By the first byte.
inline constexpr auto usual_instrs = [] {
    std::array<UsualInstr, 256> table{};
    for (size_t i = 0; i < op_count; ++i) {
        const OpInfo& row = op_table[i];
        const auto kind = detail::usual_kind(static_cast<Op>(i));
        // Those that no feature takes away.
        if (row.prefix != 0 || row.feature != Feature::mvp || kind == UsualInstr::Kind::none)
            continue;
        UsualInstr& usual = table[row.code];
        usual.kind = kind;
        usual.op = static_cast<Op>(i);
        usual.fuel = row.fuel;
        while ((2u << usual.max_align_log2) <= row.width_bytes)
            ++usual.max_align_log2;
        usual.first = detail::usual_type(row.params.empty() ? 'i' : row.params[0]);
        usual.second = detail::usual_type(row.params.size() < 2 ? 'i' : row.params[1]);
        usual.result = detail::usual_type(row.results.empty() ? 'i' : row.results[0]);
    }
    return table;
}();

}  // namespace wsb::validate
