// SPDX-License-Identifier: Apache-2.0
#include "engine/binary/decoder.h"

#include "engine/isa/limits.h"
#include "tests/unit/binary/sample_modules.h"

#include <gtest/gtest.h>

namespace wsb::binary {
namespace {

using testing::Bytes;
using testing::everything;
using testing::ModuleBytes;
using testing::one_function;

void expect_error(const Bytes& bytes, ErrorCode code, Features features = default_features) {
    const auto module = decode(bytes, features);
    ASSERT_FALSE(module.has_value()) << "expected " << error_text(code);
    EXPECT_EQ(module.error().code, code) << module.error().message();
    EXPECT_LE(module.error().offset_bytes, bytes.size());
}

void expect_section_error(uint8_t id, const Bytes& content, ErrorCode code,
                          Features features = default_features) {
    expect_error(ModuleBytes().section(id, content).bytes(), code, features);
}

Module decoded(const Bytes& bytes, Features features = default_features) {
    auto module = decode(bytes, features);
    EXPECT_TRUE(module.has_value()) << module.error().message();
    return module ? *std::move(module) : Module{};
}

TEST(Decoder, ReadsTheEmptyModule) {
    const Module module = decoded(ModuleBytes().bytes());
    EXPECT_TRUE(module.types.empty());
    EXPECT_EQ(module.bytes.size(), 8U);
}

TEST(Decoder, RefusesWrongHeaders) {
    expect_error({}, ErrorCode::unexpected_end);
    expect_error({0x00, 'a', 's'}, ErrorCode::unexpected_end);
    expect_error({'a', 's', 'm', 0x00}, ErrorCode::magic_not_detected);
    expect_error({0x00, 'a', 's', 'm', 0x01}, ErrorCode::unexpected_end);
    expect_error({0x00, 'a', 's', 'm', 0x0d, 0, 0, 0}, ErrorCode::unknown_binary_version);
}

TEST(Decoder, ReadsEverySection) {
    const Module module = decoded(everything());
    ASSERT_EQ(module.types.size(), 7U);
    ASSERT_EQ(module.rec_groups.size(), 6U);
    EXPECT_TRUE(module.rec_groups[2].is_explicit);
    EXPECT_EQ(module.rec_groups[2].count, 2U);
    EXPECT_TRUE(module.rec_groups[4].is_explicit);
    EXPECT_FALSE(module.rec_groups[5].is_explicit);
    EXPECT_FALSE(module.types[2].is_final);
    EXPECT_EQ(module.types[3].super, TypeIdx(2U));
    EXPECT_EQ(module.types[2].structure()->fields[1].storage.packing, StorageType::i8);
    EXPECT_EQ(module.types[4].array()->field.storage.packing, StorageType::i16);
    EXPECT_EQ(module.types[0].func()->params, (ResultType{ValType::i32, ValType::i64}));

    EXPECT_EQ(module.imports.size(), 5U);
    EXPECT_EQ(module.imports[4].name, "\xe2\x82\xac");
    EXPECT_EQ(module.imports[4].kind(), ExternKind::tag);
    EXPECT_EQ(module.funcs.size(), 3U);
    EXPECT_EQ(module.imported_funcs, 1U);
    ASSERT_EQ(module.tables.size(), 4U);
    EXPECT_TRUE(module.tables[2].init.has_value());
    EXPECT_EQ(module.tables[3].type.address, AddressType::i64);
    ASSERT_EQ(module.memories.size(), 3U);
    EXPECT_EQ(module.memories[0].type.address, AddressType::i64);
    EXPECT_EQ(module.memories[2].type.limits_pages.max, 65536U);
    EXPECT_EQ(module.tags.size(), 2U);
    ASSERT_EQ(module.globals.size(), 4U);
    EXPECT_EQ(module.view(module.globals[3].init.range).size(), 6U);
    EXPECT_EQ(module.exports.size(), 5U);
    EXPECT_EQ(module.start, FuncIdx(1U));

    ASSERT_EQ(module.elems.size(), 8U);
    EXPECT_EQ(module.elems[0].type, ValType::reference(HeapType::func, false));
    EXPECT_EQ(module.elems[1].mode, ElemSegment::Mode::passive);
    EXPECT_EQ(module.elems[2].table, TableIdx(3U));
    EXPECT_EQ(module.elems[3].mode, ElemSegment::Mode::declarative);
    EXPECT_EQ(module.elems[4].type, ValType::funcref());
    EXPECT_EQ(module.elems[5].type, ValType::externref());
    EXPECT_EQ(module.elems[5].size(), 2U);

    EXPECT_EQ(module.data_count, 3U);
    ASSERT_EQ(module.datas.size(), 3U);
    EXPECT_EQ(module.view(module.datas[0].bytes)[2], 'c');
    EXPECT_EQ(module.datas[2].memory, MemIdx(1U));
    ASSERT_EQ(module.bodies.size(), 2U);
    ASSERT_EQ(module.bodies[0].locals.size(), 2U);
    EXPECT_EQ(module.bodies[0].locals[0].count, 2U);
    EXPECT_EQ(module.bodies[0].locals[1].type, ValType(ValType::v128));
    EXPECT_EQ(module.view(module.bodies[0].expression).back(), 0x0b);

    ASSERT_EQ(module.customs.size(), 4U);
    EXPECT_EQ(module.customs[0].after_section, 0U);
    EXPECT_EQ(module.customs[1].after_section, section_ids::import);
    EXPECT_EQ(module.customs[3].after_section, section_ids::data);
}

TEST(Decoder, ReadsNames) {
    const Module module = decoded(everything());
    EXPECT_EQ(module.names.module, "M");
    EXPECT_EQ(module.names.funcs.find(1)->second, "g");
    EXPECT_EQ(module.names.locals.at(1).find(2)->second, "x");
    EXPECT_EQ(module.names.fields.at(2).find(1)->second, "y");
}

TEST(Decoder, DropsMalformedNamesInSilence) {
    const auto with_names = [](const Bytes& content) {
        return decoded(ModuleBytes()
                           .section(section_ids::type, {0x01, 0x60, 0x00, 0x00})
                           .section(section_ids::import, {0x01, 0x00, 0x00, 0x00, 0x00})
                           .custom("name", content)
                           .bytes());
    };
    // An index that does not exist, a name that is not UTF-8, a name twice.
    EXPECT_EQ(with_names({0x01, 0x04, 0x01, 0x05, 0x01, 'f'}).names.funcs.size(), 0U);
    EXPECT_EQ(with_names({0x01, 0x04, 0x01, 0x00, 0x01, 0xff}).names.funcs.size(), 0U);
    EXPECT_EQ(with_names({0x01, 0x07, 0x02, 0x00, 0x01, 'f', 0x00, 0x01, 'g'}).names.funcs,
              (NameMap{{0, "f"}}));
    // What stands before or after the malformed part is kept.
    EXPECT_EQ(with_names({0x01, 0x04, 0x02, 0x00, 0x01, 'f'}).names.funcs, (NameMap{{0, "f"}}));
    EXPECT_EQ(with_names({0x01, 0x01, 0x80, 0x04, 0x04, 0x01, 0x00, 0x01, 't'}).names.types,
              (NameMap{{0, "t"}}));
    EXPECT_EQ(with_names({0x63, 0x01, 0x00, 0x00, 0x02, 0x01, 'm'}).names.module, "m");
    // Sizes that lead out of the section.
    EXPECT_EQ(with_names({0x00, 0x7f, 0x01, 'm'}).names.module, "");
    EXPECT_EQ(with_names({0x00}).names.module, "");
    EXPECT_EQ(with_names({0x01, 0x05, 0xff, 0xff, 0xff, 0xff, 0x0f}).names.funcs.size(), 0U);
}

TEST(Decoder, NamesOutOfOrder) {
    const std::vector<NameMap::Entry> entries{{5, "f"}, {2, "c"}, {5, "g"}, {0, "a"}};
    const NameMap names(entries);
    EXPECT_EQ(names, (NameMap{{0, "a"}, {2, "c"}, {5, "f"}}));
    EXPECT_EQ(names.find(3), names.end());
}

TEST(Decoder, RefusesUnknownAndMisplacedSections) {
    expect_section_error(0x0e, {0x00}, ErrorCode::malformed_section_id);
    expect_section_error(0xff, {0x00}, ErrorCode::malformed_section_id);
    for (const uint8_t id : section_ids::order) {
        if (id == section_ids::start || id == section_ids::data_count)
            continue;
        expect_error(ModuleBytes().section(id, {0x00}).section(id, {0x00}).bytes(),
                     ErrorCode::junk_after_last_section);
    }
    expect_error(ModuleBytes().section(section_ids::global, {0x00}).section(section_ids::tag, {0x00}).bytes(),
                 ErrorCode::junk_after_last_section);
    expect_error(
        ModuleBytes().section(section_ids::code, {0x00}).section(section_ids::data_count, {0x00}).bytes(),
        ErrorCode::junk_after_last_section);
}

TEST(Decoder, RefusesWrongSectionSizes) {
    expect_section_error(section_ids::type, {0x01, 0x60, 0x00, 0x00, 0x60, 0x00, 0x00},
                         ErrorCode::section_size_mismatch);
    expect_section_error(section_ids::import, {0x01, 0x00}, ErrorCode::unexpected_end_section);
    expect_section_error(section_ids::table, {0x01}, ErrorCode::unexpected_end_section);
    expect_section_error(section_ids::type, {0x02, 0x60}, ErrorCode::unexpected_end_section);
    expect_section_error(section_ids::type, {0x03, 0x60}, ErrorCode::length_out_of_bounds);
    expect_error(ModuleBytes().raw({section_ids::type, 0x10, 0x00}).bytes(), ErrorCode::length_out_of_bounds);
    expect_error(ModuleBytes().raw({section_ids::type}).bytes(), ErrorCode::unexpected_end_section);
    expect_error(ModuleBytes().raw({section_ids::type, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}).bytes(),
                 ErrorCode::integer_too_long);
}

TEST(Decoder, RefusesMalformedTypes) {
    const auto types = [](const Bytes& content, ErrorCode code, Features features = default_features) {
        expect_section_error(section_ids::type, content, code, features);
    };
    types({0x01, 0x5d, 0x00, 0x00}, ErrorCode::malformed_definition_type);
    types({0x01, 0xe0, 0x7f, 0x00, 0x00}, ErrorCode::integer_too_long);
    types({0x01, 0x60, 0x01, 0x40, 0x00}, ErrorCode::malformed_value_type);
    types({0x01, 0x60, 0x01, 0x64, 0x40, 0x00}, ErrorCode::malformed_heap_type);
    types({0x01, 0x60, 0x01, 0x64, 0xf0, 0x7f, 0x00}, ErrorCode::malformed_heap_type);
    types({0x01, 0x5e, 0x79, 0x00}, ErrorCode::malformed_storage_type);
    types({0x01, 0x5e, 0x78, 0x02}, ErrorCode::malformed_mutability);
    types({0x01, 0x5f, 0x7f}, ErrorCode::length_out_of_bounds);
    types({0x01, 0x50, 0x02, 0x00, 0x00, 0x60, 0x00, 0x00}, ErrorCode::malformed_definition_type);
    Features mvp = Features::up_to(1);
    types({0x01, 0x4e, 0x00}, ErrorCode::malformed_definition_type, mvp);
    types({0x01, 0x50, 0x00, 0x60, 0x00, 0x00}, ErrorCode::malformed_definition_type, mvp);
    types({0x01, 0x60, 0x01, 0x7b, 0x00}, ErrorCode::malformed_value_type, mvp);
    types({0x01, 0x60, 0x01, 0x6f, 0x00}, ErrorCode::malformed_value_type, mvp);
    types({0x01, 0x60, 0x01, 0x64, 0x70, 0x00}, ErrorCode::malformed_value_type, Features::up_to(2));
}

TEST(Decoder, ReadsTypeIndicesFarBeyondTheModule) {
    const Module module =
        decoded(ModuleBytes()
                    .section(section_ids::type, {0x01, 0x60, 0x01, 0x64, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00})
                    .bytes());
    const HeapType heap = module.types[0].func()->params[0].heap();
    EXPECT_TRUE(heap.is_defined());
    EXPECT_GE(heap.type_index().value, limits::types);
}

TEST(Decoder, RefusesMalformedImportsAndExports) {
    expect_section_error(section_ids::import, {0x01, 0x00, 0x00, 0x05}, ErrorCode::malformed_import_kind);
    expect_section_error(section_ids::import, {0x01, 0x00, 0x00, 0x04, 0x00, 0x00},
                         ErrorCode::malformed_import_kind, Features::up_to(2));
    expect_section_error(section_ids::import, {0x01, 0x00, 0x00, 0x04, 0x01, 0x00},
                         ErrorCode::malformed_tag_attribute);
    expect_section_error(section_ids::import, {0x01, 0x01, 0xff, 0x00, 0x00, 0x00},
                         ErrorCode::malformed_utf8);
    expect_section_error(section_ids::import, {0x01, 0x00, 0x00, 0x03, 0x7f, 0x02},
                         ErrorCode::malformed_mutability);
    expect_section_error(section_ids::export_, {0x01, 0x00, 0x05, 0x00}, ErrorCode::malformed_export_kind);
    expect_section_error(section_ids::export_, {0x01, 0x7f, 0x00, 0x00}, ErrorCode::length_out_of_bounds);
}

TEST(Decoder, RefusesMalformedLimitsAndTables) {
    expect_section_error(section_ids::memory, {0x01, 0x08, 0x00}, ErrorCode::malformed_limits_flags);
    expect_section_error(section_ids::memory, {0x01, 0x81, 0x00, 0x00}, ErrorCode::malformed_limits_flags);
    expect_section_error(section_ids::memory, {0x01, 0x03, 0x00, 0x01}, ErrorCode::malformed_limits_flags);
    expect_section_error(section_ids::memory, {0x01, 0x04, 0x00}, ErrorCode::malformed_limits_flags,
                         Features::up_to(2));
    expect_section_error(section_ids::table, {0x01, 0x70, 0x02, 0x00}, ErrorCode::malformed_limits_flags,
                         Features::up_to(4));
    expect_section_error(section_ids::table, {0x01, 0x7f, 0x00, 0x00}, ErrorCode::malformed_reference_type);
    expect_section_error(section_ids::table, {0x01, 0x40, 0x01, 0x70, 0x00, 0x00},
                         ErrorCode::malformed_table);
    const Module shared = decoded(
        ModuleBytes().section(section_ids::memory, {0x01, 0x03, 0x00, 0x01}).bytes(), Features::up_to(4));
    EXPECT_TRUE(shared.memories[0].type.is_shared);
}

TEST(Decoder, RefusesMalformedSegments) {
    expect_section_error(section_ids::element, {0x01, 0x08}, ErrorCode::malformed_elements_flags);
    expect_section_error(section_ids::element, {0x01, 0x01, 0x01, 0x00}, ErrorCode::malformed_element_kind);
    expect_section_error(section_ids::element, {0x01, 0x05, 0x7f, 0x00}, ErrorCode::malformed_reference_type);
    expect_section_error(section_ids::element, {0x01, 0x05, 0x70, 0x01, 0xf3, 0x00, 0x0b},
                         ErrorCode::illegal_opcode);
    expect_section_error(section_ids::data, {0x01, 0x03}, ErrorCode::malformed_data_flags);
    expect_section_error(section_ids::data, {0x01, 0x01, 0x02, 'a'}, ErrorCode::unexpected_end_section);
}

TEST(Decoder, RefusesUnendedConstantExpressions) {
    expect_section_error(section_ids::global, {0x01, 0x7f, 0x00, 0x41, 0x00},
                         ErrorCode::unexpected_end_section);
    expect_section_error(section_ids::global, {0x01, 0x7f, 0x00, 0x41, 0x00, 0x05, 0x0b},
                         ErrorCode::end_opcode_expected);
    // The first END closes the block.
    expect_section_error(section_ids::global, {0x01, 0x7f, 0x00, 0x02, 0x40, 0x0b},
                         ErrorCode::unexpected_end_section);
}

TEST(Decoder, RefusesBodiesWithoutEnd) {
    expect_error(one_function({0x00, 0x41, 0x01, 0x1a}), ErrorCode::unexpected_end_section);
    expect_error(one_function({0x00}), ErrorCode::unexpected_end_section);
    expect_error(one_function({}), ErrorCode::unexpected_end_section);
    // ELSE where END should be, then a second body.
    expect_error(ModuleBytes()
                     .section(section_ids::type, {0x01, 0x60, 0x00, 0x00})
                     .section(section_ids::function, {0x02, 0x00, 0x00})
                     .section(section_ids::code,
                              {0x02, 0x04, 0x00, 0x41, 0x01, 0x1a, 0x05, 0x00, 0x41, 0x01, 0x1a, 0x0b})
                     .bytes(),
                 ErrorCode::end_opcode_expected);
    // The next section's id is taken for END.
    expect_error(ModuleBytes()
                     .section(section_ids::type, {0x01, 0x60, 0x00, 0x00})
                     .section(section_ids::function, {0x01, 0x00})
                     .section(section_ids::code, {0x01, 0x04, 0x00, 0x41, 0x01, 0x1a})
                     .section(section_ids::data, {0x01, 0x01, 0x00})
                     .bytes(),
                 ErrorCode::section_size_mismatch);
    const auto module = decode(one_function({0x00}));
    ASSERT_FALSE(module.has_value());
    EXPECT_EQ(module.error().func, 0U);
}

TEST(Decoder, LimitsLocals) {
    expect_error(one_function({0x02, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x02, 0x7e, 0x0b}),
                 ErrorCode::too_many_locals);
    expect_error(one_function({0x01, 0x80, 0x80, 0x80, 0x80, 0x10, 0x7f, 0x0b}),
                 ErrorCode::integer_too_large);
    expect_error(one_function({0x01, 0xff, 0xff, 0x7f, 0x7f, 0x0b}), ErrorCode::limit_exceeded);
    expect_error(one_function({0x01, 0x01, 0x40, 0x0b}), ErrorCode::malformed_value_type);
    EXPECT_EQ(decoded(one_function({0x01, 0xd0, 0x86, 0x03, 0x7f, 0x0b})).bodies[0].locals[0].count, 50'000U);
}

TEST(Decoder, ComparesCounts) {
    const Bytes type{0x01, 0x60, 0x00, 0x00};
    expect_error(
        ModuleBytes().section(section_ids::type, type).section(section_ids::function, {0x01, 0x00}).bytes(),
        ErrorCode::function_code_mismatch);
    expect_section_error(section_ids::code, {0x01, 0x02, 0x00, 0x0b}, ErrorCode::function_code_mismatch);
    expect_section_error(section_ids::data_count, {0x01}, ErrorCode::data_count_mismatch);
    expect_error(ModuleBytes()
                     .section(section_ids::data_count, {0x02})
                     .section(section_ids::data, {0x01, 0x01, 0x00})
                     .bytes(),
                 ErrorCode::data_count_mismatch);
    decoded(ModuleBytes().section(section_ids::data_count, {0x00}).bytes());
    decoded(ModuleBytes().section(section_ids::function, {0x00}).bytes());
}

TEST(Decoder, ChecksCustomSectionNames) {
    expect_error(ModuleBytes().raw({0x00, 0x00}).bytes(), ErrorCode::unexpected_end_section);
    expect_error(ModuleBytes().raw({0x00, 0x01, 0x02, 'a', 'b'}).bytes(), ErrorCode::unexpected_end_section);
    expect_error(ModuleBytes().custom("\xff", {}).bytes(), ErrorCode::malformed_utf8);
    decoded(ModuleBytes().custom("", {}).bytes());
}

TEST(Decoder, LimitsNumbers) {
    Bytes memories{101};
    for (int i = 0; i < 101; ++i)
        memories.insert(memories.end(), {0x00, 0x00});
    expect_section_error(section_ids::memory, memories, ErrorCode::limit_exceeded);
    Bytes params{0x01, 0x60, 0xe9, 0x07};
    params.resize(params.size() + 1001, 0x7f);
    params.push_back(0x00);
    expect_section_error(section_ids::type, params, ErrorCode::limit_exceeded);
}

TEST(Decoder, KeepsSectionsOfDisabledProposalsOut) {
    expect_section_error(section_ids::tag, {0x00}, ErrorCode::malformed_section_id, Features::up_to(2));
    expect_section_error(section_ids::data_count, {0x00}, ErrorCode::malformed_section_id,
                         Features::up_to(1));
    expect_section_error(section_ids::data, {0x01, 0x01, 0x00}, ErrorCode::malformed_data_flags,
                         Features::up_to(1));
    decoded(ModuleBytes().section(section_ids::table, {0x01, 0x70, 0x00, 0x00}).bytes(), Features::up_to(1));
}

}  // namespace
}  // namespace wsb::binary
