// SPDX-License-Identifier: Apache-2.0
// Text inside the object. A string_view in a constant table is an address, and in a position-independent
// program each address is written at start, which copies the page that it lies on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wsb {

/// Up to `capacity` characters.
template <size_t capacity>
class ShortText {
public:
    template <size_t size>
        requires(size <= capacity + 1 && capacity <= UINT8_MAX)
    // NOLINTNEXTLINE(google-explicit-constructor): it stands for the literal
    consteval ShortText(const char (&literal)[size]) noexcept : m_size(size - 1) {
        std::copy_n(literal, size - 1, m_characters);
    }

    [[nodiscard]] constexpr std::string_view view() const noexcept { return {m_characters, m_size}; }
    // NOLINTNEXTLINE(google-explicit-constructor)
    [[nodiscard]] constexpr operator std::string_view() const noexcept { return view(); }
    [[nodiscard]] constexpr size_t size() const noexcept { return m_size; }
    [[nodiscard]] constexpr bool empty() const noexcept { return m_size == 0; }
    [[nodiscard]] constexpr char operator[](size_t i) const noexcept { return m_characters[i]; }
    [[nodiscard]] constexpr const char* begin() const noexcept { return m_characters; }
    [[nodiscard]] constexpr const char* end() const noexcept { return m_characters + m_size; }
    [[nodiscard]] friend constexpr bool operator==(const ShortText& a, std::string_view b) noexcept {
        return a.view() == b;
    }

private:
    uint8_t m_size;
    char m_characters[capacity] = {};
};

}  // namespace wsb
