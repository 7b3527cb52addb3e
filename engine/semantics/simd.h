// SPDX-License-Identifier: Apache-2.0
// Vectors of 128 bits for the semantics: the compilers' vector types, whose lane operations are those of
// the specification, and SSE4.1 where such a type has no operation. Needs at least x86-64-v2.
// Spec: exec/numerics, syntax/instructions#vector-instructions
#pragma once

#include "engine/semantics/operation.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <immintrin.h>
#include <limits>

namespace wsb::semantics {

template <class Lane>
struct VectorOf {
    using Type __attribute__((vector_size(16))) = Lane;
    using Half __attribute__((vector_size(8))) = Lane;
};
template <class Lane>
using Vec = typename VectorOf<Lane>::Type;
template <class Lane>
using HalfVec = typename VectorOf<Lane>::Half;

using S8 = Vec<int8_t>;
using U8 = Vec<uint8_t>;
using S16 = Vec<int16_t>;
using U16 = Vec<uint16_t>;
using S32 = Vec<int32_t>;
using U32 = Vec<uint32_t>;
using S64 = Vec<int64_t>;
using U64 = Vec<uint64_t>;
using F32 = Vec<float>;
using F64 = Vec<double>;

/// A vector whose lanes are nobody's yet: what operands and results are.
using V128 = U64;

inline constexpr size_t vector_bytes = 16;

/// Lanes of another type over the same bits.
template <class Lane, class Vector>
[[nodiscard, gnu::always_inline]] inline Vec<Lane> lanes(Vector x) noexcept {
    return reinterpret_cast<Vec<Lane>>(x);
}

/// The lower or upper half of the lanes, each made twice as wide.
template <class From, class To, bool high>
[[nodiscard, gnu::always_inline]] inline Vec<To> extend(V128 x) noexcept {
    HalfVec<From> half;
    std::memcpy(&half, reinterpret_cast<const char*>(&x) + (high ? sizeof half : 0), sizeof half);
    return __builtin_convertvector(half, Vec<To>);
}

}  // namespace wsb::semantics

// Rows; operands are seen as `Type`, a vector type. WSB_VECTOR_1, _2, _3 (op, type, expression of x, y, z);
// WSB_VECTOR_TEST (op, type, expression of x that is an i32); WSB_VECTOR_SHIFT (op, type, lane type,
// expression of x and the count n, already modulo the lane's width); WSB_VECTOR_FROM (op, scalar type,
// expression of x): splats, and loads, whose operand is what memory holds.
#define WSB_VECTOR_1(op, Type, expression)                     \
    template <>                                                \
    struct Operation<Op::op> {                                 \
        [[nodiscard]] static V128 apply(V128 first) noexcept { \
            const auto x = reinterpret_cast<Type>(first);      \
            return reinterpret_cast<V128>(expression);         \
        }                                                      \
    };
#define WSB_VECTOR_2(op, Type, expression)                                  \
    template <>                                                             \
    struct Operation<Op::op> {                                              \
        [[nodiscard]] static V128 apply(V128 first, V128 second) noexcept { \
            const auto x = reinterpret_cast<Type>(first);                   \
            const auto y = reinterpret_cast<Type>(second);                  \
            return reinterpret_cast<V128>(expression);                      \
        }                                                                   \
    };
#define WSB_VECTOR_3(op, Type, expression)                                              \
    template <>                                                                         \
    struct Operation<Op::op> {                                                          \
        [[nodiscard]] static V128 apply(V128 first, V128 second, V128 third) noexcept { \
            const auto x = reinterpret_cast<Type>(first);                               \
            const auto y = reinterpret_cast<Type>(second);                              \
            const auto z = reinterpret_cast<Type>(third);                               \
            return reinterpret_cast<V128>(expression);                                  \
        }                                                                               \
    };
#define WSB_VECTOR_TEST(op, Type, expression)                      \
    template <>                                                    \
    struct Operation<Op::op> {                                     \
        [[nodiscard]] static uint32_t apply(V128 first) noexcept { \
            const auto x = reinterpret_cast<Type>(first);          \
            return static_cast<uint32_t>(expression);              \
        }                                                          \
    };
#define WSB_VECTOR_SHIFT(op, Type, Lane, expression)                                   \
    template <>                                                                        \
    struct Operation<Op::op> {                                                         \
        [[nodiscard]] static V128 apply(V128 first, uint32_t count) noexcept {         \
            const auto x = reinterpret_cast<Type>(first);                              \
            const Type n = Type{} + static_cast<Lane>(count & (8 * sizeof(Lane) - 1)); \
            return reinterpret_cast<V128>(expression);                                 \
        }                                                                              \
    };
#define WSB_VECTOR_FROM(op, Scalar, expression)              \
    template <>                                              \
    struct Operation<Op::op> {                               \
        using Memory = Scalar;                               \
        [[nodiscard]] static V128 apply(Scalar x) noexcept { \
            return reinterpret_cast<V128>(expression);       \
        }                                                    \
    };
