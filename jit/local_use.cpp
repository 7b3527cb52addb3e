// SPDX-License-Identifier: Apache-2.0
#include "jit/local_use.h"

#include "engine/isa/limits.h"

#include <algorithm>
#include <array>
#include <utility>

namespace wsb::jit {

namespace {

/// What there is to know of an instruction whose opcode is one byte, to go past it.
struct Glance {
    enum class Kind : uint8_t {
        other,  ///< left to the reader of instructions
        plain,  ///< so many bytes
        local_get,
        local_set,  ///< and tee
        number,     ///< and a LEB128 number
        access,     ///< alignment in a byte and an offset
        call,       ///< one number,
        call_by,    ///< or two
        block,      ///< with a type in one byte, as the next one
        loop,
        end,
    };
    Kind kind = Kind::other;
    uint8_t bytes = 1;  ///< with the immediates of `plain`
};

[[nodiscard]] constexpr Glance glance_at(Op op, Imm imm) noexcept {
    using Kind = Glance::Kind;
    switch (op) {
        case Op::local_get: return {Kind::local_get};
        case Op::local_set:
        case Op::local_tee: return {Kind::local_set};
        case Op::call:
        case Op::return_call: return {Kind::call};
        case Op::call_indirect: return {Kind::call_by};
        case Op::block:
        case Op::if_: return {Kind::block};
        case Op::loop: return {Kind::loop};
        case Op::end: return {Kind::end};
        default: break;
    }
    switch (imm) {
        case Imm::none: return {Kind::plain};
        case Imm::f32: return {Kind::plain, 1 + sizeof(float)};
        case Imm::f64: return {Kind::plain, 1 + sizeof(double)};
        case Imm::label:
        case Imm::global:
        case Imm::i32:
        case Imm::i64: return {Kind::number};
        case Imm::memarg: return {Kind::access};
        default: return {};
    }
}

/// By the first byte.
constexpr auto glances = [] {
    std::array<Glance, 256> table{};
    for (size_t i = 0; i < op_count; ++i)
        if (op_table[i].prefix == 0)
            table[op_table[i].code] = glance_at(static_cast<Op>(i), op_table[i].imm);
    return table;
}();

/// The longest LEB128 number.
constexpr ptrdiff_t number_bytes = 10;

/// Behind a number. What is too long ends somewhere inside.
[[nodiscard]] const uint8_t* past_number(const uint8_t* at) noexcept {
    const uint8_t* const last = at + number_bytes - 1;
    while (*at >= 0x80 && at != last)
        ++at;
    return at + 1;
}

[[nodiscard]] uint64_t local_count(const Module& module, FuncIdx func) noexcept {
    uint64_t count = module.func_type(func).params.size();
    for (const LocalRun& run : module.body(func).locals)
        count += run.count;
    return count;
}

}  // namespace

void LocalUse::scan(const Module& module, FuncIdx func, const Patience& patience) {
    begin(module, func);
    const ByteRange range = module.body(func).expression;
    binary::InstrReader reader(Cursor(module.view(range), range.offset_bytes));
    constexpr size_t piece_bytes = size_t{64} << 10;
    while (!patience.is_over()) {
        const size_t left = reader.bytes_left();
        while (left - reader.bytes_left() < piece_bytes) {
            skim(reader, piece_bytes);
            if (m_frames.empty() || m_frames.size() > limits::label_depth || !reader.next(m_instr))
                return;
            note(m_instr);
            if (m_frames.empty())
                return;
        }
    }
}

void LocalUse::begin(const Module& module, FuncIdx func) {
    const uint64_t count = local_count(module, func);
    m_locals.assign(count <= limits::locals ? count : 0, {});  // more are not valid
    m_uses.clear();
    m_loops.clear();
    m_frames.assign(1, no_loop);
    set_depth(0);
}

/// Goes past instructions that `glances` knows, in their usual encoding.
void LocalUse::skim(binary::InstrReader& reader, size_t most_bytes) {
    constexpr ptrdiff_t longest_bytes = 2 + 2 * number_bytes;
    using Kind = Glance::Kind;
    const uint64_t offset_bytes = reader.offset_bytes();
    const uint8_t* const begin = reader.position();
    const uint8_t* const end = begin + std::min(reader.bytes_left(), most_bytes);
    const uint8_t* at = begin;
    const size_t short_locals = std::min<size_t>(m_locals.size(), 0x80);
    for (bool is_known = true; is_known && end - at >= longest_bytes;) {
        const Glance& glance = glances[*at];
        switch (glance.kind) {
            case Kind::plain: at += glance.bytes; break;
            case Kind::local_get:
            case Kind::local_set:
                is_known = at[1] < short_locals;
                if (is_known) {
                    use(at[1], glance.kind == Kind::local_set);
                    at += 2;
                }
                break;
            case Kind::number: at = past_number(at + 1); break;
            case Kind::access:
                is_known = at[1] < 0x40;  // no other memory
                if (is_known)
                    at = past_number(at + 2);
                break;
            case Kind::call:
                leave_registers();
                at = past_number(at + 1);
                break;
            case Kind::call_by:
                leave_registers();
                at = past_number(past_number(at + 1));
                break;
            case Kind::block:
            case Kind::loop:
                is_known = at[1] < 0x80 && m_frames.size() <= limits::label_depth;
                if (!is_known)
                    break;
                if (glance.kind == Kind::loop)
                    open_loop(offset_bytes + static_cast<size_t>(at - begin));
                else
                    open_block();
                at += 2;
                break;
            case Kind::end:
                is_known = m_frames.size() > 1;  // else it is the function's own
                if (is_known) {
                    close();
                    at += 1;
                }
                break;
            case Kind::other: is_known = false; break;
        }
    }
    reader.skip(static_cast<size_t>(at - begin));
}

void LocalUse::note(const binary::Instr& instr) {
    switch (instr.op) {
        case Op::local_get:
        case Op::local_set:
        case Op::local_tee:
            if (instr.index < m_locals.size())
                use(instr.index, instr.op != Op::local_get);
            break;
        case Op::block:
        case Op::if_:
        case Op::try_:
        case Op::try_table: open_block(); break;
        case Op::loop: open_loop(instr.offset_bytes); break;
        case Op::end:
        case Op::delegate: close(); break;
        default:
            if (op_info(instr.op).cls == OpClass::call)
                leave_registers();
    }
}

void LocalUse::open_loop(uint64_t offset_bytes) {
    m_loops.push_back({.offset_bytes = offset_bytes, .outer = m_frames.back()});
    m_frames.push_back(static_cast<uint32_t>(m_loops.size() - 1));
    set_depth(m_depth + 1);
}

void LocalUse::close() {
    const uint32_t loop = m_frames.back();
    m_frames.pop_back();
    if (!m_frames.empty() && loop != m_frames.back())
        set_depth(m_depth - 1);
}

void LocalUse::set_depth(unsigned depth) noexcept {
    constexpr unsigned deepest = 6;
    m_depth = depth;
    m_weight = uint64_t{1} << (3 * std::min(depth, deepest));
}

}  // namespace wsb::jit
