// SPDX-License-Identifier: Apache-2.0
#include "engine/binary/instr_reader.h"

#include "engine/binary/encoder.h"
#include "engine/isa/limits.h"
#include "tests/unit/binary/sample_modules.h"

#include <gtest/gtest.h>

namespace wsb::binary {
namespace {

using testing::Bytes;

/// An instruction with every immediate set to something.
Instr sample(Op op) {
    Instr instr;
    instr.op = op;
    instr.index = 3;
    instr.index2 = 200;
    instr.bits = 0x12345678;
    for (uint8_t i = 0; i < instr.lanes.size(); ++i)
        instr.lanes[i] = i;
    instr.block = {BlockType::Kind::value, ValType::reference(HeapType(TypeIdx(5U)), true), {}};
    instr.memarg = {.align_log2 = 2, .memory = MemIdx(1U), .offset_bytes = uint64_t{1} << 40};
    instr.heap = HeapType::eq;
    instr.heap2 = HeapType(TypeIdx(70U));
    instr.cast_flags = 3;
    instr.labels = {0, 1, 128};
    instr.val_types = {ValType::i32, ValType::externref()};
    instr.catches = {{CatchClause::Kind::catch_, TagIdx(2U), 1},
                     {CatchClause::Kind::catch_ref, TagIdx(0U), 0},
                     {CatchClause::Kind::catch_all, {}, 4},
                     {CatchClause::Kind::catch_all_ref, {}, 5}};
    return instr;
}

Bytes encoded(const Instr& instr) {
    Encoder out;
    out.instr(instr);
    return out.take();
}

Result<Instr> read(const Bytes& bytes) {
    InstrReader reader{Cursor(bytes)};
    Instr instr;
    WSB_TRY(reader.next(instr));
    return instr;
}

void expect_error(const Bytes& bytes, ErrorCode code) {
    const auto instr = read(bytes);
    ASSERT_FALSE(instr.has_value()) << "expected " << error_text(code);
    EXPECT_EQ(instr.error().code, code) << instr.error().message();
}

TEST(InstrReader, ReadsEveryInstructionAsEncoded) {
    Bytes all;
    for (size_t i = 0; i < op_count; ++i) {
        const Bytes bytes = encoded(sample(static_cast<Op>(i)));
        all.insert(all.end(), bytes.begin(), bytes.end());
    }
    InstrReader reader{Cursor(all, 1000)};
    Instr instr;  // reused, as its users do
    for (size_t i = 0; i < op_count; ++i) {
        const uint64_t at = reader.offset_bytes();
        ASSERT_TRUE(reader.next(instr).has_value()) << op_table[i].text.view();
        EXPECT_EQ(static_cast<size_t>(instr.op), i);
        EXPECT_EQ(instr.offset_bytes, at);
        EXPECT_EQ(encoded(instr), encoded(sample(static_cast<Op>(i)))) << op_table[i].text.view();
    }
    EXPECT_TRUE(reader.at_end());
    EXPECT_FALSE(reader.next(instr).has_value());
}

TEST(InstrReader, RefusesEveryTruncation) {
    for (size_t i = 0; i < op_count; ++i) {
        const Bytes bytes = encoded(sample(static_cast<Op>(i)));
        for (size_t size = 0; size < bytes.size(); ++size) {
            const auto instr = read(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)));
            ASSERT_FALSE(instr.has_value()) << op_table[i].text.view() << ' ' << size;
            EXPECT_TRUE(instr.error().code == ErrorCode::unexpected_end ||
                        instr.error().code == ErrorCode::length_out_of_bounds)
                << instr.error().message();
        }
    }
}

TEST(InstrReader, RefusesUnknownOpcodes) {
    expect_error({0xff}, ErrorCode::illegal_opcode);
    expect_error({0x16}, ErrorCode::illegal_opcode);
    expect_error({0xfb, 0x1f}, ErrorCode::illegal_opcode);
    expect_error({0xfc, 0x92, 0x00}, ErrorCode::illegal_opcode);
    expect_error({0xfd, 0xff, 0xff, 0xff, 0xff, 0x0f}, ErrorCode::illegal_opcode);
    expect_error({0xfd, 0xff, 0xff, 0xff, 0xff, 0x1f}, ErrorCode::integer_too_large);
    EXPECT_EQ(read({0xff}).error().message(), "illegal opcode ff (offset 0x0)");
    EXPECT_EQ(read({0xfb, 0x7f}).error().message(), "illegal opcode fb 7f (offset 0x0)");
}

TEST(InstrReader, ReadsOverlongOpcodes) {
    const auto instr = read({0xfc, 0x80, 0x80, 0x00});
    ASSERT_TRUE(instr.has_value());
    EXPECT_EQ(instr->op, Op::i32_trunc_sat_f32_s);
}

TEST(InstrReader, ReadsBlockTypes) {
    EXPECT_EQ(read({0x02, 0x40})->block.kind, BlockType::Kind::empty);
    EXPECT_EQ(read({0x02, 0x7f})->block.value, ValType(ValType::i32));
    EXPECT_EQ(read({0x02, 0x64, 0x6e})->block.value, ValType::reference(HeapType::any, false));
    EXPECT_EQ(read({0x02, 0x05})->block.type, TypeIdx(5U));
    EXPECT_EQ(read({0x02, 0xc0, 0x00})->block.type, TypeIdx(64U));
    EXPECT_EQ(read({0x02, 0xff, 0xff, 0xff, 0xff, 0x0f})->block.type, TypeIdx(UINT32_MAX));
    expect_error({0x02, 0x41}, ErrorCode::malformed_value_type);
    expect_error({0x02, 0xff, 0x7f}, ErrorCode::malformed_value_type);
    expect_error({0x02, 0xff, 0xff, 0xff, 0xff, 0x1f}, ErrorCode::integer_too_large);
}

TEST(InstrReader, ReadsMemoryArguments) {
    const auto plain = read({0x28, 0x02, 0x10});
    EXPECT_EQ(plain->memarg.align_log2, 2U);
    EXPECT_EQ(plain->memarg.memory, MemIdx(0U));
    EXPECT_EQ(plain->memarg.offset_bytes, 16U);
    const auto indexed = read({0x28, 0x43, 0x07, 0x10});
    EXPECT_EQ(indexed->memarg.align_log2, 3U);
    EXPECT_EQ(indexed->memarg.memory, MemIdx(7U));
    EXPECT_EQ(read({0x28, 0x3f, 0x00})->memarg.align_log2, 63U);
    expect_error({0x28, 0x80, 0x01, 0x00}, ErrorCode::malformed_memop_flags);
    expect_error({0x28, 0x80, 0x80, 0x80, 0x80, 0x08, 0x00}, ErrorCode::malformed_memop_flags);
}

TEST(InstrReader, ReadsConstants) {
    EXPECT_EQ(read({0x41, 0x7f})->bits, UINT64_MAX);
    EXPECT_EQ(read({0x42, 0x7f})->bits, UINT64_MAX);
    EXPECT_EQ(read({0x43, 0x00, 0x00, 0x80, 0xff})->bits, 0xff800000U);
    EXPECT_EQ(read({0x44, 1, 2, 3, 4, 5, 6, 7, 8})->bits, 0x0807060504030201U);
}

TEST(InstrReader, RefusesMalformedImmediates) {
    expect_error({0xfe, 0x03, 0x01}, ErrorCode::zero_byte_expected);
    expect_error({0xfb, 0x18, 0x04, 0x00, 0x6e, 0x6d}, ErrorCode::malformed_cast_flags);
    expect_error({0xd0, 0x7f}, ErrorCode::malformed_heap_type);
    expect_error({0x1f, 0x40, 0x01, 0x04, 0x00}, ErrorCode::malformed_catch_clause);
    expect_error({0x1c, 0x01, 0x40}, ErrorCode::malformed_value_type);
}

TEST(InstrReader, LimitsVectors) {
    expect_error({0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f}, ErrorCode::length_out_of_bounds);
    Bytes table{0x0e, 0xf1, 0xff, 0x03};  // 65,521 targets
    table.resize(table.size() + limits::br_table_targets + 2);
    expect_error(table, ErrorCode::limit_exceeded);
    table[1] = 0xf0;
    EXPECT_TRUE(read(table).has_value());
    expect_error({0xfb, 0x08, 0x00, 0x91, 0x4e}, ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace wsb::binary
