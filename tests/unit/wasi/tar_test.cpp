// SPDX-License-Identifier: Apache-2.0
#include "wasi/memory_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace wsb::testing {
namespace {

using ::testing::HasSubstr;
using wasi::MemoryFileSystem;

/// Archives, made by hand.
class Archive {
public:
    Archive& add(std::string_view name, std::string_view content, char type = '0', std::string_view link = {},
                 std::string_view prefix = {}) {
        std::string header(512, '\0');
        header.replace(0, name.size(), name);
        header.replace(124, 11, octal(content.size()));
        header.replace(136, 11, octal(1'000'000'000));
        header[156] = type;
        header.replace(157, link.size(), link);
        header.replace(257, 8, std::string_view("ustar\00000", 8));
        header.replace(345, prefix.size(), prefix);
        sign(header);
        bytes += header;
        bytes += content;
        bytes.resize((bytes.size() + 511) / 512 * 512);
        return *this;
    }
    Archive& end() {
        bytes.resize(bytes.size() + 1024);
        return *this;
    }
    static void sign(std::string& header) {
        header.replace(148, 8, 8, ' ');
        uint64_t sum = 0;
        for (const char byte : header)
            sum += static_cast<uint8_t>(byte);
        header.replace(148, 7, octal(sum).substr(5) + std::string(1, '\0'));
    }
    static std::string octal(uint64_t value) {
        std::string text;
        for (int i = 0; i < 11; ++i, value /= 8)
            text.insert(text.begin(), static_cast<char>('0' + value % 8));
        return text;
    }
    [[nodiscard]] std::span<const uint8_t> span() const {
        return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
    }
    std::string bytes;
};

std::string content_of(const MemoryFileSystem& files, const std::string& path) {
    const auto file = files.root()->open(path, {.reads = true, .follows = true});
    if (!file)
        return std::string(wasi::errno_name(file.error()));
    std::string text(100, '\0');
    const iovec target{text.data(), text.size()};
    text.resize((*file)->read(std::span(&target, 1)).value());
    return text;
}

std::string error_of(const Archive& archive, uint64_t max_bytes = 1 << 20) {
    MemoryFileSystem files({.max_bytes = max_bytes});
    const auto result = wasi::unpack_tar(archive.span(), files);
    return result ? "" : result.error().detail;
}

TEST(Tar, FilesDirectoriesAndLinks) {
    Archive archive;
    archive.add("./", "", '5').add("./dir/", "", '5').add("dir/file", "content").add("deep/er/file", "x");
    archive.add("dir/hard", "", '1', "dir/file").add("soft", "", '2', "dir/file").add("name", "p", '0', {}, "pre");
    archive.add("ignored", "20 comment=nothing!\n", 'g');
    archive.add("././@LongLink", std::string(150, 'n') + std::string(1, '\0'), 'L').add("short", "long");
    archive.add("pax", "20 path=dir/by-pax1\n", 'x').add("other", "pax").end();
    MemoryFileSystem files({});
    const auto result = wasi::unpack_tar(archive.span(), files);
    ASSERT_TRUE(result) << result.error().detail;
    EXPECT_EQ(content_of(files, "dir/file"), "content");
    EXPECT_EQ(content_of(files, "dir/hard"), "content");
    EXPECT_EQ(content_of(files, "soft"), "content");
    EXPECT_EQ(content_of(files, "deep/er/file"), "x");
    EXPECT_EQ(content_of(files, "pre/name"), "p");
    EXPECT_EQ(content_of(files, std::string(150, 'n')), "long");
    EXPECT_EQ(content_of(files, "dir/by-pax1"), "pax");
    EXPECT_EQ(content_of(files, "other"), "noent");
    const auto status = files.root()->status_at("dir/file", false);
    EXPECT_EQ(status->link_count, 2u);
    EXPECT_EQ(status->modification_ns, 1'000'000'000'000'000'000u);
}

TEST(Tar, WhatIsWrongIsNamed) {
    EXPECT_EQ(error_of(Archive().add("a", "b").end()), "");
    EXPECT_THAT(error_of(Archive().add("../a", "b")), HasSubstr("entry 1 \"../a\": inval"));
    EXPECT_THAT(error_of(Archive().add("a", "").add("a", "")), HasSubstr("entry 2 \"a\": exist"));
    EXPECT_THAT(error_of(Archive().add("a", "", '3')), HasSubstr("notsup"));
    EXPECT_THAT(error_of(Archive().add("a", "", '1', "../../etc/passwd")), HasSubstr("notcapable"));
    EXPECT_THAT(error_of(Archive().add("a", std::string(5000, 'x')), 4000), HasSubstr("does not fit"));
    Archive sum = Archive().add("a", "b");
    sum.bytes[0] = 'c';
    EXPECT_THAT(error_of(sum), HasSubstr("checksum"));
    Archive cut = Archive().add("a", "b");
    cut.bytes.resize(600);
    EXPECT_EQ(error_of(cut), "");
    cut.bytes.resize(512);
    EXPECT_THAT(error_of(cut), HasSubstr("larger than the archive"));
    cut.bytes.resize(100);
    EXPECT_THAT(error_of(cut), HasSubstr("cut off"));
    for (const char* record : {"x", "8 path=a\n", "99 path=a\n", "11 path=a\n", "7 path\n", "12 size=abc\n",
                               "0 \n", "18446744073709551616 a=b\n"})
        EXPECT_THAT(error_of(Archive().add("p", record, 'x').add("a", "")), HasSubstr("malformed")) << record;
    EXPECT_THAT(error_of(Archive().add("p", "29 size=18446744073709551615\n", 'x').add("a", "")),
                HasSubstr("larger than the archive"));
    Archive binary = Archive().add("a", "");
    binary.bytes.replace(124, 12, std::string(12, '\xff'));
    std::string header = binary.bytes.substr(0, 512);
    Archive::sign(header);
    binary.bytes.replace(0, 512, header);
    EXPECT_THAT(error_of(binary), HasSubstr("malformed number"));
}

TEST(Tar, NoBytesBreakIt) {
    Archive archive;
    archive.add("dir/", "", '5').add("dir/file", "content").add("pax", "20 path=dir/by-pax1\n", 'x');
    archive.add("other", "pax").add("s", "", '2', "dir").end();
    std::mt19937 random(3);
    for (int i = 0; i < 20'000; ++i) {
        Archive changed = archive;
        for (uint32_t count = random() % 4; count > 0; --count)
            changed.bytes[random() % changed.bytes.size()] = static_cast<char>(random());
        // With right sums, so that what comes after them is reached.
        for (size_t at = 0; at + 512 <= changed.bytes.size(); at += 512) {
            std::string header = changed.bytes.substr(at, 512);
            if (header.substr(257, 5) == "ustar" && random() % 2 == 0) {
                Archive::sign(header);
                changed.bytes.replace(at, 512, header);
            }
        }
        if (random() % 3 == 0)
            changed.bytes.resize(random() % changed.bytes.size());
        MemoryFileSystem files({.max_bytes = 1 << 16});
        std::ignore = wasi::unpack_tar(changed.span(), files);
        EXPECT_LE(files.used_bytes(), 1U << 16);
    }
}

}  // namespace
}  // namespace wsb::testing
