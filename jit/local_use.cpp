// SPDX-License-Identifier: Apache-2.0
#include "jit/local_use.h"

#include "engine/isa/limits.h"

#include <climits>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace wsb::jit {

namespace {

/// What there is to know of an instruction whose opcode is one byte, to go past it without a branch: no
/// processor can guess what comes next. Behind the opcode there is a byte or none, then a LEB128 number or
/// none.
struct Glance {
    enum class Kind : uint8_t { plain, call, block, loop, end, other };

    uint32_t number_ends = 0;  ///< in the four bytes behind the opcode: bits of which the first clear one
                               ///< ends the number,
    uint32_t known_end = 0;    ///< or one that stands for the end where there is no number
    uint8_t bytes = 0;         ///< beside those from the opcode's to the end's
    uint8_t never = 0;         ///< bits of the first byte that are clear in the usual encoding
    uint8_t local = 0;         ///< those that are a local's index
    bool is_local = false;
    bool is_write = false;    ///< of a local
    Kind kind = Kind::other;  ///< which is left to the reader of instructions

    static constexpr uint32_t any_end = 0x80808080;
};
static_assert(sizeof(Glance) == 16);

constexpr Glance with_number(Glance::Kind kind) {
    return {.number_ends = Glance::any_end, .bytes = 2, .kind = kind};
}
/// A byte below `limit`, a power of two, before the number.
constexpr Glance with_byte_and_number(Glance::Kind kind, unsigned limit) {
    return {.number_ends = Glance::any_end & ~0xffu,
            .bytes = 2,
            .never = static_cast<uint8_t>(0x100 - limit),
            .kind = kind};
}
/// A byte below 0x80 instead of it.
constexpr Glance with_byte(Glance::Kind kind) {
    return {.number_ends = 0x80, .bytes = 2, .kind = kind};
}
constexpr Glance of_local(bool is_write) {
    return {.number_ends = 0x80,
            .bytes = 2,
            .local = 0x7f,
            .is_local = true,
            .is_write = is_write,
            .kind = Glance::Kind::plain};
}
constexpr Glance of_size(Glance::Kind kind, uint8_t bytes) {
    return {.known_end = 1, .bytes = bytes, .kind = kind};
}

[[nodiscard]] constexpr Glance glance_at(Op op, Imm imm) noexcept {
    using Kind = Glance::Kind;
    switch (op) {
        case Op::local_get: return of_local(false);
        case Op::local_set:
        case Op::local_tee: return of_local(true);
        case Op::call:
        case Op::return_call: return with_number(Kind::call);
        case Op::call_indirect: return with_byte_and_number(Kind::call, 0x80);
        case Op::block:
        case Op::if_: return with_byte(Kind::block);
        case Op::loop: return with_byte(Kind::loop);
        case Op::end: return of_size(Kind::end, 1);
        default: break;
    }
    switch (imm) {
        case Imm::none: return of_size(Kind::plain, 1);
        case Imm::f32: return of_size(Kind::plain, 1 + sizeof(float));
        case Imm::f64: return of_size(Kind::plain, 1 + sizeof(double));
        case Imm::label:
        case Imm::global:
        case Imm::i32:
        case Imm::i64: return with_number(Kind::plain);
        case Imm::memarg: return with_byte_and_number(Kind::plain, 0x40);  // no other memory
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

/// Indices of locals in one byte are below.
constexpr uint32_t short_indices = 0x80;

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
    m_count = count <= limits::locals ? static_cast<uint32_t>(count) : 0;  // more are not valid
    const size_t places = 1 + std::max(m_count, short_indices);
    if (m_locals.size() < places)
        m_locals.resize(places);
    std::fill_n(m_locals.begin(), 1 + m_count, Local());
    m_uses.clear();
    m_loops.clear();
    m_frames.assign(1, no_loop);
    enter(no_loop, 0);
}

/// Goes past instructions that `glances` knows, in their usual encoding.
void LocalUse::skim(binary::InstrReader& reader, size_t most_bytes) {
    constexpr ptrdiff_t longest_bytes = 1 + sizeof(double);
    using Kind = Glance::Kind;
    const uint64_t offset_bytes = reader.offset_bytes();
    const uint8_t* const begin = reader.position();
    const uint8_t* const end = begin + std::min(reader.bytes_left(), most_bytes);
    if (end - begin < longest_bytes)
        return;
    const uint8_t* const last = end - longest_bytes;
    const uint8_t* at = begin;
    Local* const locals = m_locals.data();
    while (at <= last) {
        const Glance& glance = glances[*at];
        uint32_t behind = 0;
        static_assert(std::endian::native == std::endian::little);
        std::memcpy(&behind, at + 1, sizeof behind);
        const uint32_t ends = (~behind & glance.number_ends) | glance.known_end;
        if (ends == 0 || (behind & glance.never) != 0)
            break;
        // Whatever it is counts as a use: of a local, or of the one before them that nobody asks for.
        const uint32_t place = (behind & glance.local) + glance.is_local;
        locals[place].weight += m_weight;
        if (locals[place].last[glance.is_write] != m_loop) [[unlikely]]
            use_in_loop(place, glance.is_write);
        if (glance.kind != Kind::plain) {
            if (m_frames.size() > limits::label_depth || (glance.kind == Kind::end && m_frames.size() == 1))
                break;
            switch (glance.kind) {
                case Kind::call: leave_registers(); break;
                case Kind::block: open_block(); break;
                case Kind::loop: open_loop(offset_bytes + static_cast<size_t>(at - begin)); break;
                default: close();
            }
        }
        at += glance.bytes + static_cast<unsigned>(std::countr_zero(ends)) / CHAR_BIT;
    }
    reader.skip(static_cast<size_t>(at - begin));
}

void LocalUse::note(const binary::Instr& instr) {
    switch (instr.op) {
        case Op::local_get:
        case Op::local_set:
        case Op::local_tee:
            if (instr.index < m_count)
                use(1 + instr.index, instr.op != Op::local_get);
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
    m_loops.push_back({.offset_bytes = offset_bytes, .outer = m_loop});
    m_frames.push_back(static_cast<uint32_t>(m_loops.size() - 1));
    enter(m_frames.back(), m_depth + 1);
}

void LocalUse::close() {
    m_frames.pop_back();
    if (!m_frames.empty() && m_frames.back() != m_loop)
        enter(m_frames.back(), m_depth - 1);
}

void LocalUse::enter(uint32_t loop, unsigned depth) noexcept {
    constexpr unsigned deepest = 6;
    m_loop = loop;
    m_depth = depth;
    m_weight = uint64_t{1} << (3 * std::min(depth, deepest));
}

}  // namespace wsb::jit
