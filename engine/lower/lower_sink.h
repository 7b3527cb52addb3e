// SPDX-License-Identifier: Apache-2.0
// The folding translator: a body sink that turns stack code into register-form cells in one pass.
// Operands are folded symbolically (locals and constants cost nothing until used); the last integer and
// the last float result also stay in accumulators. Values at a point depend on the instructions alone,
// never on the accumulators, so the fast and the stepping form agree on every settlement point.
#pragma once

#include "engine/base/check.h"
#include "engine/base/patience.h"
#include "engine/base/result.h"
#include "engine/base/trivial_vector.h"
#include "engine/isa/op_counts.h"
#include "engine/lower/code.h"
#include "engine/lower/code_memory.h"
#include "engine/lower/handler_table.h"
#include "engine/validate/body_sink.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace wsb::lower {

/// Slots of a frame that hold references for the collector while a cell runs or its callee does.
struct RootSet {
    uint32_t word = 0;  ///< the cell
    std::vector<uint32_t> slots;
};

/// What translation can write down beside the code; only asked for when something stopped.
struct Recording {
    struct Point {
        uint32_t word = 0;
        uint32_t potential = 0;
        uint32_t end_operand = 0;  ///< in `folded`; see ChangePoint
    };
    std::vector<Point> points;  ///< settlement points, in order of the body
    /// Given: no more than that are written down; 0: nobody asks.
    size_t most_folded = 0;
    std::vector<FoldedOperand> folded;   ///< of each point, as long as there is room
    std::vector<uint32_t> wanted_roots;  ///< given: cells that call or allocate, ascending
    std::vector<RootSet> roots;          ///< theirs, ascending
};

enum class Form : uint8_t { fast, stepping };

/// What lowering a function depends on beside its module.
struct LowerOptions {
    const HandlerTable& handlers;
    const Code* codes;  ///< of the module's own functions, in their order: what direct calls go to
    Form form = Form::fast;
    Recording* recording = nullptr;  ///< filled if not null; the code is the same either way
    OpCounts* executed = nullptr;    ///< if not null, the code counts there what it executes
    CodeWriter* writer = nullptr;    ///< where cells go; if null, each function keeps its own
    bool canonical_nans = false;     ///< see Config
    /// Bodies of that many bytes and more get their Code::origins.
    uint64_t origins_from_bytes = UINT64_MAX;
    Patience patience = {};  ///< how long the body may be read
};

/// From this size on, to lower a function again takes milliseconds.
inline constexpr uint64_t large_body_bytes = uint64_t{32} << 10;

/// How many slots a value takes.
[[nodiscard]] constexpr uint32_t slot_width(ValType type) noexcept {
    return type.kind() == ValType::v128 ? 2 : 1;
}
[[nodiscard]] constexpr bool is_float(ValType type) noexcept {
    return type.kind() == ValType::f32 || type.kind() == ValType::f64;
}
/// The type of a letter of the instruction table; addresses and references have none.
[[nodiscard]] constexpr ValType type_of(char letter) noexcept {
    switch (letter) {
        case 'i': return ValType::i32;
        case 'l': return ValType::i64;
        case 'f': return ValType::f32;
        case 'd': return ValType::f64;
        default: return ValType::v128;
    }
}
[[nodiscard]] uint32_t slot_count(std::span<const ValType> types) noexcept;

/// Fills in what is known of a function without reading its instructions. Locals need not be valid yet.
void write_outline(const Module& module, FuncIdx func, Code& code) noexcept;
/// @return limit_exceeded if a frame is too large.
[[nodiscard]] Result<void> check_frame(const Module& module, FuncIdx func, uint32_t slots);

class LowerSink : public validate::NullSink {
public:
    explicit LowerSink(const LowerOptions& options) noexcept
        : m_handlers(options.handlers),
          m_codes(options.codes),
          m_form(options.form),
          m_recording(options.recording),
          m_executed(options.executed),
          m_writer(options.writer),
          m_canonical_nans(options.canonical_nans),
          m_origins_from_bytes(options.origins_from_bytes),
          m_prepares(m_form == Form::stepping || m_executed != nullptr) {}

    /// Moves what was lowered since `begin` into `code`. @return limit_exceeded for frames too large.
    [[nodiscard]] Result<void> finish(Code& code);

    // For another tier that runs single instructions by their cells. After `begin`:
    /// Begins anew, with nothing but the operands of one instruction, in consecutive slots.
    void isolate(std::span<const ValType> operands, uint32_t first_slot);
    /// After a hook was called: the cells that it emitted, valid until the next one,
    [[nodiscard]] std::span<const Word> isolated_words() const noexcept {
        return {m_words.data(), m_words.size()};
    }
    /// and the types of what it left, in consecutive slots from `first_slot` on.
    [[nodiscard]] std::span<const ValType> isolated_results();

    // Hooks, see validate/body_sink.h.
    void begin(const validate::BodyInfo& info);
    void entry(uint32_t cost);
    void at(const binary::Instr& instr) {
        note_height();
        if (m_prepares) [[unlikely]]
            prepare(instr);
    }
    void check();
    void constant(Op, ValType type, uint64_t bits) {
        push(Value::Kind::constant, type).bits =
            type.kind() == ValType::i32 ? static_cast<uint32_t>(bits) : bits;
    }
    void unary(Op op);
    void compare(Op op);
    void binary(Op op);
    void wide(Op op);
    void load(Op op, const binary::MemArg& arg);
    void store(Op op, const binary::MemArg& arg);
    void drop(ValType type);
    void select(ValType type);
    void local_get(LocalIdx local, ValType type) {
        push(Value::Kind::local, type).local = local.value;
        ++m_pending_of_local[local.value];
        ++m_pending_locals;
    }
    void local_set(LocalIdx local, ValType type);
    void local_tee(LocalIdx local, ValType type);
    void global_get(GlobalIdx global, ValType type);
    void global_set(GlobalIdx global, ValType type);
    void memory_size(MemIdx memory);
    void memory_grow(MemIdx memory);
    void table_get(TableIdx table, ValType type);
    void table_set(TableIdx table, ValType type);
    void table_size(TableIdx table);
    void bulk(const binary::Instr& instr);
    void atomic(const binary::Instr& instr);
    void ref_null(ValType type);
    void ref_func(FuncIdx func);
    void ref_is_null();
    void ref_eq();
    void ref_as_non_null(ValType type);
    void block(const validate::BlockShape& shape);
    void loop(const validate::BlockShape& shape);
    void if_(const validate::BlockShape& shape);
    void else_(bool falls_through, uint32_t potential_there);
    void end_block(bool falls_through);
    void br(uint32_t depth);
    void br_if(uint32_t depth);
    void br_table(std::span<const uint32_t> depths);
    void br_on_null(uint32_t depth, ValType operand);
    void br_on_non_null(uint32_t depth, ValType operand);
    void ret();
    void unreachable();
    void call(FuncIdx func, const FuncType& type, bool is_tail);
    void call_indirect(TypeIdx type_index, TableIdx table, const FuncType& type, bool is_tail);
    void call_ref(TypeIdx type_index, const FuncType& type, bool is_tail);
    void throw_(TagIdx tag, const FuncType& type);
    void throw_ref();
    void try_table(const validate::BlockShape& shape, std::span<const binary::CatchClause> clauses);
    void legacy_try(const validate::BlockShape& shape);
    void legacy_catch(bool falls_through, uint32_t potential_there, std::optional<TagIdx> tag);
    void delegate(uint32_t depth);
    void rethrow(uint32_t depth);
    void v128_constant(const std::array<uint8_t, 16>& bytes);
    void simd(const binary::Instr& instr);
    void br_on_cast(const binary::Instr& instr, ValType operand);
    /// The test that br_on_cast branches on, for those who branch themselves: pops the descriptor if there is
    /// one, and leaves the answer above the reference.
    void cast_test(const binary::Instr& instr);
    void gc(const binary::Instr& instr);

private:
    static constexpr uint32_t none = ~uint32_t{0};

    /// An operand of the symbolic stack. Its canonical slot is its place on the stack.
    struct Value {
        enum class Kind : uint8_t { temporary, local, constant };
        Kind kind = Kind::temporary;
        ValType type;
        uint32_t slot = 0;   ///< canonical slot
        uint32_t local = 0;  ///< Kind::local: index
        uint64_t bits = 0;   ///< Kind::constant
    };

    /// What an accumulator is known to equal: the content of a slot. `cell` is the producer whose store
    /// to the slot may still be dropped by giving it the handler `unstored`.
    struct Accumulator {
        uint32_t slot = none;
        uint32_t cell = none;
        uint32_t handler_word = none;  ///< of the cell
        Word unstored = 0;
    };

    /// The last cell, while it is a numeric one or a load that may be fused into its consumer.
    struct Fusible {
        uint32_t cell = none;
        Op op{};
        Operands operands{};
        uint32_t a = 0, b = 0;
        uint64_t immediate = 0;
        LoadAddress address{};   ///< loads
        uint32_t end_bytes = 0;  ///< loads: offset and width
        uint32_t result_slot = none;
        uint32_t cell_before = none;  ///< the last cell before it
        Prefix prefix_before{};       ///< and what that one shares its cell with
        Accumulator int_before, float_before;
    };

    /// A branch condition: an integer or float comparison, not yet emitted.
    struct Condition {
        Op op{};
        Operands operands{};
        uint32_t a = 0, b = 0;
        uint64_t immediate = 0;
        bool taken_if = true;  ///< false only for floats, whose comparisons have no inverse
    };

    /// A forward edge that waits for its label. Edges of one label are chained.
    struct Fixup {
        uint32_t cell = 0;  ///< the target is relative to it
        uint32_t edge_word = 0;
        uint32_t potential = 0;  ///< at the branch
        uint32_t next = none;
    };

    struct Frame {
        enum class Kind : uint8_t { function, block, loop, if_, else_, try_table, legacy_try, legacy_catch };
        Kind kind = Kind::block;
        validate::BlockShape shape;
        uint32_t base_values = 0;  ///< stack size below the parameters
        uint32_t base_slot = 0;    ///< canonical slot of the first parameter and of the first result
        uint32_t header_word = 0;  ///< loop; legacy_try, legacy_catch: where the protected body begins
        uint32_t header_potential = 0;
        uint32_t fixups = none;             ///< branches to the end
        uint32_t else_fixup = none;         ///< if: the false edge
        uint32_t body_end_word = 0;         ///< legacy_catch: where the protected body ends
        std::vector<CatchRange> catches;    ///< try_table: open ranges; legacy_catch: the last is open
        std::vector<uint32_t> delegations;  ///< in m_catches: what continues in this frame's clauses
    };

    // Cells (lower_cells.cpp)
    void reset() noexcept;
    void prepare(const binary::Instr& instr);
    uint32_t begin_cell(Word handler) {
        const auto cell = static_cast<uint32_t>(m_words.size());
        if (m_has_origins) [[unlikely]]
            record_origin(cell);
        m_words.push_back(handler);
        m_last_cell = cell;
        m_prefix = Prefix::none;
        m_fusible.cell = none;
        return cell;
    }
    /// Shares a cell with the one before it, if both can.
    uint32_t begin_cell(const Entry& entry) {
        const Prefix prefix = last_as_prefix();
        if (prefix == Prefix::none || handler_of(entry, prefix) == 0)
            return begin_cell(handler_of(entry));
        m_words[m_last_cell] = handler_of(entry, prefix);
        ++m_last_cell;
        m_prefix = prefix;
        m_fusible.cell = none;
        if (m_has_origins) [[unlikely]]
            record_origin(m_last_cell);
        return m_last_cell;
    }
    [[nodiscard]] const Entry& prefix_entry(Prefix prefix) const noexcept;
    [[nodiscard]] bool last_is(Prefix prefix) const noexcept {
        return m_words[m_last_cell] == handler_of(prefix_entry(prefix));
    }
    [[nodiscard]] Prefix last_as_prefix() const noexcept;
    void drop_last_cell();
    void record_origin(uint32_t cell);
    [[nodiscard]] CellOrigin last_origin() noexcept {
        return m_has_origins ? m_origins.back() : CellOrigin{};
    }
    void restore_origin(uint32_t cell, const CellOrigin& origin) noexcept;
    uint32_t begin_cell(Single which) { return begin_cell(m_handlers.of(which)); }
    void word(Word value) { m_words.push_back(value); }
    void count_execution(Op op);
    void rewind_fusible();
    void settlement_point(uint32_t kept = 0);
    void record_point(uint32_t kept);
    void emit_copy(uint32_t to, uint32_t from, uint32_t width);
    void emit_constant(uint32_t to, uint64_t bits);
    [[nodiscard]] uint32_t potential() const noexcept {
        return m_form == Form::stepping || m_is_landing ? 0 : *m_info.potential;
    }

    // Values (lower_cells.cpp)
    void note_height() noexcept { m_max_height = std::max(m_max_height, m_height); }
    Value& push(Value::Kind kind, ValType type) {
        Value& value = m_stack.push_back({.kind = kind, .type = type, .slot = m_height});
        m_height += slot_width(type);
        return value;
    }
    /// Without a branch on the kind, which cannot be foretold: what is no local has some index as well.
    Value pop() {
        const Value value = m_stack.back();
        m_stack.pop_back();
        m_height -= slot_width(value.type);
        const uint32_t locals = value.kind == Value::Kind::local ? 1 : 0;
        m_pending_of_local[value.local] -= locals;
        m_pending_locals -= locals;
        return value;
    }
    void push_temporary(ValType type) { push(Value::Kind::temporary, type); }
    void push_results(std::span<const ValType> types);
    void push_stored(ValType type);
    void push_produced(ValType type, uint32_t cell, Word unstored);
    void push_produced(ValType type, uint32_t cell, const Entry& unstored) {
        push_produced(type, cell, handler_of(unstored, m_prefix));
    }
    [[nodiscard]] uint32_t local_slot(uint32_t local) const noexcept { return m_local_slots[local]; }
    [[nodiscard]] bool in_accumulator(const Value& value) const noexcept;
    Source take(const Value& value);
    uint32_t stored_slot(const Value& value);
    void store_value(const Value& value, uint32_t to);
    void note_write(uint32_t slot) noexcept;
    void forget_accumulators() noexcept;
    void keep_stores() noexcept;
    void flush_local(uint32_t local);
    void flush_locals();
    void flush_constants(size_t count);
    void move_values(size_t count, uint32_t to);
    void assign_local(uint32_t local, const Value& value);
    void reset_stack(size_t values, uint32_t height) noexcept;

    // Operations (lower_ops.cpp)
    [[nodiscard]] bool is_last_result(const Value& value) const noexcept;
    [[nodiscard]] Fusible fusible_here(Op op) const noexcept;
    void numeric(Op op, Value& x, Value& y, ValType result);
    [[nodiscard]] const std::array<Word, 2>* find_pair(Op second, Operands shape) const noexcept;
    bool pair_with_last(Op op, const Value& x, const Value& y, ValType result);
    void emit_numeric(Op op, Operands operands, uint32_t a, uint32_t b, uint64_t immediate, ValType operand,
                      ValType result);
    [[nodiscard]] size_t shared_column(MemIdx memory) const noexcept;
    [[nodiscard]] bool is_plain(Op op, const binary::MemArg& arg) const noexcept;
    struct PlainAddress {
        Address kind;
        uint32_t slot;
        uint32_t end_bytes;  ///< offset and width
    };
    PlainAddress plain_address(Op op, const Value& address, uint64_t offset_bytes);
    [[nodiscard]] static bool is_short_sum(const Fusible& sum) noexcept;
    struct SumAddress {
        Operands operands;
        uint32_t a, b;       ///< slots; an immediate in b
        uint32_t end_bytes;  ///< offset and width
    };
    std::optional<SumAddress> take_sum(Op op, const Value& address, const binary::MemArg& arg);
    void canonicalize(Op op);
    bool pair_with_load(Op op, Operands shape, const Value& other, ValType result);
    bool load_of_sum(Op op, const Value& address, const binary::MemArg& arg);
    [[nodiscard]] ValType address_type(MemIdx memory) const noexcept;
    [[nodiscard]] ValType address_type(TableIdx table) const noexcept;

    // Vectors (lower_vectors.cpp)
    void vector_load(Op op, const binary::MemArg& arg);
    void vector_store(Op op, const binary::MemArg& arg);
    void vector_lane_access(const binary::Instr& instr);
    void push_vector_result(Op op, uint32_t cell);
    bool redirect_vector(const Value& value, uint32_t to);

    // Objects (lower_gc.cpp)
    void struct_new(const binary::Instr& instr);
    void struct_get(const binary::Instr& instr);
    void struct_set(const binary::Instr& instr);
    void array_get(const binary::Instr& instr);
    void array_set(const binary::Instr& instr);
    void array_bulk(const binary::Instr& instr);
    void push_field(const FieldType& field, uint32_t cell);
    void reference_to_number(Single which);
    [[nodiscard]] Word cast_target(HeapType heap, bool takes_null) const noexcept;
    void emit_ref_test(uint32_t slot, HeapType heap, bool takes_null);
    void ref_test(HeapType heap, bool takes_null);
    void ref_cast(HeapType heap, bool takes_null);
    void get_descriptor(const binary::Instr& instr);
    void descriptor_cast(const binary::Instr& instr);
    void emit_descriptor_test(bool takes_null);
    [[nodiscard]] bool is_traced(ValType type) const noexcept;
    void note_roots();

    // Control (lower_control.cpp)
    Frame& frame_at(uint32_t depth) noexcept { return m_frames[m_frames.size() - 1 - depth]; }
    [[nodiscard]] std::span<const ValType> label_types(const Frame& frame) const noexcept;
    void open_frame(Frame::Kind kind, const validate::BlockShape& shape);
    Condition pop_condition();
    [[nodiscard]] const std::array<Entry, 2>* find_branch_pair(const Condition& condition) const noexcept;
    [[nodiscard]] static Condition inverse(Condition condition) noexcept;
    uint32_t emit_condition(const Condition& condition, Direction direction);
    [[nodiscard]] bool is_step(const Condition& condition) const noexcept;
    uint32_t emit_step(const Condition& condition);
    void add_fixup(uint32_t& chain, uint32_t cell, uint32_t edge_word);
    void bind(uint32_t chain, uint32_t label_potential);
    void leave_branch(uint32_t potential_there);
    void close_clauses(Frame& frame);
    void edge_to(uint32_t depth, uint32_t cell);
    void branch(uint32_t depth);
    void branch_if(uint32_t depth, const Condition& condition);
    [[nodiscard]] bool values_in_place(const Frame& frame) const noexcept;
    void settle_label_values(uint32_t depth);
    void landing(const binary::CatchClause& clause, uint32_t outer_values);
    void emit_return();
    void emit_call(Single which, std::span<const ValType> params, uint32_t callee_slot, Word target);
    void settle_call(const FuncType& type);
    void emit_tail_call(Single which, std::span<const ValType> params, uint32_t callee_slot, Word target);

    const HandlerTable& m_handlers;
    const Code* const m_codes;
    const Form m_form;
    Recording* m_recording;
    OpCounts* const m_executed;
    CodeWriter* const m_writer;
    const bool m_canonical_nans;
    const uint64_t m_origins_from_bytes;
    const bool m_prepares;  ///< instructions have cells before their own

    validate::BodyInfo m_info;

    TrivialVector<Word> m_words;
    TrivialVector<Value> m_stack;
    std::vector<Frame> m_frames;
    std::vector<Fixup> m_fixups;
    std::vector<uint32_t> m_local_slots;       ///< by local index
    std::vector<uint32_t> m_pending_of_local;  ///< how often each local is on the symbolic stack
    size_t m_pending_locals = 0;               ///< their sum

    uint32_t m_header_slot = 0;
    uint32_t m_height = 0;      ///< the next canonical slot
    uint32_t m_max_height = 0;  ///< at the beginning of an instruction or landing

    Accumulator m_int, m_float;
    uint32_t m_wide_cell = none;  ///< the last one that made a v128; field 0 says where
    Fusible m_fusible;
    Fusible m_compared;  ///< what the comparison in m_fusible has in the accumulator, if it was the last cell
    uint32_t m_last_cell = none;
    Prefix m_prefix = Prefix::none;  ///< if there is one, the last cell has its handler one word before it
    bool m_is_landing = false;       ///< what is emitted is reached by a throw only, which has settled
    bool m_has_origins = false;
    OriginTable m_origins;
    std::vector<CatchRange> m_catches;
    std::vector<ValType> m_isolated_results;
};

}  // namespace wsb::lower
