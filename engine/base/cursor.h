// SPDX-License-Identifier: Apache-2.0
// A bounded reader of bytes with LEB128. Every read checks its bounds; a failed read leaves the
// position where the item began, so that error offsets point at it.
#pragma once

#include "engine/base/result.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace wsb {

/// Reads `bytes`, which it does not own and which must outlive it. Offsets are reported relative to
/// `base_offset`, the place of the first byte in the whole module.
class Cursor {
public:
    Cursor() noexcept = default;
    explicit Cursor(std::span<const uint8_t> bytes, uint64_t base_offset = 0) noexcept
        : m_begin(bytes.data()),
          m_position(bytes.data()),
          m_end(bytes.data() + bytes.size()),
          m_base_offset(base_offset) {}

    [[nodiscard]] bool at_end() const noexcept { return m_position == m_end; }
    [[nodiscard]] size_t bytes_left() const noexcept { return static_cast<size_t>(m_end - m_position); }
    /// Offset in the module of the next byte.
    [[nodiscard]] uint64_t offset_bytes() const noexcept {
        return m_base_offset + static_cast<uint64_t>(m_position - m_begin);
    }
    [[nodiscard]] const uint8_t* position() const noexcept { return m_position; }
    /// Moves to an offset in the module that this cursor has already passed or still holds.
    void seek(uint64_t offset_bytes) noexcept { m_position = m_begin + (offset_bytes - m_base_offset); }
    [[nodiscard]] std::span<const uint8_t> rest() const noexcept { return {m_position, m_end}; }

    /// What a read past the end is called; inside sections the suite wants another text.
    void set_end_error(ErrorCode code) noexcept { m_end_error = code; }

    [[nodiscard]] Result<uint8_t> u8() noexcept {
        if (m_position == m_end) [[unlikely]]
            return end_error();
        return *m_position++;
    }
    [[nodiscard]] Result<uint8_t> peek_u8() const noexcept {
        if (m_position == m_end) [[unlikely]]
            return end_error();
        return *m_position;
    }
    [[nodiscard]] Result<std::span<const uint8_t>> bytes(size_t count) noexcept {
        if (count > bytes_left()) [[unlikely]]
            return end_error();
        const std::span<const uint8_t> view{m_position, count};
        m_position += count;
        return view;
    }
    /// Little-endian fixed-size value.
    template <class T>
    [[nodiscard]] Result<T> fixed() noexcept {
        static_assert(std::is_trivially_copyable_v<T> && std::endian::native == std::endian::little);
        if (sizeof(T) > bytes_left()) [[unlikely]]
            return end_error();
        T value;
        std::memcpy(&value, m_position, sizeof(T));
        m_position += sizeof(T);
        return value;
    }

    [[nodiscard]] Result<uint32_t> u32() noexcept {
        if (m_position != m_end && *m_position < 0x80) [[likely]]
            return *m_position++;
        return leb<uint32_t, 32>();
    }
    [[nodiscard]] Result<uint64_t> u64() noexcept { return leb<uint64_t, 64>(); }
    [[nodiscard]] Result<int32_t> s32() noexcept { return leb<int32_t, 32>(); }
    [[nodiscard]] Result<int64_t> s33() noexcept { return leb<int64_t, 33>(); }
    [[nodiscard]] Result<int64_t> s64() noexcept { return leb<int64_t, 64>(); }

    /// Passes over bytes that the caller has seen: `count` must not exceed bytes_left().
    void skip(size_t count) noexcept { m_position += count; }

    /// Reads an element count or a length; one larger than the bytes left cannot be true. The bytes
    /// of the number itself count too, as in the reference interpreter, so that a value just beyond
    /// the end is reported by the read that meets the end.
    [[nodiscard]] Result<uint32_t> count() noexcept {
        const uint8_t* const before = m_position;
        const size_t left = bytes_left();
        WSB_TRY_ASSIGN(const uint32_t value, u32());
        if (value > left) [[unlikely]] {
            m_position = before;
            return fail(ErrorCode::length_out_of_bounds, offset_bytes());
        }
        return value;
    }

private:
    [[nodiscard]] std::unexpected<Error> end_error() const {
        return fail(m_end_error, m_base_offset + static_cast<uint64_t>(m_end - m_begin));
    }

    /// Spec: binary/values#integers. The unused bits of the last byte must extend the sign (or be
    /// zero).
    template <class T, unsigned Bits>
    [[nodiscard]] Result<T> leb() noexcept {
        constexpr unsigned max_bytes = (Bits + 6) / 7;
        constexpr unsigned last_bits = Bits - 7 * (max_bytes - 1);
        const uint8_t* position = m_position;
        uint64_t value = 0;
        for (unsigned i = 0; i < max_bytes; ++i) {
            if (position == m_end) [[unlikely]]
                return end_error();
            const uint8_t byte = *position++;
            value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
            const bool last = i + 1 == max_bytes;
            if (last && !last_byte_fits<T, last_bits>(byte)) [[unlikely]]
                return fail(ErrorCode::integer_too_large, offset_bytes());
            if (last && (byte & 0x80) != 0) [[unlikely]]
                return fail(ErrorCode::integer_too_long, offset_bytes());
            if ((byte & 0x80) != 0)
                continue;
            m_position = position;
            if constexpr (std::is_signed_v<T>) {
                const unsigned used = 7 * (i + 1);
                if (used < 64 && (byte & 0x40) != 0)
                    value |= ~uint64_t{0} << used;
            }
            return static_cast<T>(value);
        }
        return fail(ErrorCode::integer_too_long, offset_bytes());
    }

    template <class T, unsigned LastBits>
    [[nodiscard]] static constexpr bool last_byte_fits(uint8_t byte) noexcept {
        if constexpr (std::is_signed_v<T>) {
            const int extended = static_cast<int8_t>(static_cast<uint8_t>(byte << 1)) >> 1;
            const int low = extended >> (LastBits - 1);
            return low == 0 || low == -1;
        } else {
            return ((byte & 0x7f) >> LastBits) == 0;
        }
    }

    const uint8_t* m_begin = nullptr;
    const uint8_t* m_position = nullptr;
    const uint8_t* m_end = nullptr;
    uint64_t m_base_offset = 0;
    ErrorCode m_end_error = ErrorCode::unexpected_end;
};

}  // namespace wsb
