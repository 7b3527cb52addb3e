// SPDX-License-Identifier: Apache-2.0
// Tar archives into an in-memory file system. Formats: POSIX ustar and pax, with the GNU entries for long
// names. Every number is checked against the bytes that are there.
// https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06
#include "wasi/memory_files.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

namespace wsb::wasi {
namespace {

constexpr size_t block_bytes = 512;
constexpr size_t longest_name_bytes = 4096;
constexpr size_t longest_header_bytes = 65'536;  ///< of a pax header
constexpr uint64_t ns_per_s = 1'000'000'000;

std::string_view text_of(std::span<const uint8_t> bytes) noexcept {
    // SAFETY: char may alias anything.
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return text.substr(0, text.find('\0'));
}

/// Octal digits, with blanks around them; or the GNU form in binary, marked by the first bit.
std::optional<uint64_t> number_of(std::span<const uint8_t> field) noexcept {
    uint64_t value = 0;
    if ((field.front() & 0x80) != 0) {
        for (size_t i = 0; i < field.size(); ++i) {
            const uint8_t byte = i == 0 ? field[i] & 0x7f : field[i];
            if (value >> 56 != 0)
                return std::nullopt;
            value = value << 8 | byte;
        }
        return value;
    }
    std::string_view text = text_of(field);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    text = text.substr(0, text.find(' '));
    if (text.empty())
        return 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
    if (error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

bool is_sum_right(std::span<const uint8_t> header) noexcept {
    const auto sum = number_of(header.subspan(148, 8));
    uint64_t actual = 0;
    for (size_t i = 0; i < header.size(); ++i)
        actual += i >= 148 && i < 156 ? uint8_t{' '} : header[i];
    return sum == actual;
}

struct TarEntry {
    std::string name;
    std::string link;
    uint64_t size_bytes = 0;
    uint64_t modification_s = 0;
    char type = '0';
};

/// What headers before an entry say about it.
struct Overrides {
    std::optional<std::string> name;
    std::optional<std::string> link;
    std::optional<uint64_t> size_bytes;
};

class TarReader {
public:
    TarReader(std::span<const uint8_t> archive, MemoryFileSystem& files) noexcept
        : m_left(archive), m_files(files) {}

    Result<void> run() {
        while (m_left.size() >= block_bytes) {
            const auto header = take(block_bytes);
            if (std::ranges::all_of(header, [](uint8_t byte) { return byte == 0; }))
                return {};
            ++m_number;
            WSB_TRY(read_entry(header));
        }
        if (!m_left.empty())
            return bad("cut off");
        return {};
    }

private:
    std::span<const uint8_t> take(size_t size_bytes) noexcept {
        const auto taken = m_left.first(size_bytes);
        m_left = m_left.subspan(size_bytes);
        return taken;
    }

    [[nodiscard]] std::unexpected<Error> bad(std::string_view what, std::string_view name = {}) const {
        return fail(ErrorCode::io_error, "tar archive: entry " + std::to_string(m_number) +
                                             (name.empty() ? "" : " \"" + std::string(name) + "\"") + ": " +
                                             std::string(what));
    }

    Result<void> read_entry(std::span<const uint8_t> header) {
        if (!is_sum_right(header))
            return bad("wrong checksum");
        WSB_TRY_ASSIGN(TarEntry entry, parse(header));
        // The content is padded to whole blocks.
        if (entry.size_bytes > m_left.size())
            return bad("larger than the archive", entry.name);
        const auto content = take(static_cast<size_t>(entry.size_bytes));
        const size_t padding = (block_bytes - content.size() % block_bytes) % block_bytes;
        take(std::min(padding, m_left.size()));
        switch (entry.type) {
            case 'x': return read_pax(content);
            case 'g': return {};
            case 'L': return read_long(content, m_next.name);
            case 'K': return read_long(content, m_next.link);
            default: break;
        }
        m_next = {};
        return add(entry, content);
    }

    Result<TarEntry> parse(std::span<const uint8_t> header) {
        TarEntry entry;
        entry.type = static_cast<char>(header[156]);
        entry.name = text_of(header.first(100));
        // ustar puts the front part of long names elsewhere; GNU has other things there.
        const std::string_view prefix = text_of(header.subspan(345, 155));
        if (header[262] == '\0' && text_of(header.subspan(257, 6)) == "ustar" && !prefix.empty())
            entry.name = std::string(prefix) + "/" + entry.name;
        entry.link = text_of(header.subspan(157, 100));
        const auto size_bytes = number_of(header.subspan(124, 12));
        const auto modification_s = number_of(header.subspan(136, 12));
        if (!size_bytes || !modification_s)
            return bad("malformed number", entry.name);
        entry.size_bytes = *size_bytes;
        entry.modification_s = std::min(*modification_s, std::numeric_limits<uint64_t>::max() / ns_per_s);
        const bool describes_next =
            entry.type == 'x' || entry.type == 'g' || entry.type == 'L' || entry.type == 'K';
        if (!describes_next) {
            entry.name = m_next.name.value_or(entry.name);
            entry.link = m_next.link.value_or(entry.link);
            entry.size_bytes = m_next.size_bytes.value_or(entry.size_bytes);
        }
        return entry;
    }

    Result<void> read_long(std::span<const uint8_t> content, std::optional<std::string>& target) const {
        if (content.size() > longest_name_bytes)
            return bad("name too long");
        target = text_of(content);
        return {};
    }

    /// Records "LENGTH KEY=VALUE\n", where the length counts all of it.
    Result<void> read_pax(std::span<const uint8_t> content) {
        if (content.size() > longest_header_bytes)
            return bad("header too long");
        // SAFETY: char may alias anything.
        std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
        while (!text.empty()) {
            size_t length = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
            const auto digits = static_cast<size_t>(end - text.data());
            if (error != std::errc{} || length > text.size() || length < digits + 2 || *end != ' ' ||
                text[length - 1] != '\n')
                return bad("malformed header");
            const std::string_view record = text.substr(digits + 1, length - digits - 2);
            text.remove_prefix(length);
            const size_t equals = record.find('=');
            if (equals == std::string_view::npos)
                return bad("malformed header");
            WSB_TRY(apply(record.substr(0, equals), record.substr(equals + 1)));
        }
        return {};
    }

    Result<void> apply(std::string_view key, std::string_view value) {
        if (key == "path")
            m_next.name = std::string(value);
        if (key == "linkpath")
            m_next.link = std::string(value);
        if (key != "size")
            return {};
        uint64_t size_bytes = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), size_bytes);
        if (error != std::errc{} || end != value.data() + value.size())
            return bad("malformed header");
        m_next.size_bytes = size_bytes;
        return {};
    }

    Result<void> add(const TarEntry& entry, std::span<const uint8_t> content) {
        std::string name = entry.name;
        // "./" and "/" in front mean the archive's root.
        while (name.starts_with("./") || name.starts_with('/'))
            name.erase(0, name.front() == '/' ? 1 : 2);
        if (name.empty() || name == ".")
            return {};
        if (name.size() > longest_name_bytes)
            return bad("name too long");
        const auto outcome = add_as(entry, name, content);
        if (outcome)
            return from(m_files.set_modification_time(name, entry.modification_s * ns_per_s), name);
        return from(outcome, name);
    }

    Outcome<void> add_as(const TarEntry& entry, const std::string& name, std::span<const uint8_t> content) {
        switch (entry.type) {
            case '0':
            case '\0':
            case '7': return m_files.add_file(name, content);
            case '1': return m_files.add_link(name, entry.link);
            case '2': return m_files.add_symlink(name, entry.link);
            case '5': {
                auto made = m_files.add_directory(name);
                // Other entries may have made it.
                if (!made && made.error() == Errno::exist)
                    return {};
                return made;
            }
            default: return refuse(Errno::notsup);
        }
    }

    [[nodiscard]] Result<void> from(const Outcome<void>& outcome, const std::string& name) const {
        if (outcome)
            return {};
        if (outcome.error() == Errno::nospc)
            return fail(ErrorCode::limit_exceeded, "tar archive: \"" + name + "\" does not fit");
        return bad(errno_name(outcome.error()), name);
    }

    std::span<const uint8_t> m_left;
    MemoryFileSystem& m_files;
    Overrides m_next;
    uint64_t m_number = 0;
};

}  // namespace

Result<void> unpack_tar(std::span<const uint8_t> archive, MemoryFileSystem& files) {
    return TarReader(archive, files).run();
}

}  // namespace wsb::wasi
