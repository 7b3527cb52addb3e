// SPDX-License-Identifier: Apache-2.0
// What the host's tools are told of machine code: names that do no harm, files that perf reads, object files
// that debuggers read. Each is read back here as its reader does it.
#include "jit/code_names.h"

#include "engine/runtime/engine_state.h"
#include "jit/debugger.h"
#include "wsb/engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace wsb::jit {
namespace {

/// Functions 1 to 4; the second is named to look like two lines of a map.
constexpr std::string_view wat = R"wat((module $many
  (import "m" "f" (func))
  (func $fib (export "fib") (param $n i32) (result i32)
    (if (result i32) (i32.lt_s (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
                     (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
  (func (@name "evil\n401000 1000 malloc\\\u{1b}[2J\u{202e}\u{0}é"))
  (func (export "exported only"))
  (func)))wat";
const std::vector<std::string> names{"wasm!many!fib",
                                     R"(wasm!many!evil\0a401000 1000 malloc\5c\1b[2J\e2\80\ae\00\c3\a9)",
                                     "wasm!many!exported only", "wasm!many!function[4]"};
const std::string common_name = "wasm!(common code)";
const size_t named_pieces = names.size() + 1;

[[nodiscard]] v1::Module load(const CodeNames& wanted) {
    Config config{.tier = TierChoice::jit, .code_names = wanted};
    auto module = v1::Module::from_wat(Engine(config), wat);
    EXPECT_TRUE(module) << module.error().message();
    return *std::move(module);
}
[[nodiscard]] const lower::MachineCode& machine_code(const v1::Module& module, size_t body) {
    return *module.compiled()->codes[body].machine.load();
}
/// Where all ways into a function meet: its first cell leads there.
[[nodiscard]] uint64_t entry_of(const lower::Code& code) {
    return *code.entry.load();
}
[[nodiscard]] std::string content(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}
[[nodiscard]] std::filesystem::path map_path() {
    return "/tmp/perf-" + std::to_string(getpid()) + ".map";
}
[[nodiscard]] std::filesystem::path dump_path() {
    return "jit-" + std::to_string(getpid()) + ".dump";
}

/// Runs in a process of its own, for files and working directory are the process's. @return what it returns.
template <class Action>
[[nodiscard]] int in_child(Action action) {
    const pid_t child = fork();
    if (child == 0) {
        const int status = action();
        _exit(::testing::Test::HasFailure() ? 99 : status);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

class CodeNamesTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (!Engine::has_jit())
            GTEST_SKIP() << "no machine code: this build or this processor has no compiler";
        std::string pattern = std::filesystem::temp_directory_path() / "code-names-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        m_directory = pattern;
        m_before = std::filesystem::current_path();
        std::filesystem::current_path(m_directory);
    }
    void TearDown() override {
        if (m_directory.empty())
            return;
        std::filesystem::current_path(m_before);
        std::filesystem::remove_all(m_directory);
    }
    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return m_directory; }

private:
    std::filesystem::path m_directory, m_before;
};

struct MapLine {
    uintptr_t begin = 0;
    size_t size_bytes = 0;
    std::string name;
};
/// As perf does it.
[[nodiscard]] std::vector<MapLine> read_map(const std::string& text) {
    std::vector<MapLine> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        MapLine read;
        const char* const end = line.data() + line.size();
        const auto begin = std::from_chars(line.data(), end, read.begin, 16);
        EXPECT_EQ(begin.ec, std::errc{}) << line;
        const auto size = std::from_chars(begin.ptr + 1, end, read.size_bytes, 16);
        EXPECT_EQ(size.ec, std::errc{}) << line;
        read.name.assign(size.ptr + 1, end);
        lines.push_back(read);
    }
    return lines;
}

TEST_F(CodeNamesTest, nobody_is_told_unless_asked) {
    const int status = in_child([] {
        const v1::Module module = load({});
        EXPECT_FALSE(std::filesystem::exists(map_path()));
        EXPECT_FALSE(std::filesystem::exists(dump_path()));
        EXPECT_EQ(__jit_debug_descriptor.first_entry, nullptr);
        return 0;
    });
    EXPECT_EQ(status, 0);
}

TEST_F(CodeNamesTest, perf_map) {
    const int status = in_child([] {
        const v1::Module module = load({.perf_map = true});
        const v1::Module again = load({.perf_map = true});
        const auto lines = read_map(content(map_path()));
        std::filesystem::remove(map_path());
        EXPECT_EQ(lines.size(), 2 * named_pieces);
        for (size_t i = 0; i < lines.size(); ++i) {
            EXPECT_GT(lines[i].size_bytes, 0);
            const size_t func = i % named_pieces;
            if (func == names.size()) {
                EXPECT_EQ(lines[i].name, common_name);
                continue;
            }
            const auto& code = machine_code(i < named_pieces ? module : again, func);
            EXPECT_EQ(lines[i].name, names[func]);
            EXPECT_EQ(lines[i].begin, reinterpret_cast<uintptr_t>(code.begin));
            EXPECT_LT(lines[i].size_bytes, code.size_bytes);  // cells are not code
        }
        return 0;
    });
    EXPECT_EQ(status, 0);
}

TEST_F(CodeNamesTest, perf_map_replaces_what_has_its_name) {
    const int status = in_child([] {
        std::ofstream("victim") << "mine";
        std::filesystem::create_symlink(std::filesystem::current_path() / "victim", map_path());
        const v1::Module module = load({.perf_map = true});
        EXPECT_EQ(content("victim"), "mine");
        struct stat file{};
        EXPECT_EQ(lstat(map_path().c_str(), &file), 0);
        EXPECT_TRUE(S_ISREG(file.st_mode));
        EXPECT_EQ(file.st_mode & 0777, 0600);
        std::filesystem::remove(map_path());
        return 0;
    });
    EXPECT_EQ(status, 0);
}

TEST_F(CodeNamesTest, file_that_cannot_be_written_is_an_error) {
    const int status = in_child([] {
        std::filesystem::create_directory("gone");
        std::filesystem::current_path("gone");
        std::filesystem::remove("../gone");
        Config config{.tier = TierChoice::jit, .code_names = {.jitdump = true}};
        for (int attempt = 0; attempt < 2; ++attempt) {
            const auto module = v1::Module::from_wat(Engine(config), wat);
            EXPECT_FALSE(module);
            if (module)
                return 1;
            EXPECT_EQ(module.error().code, ErrorCode::io_error);
            EXPECT_NE(module.error().message().find("jit-"), std::string::npos) << module.error().message();
        }
        return 0;
    });
    EXPECT_EQ(status, 0);
}

template <class T>
[[nodiscard]] T read_at(const std::string& bytes, size_t at) {
    T value{};
    EXPECT_LE(at + sizeof value, bytes.size());
    if (at + sizeof value <= bytes.size())
        std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

TEST_F(CodeNamesTest, jitdump) {
    const int status = in_child([] {
        const v1::Module module = load({.jitdump = true});
        const std::string dump = content(dump_path());
        // Header: magic, version, size, machine, padding, process.
        EXPECT_EQ(dump.substr(0, 4), "DTiJ");
        EXPECT_EQ(read_at<uint32_t>(dump, 4), 1);
        EXPECT_EQ(read_at<uint32_t>(dump, 12), EM_X86_64);
        EXPECT_EQ(read_at<uint32_t>(dump, 20), static_cast<uint32_t>(getpid()));
        size_t at = read_at<uint32_t>(dump, 8);
        uint64_t time = read_at<uint64_t>(dump, 24);
        for (size_t i = 0; i < names.size(); ++i) {
            const auto& code = machine_code(module, i);
            EXPECT_EQ(read_at<uint32_t>(dump, at), 0);  // JIT_CODE_LOAD
            const auto size_bytes = read_at<uint32_t>(dump, at + 4);
            EXPECT_GE(read_at<uint64_t>(dump, at + 8), time);
            time = read_at<uint64_t>(dump, at + 8);
            EXPECT_EQ(read_at<uint32_t>(dump, at + 16), static_cast<uint32_t>(getpid()));
            EXPECT_EQ(read_at<uint64_t>(dump, at + 24), reinterpret_cast<uint64_t>(code.begin));
            EXPECT_EQ(read_at<uint64_t>(dump, at + 32), reinterpret_cast<uint64_t>(code.begin));
            const auto code_bytes = read_at<uint64_t>(dump, at + 40);
            EXPECT_EQ(read_at<uint64_t>(dump, at + 48), i);
            EXPECT_EQ(dump.substr(at + 56, names[i].size() + 1), names[i] + '\0');
            EXPECT_EQ(size_bytes, 56 + names[i].size() + 1 + code_bytes);
            EXPECT_EQ(std::memcmp(dump.data() + at + size_bytes - code_bytes, code.begin, code_bytes), 0);
            at += size_bytes;
        }
        EXPECT_EQ(dump.substr(at + 56, common_name.size() + 1), common_name + '\0');
        EXPECT_EQ(at + read_at<uint32_t>(dump, at + 4), dump.size());
        return 0;
    });
    EXPECT_EQ(status, 0);
}

TEST_F(CodeNamesTest, jitdump_is_found_by_a_mapping_that_has_nothing_to_execute) {
    const int status = in_child([] {
        const v1::Module module = load({.jitdump = true});
        std::istringstream maps(content("/proc/self/maps"));
        size_t found = 0;
        for (std::string line; std::getline(maps, line);) {
            if (!line.ends_with(dump_path().string()))
                continue;
            ++found;
            std::istringstream fields(line);
            std::string range, protection;
            uint64_t offset_bytes = 0;
            fields >> range >> protection >> std::hex >> offset_bytes;
            EXPECT_EQ(protection, "r-xp");
            EXPECT_GT(offset_bytes, std::filesystem::file_size(dump_path()));
        }
        EXPECT_EQ(found, 1);
        return 0;
    });
    EXPECT_EQ(status, 0);
}

/// What a debugger reads: the symbols of all files in the list, which is checked on the way.
[[nodiscard]] std::map<uint64_t, std::pair<std::string, uint64_t>> debugger_symbols() {
    std::map<uint64_t, std::pair<std::string, uint64_t>> found;
    const jit_code_entry* before = nullptr;
    for (const auto* entry = __jit_debug_descriptor.first_entry; entry != nullptr;
         entry = entry->next_entry) {
        EXPECT_EQ(entry->prev_entry, before);
        before = entry;
        const std::string file(entry->symfile_addr, entry->symfile_size);
        const auto header = read_at<Elf64_Ehdr>(file, 0);
        EXPECT_EQ(file.substr(0, SELFMAG), ELFMAG);
        EXPECT_EQ(header.e_machine, EM_X86_64);
        std::vector<Elf64_Shdr> sections;
        for (size_t i = 0; i < header.e_shnum; ++i)
            sections.push_back(read_at<Elf64_Shdr>(file, header.e_shoff + i * header.e_shentsize));
        for (const Elf64_Shdr& section : sections) {
            if (section.sh_type != SHT_SYMTAB)
                continue;
            for (size_t i = 1; i < section.sh_size / section.sh_entsize; ++i) {
                const auto symbol = read_at<Elf64_Sym>(file, section.sh_offset + i * section.sh_entsize);
                const Elf64_Shdr& code = sections[symbol.st_shndx];
                EXPECT_GE(symbol.st_value, code.sh_addr);
                EXPECT_LE(symbol.st_value + symbol.st_size, code.sh_addr + code.sh_size);
                EXPECT_TRUE(code.sh_flags & SHF_EXECINSTR);
                found[symbol.st_value] = {file.c_str() + sections[section.sh_link].sh_offset + symbol.st_name,
                                          symbol.st_size};
            }
        }
    }
    return found;
}

TEST_F(CodeNamesTest, debuggers_know_functions_as_long_as_they_exist) {
    {
        const v1::Module module = load({.gdb = true});
        std::optional<v1::Module> other = load({.gdb = true});
        for (const v1::Module* const each : {&module, static_cast<const v1::Module*>(&*other)}) {
            const auto symbols = debugger_symbols();
            EXPECT_EQ(symbols.size(), 2 * named_pieces);
            for (size_t i = 0; i < names.size(); ++i) {
                const auto symbol = symbols.find(entry_of(each->compiled()->codes[i]));
                ASSERT_NE(symbol, symbols.end());
                EXPECT_EQ(symbol->second.first, names[i]);
            }
            EXPECT_EQ(std::ranges::count(symbols, common_name,
                                         [](const auto& symbol) { return symbol.second.first; }),
                      2);
        }
        other.reset();
        EXPECT_EQ(debugger_symbols().size(), named_pieces);
        EXPECT_EQ(debugger_symbols().count(entry_of(module.compiled()->codes[0])), 1);
    }
    EXPECT_EQ(__jit_debug_descriptor.first_entry, nullptr);
    EXPECT_EQ(__jit_debug_descriptor.relevant_entry, nullptr);
}

TEST_F(CodeNamesTest, debuggers_know_what_is_compiled_while_it_runs) {
    const Engine engine({.tier = TierChoice::automatic, .code_names = {.gdb = true}});
    const auto module = v1::Module::from_wat(engine, R"wat((func $count (export "f") (param i32)
        (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))wat");
    ASSERT_TRUE(module) << module.error().message();
    Store store = Store::create(engine).value();
    const auto instance = Linker(engine).instantiate(store, *module);
    ASSERT_TRUE(instance) << instance.error().message();
    EXPECT_EQ(debugger_symbols().size(), 0u);
    ASSERT_TRUE(instance->func("f").value().call({Value(1'000'000)}));
    ASSERT_EQ(module->code_statistics().machine_functions, 1u);
    std::vector<std::string> known;
    for (const auto& [begin, symbol] : debugger_symbols())
        known.push_back(symbol.first);
    std::ranges::sort(known);
    EXPECT_EQ(known, (std::vector<std::string>{common_name, "wasm!count"}));
}

TEST_F(CodeNamesTest, threads_can_load_and_let_go) {
    const int status = in_child([] {
        constexpr size_t threads = 4, modules = 25;
        std::vector<std::vector<v1::Module>> kept(threads);
        {
            std::vector<std::jthread> running;
            for (size_t i = 0; i < threads; ++i)
                running.emplace_back([&kept, i] {
                    for (size_t n = 0; n < modules; ++n) {
                        v1::Module module = load({.perf_map = true, .jitdump = true, .gdb = true});
                        if (n % 5 == 0)
                            kept[i].push_back(std::move(module));
                    }
                });
        }
        EXPECT_EQ(debugger_symbols().size(), threads * modules / 5 * named_pieces);
        EXPECT_EQ(read_map(content(map_path())).size(), threads * modules * named_pieces);
        std::filesystem::remove(map_path());
        kept.clear();
        EXPECT_EQ(__jit_debug_descriptor.first_entry, nullptr);
        return 0;
    });
    EXPECT_EQ(status, 0);
}

TEST_F(CodeNamesTest, names_are_short) {
    const std::string name(5000, 'x');
    Config config{.tier = TierChoice::jit};
    const auto module =
        v1::Module::from_wat(Engine(config), "(module $" + std::string(5000, 'm') + " (func $" + name +
                                                 ") (func $n (@name \"\")))");
    ASSERT_TRUE(module) << module.error().message();
    const FuncNamer namer(module->compiled()->module);
    EXPECT_EQ(namer(FuncIdx(0u)).size(), FuncNamer::most_bytes);
    EXPECT_TRUE(namer(FuncIdx(0u)).ends_with("m!" + std::string(169, 'x')));
    EXPECT_TRUE(namer(FuncIdx(1u)).ends_with("m!function[1]")) << namer(FuncIdx(1u));
}

}  // namespace
}  // namespace wsb::jit
