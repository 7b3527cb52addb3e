// SPDX-License-Identifier: Apache-2.0
// The beginning and the end of a function: pins, entry, and everything that lies apart from its straight
// line.
#include "jit/machine_sink.h"

#include "engine/runtime/reservation.h"

#include <algorithm>
#include <bit>
#include <memory>

namespace wsb::jit {

using lower::MachineSite;
using lower::slot_count;
using lower::slot_width;

namespace {

/// A use below this is not worth a register: an entry costs as much.
constexpr uint64_t least_weight = 2;

/// Machine code for a byte of a body, seldom more; and how much room is made for it before it comes.
constexpr size_t likely_growth = 6, most_expected_bytes = size_t{1} << 20;

}  // namespace

MachineSink::MachineSink(const MachineOptions& options)
    : m_options(options),
      m_lowering(
          {.handlers = options.handlers, .codes = options.codes, .canonical_nans = options.canonical_nans}) {}

void MachineSink::begin(const validate::BodyInfo& info) {
    m_info = info;
    m_bytes = info.module->bytes.data();
    const std::span<const uint8_t> body = info.module->view(info.module->body(info.func).whole);
    m_body_end = std::to_address(body.end());
    m_short_locals = static_cast<uint32_t>(std::min<size_t>(info.locals.size(), 0x80));
    m_has_begun_lowering = false;
    m_code.begin(std::min(likely_growth * body.size(), most_expected_bytes));
    m_stack.clear();
    m_unsettled = 0;
    m_has_flags = false;
    m_vector_constants.clear();
    m_frames.clear();
    m_labels.clear();
    m_edges.clear();
    m_patches.clear();
    m_exits.clear();
    m_tables.clear();
    m_table_targets.clear();
    m_vectors.clear();
    m_accesses.clear();
    const auto& memories = info.module->memories;
    m_has_plain_memory = !memories.empty() && memories.front().type.address == AddressType::i32 &&
                         !memories.front().type.is_shared;
    m_is_guarded =
        m_options.has_guard_regions && !memories.empty() && runtime::can_be_guarded(memories.front().type);
    m_traps.clear();
    m_cells.clear();
    m_cell_words.clear();
    m_catching.clear();
    m_inside = none;
    m_landings.clear();
    m_low_exits.clear();
    m_handler_exits.clear();
    m_entry_jumps.clear();
    m_addresses.clear();
    m_calls.clear();
    m_common_exits.clear();
    m_points = 0;
    m_zero_flag = {};
    m_return_exit = none;
    m_resume = none;

    m_local_slots.clear();
    uint32_t next = 0;
    for (const ValType type : info.locals) {
        m_local_slots.push_back(next);
        next += slot_width(type);
    }
    m_checked.assign(info.locals.size(), {});
    m_check_epoch = 1;
    m_header_slot = std::max(next, slot_count(info.type->results));
    m_height = m_max_height = m_header_slot + lower::frame_header_slots;
    Frame& function = m_frames.add();
    function.kind = Frame::Kind::function;
    function.shape.results = info.type->results;
    function.base_slot = m_height;
    choose_pins();
    plan_loops();
    enter_function();
}

/// Registers for the locals that are used most, each kind for itself.
void MachineSink::choose_pins() {
    m_pins.clear();
    m_pin_of_local.assign(m_info.locals.size(), none);
    m_temporary_gprs = m_temporary_xmms = 0;
    for (const Gpr reg : temporary_gprs)
        m_temporary_gprs |= bit(reg);
    for (const Xmm reg : temporary_xmms)
        m_temporary_xmms |= bit(reg);
    const auto use = m_use->locals();
    m_candidates.clear();
    for (uint32_t local = 0; local < use.size(); ++local)
        if (use[local].weight >= least_weight)
            m_candidates.push_back(local);
    // No more than these: a pin that is used little costs more at calls than it saves elsewhere.
    constexpr size_t most = 2 * (pinnable_gprs.size() + pinnable_xmms.size());
    const auto is_used_more = [&](uint32_t a, uint32_t b) {
        return use[a].weight != use[b].weight ? use[a].weight > use[b].weight : a < b;
    };
    if (m_candidates.size() > most) {
        std::ranges::nth_element(m_candidates, m_candidates.begin() + most, is_used_more);
        m_candidates.resize(most);
    }
    std::ranges::sort(m_candidates, is_used_more);
    size_t gprs = 0, xmms = 0;
    for (const uint32_t local : m_candidates) {
        const ValType type = m_info.locals[local];
        const bool is_xmm = is_in_xmm(type);
        if (is_xmm ? xmms == pinnable_xmms.size() : gprs == pinnable_gprs.size())
            continue;
        Pin pin{.local = local, .type = type, .is_xmm = is_xmm};
        if (is_xmm)
            pin.xmm = pinnable_xmms[xmms++];
        else
            pin.gpr = pinnable_gprs[gprs++];
        m_pin_of_local[local] = static_cast<uint32_t>(m_pins.size());
        m_pins.push_back(pin);
    }
    for (; gprs < pinnable_gprs.size(); ++gprs)
        m_temporary_gprs |= bit(pinnable_gprs[gprs]);
    for (; xmms < pinnable_xmms.size(); ++xmms)
        m_temporary_xmms |= bit(pinnable_xmms[xmms]);
    m_free_gprs = m_temporary_gprs;
    m_free_xmms = m_temporary_xmms;
    m_state = {};
}

/// What each loop does with pins, what is inside it included.
void MachineSink::plan_loops() {
    const auto loops = m_use->loops();
    m_next_loop = 0;
    m_loop_plans.clear();
    for (const auto& loop : loops)
        m_loop_plans.push_back(
            {.offset_bytes = loop.offset_bytes, .leaves_registers = loop.leaves_registers});
    for (const auto& use : m_use->uses()) {
        const uint32_t pin = m_pin_of_local[use.local];
        if (pin != none)
            (use.is_write ? m_loop_plans[use.loop].written : m_loop_plans[use.loop].used) |= 1u << pin;
    }
    for (size_t i = loops.size(); i-- > 0;) {
        LoopPlan& plan = m_loop_plans[i];
        if (loops[i].outer == LocalUse::no_loop)
            continue;
        LoopPlan& outer = m_loop_plans[loops[i].outer];
        outer.used |= plan.used;
        outer.written |= plan.written;
        outer.leaves_registers = outer.leaves_registers || plan.leaves_registers;
    }
}

/// The plan of the loop that begins; nothing is known of one that was not looked at. Those that are not
/// reachable never begin.
MachineSink::LoopPlan MachineSink::next_loop() noexcept {
    while (m_next_loop < m_loop_plans.size() &&
           m_loop_plans[m_next_loop].offset_bytes < m_info.instr->offset_bytes)
        ++m_next_loop;
    const bool is_known = m_next_loop < m_loop_plans.size() &&
                          m_loop_plans[m_next_loop].offset_bytes == m_info.instr->offset_bytes;
    return is_known ? m_loop_plans[m_next_loop] : LoopPlan{};
}

/// Machine code comes by `call`, and what that pushed goes away at once: the header tells where to return to
/// (see leave_frame). It is written here, once it is known that the frame fits.
void MachineSink::enter_natively() {
    m_native_entry = new_label();
    m_does_not_fit = new_label();
    m_code.bind(label(m_native_entry));
    m_code.endbr64();
    m_code.pop(Gpr::rax);
    m_code.load(Width::w64, Gpr::rdi, {reg::instance, offsetof(runtime::VmInstance, context)});
    m_code.lea_later(Gpr::rax, reg::frame);
    m_frame_size_end = m_code.position();
    m_code.alu(Width::w64, Alu::cmp, Gpr::rax, Mem{Gpr::rdi, offsetof(runtime::VmContext, stack_limit)});
    m_code.jump(Condition::above, label(m_does_not_fit));
    m_code.store(Width::w64, slot_at(m_header_slot), reg::return_cell);
    m_code.store(Width::w64, slot_at(m_header_slot + 1), reg::caller_frame);
}

/// Parameters are in their slots. Who comes by the cell has written the header and zeroed the other locals,
/// machine code has not.
void MachineSink::enter_function() {
    const uint32_t entry = new_label(), goes_on = new_label(), low = new_label();
    enter_natively();
    m_entry_cell = add_cell({}, entry);
    m_cells[m_entry_cell].point = new_point();
    m_code.bind(label(entry));
    m_code.endbr64();
    zero_locals();
    m_low_exits.push_back({low, m_entry_cell, m_state});
    m_code.test(Width::w64, reg::fuel, reg::fuel);
    m_code.jump(Condition::sign, label(low));
    m_code.bind(label(goes_on));
}

void MachineSink::zero_locals() {
    constexpr uint32_t most_in_line = 16;
    const auto first = static_cast<uint32_t>(m_info.type->params.size());
    const auto locals = static_cast<uint32_t>(m_info.locals.size());
    const uint32_t begin = slot_count(m_info.type->params);
    uint32_t end = begin;
    for (uint32_t local = first; local < locals; ++local) {
        const uint32_t pin = m_pin_of_local[local];
        end += slot_width(m_info.locals[local]);
        if (pin == none)
            continue;
        if (m_pins[pin].is_xmm)
            m_code.bitwise(Bitwise::xor_, m_pins[pin].xmm, m_pins[pin].xmm);
        else
            m_code.mov_immediate(m_pins[pin].gpr, 0);
        m_state.valid |= 1u << pin;
        m_state.dirty |= 1u << pin;
    }
    if (end - begin > most_in_line) {
        const uint32_t again = new_label();
        m_code.lea(Width::w64, Gpr::rax, slot_at(begin));
        m_code.lea(Width::w64, Gpr::rdi, slot_at(end));
        m_code.bind(label(again));
        m_code.store_immediate(Width::w64, {Gpr::rax, 0}, 0);
        m_code.alu(Width::w64, Alu::add, Gpr::rax, sizeof(runtime::Slot));
        m_code.alu(Width::w64, Alu::cmp, Gpr::rax, Gpr::rdi);
        m_code.jump(Condition::below, label(again));
        return;
    }
    for (uint32_t local = first; local < locals; ++local)
        for (uint32_t i = 0; m_pin_of_local[local] == none && i < slot_width(m_info.locals[local]); ++i)
            m_code.store_immediate(Width::w64, slot_at(m_local_slots[local] + i), 0);
}

void MachineSink::emit_edges() {
    // Returning edges add no others.
    for (const uint32_t exit : m_exits) {
        const Edge& edge = m_edges[exit];
        m_code.bind(label(edge.label));
        if (edge.is_return) {
            emit_return_edge(edge);
            continue;
        }
        emit_move(edge.move);
        conform(edge.from, edge.to);
        if (edge.is_back) {
            m_code.alu(Width::w64, Alu::sub, reg::fuel, static_cast<int32_t>(edge.takes));
            m_code.jump(Condition::no_sign, label(edge.target));
            m_code.jump(label(edge.low_label));
        } else {
            take_fuel(edge.takes);
            m_code.jump(label(edge.target));
        }
    }
}

/// To a piece of the common code, which is reached by a jump or a call.
void MachineSink::leave_by(CommonPiece piece) {
    m_code.jump_later();
    m_common_exits.push_back({m_code.position(), piece});
}

void MachineSink::leave_by(CommonPiece piece, Condition condition) {
    m_code.jump_later(condition);
    m_common_exits.push_back({m_code.position(), piece});
}

/// What is called returns nowhere, but knows the place.
void MachineSink::emit_traps() {
    for (const TrapExit& exit : m_traps) {
        m_code.bind(label(exit.label));
        m_code.call_later();
        m_common_exits.push_back({m_code.position(), trap_piece(exit.trap)});
        m_sites.push_back(
            {.at = m_code.position(), .potential = exit.potential, .offset_bytes = exit.offset_bytes});
    }
}

void MachineSink::emit_fuel_exits() {
    for (const LowExit& exit : m_low_exits) {
        m_code.bind(label(exit.label));
        for (uint32_t left = exit.state.dirty; left != 0; left &= left - 1)
            store_pin(static_cast<uint32_t>(std::countr_zero(left)));
        m_code.lea(reg::scratch, m_cells[exit.cell].here);
        leave_by(CommonPiece::fuel_low);
    }
    emit_resume();
}

void MachineSink::emit_other_exits() {
    if (m_return_exit != none) {
        m_code.bind(label(m_return_exit));
        m_code.load(Width::w64, reg::frame, slot_at(m_header_slot + 1));
        leave_by(CommonPiece::leave);
    }
    for (const auto& exit : m_handler_exits) {
        m_code.bind(label(exit.label));
        jump_to_cell(exit.cell);
    }
    for (const uint32_t jump : m_entry_jumps) {
        m_code.bind(label(jump));
        m_code.jump(m_options.are_entries_final
                        ? Mem{Gpr::rax, offsetof(runtime::VmFunc, native_entry)}
                        : Mem{reg::int_result, static_cast<int32_t>(lower::Code::native_entry_offset)});
    }
    m_code.bind(label(m_does_not_fit));
    m_code.mov_immediate(reg::int_result, m_info.func.value - m_info.module->imported_funcs);
    leave_by(CommonPiece::does_not_fit);
}

/// All settlement points resume here: everything is in its slot, so that each pin can be loaded, whatever the
/// code there needs.
void MachineSink::emit_resume() {
    if (m_resume == none)
        return;
    m_code.bind(label(m_resume));
    m_code.endbr64();
    for (uint32_t pin = 0; pin < m_pins.size(); ++pin)
        load_pin(pin);
    m_code.jump_unmarked(Mem{reg::scratch, sizeof(lower::Word)});
}

void MachineSink::emit_tables() {
    m_code.align(16, 0xcc);
    for (const auto& [bits, index] : m_vectors) {
        m_code.bind(label(index));
        m_code.data64(bits[0]);
        m_code.data64(bits[1]);
    }
    m_code.align(8, 0xcc);
    for (const JumpTable& table : m_tables) {
        m_code.bind(label(table.label));
        const uint32_t from = m_code.position();
        for (uint32_t i = 0; i < table.targets; ++i)
            m_code.data_distance(label(m_table_targets[table.first + i]), from);
    }
}

void MachineSink::emit_address(uint32_t position) {
    m_addresses.push_back({m_code.position(), position});
    m_code.data64(0);
}

void MachineSink::emit_cells() {
    m_code.align(8, 0);
    for (Cell& cell : m_cells) {
        m_code.bind(cell.here);
        const uint32_t clause = cell.catching == none ? none : m_catching[cell.catching].clause;
        m_sites.push_back({m_code.position(), cell.potential, cell.offset_bytes, cell.point, none, clause});
        m_code.data64({m_cell_words.data() + cell.first_word, cell.words});
        if (cell.target != none) {
            emit_address(label(cell.continuation).position);
            emit_address(label(cell.target).position);
            continue;
        }
        if (cell.return_point != none)
            m_sites.push_back({m_code.position(), 0, cell.offset_bytes, cell.return_point, cell.callee});
        if (cell.continuation != none) {
            emit_address(label(cell.continuation).position);
            continue;
        }
        m_code.bind_at(cell.return_word, m_code.position() + lower::native_return_flag);
        emit_address(cell.back);
        emit_address(cell.native_back);
    }
}

MachineText MachineSink::take() {
    m_code.patch_32(m_frame_size_end, static_cast<int32_t>(frame_slots() * sizeof(runtime::Slot)));
    m_sites.clear();
    find_clauses();
    emit_edges();
    emit_traps();
    emit_fuel_exits();
    emit_other_exits();
    const uint32_t code_bytes = m_code.position();
    emit_tables();
    emit_cells();
    WSB_ASSERT(std::ranges::is_sorted(m_sites, {}, &MachineSite::at));
    for (uint32_t& landing : m_landings)
        landing = landing == none ? 0 : m_cells[landing].here.position;
    return {.bytes = {m_code.bytes().data(), m_code.bytes().size()},
            .addresses = m_addresses,
            .calls = m_calls,
            .exits = m_common_exits,
            .sites = m_sites,
            .accesses = {m_accesses.data(), m_accesses.size()},
            .landings = m_landings,
            .code_bytes = code_bytes,
            .frame_slots = frame_slots(),
            .entry = label(m_cells[m_entry_cell].continuation).position,
            .entry_cell = m_cells[m_entry_cell].here.position,
            .native_entry = label(m_native_entry).position};
}

}  // namespace wsb::jit
