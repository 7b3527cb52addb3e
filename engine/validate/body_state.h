// SPDX-License-Identifier: Apache-2.0
// The rules for instructions: operand types, control frames, initialised locals and fuel. Everything that
// does not depend on who consumes the body. Spec: valid/instructions, appendix/algorithm
#pragma once

#include "engine/base/check.h"
#include "engine/base/trivial_vector.h"
#include "engine/isa/limits.h"
#include "engine/validate/body_sink.h"
#include "engine/validate/matching.h"

#include <forward_list>
#include <optional>
#include <string>
#include <vector>

namespace wsb::validate {

/// Fuel at a point (docs/adr: metering): P, and the bound Q that keeps checks close enough.
struct Fuel {
    uint32_t potential = 0;  ///< P: cost since the last settlement on the fall-through path
    uint32_t bound = 0;      ///< Q: largest P(check) + cost since, over all paths from a check
};

/// What arrives at a label over branches.
struct LabelFuel {
    bool is_target = false;
    Fuel fuel;  ///< P of the first branch, largest Q

    void add(const Fuel& edge) noexcept {
        if (!is_target)
            fuel.potential = edge.potential;
        fuel.bound = std::max(fuel.bound, edge.bound);
        is_target = true;
    }
};

/// A control frame. `is_unreachable` is about types (operands are polymorphic), `is_live` about whether
/// control can arrive, so that a sink hears of it.
struct ControlFrame {
    Op op = Op::block;
    BlockShape shape;
    uint32_t height = 0;         ///< operands below the frame
    uint32_t initialized = 0;    ///< locals initialised before the frame
    uint32_t catch_clauses = 0;  ///< legacy: so far
    bool is_unreachable = false;
    bool is_live = true;
    bool head_is_live = true;
    Fuel head;        ///< at the head, after its parameters: for `else`
    LabelFuel label;  ///< branches to the end; unused by loops
};

class BodyState {
public:
    [[nodiscard]] Error take_error() noexcept { return std::move(m_error); }

protected:
    explicit BodyState(const Module& module) noexcept : m_module(module) {}

    [[nodiscard]] bool is_live() const noexcept { return m_frames.back().is_live; }
    /// Forgets the function before, but keeps its room.
    void reset(FuncIdx func) noexcept;
    void add_parameters(std::span<const ValType> types);
    void add_locals(const LocalRun& run);
    void open_body(std::span<const ValType> results);

    // Errors: the first one wins; all return false.
    bool fail(ErrorCode code, std::string detail = {});
    bool fail_type(ValType expected, ValType found);
    bool fail_underflow(std::string_view expected);

    // Operands
    void push(ValType type) { m_operands.push_back(type); }
    void push(std::span<const ValType> types) {
        for (const ValType type : types)  // mostly none or one
            push(type);
    }
    [[nodiscard]] bool pop(ValType expected) {
        const ControlFrame& frame = m_frames.back();
        if (m_operands.size() > frame.height) [[likely]] {
            const ValType found = m_operands.back();
            if (found == expected || matches(m_module, found, expected)) [[likely]] {
                m_operands.pop_back();
                return true;
            }
            return fail_type(expected, found);
        }
        return frame.is_unreachable || fail_underflow(to_string(expected));
    }
    [[nodiscard]] bool pop(std::span<const ValType> expected) {
        return expected.empty() || pop_all(expected);
    }
    [[nodiscard]] bool pop_all(std::span<const ValType> expected);
    /// Pops any type; bottom in unreachable code.
    [[nodiscard]] bool pop_any(ValType& found);
    /// Pops a reference; bottom in unreachable code.
    [[nodiscard]] bool pop_reference(ValType& found);

    // Instructions. Each checks, and pushes and pops; m_instr is the instruction.
    [[nodiscard]] bool check_feature(const OpInfo& row) {
        return m_module.features.has(row.feature) || refuse_feature(row);
    }
    bool refuse_feature(const OpInfo& row);
    [[nodiscard]] bool check_fixed(const OpInfo& row);  ///< types by the row's letters
    /// Whether the operands are exactly what the row says, as they mostly are; then all is done.
    [[nodiscard]] bool check_exact(Op op);
    [[nodiscard]] bool check_memarg(const OpInfo& row);
    [[nodiscard]] bool check_parametric(ValType& operand);  ///< drop, select
    [[nodiscard]] bool check_local(ValType& type);
    [[nodiscard]] bool check_global(ValType& type);
    [[nodiscard]] bool check_table(ValType& element);
    [[nodiscard]] bool check_bulk();
    [[nodiscard]] bool check_reference(ValType& operand);
    [[nodiscard]] bool check_call(const FuncType*& type);
    [[nodiscard]] bool check_throw();
    [[nodiscard]] bool check_gc();
    [[nodiscard]] bool check_simd(const OpInfo& row);

    // Control (body_control.cpp)
    [[nodiscard]] bool check_block(BlockShape& shape);
    [[nodiscard]] bool check_try_table(BlockShape& shape);
    [[nodiscard]] bool check_legacy_catch();
    [[nodiscard]] bool check_delegate();
    [[nodiscard]] bool check_rethrow();
    [[nodiscard]] bool check_else();
    [[nodiscard]] bool check_end();
    [[nodiscard]] bool check_br_if();
    [[nodiscard]] bool check_br_table();
    [[nodiscard]] bool check_br_on_null(ValType& operand);
    [[nodiscard]] bool check_br_on_cast(ValType& operand);
    [[nodiscard]] bool pop_cast_descriptor(HeapType target);
    [[nodiscard]] bool check_label(uint32_t depth) {
        return depth < m_frames.size() || fail(ErrorCode::unknown_label, std::to_string(depth));
    }
    [[nodiscard]] std::span<const ValType> label_types(uint32_t depth) const noexcept {
        const ControlFrame& frame = m_frames[m_frames.size() - 1 - depth];
        return frame.op == Op::loop ? frame.shape.params : frame.shape.results;
    }
    void open_frame(Op op, const BlockShape& shape);
    void add_edge(uint32_t depth) noexcept;
    void mark_unreachable() noexcept;

    // Index spaces
    [[nodiscard]] bool check_type_index(TypeIdx type);
    [[nodiscard]] bool check_val_type(ValType type);
    [[nodiscard]] bool check_heap_type(HeapType type);
    [[nodiscard]] bool check_memory(uint32_t memory);
    [[nodiscard]] bool check_table_index(uint32_t table);
    [[nodiscard]] bool check_elem(uint32_t elem);
    [[nodiscard]] bool check_data(uint32_t data);
    [[nodiscard]] const FuncType* func_type_at(TypeIdx type);
    [[nodiscard]] const StructType* struct_type_at(TypeIdx type);
    [[nodiscard]] const ArrayType* array_type_at(TypeIdx type);
    [[nodiscard]] ValType address_of_memory(uint32_t memory) const noexcept {
        return val_type(m_module.memories[memory].type.address);
    }
    [[nodiscard]] ValType address_of_table(uint32_t table) const noexcept {
        return val_type(m_module.tables[table].type.address);
    }

    const Module& m_module;
    FuncIdx m_func{no_function};
    binary::Instr m_instr;
    std::vector<ValType> m_locals;
    Fuel m_fuel;

private:
    [[nodiscard]] bool check_select(ValType& operand);
    [[nodiscard]] bool check_struct();
    [[nodiscard]] bool check_array_new();
    [[nodiscard]] bool check_array_access();
    [[nodiscard]] bool check_array_bulk();
    [[nodiscard]] bool check_cast();
    [[nodiscard]] bool check_struct_new(const StructType& type);
    [[nodiscard]] bool check_get_descriptor();
    [[nodiscard]] bool check_descriptor_cast();
    [[nodiscard]] bool block_shape(BlockShape& shape);
    [[nodiscard]] std::span<const ValType> single_result(ValType type);
    [[nodiscard]] bool check_catch(const binary::CatchClause& clause);
    [[nodiscard]] bool close_branch(ControlFrame& frame);
    void reset_locals(uint32_t count) noexcept {
        for (; m_initialized.size() > count; m_initialized.pop_back())
            m_is_initialized[m_initialized.back()] = 0;
    }

protected:
    std::vector<uint8_t> m_is_initialized;  ///< by local; defaultable ones always are
    bool m_are_defaultable = true;          ///< all of them; parameters count as such
    TrivialVector<ValType> m_operands;
    TrivialVector<ControlFrame> m_frames;

private:
    std::vector<uint32_t> m_initialized;          ///< non-defaultable locals in the order they were set
    std::forward_list<ValType> m_single_results;  ///< stable room for block types of one uncommon value
    Error m_error;
};

}  // namespace wsb::validate
