// SPDX-License-Identifier: Apache-2.0
#include "sandbox/imports.h"

#include <gmock/gmock.h>

namespace wsb::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ImportType function(std::string module, std::string name) {
    return {std::move(module), std::move(name), {FuncType{{ValType::i32}, {ValType::i64}}}};
}

TEST(Imports, EveryMissingOneIsNamedWithItsType) {
    const std::vector<ImportType> imports{
        function("env", "log"),
        function("wasi_snapshot_preview1", "fd_write"),
        function("wasi_snapshot_preview1", "fd_wrote"),
        {"env", "memory", {MemoryType{AddressType::i32, false, {1, 2}}}},
    };
    const auto checked = sandbox::check_imports(imports);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, ErrorCode::unknown_import);
    EXPECT_THAT(checked.error().detail, HasSubstr("env.log: function (i32) -> (i64)"));
    EXPECT_THAT(checked.error().detail, HasSubstr("wasi_snapshot_preview1.fd_wrote"));
    EXPECT_THAT(checked.error().detail, HasSubstr("env.memory: memory"));
    EXPECT_THAT(checked.error().detail, ::testing::Not(HasSubstr("fd_write:")));
    EXPECT_THAT(sandbox::import_advice(imports), HasSubstr("--dir"));
}

TEST(Imports, NothingIsMissingFromAProgram) {
    const std::vector<ImportType> imports{function("wasi_snapshot_preview1", "path_open"),
                                          function("wasi_snapshot_preview1", "random_get")};
    EXPECT_TRUE(sandbox::check_imports(imports));
    EXPECT_TRUE(sandbox::check_imports({}));
    EXPECT_THAT(sandbox::grants_needed(imports), ElementsAre(HasSubstr("--dir"), HasSubstr("random bytes")));
}

TEST(Imports, TheDraftOfWasiIsProvided) {
    const std::vector<ImportType> imports{function("wasi_unstable", "path_open")};
    EXPECT_TRUE(sandbox::check_imports(imports));
    EXPECT_THAT(sandbox::grants_needed(imports), ElementsAre(HasSubstr("--dir")));
    // It had no such function.
    const std::vector<ImportType> later{function("wasi_unstable", "sock_accept")};
    EXPECT_FALSE(sandbox::check_imports(later));
}

}  // namespace
}  // namespace wsb::testing
