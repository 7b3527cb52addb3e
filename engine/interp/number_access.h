// SPDX-License-Identifier: Apache-2.0
// Numbers in memory: their types there and on the stack, and addresses that are sums.
#pragma once

#include "engine/interp/memory_access.h"
#include "engine/interp/numeric.h"

namespace wsb::interp {

/// How memory bytes become a value: the type in memory, and the type on the stack.
template <Op op>
struct Access;
#define WSB_ACCESS(op, MemoryType, StackType) \
    template <>                               \
    struct Access<Op::op> {                   \
        using Memory = MemoryType;            \
        using Stack = StackType;              \
    };
WSB_ACCESS(i32_load, uint32_t, uint32_t)
WSB_ACCESS(i64_load, uint64_t, uint64_t)
WSB_ACCESS(f32_load, float, float)
WSB_ACCESS(f64_load, double, double)
WSB_ACCESS(i32_load8_s, int8_t, uint32_t)
WSB_ACCESS(i32_load8_u, uint8_t, uint32_t)
WSB_ACCESS(i32_load16_s, int16_t, uint32_t)
WSB_ACCESS(i32_load16_u, uint16_t, uint32_t)
WSB_ACCESS(i64_load8_s, int8_t, uint64_t)
WSB_ACCESS(i64_load8_u, uint8_t, uint64_t)
WSB_ACCESS(i64_load16_s, int16_t, uint64_t)
WSB_ACCESS(i64_load16_u, uint16_t, uint64_t)
WSB_ACCESS(i64_load32_s, int32_t, uint64_t)
WSB_ACCESS(i64_load32_u, uint32_t, uint64_t)
WSB_ACCESS(i32_store, uint32_t, uint32_t)
WSB_ACCESS(i64_store, uint64_t, uint64_t)
WSB_ACCESS(f32_store, float, float)
WSB_ACCESS(f64_store, double, double)
WSB_ACCESS(i32_store8, uint8_t, uint32_t)
WSB_ACCESS(i32_store16, uint16_t, uint32_t)
WSB_ACCESS(i64_store8, uint8_t, uint64_t)
WSB_ACCESS(i64_store16, uint16_t, uint64_t)
WSB_ACCESS(i64_store32, uint32_t, uint64_t)
#undef WSB_ACCESS

template <Op op>
using MemoryOf = typename Access<op>::Memory;
template <Op op>
using StackOf = typename Access<op>::Stack;
template <Op op>
inline constexpr size_t width = sizeof(MemoryOf<op>);
static_assert(width<Op::i64_load32_s> == op_info(Op::i64_load32_s).width_bytes);

template <Op op, bool is_shared = false>
[[nodiscard, gnu::always_inline]] inline StackOf<op> read_memory(const uint8_t* from) noexcept {
    return static_cast<StackOf<op>>(read_place<MemoryOf<op>, is_shared>(from));
}

template <Op op, bool is_shared = false>
[[gnu::always_inline]] inline void write_memory(uint8_t* to, StackOf<op> value) noexcept {
    write_place<is_shared>(to, static_cast<MemoryOf<op>>(value));
}

/// The address of a sum: [to | x | y | offset + width], where y may be an immediate of 16 bits.
template <Operands shape>
[[nodiscard, gnu::always_inline]] inline uint32_t sum_address(const Word* ip, const Slot* sp,
                                                              uint64_t acc) noexcept {
    const auto x =
        shape == Operands::as ? static_cast<uint32_t>(acc) : read_slot<uint32_t>(sp + field<1>(ip));
    if constexpr (shape == Operands::si)
        return x + static_cast<uint32_t>(int32_t{field_at<int16_t>(ip, 12)});
    else
        return x + read_slot<uint32_t>(sp + field<2>(ip));
}

}  // namespace wsb::interp
