// SPDX-License-Identifier: Apache-2.0
#include "sandbox/grants.h"

#include "sandbox/policy.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace wsb::testing {
namespace {

using namespace sandbox;

TEST(Grants, Directories) {
    auto grant = parse_dir_grant("/srv/data::/data:ro").value();
    EXPECT_EQ(grant.host, "/srv/data");
    EXPECT_EQ(grant.guest, "/data");
    EXPECT_TRUE(grant.access == DirAccess::read_only);
    grant = parse_dir_grant(".").value();
    EXPECT_EQ(grant.host, ".");
    EXPECT_EQ(grant.guest, ".");
    EXPECT_FALSE(grant.access == DirAccess::read_only);
    EXPECT_EQ(parse_dir_grant("a:b::c").value().host, "a:b");
    EXPECT_TRUE(parse_dir_grant("a:ro").value().access == DirAccess::read_only);
    for (const char* text : {"", ":ro", "::x", "x::", "x:::ro"})
        EXPECT_EQ(parse_dir_grant(text).error().code, ErrorCode::bad_usage) << text;
}

TEST(Grants, Environment) {
    EXPECT_EQ(parse_env_grant("A=b=c").value().value, "b=c");
    EXPECT_EQ(parse_env_grant("A=").value().value, "");
    ::setenv("WSB_TEST_VARIABLE", "inherited", 1);
    EXPECT_EQ(parse_env_grant("WSB_TEST_VARIABLE").value().value, "inherited");
    EXPECT_FALSE(parse_env_grant("WSB_TEST_ABSENT"));
    EXPECT_FALSE(parse_env_grant("=x"));
    EXPECT_FALSE(parse_env_grant(""));
}

TEST(Grants, Sizes) {
    EXPECT_EQ(parse_size_bytes("0"), 0u);
    EXPECT_EQ(parse_size_bytes("64KiB"), 65'536u);
    EXPECT_EQ(parse_size_bytes("3MiB"), 3u << 20);
    EXPECT_EQ(parse_size_bytes("2MB"), 2'000'000u);
    EXPECT_EQ(parse_size_bytes("18446744073709551615"), ~uint64_t{0});
    for (const char* text :
         {"", "x", "-1", "1.5MiB", "1 MiB", "1mib", "18446744073709551616", "18014398509481984KiB", "MiB"})
        EXPECT_FALSE(parse_size_bytes(text)) << text;
}

TEST(Grants, NothingIsInherited) {
    sandbox::Account account(Ledger::create({}), {});
    const auto policy = GrantedPolicy::create({}, 16, account).value();
    EXPECT_TRUE(policy->environment().empty());
    EXPECT_TRUE(policy->preopens().empty());
    EXPECT_TRUE(policy->args().empty());
}

TEST(Grants, AMissingDirectoryIsNamed) {
    Grants grants;
    grants.dirs = {{"/nowhere/at/all", "/", DirAccess::read_only}};
    sandbox::Account account(Ledger::create({}), {});
    const auto policy = GrantedPolicy::create(grants, 16, account);
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error().code, ErrorCode::io_error);
    EXPECT_NE(policy.error().detail.find("/nowhere/at/all"), std::string::npos);
}

}  // namespace
}  // namespace wsb::testing
