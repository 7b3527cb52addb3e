// SPDX-License-Identifier: Apache-2.0
// Damaged and hostile modules through the public API: each is a module, or an error with an offset inside of
// it, and loading takes memory in proportion to the file. The decoder alone:
// tests/unit/binary/robustness_test.
#include "engine/text/wast.h"
#include "tests/unit/api/api_fixture.h"
#include "tests/unit/sanitized.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <malloc.h>
#include <new>
#include <string>
#include <vector>

namespace {

std::atomic<int64_t> live_bytes{0};
std::atomic<int64_t> peak_bytes{0};

}  // namespace

// Sanitizers check that new meets delete, and keep what was freed: replacing theirs would lose the one, and
// the other makes sizes meaningless.
#ifndef WSB_IS_SANITIZED
// Not inlined: g++ would take malloc and free for a mismatched pair.
[[gnu::noinline]] void* operator new(size_t size_bytes) {
    void* const memory = std::malloc(std::max<size_t>(size_bytes, 1));
    if (memory == nullptr)
        throw std::bad_alloc();
    const int64_t live = live_bytes += static_cast<int64_t>(malloc_usable_size(memory));
    int64_t peak = peak_bytes;
    while (live > peak && !peak_bytes.compare_exchange_weak(peak, live)) {
    }
    return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    live_bytes -= static_cast<int64_t>(malloc_usable_size(memory));
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
    operator delete(memory);
}
#endif

namespace wsb::testing {
namespace {

using Bytes = std::vector<uint8_t>;

/// What loading may have allocated at once: tables that do not depend on the module (buffers of the reader,
/// room for 50,000 locals and 65,520 branch targets), and for each byte of the file the structures that the
/// smallest declarations become. The smallest function has five bytes and needs its body, its code, and the
/// cells of that.
constexpr int64_t allowed_bytes = 4 << 20;
constexpr int64_t allowed_bytes_per_byte = 160;

/// Loads, and checks what holds for any input. @return whether it is a module.
bool load(const Engine& engine, const Bytes& bytes) {
    const int64_t before = live_bytes;
    peak_bytes = before;
    const auto module = Module::compile(engine, bytes);
    EXPECT_LE(peak_bytes - before,
              allowed_bytes + allowed_bytes_per_byte * static_cast<int64_t>(bytes.size()));
    if (module)
        return true;
    EXPECT_NE(module.error().offset_bytes, no_offset) << module.error().message();
    EXPECT_LE(module.error().offset_bytes, bytes.size()) << module.error().message();
    const ErrorKind kind = error_kind(module.error().code);
    EXPECT_TRUE(kind == ErrorKind::malformed || kind == ErrorKind::invalid || kind == ErrorKind::limit)
        << module.error().message();
    return false;
}

Bytes read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file) << path;
    return {std::istreambuf_iterator<char>(file), {}};
}

const std::filesystem::path source_dir = WSB_SOURCE_DIR;

/// The modules of the project's own scripts and examples.
std::vector<Bytes> corpus() {
    const Engine engine;
    std::vector<Bytes> modules;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(source_dir / "spec-tests/wast")) {
        if (!entry.is_regular_file())
            continue;
        const Bytes text = read_file(entry.path());
        const auto script = text::parse_script(std::string(text.begin(), text.end()));
        EXPECT_TRUE(script) << entry.path();
        for (const auto& command : script->commands) {
            if (const auto* module = std::get_if<text::ScriptModule>(&command.body))
                modules.push_back(module->assemble().value());
        }
    }
    for (const char* example : {"examples/fib/fib.wat", "examples/hello/hello.wat"}) {
        const auto module = Module::from_file(engine, source_dir / example).value();
        modules.emplace_back(module.bytes().begin(), module.bytes().end());
    }
    return modules;
}

/// Some of the own scripts are about proposals.
Engine engine_of_all_features() {
    Config config;
    config.features = Features::up_to(4);
    return Engine(config);
}

/// Every `stride`th place: cut off there, and the byte there changed in each bit, to 0x00 and to 0xff.
void damage(const Bytes& whole, size_t stride) {
    const Engine engine = engine_of_all_features();
    EXPECT_TRUE(load(engine, whole));
    size_t refused = 0;
    for (size_t at = 0; at < whole.size(); at += stride) {
        const auto begin = whole.begin();
        refused += load(engine, Bytes(begin, begin + static_cast<std::ptrdiff_t>(at))) ? 0 : 1;
        Bytes changed = whole;
        const auto load_with = [&](unsigned byte) {
            changed[at] = static_cast<uint8_t>(byte);
            load(engine, changed);
        };
        for (unsigned bit = 0; bit < 8; ++bit)
            load_with(whole[at] ^ (1u << bit));
        load_with(0x00);
        load_with(0xff);
    }
    // Only the ends of sections can be ends of modules.
    EXPECT_LE(whole.size() / stride, refused + 13);
}

TEST(Robustness, DamagedModulesAreModulesOrErrorsWithAPlace) {
    const auto modules = corpus();
    EXPECT_GE(modules.size(), 5u);
    for (const Bytes& whole : modules)
        damage(whole, 1);
}

/// The example program in C, which the test examples.build makes.
TEST(Robustness, DamagedRealModule) {
    const Bytes whole = read_file(std::filesystem::path(WSB_EXAMPLES_DIR) / "textstats.wasm");
    ASSERT_FALSE(whole.empty());
    damage(whole, whole.size() / 100 + 1);
}

// Hostile modules

void add_number(Bytes& bytes, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        bytes.push_back(static_cast<uint8_t>(value | 0x80));
    bytes.push_back(static_cast<uint8_t>(value));
}

class Hostile {
public:
    Hostile& section(uint8_t id, const Bytes& content) {
        m_bytes.push_back(id);
        add_number(m_bytes, content.size());
        m_bytes.insert(m_bytes.end(), content.begin(), content.end());
        return *this;
    }
    /// `count` times the same entry.
    Hostile& list(uint8_t id, size_t count, const Bytes& entry) {
        Bytes content;
        add_number(content, count);
        for (size_t i = 0; i < count; ++i)
            content.insert(content.end(), entry.begin(), entry.end());
        return section(id, content);
    }
    [[nodiscard]] const Bytes& bytes() const noexcept { return m_bytes; }

private:
    Bytes m_bytes{0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};
};

const Bytes one_type{0x01, 0x60, 0x00, 0x00};

TEST(Robustness, HugeCountsOfNothing) {
    const Engine engine;
    for (uint8_t id = 1; id <= 13; ++id) {
        for (const size_t padding : {0u, 1u, 1u << 10, 1u << 20}) {
            Bytes content{0xff, 0xff, 0xff, 0xff, 0x0f};
            content.resize(content.size() + padding);
            EXPECT_FALSE(load(engine, Hostile().section(id, content).bytes())) << unsigned{id};
        }
    }
}

/// The smallest entries that there are, many of them: what the factor is for.
TEST(Robustness, ManySmallDeclarations) {
    const Engine engine;
    constexpr size_t many = 50'000;
    EXPECT_TRUE(load(engine, Hostile().list(1, many, {0x60, 0x00, 0x00}).bytes()));
    EXPECT_TRUE(load(engine, Hostile().list(1, many, {0x4e, 0x00}).bytes()));
    EXPECT_TRUE(load(engine, Hostile().section(1, one_type).list(2, many, {0, 0, 0, 0}).bytes()));
    EXPECT_TRUE(load(engine, Hostile().list(2, many, {0, 0, 1, 0x70, 0, 0}).bytes()));
    EXPECT_TRUE(load(engine, Hostile().list(4, many, {0x70, 0, 0}).bytes()));
    EXPECT_TRUE(load(engine, Hostile().section(1, one_type).list(13, many, {0, 0}).bytes()));
    EXPECT_TRUE(load(engine, Hostile().list(6, many, {0x7f, 0, 0x41, 0, 0x0b}).bytes()));
    EXPECT_FALSE(
        load(engine, Hostile().list(6, 1, {0x7f, 0, 0x41, 0, 0x0b}).list(7, many, {0, 3, 0}).bytes()));
    EXPECT_TRUE(load(engine, Hostile().list(9, many, {1, 0, 0}).bytes()));
    EXPECT_TRUE(load(engine, Hostile().list(9, many, {5, 0x70, 1, 0xd0, 0x70, 0x0b}).bytes()));
    EXPECT_TRUE(load(engine, Hostile().list(11, many, {1, 0}).bytes()));
    Hostile functions;
    functions.section(1, one_type).list(3, many, {0}).list(10, many, {2, 0, 0x0b});
    EXPECT_TRUE(load(engine, functions.bytes()));
    Hostile customs;
    for (size_t i = 0; i < many; ++i)
        customs.section(0, {0});
    EXPECT_TRUE(load(engine, customs.bytes()));
}

TEST(Robustness, HugeVectorsInBodies) {
    const Engine engine;
    const auto with_body = [](const Bytes& body) {
        Bytes entry;
        add_number(entry, body.size());
        entry.insert(entry.end(), body.begin(), body.end());
        return Hostile().section(1, one_type).list(3, 1, {0}).list(10, 1, entry).bytes();
    };
    // Locals, lists of locals, labels, types of a select, catches: 2^32 - 1 of each.
    EXPECT_FALSE(load(engine, with_body({0x01, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x0b})));
    EXPECT_FALSE(load(engine, with_body({0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b})));
    EXPECT_FALSE(load(engine, with_body({0x00, 0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b})));
    EXPECT_FALSE(load(engine, with_body({0x00, 0x1c, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b})));
    EXPECT_FALSE(load(engine, with_body({0x00, 0x1f, 0x40, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b})));
    // As many as are allowed, in many functions: the room is used again.
    Hostile locals;
    locals.section(1, one_type).list(3, 200, {0}).list(10, 200, {6, 1, 0xd0, 0x86, 0x03, 0x7f, 0x0b});
    EXPECT_TRUE(load(engine, locals.bytes()));
    Bytes table{0x00, 0x41, 0x00, 0x0e, 0xf0, 0xff, 0x03};  // br_table of 65,520
    table.resize(table.size() + 65'521);
    table.push_back(0x0b);
    EXPECT_TRUE(load(engine, with_body(table)));
    Bytes nested(200'000, 0x40);
    for (size_t i = 0; i < nested.size(); i += 2)
        nested[i] = 0x02;
    nested.insert(nested.begin(), 0x00);
    EXPECT_FALSE(load(engine, with_body(nested)));
}

using HostileInstanceTest = ApiTest;

/// Refused by the store's limits, or by those of the implementation, before anything is reserved for good.
TEST_F(HostileInstanceTest, LargeMemoriesAndTablesAreRefused) {
    store.set_limits({.memory_bytes = 16 << 20, .table_elements = 1000});
    for (const char* source : {
             "(memory 65536)",
             "(memory 257)",
             "(memory i64 0x1000000000000)",
             "(memory i64 0x800000000000)",
             "(memory 200) (memory 57)",
             "(table 0xffffffff funcref)",
             "(table 1001 externref)",
             "(table 600 externref) (table 401 funcref)",
             "(table i64 0xffffffffffffffff funcref)",
         }) {
        const Module refused = module(source);
        const int64_t before = live_bytes;
        peak_bytes = before;
        const auto made = linker.instantiate(store, refused);
        ASSERT_FALSE(made) << source;
        ASSERT_NE(made.error().error(), nullptr) << source;
        EXPECT_EQ(made.error().error()->code, ErrorCode::limit_exceeded) << made.error().message();
        EXPECT_LE(peak_bytes - before, 1 << 20) << source;
        EXPECT_LE(store.peak_memory_bytes(), uint64_t{16} << 20) << source;
    }
    // What was refused left nothing behind, and what fits is made.
    EXPECT_TRUE(try_instance("(memory 256) (table 1000 funcref)"));
}

}  // namespace
}  // namespace wsb::testing
