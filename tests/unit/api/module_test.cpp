// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/api_fixture.h"

#include <algorithm>
#include <cstdio>

namespace wsb::testing {
namespace {

using ModuleTest = ApiTest;

TEST_F(ModuleTest, ListsImportsAndExportsWithTypes) {
    const Module m = module(R"((module $name
        (import "env" "log" (func (param i32 i64)))
        (import "env" "mem" (memory 1 2))
        (table (export "t") 3 funcref)
        (global (export "g") (mut f64) (f64.const 1))
        (tag (export "e") (param i32))
        (func (export "f") (result f32 externref) unreachable)))");
    const auto imports = m.imports();
    ASSERT_EQ(imports.size(), 2u);
    EXPECT_EQ(imports[0].module, "env");
    EXPECT_EQ(imports[0].name, "log");
    EXPECT_EQ(to_string(imports[0].type), "function (i32, i64) -> ()");
    EXPECT_EQ(to_string(imports[1].type), "memory 1..2 pages");
    const auto exports = m.exports();
    ASSERT_EQ(exports.size(), 4u);
    EXPECT_EQ(to_string(exports[0].type), "table 3.. funcref");
    EXPECT_EQ(to_string(exports[1].type), "global (mut f64)");
    EXPECT_EQ(to_string(exports[2].type), "tag (i32)");
    EXPECT_EQ(to_string(exports[3].type), "function () -> (f32, externref)");
    EXPECT_EQ(m.find_export("g")->kind(), ExternKind::global);
    EXPECT_FALSE(m.find_export("nothing"));
    EXPECT_EQ(m.name(), "name");
}

TEST_F(ModuleTest, ReportsWhereItIsWrong) {
    const auto malformed = Module::from_wat(engine, "(module\n  (func i32.bogus))");
    ASSERT_FALSE(malformed);
    EXPECT_EQ(error_kind(malformed.error().code), ErrorKind::malformed);
    EXPECT_EQ(malformed.error().line, 2u);
    const auto invalid = Module::from_wat(engine, "(module (func (result i32) (i64.const 1)))");
    ASSERT_FALSE(invalid);
    EXPECT_EQ(invalid.error().code, ErrorCode::type_mismatch);
    EXPECT_NE(invalid.error().offset_bytes, no_offset);
    const uint8_t bytes[] = {0, 'a', 's', 'x'};
    EXPECT_EQ(Module::compile(engine, bytes).error().code, ErrorCode::magic_not_detected);
    EXPECT_EQ(Module::validate(engine, bytes).error().code, ErrorCode::magic_not_detected);
}

TEST_F(ModuleTest, RefusesFeaturesThatAreOff) {
    Config config;
    config.features = Features::up_to(1);
    const Engine old(config);
    const auto outcome = Module::from_wat(old, "(module (func (result i32 i32) unreachable))");
    ASSERT_FALSE(outcome);
}

TEST_F(ModuleTest, ReadsFilesOfBothFormats) {
    const auto path = std::filesystem::path(::testing::TempDir()) / "wsb_module_test";
    const auto write = [&](std::span<const uint8_t> bytes) {
        std::FILE* file = std::fopen(path.c_str(), "wb");
        ASSERT_NE(file, nullptr);
        ASSERT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
        std::fclose(file);
    };
    constexpr std::string_view text = R"((module (func (export "f"))))";
    write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    const auto from_text = Module::from_file(engine, path);
    ASSERT_TRUE(from_text) << from_text.error().message();
    EXPECT_TRUE(from_text->find_export("f"));
    write(from_text->bytes());
    const auto from_binary = Module::from_file(engine, path);
    ASSERT_TRUE(from_binary) << from_binary.error().message();
    EXPECT_TRUE(from_binary->find_export("f"));
    std::filesystem::remove(path);
    EXPECT_EQ(Module::from_file(engine, path).error().code, ErrorCode::io_error);
}

/// 2,000 functions, of which those in `bad` do not leave what they say.
std::string many_functions(std::vector<int> bad) {
    std::string text = "(memory 1)";
    for (int i = 0; i < 2000; ++i) {
        const bool is_bad = std::ranges::find(bad, i) != bad.end();
        text += "(func (export \"f" + std::to_string(i) + "\") (result i32) ";
        for (int n = 0; n < 30; ++n)
            text += "(i32.store (i32.const 4) (i32.const 5)) ";
        text += is_bad ? "(i64.const 1))" : "(i32.const " + std::to_string(i) + "))";
    }
    return text;
}

TEST(Compilation, ThreadsChangeNothing) {
    Config config;
    config.compile_threads = 4;
    const Engine engine(config);
    const auto module = Module::from_wat(engine, many_functions({}));
    ASSERT_TRUE(module);
    Store store = Store::create(engine).value();
    const Instance instance = Linker(engine).instantiate(store, *module).value();
    for (const int i : {0, 1, 999, 1999})
        EXPECT_EQ(instance.typed_function<int32_t()>("f" + std::to_string(i)).value()().value(), i);
    const auto alone = Module::from_wat(Engine(), many_functions({700, 1300, 701}));
    ASSERT_FALSE(alone);
    for (int repeat = 0; repeat < 10; ++repeat) {
        const auto together = Module::from_wat(engine, many_functions({700, 1300, 701}));
        ASSERT_FALSE(together);
        EXPECT_EQ(together.error().message(), alone.error().message());
    }
}

}  // namespace
}  // namespace wsb::testing
