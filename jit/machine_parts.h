// SPDX-License-Identifier: Apache-2.0
// What the compiler keeps of a function while it reads it: operands, pins, edges, blocks, cells.
#pragma once

#include "engine/isa/traps.h"
#include "engine/isa/types.h"
#include "engine/validate/body_sink.h"
#include "jit/registers.h"

#include <array>
#include <cstdint>
#include <vector>

namespace wsb::jit {

struct MachineParts {
    static constexpr uint32_t none = ~uint32_t{0};

    /// The lower half first.
    using VectorBits = std::array<uint64_t, 2>;

    /// An operand. Its canonical slot is its place on the stack.
    struct Value {
        enum class Kind : uint8_t {
            slot,      ///< in its canonical slot
            local,     ///< what a local has
            constant,  ///< `bits`
            gpr,
            xmm,
            flags,  ///< an i32: whether `condition` holds; only on top of the stack
        };
        Kind kind = Kind::slot;
        Gpr gpr{};
        Xmm xmm{};
        Condition condition{};
        ValType type;
        uint32_t slot = 0;
        uint32_t local = 0;  ///< of a constant v128: which of m_vector_constants
        uint64_t bits = 0;
    };
    static_assert(sizeof(Value) == 24);  // they are copied often

    /// A local with a register of its own.
    struct Pin {
        uint32_t local = 0;
        ValType type;
        bool is_xmm = false;  ///< which of the two
        Gpr gpr{};
        Xmm xmm{};
    };

    /// What is known of pins at a point, a bit for each. A dirty one has a value that its slot has not.
    struct PinState {
        uint32_t valid = 0;
        uint32_t dirty = 0;
        bool operator==(const PinState&) const = default;
    };

    /// What a loop does with pins.
    struct LoopPlan {
        uint64_t offset_bytes = 0;  ///< in the module, of its head
        uint32_t used = 0, written = 0;
        bool leaves_registers = false;
    };

    /// Values that move with an edge, from slots to slots at or below them.
    struct Move {
        uint32_t to = 0, from = 0, slots = 0;
    };

    /// A conditional jump out of the straight line.
    struct Edge {
        uint32_t label = none;   ///< where the jump goes
        uint32_t target = none;  ///< label of the block
        PinState from, to;
        Move move;
        uint32_t potential = 0;  ///< at the jump
        int64_t takes = 0;       ///< fuel; known when the target is
        bool is_back = false;
        uint32_t low_label = none;  ///< back: where to go without fuel
        bool is_return = false;
        uint32_t return_slot = 0;  ///< of the first result
        uint32_t next = none;      ///< in m_edges: the next one to the same label
    };

    /// Fuel of an inline jump to a label that is not bound yet.
    struct Patch {
        uint32_t position = 0;   ///< behind the subtraction
        uint32_t potential = 0;  ///< at the jump
        uint32_t next = none;    ///< in m_patches: another one to the same label
    };

    struct Frame {
        enum class Kind : uint8_t { function, block, loop, if_, else_, try_, catch_ };
        Kind kind = Kind::block;
        validate::BlockShape shape;
        uint32_t base_values = 0;  ///< stack size below the parameters
        uint32_t base_slot = 0;    ///< canonical slot of the first parameter and of the first result
        uint32_t label = none;     ///< loop: its head; else: the end
        PinState state;            ///< at the label
        bool is_target = false;    ///< something goes to the end; `state` is known
        uint32_t header_potential = 0;
        uint32_t low_label = none;                     ///< loop: where a back-edge goes without fuel
        uint32_t else_label = none;                    ///< if: where to go if not
        PinState else_state;                           ///< there
        uint32_t else_potential = 0;                   ///< at the if
        uint32_t first_edge = none, last_edge = none;  ///< in m_edges: conditional jumps to the end
        uint32_t patches = none;                       ///< in m_patches: inline jumps to the end
        uint32_t catching = none;                      ///< try_, catch_: in m_catching
    };

    /// A block that may catch what is thrown inside.
    struct CatchingBlock {
        uint32_t outer = none;   ///< the one around it
        uint32_t clause = none;  ///< in Code::catches, its first one; known when it is closed, if it has any
        /// Of its clauses: the cells where execution goes on, in m_cells; none for a delegate, where it never
        /// does.
        std::vector<uint32_t> landings = {};
    };

    /// Where a trap is raised, apart from the code.
    struct TrapExit {
        uint32_t label = none;
        TrapCode trap{};
        uint32_t offset_bytes = 0;
        uint32_t potential = 0;
    };

    /// A cell of the interpreter in the data behind the code, and where it goes on.
    struct Cell {
        Label here;
        uint32_t first_word = 0, words = 0;  ///< in m_cell_words
        uint32_t continuation = none;        ///< label; none for calls of guests, which have `back`
        uint32_t offset_bytes = 0;
        uint32_t potential = 0;
        uint32_t point = none;         ///< settlement point that the cell itself is
        uint32_t target = none;        ///< label: a second word, of a point that resumes
        uint32_t return_point = none;  ///< of the word behind it
        Label return_word;             ///< which a callee's header names, with lower::native_return_flag
        uint32_t back = none;          ///< where the interpreter returns to: position,
        uint32_t native_back = none;   ///< and machine code, with the callee's frame
        uint32_t catching = none;      ///< in m_catching: the block around it
        uint32_t callee = none;        ///< see MachineSite
    };

    /// Out of fuel: pins are stored, and the cell is asked for.
    struct LowExit {
        uint32_t label = none;
        uint32_t cell = none;  ///< in m_cells
        PinState state;
    };

    /// A call that machine code cannot make: its cell's handler decides.
    struct HandlerExit {
        uint32_t label = none;
        uint32_t cell = none;
    };
    struct JumpTable {
        uint32_t label = none;
        uint32_t first = 0, targets = 0;  ///< in m_table_targets
    };

    /// Where the entries of a br_table that name some label go.
    struct TableLabel {
        uint64_t table = 0;  ///< which br_table it is
        uint32_t label = none;
    };
};

}  // namespace wsb::jit
