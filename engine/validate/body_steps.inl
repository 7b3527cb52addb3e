// SPDX-License-Identifier: Apache-2.0
// Part of BodyReader: one member per instruction class that needs more than a line.

    [[nodiscard]] bool step_constant(const OpInfo& row, bool live) {
        if (!check_fixed(row))
            return false;
        if (!live)
            return true;
        switch (m_instr.op) {
        case Op::i32_const: m_sink.constant(m_instr.op, ValType::i32, m_instr.bits); break;
        case Op::i64_const: m_sink.constant(m_instr.op, ValType::i64, m_instr.bits); break;
        case Op::f32_const: m_sink.constant(m_instr.op, ValType::f32, m_instr.bits); break;
        case Op::f64_const: m_sink.constant(m_instr.op, ValType::f64, m_instr.bits); break;
        default: m_sink.v128_constant(m_instr.lanes); break;
        }
        return true;
    }

    [[nodiscard]] bool step_local(bool live) {
        ValType type;
        if (!check_local(type))
            return false;
        if (!live)
            return true;
        const LocalIdx local(m_instr.index);
        if (m_instr.op == Op::local_get)
            m_sink.local_get(local, type);
        else if (m_instr.op == Op::local_set)
            m_sink.local_set(local, type);
        else
            m_sink.local_tee(local, type);
        return true;
    }

    [[nodiscard]] bool step_global(bool live) {
        ValType type;
        if (!check_global(type))
            return false;
        if (live && m_instr.op == Op::global_get)
            m_sink.global_get(GlobalIdx(m_instr.index), type);
        else if (live)
            m_sink.global_set(GlobalIdx(m_instr.index), type);
        return true;
    }

    [[nodiscard]] bool step_parametric(bool live) {
        ValType operand;
        if (!check_parametric(operand))
            return false;
        if (live && m_instr.op == Op::drop)
            m_sink.drop(operand);
        else if (live)
            m_sink.select(operand);
        return true;
    }

    [[nodiscard]] bool step_memory(const OpInfo& row, bool live) {
        if (!check_fixed(row))
            return false;
        if (live && m_instr.op == Op::memory_size)
            m_sink.memory_size(MemIdx(m_instr.index));
        else if (live)
            m_sink.memory_grow(MemIdx(m_instr.index));
        return true;
    }

    [[nodiscard]] bool step_table(bool live) {
        ValType element;
        if (!check_table(element))
            return false;
        const TableIdx table(m_instr.index);
        if (m_instr.op == Op::table_grow)
            return tell_bulk(live);
        if (!live)
            return true;
        if (m_instr.op == Op::table_get)
            m_sink.table_get(table, element);
        else if (m_instr.op == Op::table_set)
            m_sink.table_set(table, element);
        else
            m_sink.table_size(table);
        return true;
    }

    [[nodiscard]] bool tell_bulk(bool live) {
        if (!live)
            return true;
        m_sink.bulk(m_instr);
        settle();
        return true;
    }

    void tell_gc() {
        m_sink.gc(m_instr);
        if (is_array_bulk(m_instr.op))
            settle();
    }

    [[nodiscard]] bool step_reference(bool live) {
        ValType operand;
        if (!check_reference(operand))
            return false;
        if (!live)
            return true;
        switch (m_instr.op) {
        case Op::ref_null: m_sink.ref_null(operand); break;
        case Op::ref_func: m_sink.ref_func(FuncIdx(m_instr.index)); break;
        case Op::ref_is_null: m_sink.ref_is_null(); break;
        case Op::ref_eq: m_sink.ref_eq(); break;
        default: m_sink.ref_as_non_null(operand); break;
        }
        return true;
    }

    [[nodiscard]] bool step_call(bool live) {
        const FuncType* type = nullptr;
        if (!check_call(type))
            return false;
        if (!live)
            return true;
        const bool is_tail = op_info(m_instr.op).flags == OpFlags::ends_block;
        switch (m_instr.op) {
        case Op::call:
        case Op::return_call: m_sink.call(FuncIdx(m_instr.index), *type, is_tail); break;
        case Op::call_ref:
        case Op::return_call_ref: m_sink.call_ref(TypeIdx(m_instr.index), *type, is_tail); break;
        default:
            m_sink.call_indirect(TypeIdx(m_instr.index), TableIdx(m_instr.index2), *type, is_tail);
            break;
        }
        settle();
        return true;
    }

    [[nodiscard]] bool step_exception(bool live) {
        switch (m_instr.op) {
        case Op::try_table: {
            BlockShape shape;
            if (!check_try_table(shape))
                return false;
            if (live)
                m_sink.try_table(shape, m_instr.catches);
            return true;
        }
        case Op::try_: return step_block(live);
        case Op::catch_:
        case Op::catch_all: return step_legacy_catch();
        case Op::delegate: return step_end();
        case Op::rethrow:
            if (!check_rethrow())
                return false;
            if (live)
                m_sink.rethrow(m_instr.index);
            return true;
        default: break;
        }
        if (!check_throw())
            return false;
        if (live && m_instr.op == Op::throw_ref)
            m_sink.throw_ref();
        else if (live)
            m_sink.throw_(TagIdx(m_instr.index),
                          *m_module.types[m_module.tags[m_instr.index].type.value].func());
        return true;
    }

    [[nodiscard]] bool step_legacy_catch() {
        const bool falls_through = is_live();
        const uint32_t potential_there = m_fuel.potential;
        if (!check_legacy_catch())
            return false;
        ControlFrame& frame = m_frames.back();
        frame.is_live = frame.head_is_live;
        if (frame.head_is_live)
            m_sink.legacy_catch(falls_through, potential_there,
                                m_instr.op == Op::catch_ ? std::optional(TagIdx(m_instr.index))
                                                         : std::nullopt);
        return true;
    }

    [[nodiscard]] bool step_control(bool live) {
        switch (m_instr.op) {
        case Op::nop: return true;
        case Op::unreachable:
            mark_unreachable();
            if (live)
                m_sink.unreachable();
            return true;
        case Op::block:
        case Op::loop:
        case Op::if_: return step_block(live);
        case Op::else_: return step_else();
        case Op::end: return step_end();
        case Op::br:
        case Op::br_if: return step_br(live);
        case Op::br_table: return step_br_table(live);
        case Op::return_:
            if (!pop(m_frames[0].shape.results))
                return false;
            mark_unreachable();
            if (live)
                m_sink.ret();
            return true;
        default: return step_br_on(live);
        }
    }

    [[nodiscard]] bool step_block(bool live) {
        BlockShape shape;
        if (!check_block(shape))
            return false;
        if (!live)
            return true;
        if (m_instr.op == Op::block)
            m_sink.block(shape);
        else if (m_instr.op == Op::loop)
            m_sink.loop(shape);
        else if (m_instr.op == Op::try_)
            m_sink.legacy_try(shape);
        else
            m_sink.if_(shape);
        return true;
    }

    [[nodiscard]] bool step_else() {
        const bool falls_through = is_live();
        const uint32_t potential_there = m_fuel.potential;
        if (!check_else())
            return false;
        ControlFrame& frame = m_frames.back();
        frame.is_live = frame.head_is_live;
        if (frame.head_is_live)
            m_sink.else_(falls_through, potential_there);
        return true;
    }

    /// end, delegate
    [[nodiscard]] bool step_end() {
        const bool falls_through = is_live();
        const bool is_delegate = m_instr.op == Op::delegate;
        if (!(is_delegate ? check_delegate() : check_end()))
            return false;
        const ControlFrame& frame = m_frames.back();
        const bool is_target = frame.op != Op::loop && frame.label.is_target;
        const bool head_is_live = frame.head_is_live;
        m_frames.pop_back();
        if (m_frames.empty()) {
            if (falls_through)
                m_sink.ret();
            return true;
        }
        if (head_is_live) {
            if (is_delegate)
                m_sink.delegate(m_instr.index);
            m_sink.end_block(falls_through);
            m_frames.back().is_live = falls_through || is_target;
        }
        return true;
    }

    [[nodiscard]] bool step_br(bool live) {
        if (!check_br_if())
            return false;
        if (live && m_instr.op == Op::br)
            m_sink.br(m_instr.index);
        else if (live)
            m_sink.br_if(m_instr.index);
        return true;
    }

    [[nodiscard]] bool step_br_table(bool live) {
        if (!check_br_table())
            return false;
        if (live) {
            m_instr.labels.push_back(m_instr.index);
            m_sink.br_table(m_instr.labels);
        }
        return true;
    }

    [[nodiscard]] bool step_br_on(bool live) {
        ValType operand;
        if (op_info(m_instr.op).imm == Imm::cast) {
            if (!check_br_on_cast(operand))
                return false;
            if (live)
                m_sink.br_on_cast(m_instr, operand);
            return true;
        }
        if (!check_br_on_null(operand))
            return false;
        if (live && m_instr.op == Op::br_on_null)
            m_sink.br_on_null(m_instr.index, operand);
        else if (live)
            m_sink.br_on_non_null(m_instr.index, operand);
        return true;
    }
