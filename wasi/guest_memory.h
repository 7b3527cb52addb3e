// SPDX-License-Identifier: Apache-2.0
// The guest's memory as one host call sees it: every pointer, length and count is checked here.
#pragma once

#include "wasi/abi.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>

namespace wsb::wasi {

/// A view for the duration of one host call; never kept, because the memory can grow between calls.
/// All errors are `fault`, and a failed access has no effect.
class GuestMemory {
public:
    GuestMemory() noexcept = default;
    explicit GuestMemory(std::span<uint8_t> bytes) noexcept : m_bytes(bytes) {}

    [[nodiscard]] uint64_t size_bytes() const noexcept { return m_bytes.size(); }

    /// `length_bytes` bytes at `address`; the length may be a product that exceeds 32 bits.
    [[nodiscard]] Outcome<std::span<uint8_t>> bytes(uint32_t address, uint64_t length_bytes) const noexcept {
        if (address > m_bytes.size() || length_bytes > m_bytes.size() - address)
            return refuse(Errno::fault);
        return m_bytes.subspan(address, length_bytes);
    }

    /// `count` records of `record_bytes` each.
    [[nodiscard]] Outcome<std::span<uint8_t>> array(uint32_t address, uint32_t count,
                                                    uint32_t record_bytes) const noexcept {
        return bytes(address, uint64_t{count} * record_bytes);
    }

    /// A little-endian number; alignment is not required.
    template <class T>
        requires std::is_integral_v<T>
    [[nodiscard]] Outcome<T> load(uint32_t address) const noexcept {
        const auto source = bytes(address, sizeof(T));
        if (!source)
            return refuse(source.error());
        return get<T>(*source, 0);
    }
    template <class T>
        requires std::is_integral_v<T>
    [[nodiscard]] Outcome<void> store(uint32_t address, T value) const noexcept {
        const auto target = bytes(address, sizeof(T));
        if (!target)
            return refuse(target.error());
        put(*target, 0, value);
        return {};
    }

    /// A path: no longer than max_path_bytes (`nametoolong`), without NUL (`inval`), not empty (`noent`).
    /// The copy cannot change under us while it is resolved.
    [[nodiscard]] Outcome<std::string> path(uint32_t address, uint32_t length_bytes) const {
        const auto source = bytes(address, length_bytes);
        if (!source)
            return refuse(source.error());
        if (length_bytes > max_path_bytes)
            return refuse(Errno::nametoolong);
        if (length_bytes == 0)
            return refuse(Errno::noent);
        std::string text(source->begin(), source->end());
        if (text.find('\0') != std::string::npos)
            return refuse(Errno::inval);
        return text;
    }

    /// A field of a record that was checked as a whole.
    template <class T>
    [[nodiscard]] static T get(std::span<const uint8_t> record, size_t offset_bytes) noexcept {
        static_assert(std::endian::native == std::endian::little);
        T value;
        std::memcpy(&value, record.data() + offset_bytes, sizeof(T));
        return value;
    }
    template <class T>
    static void put(std::span<uint8_t> record, size_t offset_bytes, T value) noexcept {
        std::memcpy(record.data() + offset_bytes, &value, sizeof(T));
    }

private:
    std::span<uint8_t> m_bytes;
};

}  // namespace wsb::wasi
