// SPDX-License-Identifier: Apache-2.0
// Reading manifests.
#include "sandbox/manifest.h"

#include "engine/base/result.h"
#include "sandbox/grants.h"
#include "sandbox/manifest_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace wsb::sandbox {
namespace {

using Problems = std::vector<ManifestProblem>;

void complain(Problems& problems, const toml::source_region& place, std::string text) {
    problems.push_back({place.begin.line, place.begin.column, std::move(text)});
}

/// A table whose every key must be asked for.
class Section {
public:
    Section(const toml::table& table, std::string name, Problems& problems)
        : m_table(table), m_name(std::move(name)), m_problems(problems) {}

    [[nodiscard]] const toml::node* find(std::string_view key) {
        m_known.emplace_back(key);
        return m_table.get(key);
    }
    template <class T>
    [[nodiscard]] std::optional<T> value(std::string_view key, std::string_view expected) {
        const toml::node* const node = find(key);
        if (node == nullptr)
            return std::nullopt;
        const auto found = node->value_exact<T>();
        if (!found)
            wrong(*node, key, fmt::format("must be {}", expected));
        return found;
    }
    [[nodiscard]] std::optional<std::string> text(std::string_view key) {
        auto found = value<std::string>(key, "a string");
        if (found && (found->empty() || found->find('\0') != std::string::npos)) {
            wrong(*m_table.get(key), key, "must not be empty or contain NUL");
            return std::nullopt;
        }
        return found;
    }
    [[nodiscard]] std::optional<uint64_t> number(std::string_view key, KeyKind kind, uint64_t least,
                                                 uint64_t most) {
        const toml::node* const node = find(key);
        if (node == nullptr)
            return std::nullopt;
        const auto parsed = parse(*node, kind);
        if (!parsed) {
            wrong(*node, key, parsed.error());
            return std::nullopt;
        }
        if (*parsed < least || *parsed > most) {
            wrong(*node, key, fmt::format("must be between {} and {}", least, most));
            return std::nullopt;
        }
        return *parsed;
    }
    [[nodiscard]] std::optional<int> word(std::string_view key, std::span<const Word> words) {
        const auto found = value<std::string>(key, "a string");
        if (!found)
            return std::nullopt;
        std::string all;
        for (const Word& word : words) {
            if (word.text == *found)
                return word.value;
            all += (all.empty() ? "" : ", ") + std::string(word.text);
        }
        wrong(*m_table.get(key), key, fmt::format("\"{}\" must be one of {}", *found, all));
        return std::nullopt;
    }
    void wrong(const toml::node& node, std::string_view key, std::string_view what) {
        complain(m_problems, node.source(),
                 fmt::format("{}{}{}: {}", m_name, m_name.empty() ? "" : ".", key, what));
    }
    /// @return whether the key was there.
    bool require(std::string_view key) {
        if (m_table.get(key) != nullptr)
            return true;
        complain(m_problems, m_table.source(), fmt::format("{}.{} is missing", m_name, key));
        return false;
    }
    /// Complains about keys that nobody asked for.
    void finish() {
        for (const auto& [key, node] : m_table) {
            if (std::ranges::find(m_known, key.str()) == m_known.end())
                complain(m_problems, key.source(),
                         fmt::format("unknown key {}{}{}", m_name, m_name.empty() ? "" : ".", key.str()));
        }
    }

private:
    static std::expected<uint64_t, std::string> parse(const toml::node& node, KeyKind kind) {
        if (kind != KeyKind::duration) {
            if (const auto integer = node.value_exact<int64_t>())
                return *integer >= 0 ? std::expected<uint64_t, std::string>(static_cast<uint64_t>(*integer))
                                     : std::unexpected("must not be negative");
        }
        const auto text = node.value_exact<std::string>();
        if (kind == KeyKind::count || !text)
            return std::unexpected(kind == KeyKind::count ? "must be a whole number"
                                   : kind == KeyKind::size
                                       ? "must be a whole number or a size as in \"64MiB\""
                                       : "must be a duration as in \"250ms\"");
        if (kind == KeyKind::size) {
            const auto size = parse_size_bytes(*text);
            return size ? std::expected<uint64_t, std::string>(*size) : std::unexpected(size.error().detail);
        }
        const auto duration = parse_duration(*text);
        return duration ? std::expected<uint64_t, std::string>(static_cast<uint64_t>(duration->count()))
                        : std::unexpected(duration.error().detail);
    }

    const toml::table& m_table;
    std::string m_name;
    Problems& m_problems;
    std::vector<std::string> m_known;
};

/// Reads a whole file.
class ManifestReader {
public:
    ManifestReader(const toml::table& root, std::filesystem::path directory)
        : m_root(root, "", m_problems), m_directory(std::move(directory)) {}

    std::expected<Manifest, Problems> read() {
        in_table("module", [&](Section& section) { read_module(section); });
        in_table("limits", [&](Section& section) { read_limits(section); });
        in_tables("dir", [&](Section& section) { read_dir(section); });
        in_table("env", [&](Section& section) { read_env(section); });
        in_table("clock", [&](Section& section) { read_clock(section); });
        in_table("random", [&](Section& section) { read_random(section); });
        in_table("stdio", [&](Section& section) { read_stdio(section); });
        in_tables("listen", [&](Section& section) { read_socket(section, m_manifest.grants.listen); });
        in_tables("connect", [&](Section& section) { read_socket(section, m_manifest.grants.connect); });
        in_table("audit", [&](Section& section) {
            if (const auto file = section.text("file"))
                m_manifest.audit_file = m_directory / *file;
        });
        m_root.finish();
        if (m_problems.empty())
            return std::move(m_manifest);
        std::ranges::sort(m_problems, {},
                          [](const ManifestProblem& one) { return std::pair(one.line, one.column); });
        return std::unexpected(std::move(m_problems));
    }

private:
    template <class Read>
    void in_table(const std::string& name, Read read) {
        const toml::node* const node = m_root.find(name);
        if (node == nullptr)
            return;
        if (node->as_table() == nullptr)
            return m_root.wrong(*node, name, "must be a table");
        Section section(*node->as_table(), name, m_problems);
        read(section);
        section.finish();
    }
    template <class Read>
    void in_tables(const std::string& name, Read read) {
        const toml::node* const node = m_root.find(name);
        if (node == nullptr)
            return;
        if (node->as_array() == nullptr)
            return m_root.wrong(*node, name, fmt::format("must be tables, each begun by [[{}]]", name));
        for (const toml::node& item : *node->as_array()) {
            if (item.as_table() == nullptr) {
                m_root.wrong(item, name, "must be a table");
                continue;
            }
            Section section(*item.as_table(), name, m_problems);
            read(section);
            section.finish();
        }
    }

    void read_module(Section& section) {
        if (const auto path = section.text("path"))
            m_manifest.module_path = m_directory / *path;
        m_manifest.canonical_nans = section.value<bool>("canonical_nans", "true or false").value_or(false);
        const auto sha256 = section.text("sha256");
        if (!sha256)
            return;
        if (sha256->size() != 64 || sha256->find_first_not_of("0123456789abcdef") != std::string::npos)
            return section.wrong(*section.find("sha256"), "sha256",
                                 "must be 64 hexadecimal digits, in small letters");
        m_manifest.module_sha256 = *sha256;
    }
    void read_limits(Section& section) {
        for (const LimitKey& key : limit_keys())
            if (const auto value = section.number(key.name, key.kind, key.least, key.most))
                key.set(m_manifest.limits, *value);
    }
    void read_dir(Section& section) {
        DirGrant grant;
        grant.access = DirAccess::read_only;
        if (const auto source = section.word("source", source_words()))
            grant.source = static_cast<DirSource>(*source);
        const bool is_empty = grant.source == DirSource::memory;
        if (is_empty && section.find("host") != nullptr)
            section.wrong(*section.find("host"), "host", R"(has no meaning with source = "memory")");
        if (!is_empty && section.require("host"))
            if (const auto host = section.text("host"))
                grant.host = (m_directory / *host).lexically_normal().string();
        if (is_empty)
            section.require("guest");
        grant.guest = section.text("guest").value_or(grant.host);
        const auto memory = section.number("memory", KeyKind::size, 0, INT64_MAX);
        if (memory && grant.source == DirSource::host)
            section.wrong(*section.find("memory"), "memory", "is for directories in memory: see source");
        grant.max_memory_bytes = memory.value_or(grant.max_memory_bytes);
        if (const auto access = section.word("access", access_words()))
            grant.access = static_cast<DirAccess>(*access);
        grant.max_file_bytes = section.number("max_file_size", KeyKind::size, 0, INT64_MAX);
        grant.max_bytes = section.number("max_bytes", KeyKind::size, 0, INT64_MAX);
        grant.has_special_files = section.value<bool>("special_files", "true or false").value_or(false);
        if (grant.has_special_files && grant.source != DirSource::host)
            section.wrong(*section.find("special_files"), "special_files", "is for directories of the host");
        m_manifest.grants.dirs.push_back(std::move(grant));
    }
    void read_env(Section& section) {
        // `pass` lists what is passed on; every other key is a variable.
        const toml::node* const pass = section.find("pass");
        if (pass != nullptr && pass->as_array() != nullptr) {
            for (const toml::node& item : *pass->as_array())
                pass_on(section, item);
        } else if (pass != nullptr) {
            section.wrong(*pass, "pass", "must be an array of names");
        }
        for (const auto& [key, node] : *m_root.find("env")->as_table()) {
            if (key.str() == "pass")
                continue;
            if (key.str().find('=') != std::string_view::npos || key.str().empty())
                section.wrong(node, key.str(), "is no name of a variable");
            if (const auto value = section.value<std::string>(key.str(), "a string"))
                m_manifest.grants.env.push_back({std::string(key.str()), *value});
        }
    }
    /// A variable that is not set here is not set there.
    void pass_on(Section& section, const toml::node& item) {
        const auto name = item.value_exact<std::string>();
        if (!name || name->empty() || name->find('=') != std::string::npos)
            return section.wrong(item, "pass", "must be an array of names");
        if (const char* const value = std::getenv(name->c_str()))
            m_manifest.grants.env.push_back({*name, value});
    }
    void read_clock(Section& section) {
        Grants& grants = m_manifest.grants;
        if (const auto mode = section.word("mode", clock_words()))
            grants.clock = static_cast<ClockMode>(*mode);
        const auto start = section.number("start", KeyKind::count, 0, latest_start_s);
        if (start && grants.clock != ClockMode::virtual_ && grants.clock != ClockMode::frozen)
            section.wrong(*section.find("start"), "start",
                          R"(has a meaning only with mode = "virtual" or "frozen")");
        if (start)
            grants.clock_start_ns = *start * 1'000'000'000;
    }
    void read_random(Section& section) {
        if (const auto mode = section.word("mode", random_words()))
            m_manifest.grants.random = static_cast<RandomMode>(*mode);
        const auto seed = section.number("seed", KeyKind::count, 0, INT64_MAX);
        if (seed && m_manifest.grants.random != RandomMode::seeded)
            section.wrong(*section.find("seed"), "seed", R"(has a meaning only with mode = "seeded")");
        m_manifest.grants.random_seed = seed.value_or(0);
    }
    void read_stdio(Section& section) {
        constexpr std::array names{"stdin", "stdout", "stderr"};
        for (size_t i = 0; i < names.size(); ++i)
            if (section.value<bool>(names[i], "true or false").value_or(false))
                m_manifest.grants.streams[i] = static_cast<int>(i);
    }
    void read_socket(Section& section, std::vector<std::string>& addresses) {
        if (!section.require("address"))
            return;
        const auto address = section.text("address");
        if (address && address->find(':') == std::string::npos)
            section.wrong(*section.find("address"), "address", "must be ADDRESS:PORT");
        else if (address)
            addresses.push_back(*address);
    }

    Problems m_problems;
    Section m_root;
    std::filesystem::path m_directory;
    Manifest m_manifest;
};

}  // namespace

std::expected<Manifest, Problems> parse_manifest(std::string_view text,
                                                 const std::filesystem::path& directory) {
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        Problems problems;
        complain(problems, parsed.error().source(), std::string(parsed.error().description()));
        return std::unexpected(std::move(problems));
    }
    return ManifestReader(parsed.table(), directory).read();
}

Result<Manifest> load_manifest(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail(ErrorCode::io_error,
                    fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    auto manifest = parse_manifest(text, path.parent_path());
    if (manifest)
        return *std::move(manifest);
    std::string all;
    for (const ManifestProblem& problem : manifest.error())
        all += fmt::format("{}{}:{}:{}: {}", all.empty() ? "" : "\n", path.string(), problem.line,
                           problem.column, problem.text);
    return fail(ErrorCode::bad_usage, std::move(all));
}

Result<void> apply_manifest(const Manifest& manifest, Spec& spec) {
    if (manifest.module_path)
        spec.module = *manifest.module_path;
    if (manifest.module_sha256)
        spec.module_sha256 = manifest.module_sha256;
    spec.canonical_nans = manifest.canonical_nans;
    spec.limits = manifest.limits;
    spec.grants = manifest.grants;
    if (manifest.audit_file) {
        WSB_TRY_ASSIGN(spec.audit, AuditLog::open(*manifest.audit_file));
    }
    return {};
}

}  // namespace wsb::sandbox
