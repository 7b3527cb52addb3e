// SPDX-License-Identifier: Apache-2.0
// What each numeric instruction computes, as pure functions: Operation<op>::apply. Interpreter, constant
// expressions and compilers all call these. Spec: exec/numerics
#pragma once

#include "engine/isa/opcode.h"
#include "engine/isa/traps.h"

#include <cstdint>

namespace wsb::semantics {

/// Specialised in integer.h, floating.h and convert.h. Has `Operand`, `Result`, `apply`, and for
/// instructions that can trap `check`, which must return TrapCode::none before `apply` is called.
template <Op op>
struct Operation;

template <Op op>
concept CanTrap = requires { &Operation<op>::check; };

}  // namespace wsb::semantics

// Rows: WSB_UNARY(op, operand type, result type, expression of x), WSB_BINARY(op, type, expression of x, y),
// WSB_COMPARE(op, type, expression of x, y).
#define WSB_UNARY(op, From, To, expression)                        \
    template <>                                                    \
    struct Operation<Op::op> {                                     \
        using Operand = From;                                      \
        using Result = To;                                         \
        [[nodiscard]] static constexpr To apply(From x) noexcept { \
            return expression;                                     \
        }                                                          \
    };
#define WSB_BINARY(op, Type, expression)                                     \
    template <>                                                              \
    struct Operation<Op::op> {                                               \
        using Operand = Type;                                                \
        using Result = Type;                                                 \
        [[nodiscard]] static constexpr Type apply(Type x, Type y) noexcept { \
            return expression;                                               \
        }                                                                    \
    };
#define WSB_COMPARE(op, Type, expression)                                    \
    template <>                                                              \
    struct Operation<Op::op> {                                               \
        using Operand = Type;                                                \
        using Result = uint32_t;                                             \
        [[nodiscard]] static constexpr bool apply(Type x, Type y) noexcept { \
            return expression;                                               \
        }                                                                    \
    };
