// SPDX-License-Identifier: Apache-2.0
// The compiler: a body sink that turns one function into x86-64 machine code in one walk, without an
// intermediate form. Locals that are used most have a register throughout (pins); operands are folded
// symbolically and live in temporaries until they are used. Frames are those of the interpreter, and at every
// settlement point, call and cell all values are in their canonical slots, so that execution can change
// tiers there. Instructions without machine code of their own are cells (docs/jit.md).
#pragma once

#include "engine/isa/limits.h"
#include "engine/lower/lower_sink.h"
#include "engine/lower/machine_code.h"
#include "engine/runtime/vm_context.h"
#include "jit/common_code.h"
#include "jit/local_use.h"
#include "jit/machine_parts.h"

#include <array>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace wsb::jit {

/// What compiling depends on beside the module.
struct MachineOptions {
    const lower::HandlerTable& handlers;
    const lower::Code* codes;        ///< of the module's own functions, in their order
    const void* trap_exit;           ///< interp handlers: stops with the trap code in the accumulator,
    const void* fuel_low;            ///< asks for fuel at a settlement point
    const void* host_call_ended;     ///< and goes on behind a host call, however it ended
    bool are_entries_final = false;  ///< all functions have machine code: VmFunc knows where
    bool canonical_nans = false;     ///< see Config
    bool has_guard_regions = false;  ///< see runtime::CompiledModule
    bool has_bit_counts = false;     ///< the processor has popcnt, lzcnt and tzcnt
    bool has_shifts = false;         ///< and shlx, shrx, sarx and rorx (BMI2)
    bool has_avx = false;            ///< and three operands for floats
};

/// What a function was compiled to, before it has an address.
struct MachineText {
    struct Address {
        uint32_t at = 0;      ///< of a 64-bit word,
        uint32_t target = 0;  ///< which becomes the address of this place
    };
    struct Call {
        uint32_t end = 0;   ///< of a 32-bit displacement, which becomes that
        uint32_t body = 0;  ///< to this function of the module's own,
    };
    struct Exit {
        uint32_t end = 0;
        CommonPiece piece{};  ///< or to this piece of the common code
    };
    // Spans are valid until the next function begins.
    std::span<const uint8_t> bytes;
    std::span<const Address> addresses;
    std::span<const Call> calls;
    std::span<const Exit> exits;
    std::span<const lower::MachineSite> sites;
    std::span<const lower::MachineAccess> accesses;
    std::span<const uint32_t> landings;  ///< see lower::MachineCode
    uint32_t code_bytes = 0;             ///< behind them is data
    uint32_t frame_slots = 0;            ///< Code::frame_slots
    uint32_t entry = 0;                  ///< all come by here, those from machine code by native_entry before
    uint32_t entry_cell = 0;
    uint32_t native_entry = 0;
};

class MachineSink : public validate::NullSink, private MachineParts {
public:
    explicit MachineSink(const MachineOptions& options);

    /// Before each function: its locals' use.
    void expect(const LocalUse& use) noexcept { m_use = &use; }
    /// After it.
    [[nodiscard]] MachineText take();

    // Hooks, see validate/body_sink.h.
    void begin(const validate::BodyInfo& info);
    void entry(uint32_t) {}
    void at(const binary::Instr& instr) {
        note_height();
        if (m_has_flags) [[unlikely]]
            settle_flags_before(instr.op);
    }
    void check();
    void constant(Op, ValType type, uint64_t bits) {
        push({.kind = Value::Kind::constant,
              .type = type,
              .bits = type.kind() == ValType::i32 ? static_cast<uint32_t>(bits) : bits});
    }
    void v128_constant(const std::array<uint8_t, 16>& bytes);
    void unary(Op op);
    void compare(Op op);
    void binary(Op op);
    void wide(Op op);
    void load(Op op, const binary::MemArg& arg);
    void store(Op op, const binary::MemArg& arg);
    void drop(ValType) { release(pop()); }
    void select(ValType type);
    void local_get(LocalIdx local, ValType type) {
        push({.kind = Value::Kind::local, .type = type, .local = local.value});
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
    void simd(const binary::Instr& instr);
    void gc(const binary::Instr& instr);
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
    void br_on_cast(const binary::Instr& instr, ValType operand);
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

protected:
    /// Where the next instruction will be.
    [[nodiscard]] uint32_t position() const noexcept { return m_code.position(); }

private:
    // The function as a whole, labels (machine_sink.cpp)
    void choose_pins();
    void plan_loops();
    [[nodiscard]] LoopPlan next_loop() noexcept;
    void enter_function();
    void enter_natively();
    void zero_locals();
    uint32_t new_label() {
        m_labels.push_back({});
        return static_cast<uint32_t>(m_labels.size() - 1);
    }
    Label& label(uint32_t index) noexcept { return m_labels[index]; }
    uint32_t new_point() noexcept { return m_points++; }
    [[nodiscard]] uint32_t potential() const noexcept { return *m_info.potential; }
    /// In the module, of the instruction.
    [[nodiscard]] uint32_t instr_offset() const noexcept {
        static_assert(limits::module_size_bytes <= UINT32_MAX);
        return static_cast<uint32_t>(m_info.instr->offset_bytes);
    }
    void note_height() noexcept {
        if (m_height > m_max_height) [[unlikely]]
            m_max_height = m_height;
    }
    [[nodiscard]] uint32_t frame_slots() const noexcept { return m_max_height + lower::passing_slots; }
    [[nodiscard]] static FrameMem slot_at(uint32_t slot) noexcept {
        static_assert(reg::frame == Gpr::r13);
        return {static_cast<int32_t>(slot * sizeof(runtime::Slot))};
    }
    void emit_edges();
    void emit_traps();
    void emit_fuel_exits();
    void emit_other_exits();
    void leave_by(CommonPiece piece);
    void leave_by(CommonPiece piece, Condition condition);
    void emit_resume();
    void emit_tables();
    void emit_address(uint32_t position);
    void emit_cells();

    // Values (sink_values.cpp)
    /// Whatever its slot says, it gets the next one.
    Value& push(Value value) {
        if (m_unsettled == most_unsettled) [[unlikely]]
            settle_stack();
        ++m_unsettled;
        value.slot = m_height;
        m_height += lower::slot_width(value.type);
        return m_stack.push_back(value);
    }
    Value& push(Value::Kind kind, ValType type) { return push({.kind = kind, .type = type}); }
    void push_gpr(Gpr reg, ValType type) { push({.kind = Value::Kind::gpr, .gpr = reg, .type = type}); }
    void push_xmm(Xmm reg, ValType type) { push({.kind = Value::Kind::xmm, .xmm = reg, .type = type}); }
    void push_flags(Condition condition) {
        push({.kind = Value::Kind::flags, .condition = condition, .type = ValType::i32});
        m_has_flags = true;
    }
    /// The value stays where it is until the next one is pushed, and its registers stay taken until it is
    /// released. Not a copy: that would wait for what was pushed just before to be written.
    Value& pop() noexcept {
        Value& value = m_stack.back();
        m_stack.pop_back();
        m_unsettled -= m_unsettled != 0 ? 1 : 0;
        m_height -= lower::slot_width(value.type);
        return value;
    }
    [[nodiscard]] std::span<Value> unsettled() noexcept { return {m_stack.end() - m_unsettled, m_unsettled}; }
    [[nodiscard]] std::span<const Value> unsettled() const noexcept {
        return {m_stack.end() - m_unsettled, m_unsettled};
    }
    void release(const Value& value) noexcept {
        if (value.kind == Value::Kind::gpr)
            m_free_gprs |= bit(value.gpr) & m_temporary_gprs;
        else if (value.kind == Value::Kind::xmm)
            m_free_xmms |= bit(value.xmm) & m_temporary_xmms;
    }
    [[nodiscard]] Gpr take_gpr();
    [[nodiscard]] Xmm take_xmm();
    void take_this(Gpr reg);
    void free_gpr(Gpr reg) noexcept { m_free_gprs |= bit(reg); }
    void free_xmm(Xmm reg) noexcept { m_free_xmms |= bit(reg); }
    [[nodiscard]] const Pin* pin_of(uint32_t local) const noexcept {
        return m_pin_of_local[local] == none ? nullptr : &m_pins[m_pin_of_local[local]];
    }
    [[nodiscard]] static bool is_in_xmm(ValType type) noexcept {
        return lower::is_float(type) || lower::slot_width(type) == 2;
    }
    /// What a slot's upper half has is never part of an i32, so never part of an address either.
    [[nodiscard]] static Width width_in_slot(ValType type) noexcept {
        return type == ValType::i32 ? Width::w32 : Width::w64;
    }
    void load_xmm(ValType type, Xmm to, Mem from);
    void store_xmm(ValType type, Mem to, Xmm from);
    void store_word(uint64_t bits, uint32_t to);
    void load_pin(uint32_t pin);
    void store_pin(uint32_t pin);
    void store_pins();
    void forget_pins();
    /// The register of a pinned local, with its value.
    const Pin& valid_pin(uint32_t local) {
        const uint32_t index = m_pin_of_local[local];
        if ((m_state.valid >> index & 1) == 0)
            load_pin(index);
        m_state.valid |= 1u << index;
        return m_pins[index];
    }
    /// Whether its register may be written. Registers of pins are not temporaries.
    [[nodiscard]] bool is_owned(const Value& value) const noexcept {
        if (value.kind == Value::Kind::gpr)
            return (bit(value.gpr) & m_temporary_gprs) != 0;
        return value.kind == Value::Kind::xmm && (bit(value.xmm) & m_temporary_xmms) != 0;
    }
    /// A register that has the value; perhaps a pin's, which must not be written.
    Gpr to_gpr(Value& value) {
        if (value.kind == Value::Kind::gpr)
            return value.gpr;
        if (value.kind == Value::Kind::local && pin_of(value.local) != nullptr)
            return valid_pin(value.local).gpr;
        return to_owned_gpr(value);
    }
    Gpr to_owned_gpr(Value& value);
    Xmm to_xmm(Value& value);
    Xmm to_owned_xmm(Value& value);
    void put_gpr(Gpr to, Value& value);
    void put_xmm(Xmm to, Value& value);
    [[nodiscard]] bool is_in_memory(const Value& value) const noexcept {
        return value.kind == Value::Kind::slot ||
               (value.kind == Value::Kind::local && pin_of(value.local) == nullptr);
    }
    [[nodiscard]] FrameMem memory_of(const Value& value) const noexcept {
        return slot_at(value.kind == Value::Kind::slot ? value.slot : m_local_slots[value.local]);
    }
    void store_value(Value& value, uint32_t to);
    void settle_value(Value& value);
    void settle_flags();
    void settle_flags_before(Op op);
    void settle_registers();
    void settle_stack();
    void settle_top(size_t count);
    void move_top(size_t count, uint32_t to);
    void unalias(uint32_t local);
    void set_local(uint32_t local, Value& value);
    void push_results(std::span<const ValType> types);
    void reset_stack(size_t values, uint32_t height);
    /// The pin that the result may go to at once, because the next instruction sets its local; null if there
    /// is none. `other` is read after the register is written. The instruction is one byte and so many
    /// numbers.
    [[nodiscard]] const Pin* destination(const Value* other, unsigned immediates = 0) const noexcept {
        constexpr uint8_t local_set = 0x21, local_tee = 0x22;
        const uint8_t* next = m_bytes + m_info.instr->offset_bytes + 1;
        for (; immediates != 0; --immediates)
            while ((*next++ & 0x80) != 0) {
            }
        // What comes next has not been validated: it may not even be there.
        if (m_body_end - next < 2)
            return nullptr;
        const bool is_set = next[0] == local_set || next[0] == local_tee;
        return is_set && next[1] < m_short_locals ? destination_in(next[1], other) : nullptr;
    }
    [[nodiscard]] const Pin* destination_in(uint32_t local, const Value* other) const noexcept;

    // Numbers (sink_integers.cpp, sink_floats.cpp)
    [[nodiscard]] bool is_canonicalized(Op op) const noexcept;
    Gpr take_destination(Value& x, const Pin* pin);
    void int_extend(Width width, unsigned source_bytes, bool is_signed, ValType result);
    void int_count(Count op, Width width, Op instr);
    void int_is_zero(Width width);
    void int_compare(Width width, Condition condition, Value& first, Value& second);
    void int_binary(size_t number, Op op, Width width);
    /// Whether an operand that is first would rather be second, where the order does not matter.
    [[nodiscard]] bool is_better_second(const Value& first, const Value& second) const noexcept {
        return first.kind == Value::Kind::constant || (!is_owned(first) && is_owned(second));
    }
    void int_alu(Alu op, Width width, Value& first, Value& second);
    bool add_by_lea(Width width, Value& x, Value& y, const Pin* pin);
    void int_multiply(Width width, Value& first, Value& second);
    void int_shift(Shift op, Width width, Value& x, Value& y);
    void shift_by_constant(Shift op, Width width, Value& x, uint8_t by, const Pin* pin);
    void shift_by_any(Shift op, Width width, Value& x, Value& y, const Pin* pin);
    void take_count(Value& x, Value& y);
    void int_divide(Op op, Width width, Value& x, Value& y);
    Xmm take_zeroed_xmm();
    Xmm take_float_destination(Value& x, const Pin* pin);
    bool float_unary(Op op);
    bool float_sign(FloatWidth width, Bitwise op);
    bool float_round(FloatWidth width, uint8_t mode);
    bool float_truncate(FloatWidth width, bool is_signed);
    bool float_truncate_64(FloatWidth width);
    bool float_saturate(FloatWidth width, bool is_signed);
    bool float_convert(Op op);
    bool float_binary(Op op);
    bool float_scalar(FloatWidth width, Scalar op);
    bool scalar_of_three(FloatWidth width, Scalar op, Value& x, Value& y, const Pin* pin);
    bool float_least(FloatWidth width, bool is_min);
    bool float_copysign(FloatWidth width);
    void float_compare(Op op);

    // Vectors (sink_vectors.cpp)
    [[nodiscard]] Label& vector_at(const VectorBits& bits);
    void put_vector(Xmm to, const VectorBits& bits);
    void push_vector(Xmm reg) { push_xmm(reg, ValType::v128); }
    void push_vector_constant(const VectorBits& bits);
    [[nodiscard]] const Pin* vector_destination(const Value* other) const noexcept;
    void vector_operation(Sse op, Xmm to, Value& y);
    void invert(Xmm reg);
    bool vector_by_row(const binary::Instr& instr);
    void vector_unary(Sse op);
    void vector_rounding(Sse op, uint8_t mode);
    void vector_extend_high(Sse op);
    struct VectorOrder {
        bool commutes = false;
        bool is_reversed = false;  ///< op y, x
        bool is_inverted = false;  ///< not the result
    };
    void vector_binary(Sse op, VectorOrder order);
    void vector_bound(Sse bound, Sse equal, bool is_inverted);
    void vector_float_compare(Sse op, uint8_t predicate, bool is_reversed);
    void vector_shift(Sse op, unsigned lane_bits);
    Xmm put_count(Value& count, unsigned lane_bits, unsigned more);

    // Vectors: lanes and memory (sink_vector_lanes.cpp)
    bool vector_lanes(const binary::Instr& instr);
    void vector_splat(Op op);
    void splat_bits(Op op, uint64_t bits);
    void spread_lane(Xmm reg, unsigned log_bytes);
    void extract_lane(Op op, uint8_t lane);
    void replace_lane(Op op, uint8_t lane);
    void shuffle(std::array<uint8_t, 16> lanes);
    bool shuffle_by_one(const std::array<uint8_t, 16>& lanes, Value& x, Value& y);
    void shuffle_same(const std::array<uint8_t, 16>& lanes, Value& x);
    void shuffle_both(const std::array<uint8_t, 16>& lanes, Value& x, Value& y);
    void swizzle();
    void vector_test(Op op);
    void vector_bits(Op op);
    [[nodiscard]] const Pin* vector_load_destination() const noexcept;
    void vector_load(Op op, const binary::MemArg& arg);
    void vector_store(const binary::MemArg& arg);
    void lane_access(const binary::Instr& instr);

    // Vectors: what takes several instructions (sink_vector_sequences.cpp)
    bool vector_sequence(Op op);
    bool float_sequence(Op op);
    void operation_with(Sse op, const VectorBits& bits);
    void negate_lanes(Sse subtract);
    void absolute_64();
    void population();
    void shift_bytes(bool is_left);
    void shift_bytes_signed();
    void shift_right_signed_64();
    void multiply_64();
    void extended_multiply(Sse extend, Sse multiply, bool is_high);
    void multiply_halves(Sse multiply_high, Sse interleave);
    void add_pairs_of_signed_bytes();
    void add_pairs_of_unsigned_16();
    void q15_multiply();
    void dot_bytes(bool adds);
    void bit_select();
    void multiply_add(Sse multiply, Sse add, bool is_negated);
    void float_extreme(Sse extreme, Sse combine, Sse add, Sse compare);
    void truncate_signed_f32();
    void truncate_unsigned_f32();
    void truncate_signed_f64();
    void truncate_unsigned_f64();
    void convert_unsigned_f32();
    void convert_unsigned_f64();

    // Memory (sink_memory.cpp)
    /// Whether the access is to a plain memory 0, with an offset that an instruction can have.
    [[nodiscard]] bool is_plain(const binary::MemArg& arg) const noexcept {
        constexpr uint64_t widest_bytes = 16;
        return arg.memory.value == 0 && m_has_plain_memory && arg.offset_bytes <= INT32_MAX - widest_bytes;
    }
    /// The place of an access, checked unless that is left to a guard region: there the register must have a
    /// 32-bit value, zero-extended. The address is used up, but its register is not free yet.
    [[nodiscard]] Mem checked(unsigned width_bytes, const binary::MemArg& arg, Value& address) {
        if (!m_is_guarded || address.kind == Value::Kind::constant)
            return checked_here(width_bytes, arg, address);
        return {reg::memory_base, to_gpr(address), static_cast<int32_t>(arg.offset_bytes)};
    }
    [[nodiscard]] Mem checked_here(unsigned width_bytes, const binary::MemArg& arg, Value& address);
    /// Immediately before each instruction that accesses memory 0.
    void note_access() {
        if (m_is_guarded)
            m_accesses.push_back({m_code.position(), potential(), instr_offset()});
    }
    /// At a label: other ways lead here.
    void forget_straight_line() noexcept {
        ++m_check_epoch;
        m_zero_flag = {};
    }
    /// See `destination`. Only of the usual encoding, whose alignment is a byte that names no memory.
    [[nodiscard]] const Pin* load_destination() const noexcept {
        constexpr uint8_t names_memory = 0x40;
        return m_bytes[m_info.instr->offset_bytes + 1] < names_memory ? destination(nullptr, 2) : nullptr;
    }
    Mem global_at(GlobalIdx global);

    // Control (sink_control.cpp)
    Frame& frame_at(uint32_t depth) noexcept { return m_frames[m_frames.size() - 1 - depth]; }
    [[nodiscard]] std::span<const ValType> label_types(const Frame& frame) const noexcept;
    Frame& open_frame(Frame::Kind kind, const validate::BlockShape& shape);
    Condition pop_condition();
    void conform(const PinState& from, const PinState& to);
    static void join(Frame& frame, const PinState& from);
    void meet(Frame& frame);
    Edge& add_edge(uint32_t from_label, const PinState& from, uint32_t at_potential);
    void lead_to_end(Frame& frame, Edge& edge);
    void jump_inline(uint32_t depth, uint32_t at_potential);
    uint32_t edge_to(uint32_t depth, uint32_t at_potential);
    void branch_if(uint32_t depth, Condition condition);
    [[nodiscard]] Move move_to(const Frame& target) const noexcept;
    void emit_move(const Move& move);
    void emit_back(const Frame& target, uint32_t at_potential);
    void take_fuel(int64_t units);
    void bind_end(Frame& frame);
    void emit_return(uint32_t at_potential);
    void leave_frame(uint32_t at_potential);
    void emit_return_edge(const Edge& edge);
    uint32_t trap(TrapCode code);

    // Exceptions (sink_exceptions.cpp)
    void open_catching(const validate::BlockShape& shape);
    void close_body(Frame& frame) noexcept;
    void close_clauses(Frame& frame);
    void find_clauses();

    // Cells and calls (sink_cells.cpp)
    uint32_t add_cell(std::span<const lower::Word> words, uint32_t continuation);
    uint32_t add_point(uint32_t target, uint32_t at_potential);
    void jump_to_cell(uint32_t cell);
    void prepare_cell(size_t operands, bool settles = false);
    void isolate(std::span<const ValType> operands, uint32_t first_slot);
    void run_cell(bool settles = false);
    template <class Hook>
    void by_cell(size_t operands, Hook hook, bool settles = false);
    void cell_of_unary(Op op);
    void cell_of_binary(Op op);
    void cell_of_load(Op op, const binary::MemArg& arg);
    void cell_of_store(Op op, const binary::MemArg& arg);
    void cell_of_simd(const binary::Instr& instr);
    [[nodiscard]] Condition cast_condition(const binary::Instr& instr);
    void prepare_call(std::span<const ValType> params);
    void local_call(FuncIdx func, const FuncType& type);
    void after_call(const FuncType& type);
    /// Words of a cell that calls (interp/frames.h).
    static constexpr size_t call_words = 3;
    void add_call(const lower::Word (&words)[call_words]);
    void find_indirect(TableIdx table, CanonId expected, uint32_t by_handler);
    uint32_t leave_to_handler();
    void enter_found(uint32_t by_handler);
    void put_return();
    void bind_return();

    // Calls of imported functions (sink_host_calls.cpp)
    void import_call(FuncIdx func, const FuncType& type);
    void call_host();

    const MachineOptions m_options;
    const LocalUse* m_use = nullptr;
    validate::BodyInfo m_info;
    const uint8_t* m_bytes = nullptr;     ///< the module's
    const uint8_t* m_body_end = nullptr;  ///< among them
    uint32_t m_short_locals = 0;          ///< of those below, indices have one byte
    bool m_has_plain_memory = false;      ///< memory 0 has 32-bit addresses and belongs to one thread
    Assembler m_code;
    lower::LowerSink m_lowering;  ///< makes cells of single instructions
    bool m_has_begun_lowering = false;

    /// At most: whatever looks for something among them looks at no more.
    static constexpr size_t most_unsettled = 64;

    TrivialVector<Value> m_stack;
    size_t m_unsettled = 0;    ///< so many of the topmost; those below are in their slots or constants
    bool m_has_flags = false;  ///< the topmost value may be flags
    TrivialVector<VectorBits> m_vector_constants;
    TrivialVector<Frame> m_frames;
    std::vector<uint32_t> m_local_slots;
    uint32_t m_header_slot = 0;
    uint32_t m_height = 0;
    uint32_t m_max_height = 0;  ///< as lower::LowerSink counts it

    std::vector<Pin> m_pins;
    std::vector<uint32_t> m_candidates;  ///< locals that may become pins
    std::vector<uint32_t> m_pin_of_local;
    PinState m_state;
    std::vector<LoopPlan> m_loop_plans;
    size_t m_next_loop = 0;
    RegisterSet m_temporary_gprs = 0, m_temporary_xmms = 0;
    RegisterSet m_free_gprs = 0, m_free_xmms = 0;

    /// By local: up to which end accesses relative to it were checked, and when.
    struct Checked {
        uint32_t epoch = 0;
        uint64_t end_bytes = 0;
    };
    std::vector<Checked> m_checked;
    /// The processor's zero flag is that of what this register has, if nothing came behind it.
    struct ZeroFlag {
        uint32_t position = none;  ///< behind the instruction
        Gpr gpr{};
        Width width{};
    };
    ZeroFlag m_zero_flag;
    uint32_t m_check_epoch = 1;

    TrivialVector<Label> m_labels;
    TrivialVector<Edge> m_edges;
    TrivialVector<Patch> m_patches;
    TrivialVector<uint32_t> m_exits;  ///< edges that are emitted behind the function
    TrivialVector<JumpTable> m_tables;
    TrivialVector<uint32_t> m_table_targets;   ///< labels
    TrivialVector<TableLabel> m_table_labels;  ///< by depth
    uint64_t m_table_number = 0;               ///< of br_tables that were ever compiled
    std::map<VectorBits, uint32_t> m_vectors;  ///< constants behind the code, and their labels
    TrivialVector<HandlerExit> m_handler_exits;
    TrivialVector<uint32_t> m_entry_jumps;  ///< labels of those to functions found in tables or references
    TrivialVector<TrapExit> m_traps;
    TrivialVector<Cell> m_cells;
    TrivialVector<lower::Word> m_cell_words;
    std::vector<CatchingBlock> m_catching;  ///< in the order of their heads
    uint32_t m_inside = none;               ///< the innermost open one
    std::vector<uint32_t> m_landings;       ///< of the closed ones, by clause: in m_cells
    TrivialVector<LowExit> m_low_exits;
    TrivialVector<MachineText::Address> m_addresses;
    TrivialVector<MachineText::Call> m_calls;
    TrivialVector<MachineText::Exit> m_common_exits;
    TrivialVector<lower::MachineSite> m_sites;
    TrivialVector<lower::MachineAccess> m_accesses;
    bool m_is_guarded = false;  ///< memory 0 has a guard region that stands for checks
    uint32_t m_points = 0;
    uint32_t m_entry_cell = 0;       ///< in m_cells
    uint32_t m_native_entry = none;  ///< label
    uint32_t m_does_not_fit = none;  ///< label: the frame of a call from machine code
    uint32_t m_resume = none;        ///< label: brings all pins back, and goes on where the cell at ip says
    uint32_t m_frame_size_end = 0;   ///< position behind what its check adds, in bytes
    uint32_t m_return_exit = none;   ///< label: a return without fuel, or not to machine code
};

}  // namespace wsb::jit
