// SPDX-License-Identifier: Apache-2.0
// Errors: Result<T> = std::expected<T, Error>. Codes and texts are in errors.def. Self-contained and
// without macros: the public API re-exports it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace wsb {

/// What went wrong; the row in errors.def gives its kind and the official suite's text.
enum class ErrorCode : uint16_t {
#define WSB_ERROR(id, kind, text) id,
#include "engine/base/errors.def"
#undef WSB_ERROR
};

/// Which stage refused: decides exit status and which assertion of the test suite it satisfies.
enum class ErrorKind : uint8_t { malformed, invalid, unlinkable, limit, io, usage };

[[nodiscard]] ErrorKind error_kind(ErrorCode code) noexcept;
/// The text of the official suite for this error, e.g. "type mismatch".
[[nodiscard]] std::string_view error_text(ErrorCode code) noexcept;

inline constexpr uint64_t no_offset = ~uint64_t{0};
inline constexpr uint32_t no_function = ~uint32_t{0};

/// An error with its place. Value type; owned by whoever holds it.
struct Error {
    ErrorCode code{};
    uint64_t offset_bytes = no_offset;  ///< byte offset in the binary, or in the text (then `line` is set)
    uint32_t func = no_function;        ///< index of the function whose body is at fault
    uint32_t line = 0;                  ///< 1-based line in text input; 0 for binary input
    uint32_t column = 0;                ///< 1-based column in bytes; 0 for binary input
    std::string detail;                 ///< what exactly, e.g. "expected i32, found f64"

    /// The message without its place.
    [[nodiscard]] std::string text() const;
    /// "type mismatch: expected i32, found f64 (function 3, offset 0x41)".
    [[nodiscard]] std::string message() const;
};

template <class T>
using Result = std::expected<T, Error>;

/// Makes the unexpected side of a Result.
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, uint64_t offset_bytes,
                                                 std::string detail = {}) {
    Error error;
    error.code = code;
    error.offset_bytes = offset_bytes;
    error.detail = std::move(detail);
    return std::unexpected(std::move(error));
}

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string detail = {}) {
    return fail(code, no_offset, std::move(detail));
}

}  // namespace wsb
