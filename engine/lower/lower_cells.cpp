// SPDX-License-Identifier: Apache-2.0
// Cells, the symbolic stack and the accumulators of the folding translator.
#include "engine/isa/limits.h"
#include "engine/lower/catch_index.h"
#include "engine/lower/lower_sink.h"
#include "engine/validate/fuel_cost.h"

#include <algorithm>

namespace wsb::lower {

uint32_t slot_count(std::span<const ValType> types) noexcept {
    uint32_t slots = 0;
    for (const ValType type : types)
        slots += slot_width(type);
    return slots;
}

/// Forgets the function before, but keeps its room.
void LowerSink::reset() noexcept {
    m_words.clear();
    m_stack.clear();
    m_frames.clear();
    m_fixups.clear();
    m_local_slots.clear();
    m_catches.clear();
    m_pending_locals = 0;
    m_wide_cell = none;
    m_is_landing = false;
    m_origins.clear();
}

void LowerSink::begin(const validate::BodyInfo& info) {
    reset();
    m_info = info;
    m_has_origins = info.module->body(info.func).whole.size_bytes >= m_origins_from_bytes;
    uint32_t next = 0;
    for (const ValType type : info.locals) {
        m_local_slots.push_back(next);
        next += slot_width(type);
    }
    m_pending_of_local.assign(info.locals.size() + 1, 0);  // see pop
    m_header_slot = std::max(next, slot_count(info.type->results));
    m_height = m_max_height = m_header_slot + frame_header_slots;
    Frame frame;
    frame.kind = Frame::Kind::function;
    frame.shape.results = info.type->results;
    frame.base_slot = m_height;
    m_frames.push_back(frame);
    settlement_point();
}

Result<void> LowerSink::finish(Code& code) {
    const uint32_t frame_slots = m_max_height + passing_slots;
    WSB_TRY(check_frame(*m_info.module, m_info.func, frame_slots));
    code.word_count = static_cast<uint32_t>(m_words.size());
    if (m_writer != nullptr) {
        code.words = m_writer->write(std::span<const Word>(m_words)).data();
    } else {
        code.own_words = std::make_unique_for_overwrite<Word[]>(m_words.size());
        std::ranges::copy(m_words, code.own_words.get());
        code.words = code.own_words.get();
    }
    code.entry.store(code.words, std::memory_order_relaxed);
    if (m_has_origins)
        code.origins = std::make_unique<const OriginTable>(m_origins);
    code.catch_starts = index_catches(m_catches);
    code.catches = std::move(m_catches);
    code.is_lowered.store(true, std::memory_order_release);
    code.frame_slots.store(frame_slots, std::memory_order_release);
    return {};
}

void LowerSink::isolate(std::span<const ValType> operands, uint32_t first_slot) {
    m_words.clear();
    m_stack.clear();
    m_height = first_slot;
    push_results(operands);
    forget_accumulators();
    m_wide_cell = none;
    m_fusible.cell = none;
    m_compared.cell = none;
    m_last_cell = none;
    m_prefix = Prefix::none;
}

std::span<const ValType> LowerSink::isolated_results() {
    m_isolated_results.clear();
    for (const Value& value : m_stack)
        m_isolated_results.push_back(value.type);
    return m_isolated_results;
}

void LowerSink::entry(uint32_t cost) {
    if (m_form == Form::fast)
        return;
    begin_cell(Single::fuel_step);
    word(cost);
}

void LowerSink::prepare(const binary::Instr& instr) {
    if (m_executed != nullptr) [[unlikely]] {
        // These are counted where their block begins or has ended, whichever way control arrives.
        const bool is_block_end = instr.op == Op::end && m_frames.size() > 1;
        if (!is_block_end && instr.op != Op::else_ && instr.op != Op::catch_ && instr.op != Op::catch_all)
            count_execution(instr.op);
    }
    if (m_form == Form::fast)
        return;
    const uint32_t cost = validate::static_cost(*m_info.module, instr);
    if (cost == 0)
        return;
    if (op_info(instr.op).cls == OpClass::bulk || instr.op == Op::table_grow ||
        validate::is_array_bulk(instr.op))
        return;  // they charge themselves, together with their dynamic part
    begin_cell(Single::fuel_step);
    word(cost);
}

void LowerSink::check() {
    flush_locals();
    if (m_form == Form::fast) {
        begin_cell(Single::fuel_check);
        word(pack_wide(0, 0, potential()));
    }
    settlement_point();
}

/// Execution can change its form here: nothing may be held in accumulators only, and no later cell may
/// reach back over this point.
/// @param kept fuel that goes on being owed there: P of a loop's header. Other points settle.
void LowerSink::settlement_point(uint32_t kept) {
    forget_accumulators();
    m_fusible.cell = none;
    m_last_cell = none;
    if (m_recording != nullptr)
        record_point(kept);
}

void LowerSink::record_point(uint32_t kept) {
    auto& folded = m_recording->folded;
    const size_t most = m_recording->most_folded;
    for (const Value& value : m_stack) {
        if (folded.size() >= most)
            break;
        if (value.kind == Value::Kind::constant)
            folded.push_back({.slot = value.slot, .bits = value.bits});
        for (uint32_t i = 0; value.kind == Value::Kind::local && i < slot_width(value.type); ++i)
            folded.push_back({.slot = value.slot + i, .local_slot = local_slot(value.local) + i});
    }
    m_recording->points.push_back(
        {static_cast<uint32_t>(m_words.size()), kept, static_cast<uint32_t>(folded.size())});
}

/// The cell that a prefix is when it stands alone.
const Entry& LowerSink::prefix_entry(Prefix prefix) const noexcept {
    switch (prefix) {
        case Prefix::copy: return m_handlers.of(Single::copy);
        case Prefix::constant: return m_handlers.of(Single::constant_short);
        default: return m_handlers.of(Single::increment);
    }
}

/// What the last cell can be to the next: none if it shares its own, or may still be told not to store.
Prefix LowerSink::last_as_prefix() const noexcept {
    if (m_last_cell == none || m_prefix != Prefix::none)
        return Prefix::none;
    if (last_is(Prefix::copy))
        return Prefix::copy;
    if (last_is(Prefix::constant))
        return Prefix::constant;
    return last_is(Prefix::increment) && m_int.cell != m_last_cell ? Prefix::increment : Prefix::none;
}

/// Takes back the last cell, but not what it shares its words with: that is the last one then.
void LowerSink::drop_last_cell() {
    if (m_prefix == Prefix::none) {
        m_words.resize(m_last_cell);
        m_last_cell = none;
    } else {
        m_words.resize(m_last_cell + 1);
        --m_last_cell;
        m_words[m_last_cell] = handler_of(prefix_entry(m_prefix));
        m_prefix = Prefix::none;
    }
    if (m_has_origins)
        m_origins.pop_back();
}

void LowerSink::record_origin(uint32_t cell) {
    m_origins.push_back({cell, m_info.instr->offset_bytes, potential()});
}

/// The last cell does what the one that was taken back did, and traps as that.
void LowerSink::restore_origin(uint32_t cell, const CellOrigin& origin) noexcept {
    if (m_has_origins)
        m_origins.back() = {cell, origin.offset_bytes, origin.potential};
}

/// If somebody asks: a cell that counts what comes next.
void LowerSink::count_execution(Op op) {
    if (m_executed == nullptr)
        return;
    begin_cell(Single::count_execution);
    // SAFETY: the counter's address as a word; the counters outlive the code.
    word(reinterpret_cast<Word>(&(*m_executed)[static_cast<size_t>(op)]));
}

/// Takes back the last cell; its consumer will do its work as well.
void LowerSink::rewind_fusible() {
    WSB_ASSERT(m_fusible.cell == m_last_cell);
    drop_last_cell();
    m_int = m_fusible.int_before;
    m_float = m_fusible.float_before;
    m_last_cell = m_fusible.cell_before;
    m_prefix = m_fusible.prefix_before;
    m_fusible.cell = none;
}

void LowerSink::emit_copy(uint32_t to, uint32_t from, uint32_t width) {
    note_write(to);
    if (width == 2) {
        note_write(to + 1);
        begin_cell(Single::copy_wide);
    } else if (last_as_prefix() == Prefix::copy) {
        m_words[m_last_cell] = handler_of(m_handlers.of(Single::copy_pair));
        m_words[m_last_cell + 1] |= pack(0, 0, to, from);
        return;
    } else {
        begin_cell(Single::copy);
    }
    word(pack(to, from));
}

void LowerSink::emit_constant(uint32_t to, uint64_t bits) {
    note_write(to);
    if (bits <= UINT32_MAX) {
        begin_cell(Single::constant_short);
        word(pack_wide(to, 0, static_cast<uint32_t>(bits)));
        return;
    }
    begin_cell(Single::constant);
    word(pack(to, 0));
    word(bits);
}

void LowerSink::push_results(std::span<const ValType> types) {
    for (const ValType type : types)
        push_temporary(type);
}

/// A result that its cell wrote to the slot on top of the stack, and to no accumulator.
void LowerSink::push_stored(ValType type) {
    note_write(m_height);
    if (slot_width(type) == 2)
        note_write(m_height + 1);
    push_temporary(type);
}

/// A result that its cell left both in an accumulator and in the slot on top of the stack.
void LowerSink::push_produced(ValType type, uint32_t cell, Word unstored) {
    const uint32_t slot = m_height;
    note_write(slot);
    (is_float(type) ? m_float : m_int) = {
        .slot = slot,
        .cell = cell,
        .handler_word = m_prefix == Prefix::none ? cell : cell - 1,
        .unstored = unstored,
    };
    push_temporary(type);
}

bool LowerSink::in_accumulator(const Value& value) const noexcept {
    const Accumulator& accumulator = is_float(value.type) ? m_float : m_int;
    switch (value.kind) {
        case Value::Kind::temporary: return accumulator.slot == value.slot;
        case Value::Kind::local: return accumulator.slot == local_slot(value.local);
        case Value::Kind::constant: return false;
    }
    return false;
}

/// Uses up a value that was popped: from its accumulator if it is there (a temporary need not be stored
/// then at all), else from its slot.
Source LowerSink::take(const Value& value) {
    if (!in_accumulator(value))
        return Source::slot;
    Accumulator& accumulator = is_float(value.type) ? m_float : m_int;
    if (value.kind == Value::Kind::temporary && accumulator.cell != none) {
        m_words[accumulator.handler_word] = accumulator.unstored;
        accumulator.cell = none;
    }
    return Source::accumulator;
}

/// The slot that holds a value; constants are put into their canonical slot first.
uint32_t LowerSink::stored_slot(const Value& value) {
    switch (value.kind) {
        case Value::Kind::temporary: return value.slot;
        case Value::Kind::local: return local_slot(value.local);
        case Value::Kind::constant: emit_constant(value.slot, value.bits); return value.slot;
    }
    WSB_UNREACHABLE();
}

/// Writes a value to a slot without using it up.
void LowerSink::store_value(const Value& value, uint32_t to) {
    if (value.kind == Value::Kind::constant) {
        emit_constant(to, value.bits);
        return;
    }
    const uint32_t from = value.kind == Value::Kind::local ? local_slot(value.local) : value.slot;
    if (from == to)
        return;
    if (slot_width(value.type) == 1 && in_accumulator(value)) {
        note_write(to);
        begin_cell(is_float(value.type) ? Single::store_float_accumulator : Single::store_int_accumulator);
        word(pack(to, 0));
        return;
    }
    emit_copy(to, from, slot_width(value.type));
}

void LowerSink::note_write(uint32_t slot) noexcept {
    if (m_int.slot == slot)
        m_int = {};
    if (m_float.slot == slot)
        m_float = {};
}

void LowerSink::forget_accumulators() noexcept {
    m_int = {};
    m_float = {};
}

/// From here on some edge relies on the slots of values that are also in accumulators.
void LowerSink::keep_stores() noexcept {
    m_int.cell = none;
    m_float.cell = none;
}

/// Before a local changes, its earlier reads must have happened.
void LowerSink::flush_local(uint32_t local) {
    for (size_t i = m_stack.size(); m_pending_of_local[local] != 0; --i) {
        Value& value = m_stack[i - 1];
        if (value.kind != Value::Kind::local || value.local != local)
            continue;
        store_value(value, value.slot);
        value.kind = Value::Kind::temporary;
        --m_pending_of_local[local];
        --m_pending_locals;
    }
}

/// Before control splits, reads of locals must have happened, since a branch may change them.
void LowerSink::flush_locals() {
    for (size_t i = m_stack.size(); m_pending_locals != 0; --i) {
        Value& value = m_stack[i - 1];
        if (value.kind != Value::Kind::local)
            continue;
        store_value(value, value.slot);
        --m_pending_of_local[value.local];
        --m_pending_locals;
        value.kind = Value::Kind::temporary;
    }
}

/// Puts the constants among the topmost `count` values into their slots.
void LowerSink::flush_constants(size_t count) {
    for (size_t i = m_stack.size() - count; i < m_stack.size(); ++i) {
        Value& value = m_stack[i];
        if (value.kind != Value::Kind::constant)
            continue;
        emit_constant(value.slot, value.bits);
        value.kind = Value::Kind::temporary;
    }
}

/// Writes the topmost `count` values to consecutive slots from `to` on, without changing what is known of
/// them. `to` is at or below their canonical slots, so ascending order never overwrites a source.
void LowerSink::move_values(size_t count, uint32_t to) {
    const std::span values = std::span(m_stack).last(count);
    const bool all_stored =
        std::ranges::all_of(values, [](const Value& value) { return value.kind == Value::Kind::temporary; });
    if (count > 2 && all_stored) {
        const uint32_t slots = m_height - values.front().slot;
        if (to != values.front().slot) {
            forget_accumulators();
            begin_cell(Single::copy_many);
            word(pack_wide(to, values.front().slot, slots));
        }
        return;
    }
    for (const Value& value : values) {
        store_value(value, to);
        to += slot_width(value.type);
    }
}

/// local.set: redirects the producer when it is the last cell, else moves the value.
void LowerSink::assign_local(uint32_t local, const Value& value) {
    const uint32_t slot = local_slot(local);
    const bool reads_pending = m_pending_of_local[local] != 0;
    if (!reads_pending && redirect_vector(value, slot))
        return;
    Accumulator& accumulator = is_float(value.type) ? m_float : m_int;
    const bool produced =
        value.kind == Value::Kind::temporary && accumulator.slot == value.slot && accumulator.cell != none;
    if (produced && accumulator.cell == m_last_cell && !reads_pending) {
        const uint32_t cell = accumulator.cell;
        note_write(slot);
        m_words[cell + 1] = (m_words[cell + 1] & ~Word{0xffff}) | slot;
        accumulator = {.slot = slot};
        m_fusible.cell = none;
        return;
    }
    flush_local(local);
    if (value.kind == Value::Kind::local && value.local == local)
        return;
    if (value.kind == Value::Kind::temporary && in_accumulator(value)) {
        take(value);
        note_write(slot);
        begin_cell(is_float(value.type) ? Single::store_float_accumulator : Single::store_int_accumulator);
        word(pack(slot, 0));
        (is_float(value.type) ? m_float : m_int).slot = slot;
        return;
    }
    store_value(value, slot);
}

void LowerSink::reset_stack(size_t values, uint32_t height) noexcept {
    while (m_stack.size() > values)
        static_cast<void>(pop());
    m_height = height;
}

}  // namespace wsb::lower
