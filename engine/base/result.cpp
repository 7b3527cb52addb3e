// SPDX-License-Identifier: Apache-2.0
#include "engine/base/result.h"

#include <fmt/format.h>

#include <array>

namespace wsb {

namespace {
struct ErrorRow {
    ErrorKind kind;
    std::string_view text;
};

constexpr auto error_table = std::to_array<ErrorRow>({
#define WSB_ERROR(id, kind, text) {ErrorKind::kind, text},
#include "engine/base/errors.def"
#undef WSB_ERROR
});
}  // namespace

ErrorKind error_kind(ErrorCode code) noexcept {
    return error_table[static_cast<size_t>(code)].kind;
}

std::string_view error_text(ErrorCode code) noexcept {
    return error_table[static_cast<size_t>(code)].text;
}

std::string Error::text() const {
    std::string text{error_text(code)};
    // "unknown memory 0", "illegal opcode ff": there the detail continues the text.
    const bool is_unknown = text.starts_with("unknown") && error_kind(code) <= ErrorKind::invalid;
    const bool is_about_descriptors =
        code == ErrorCode::described_type || code == ErrorCode::descriptor_type ||
        code == ErrorCode::type_without_descriptor || code == ErrorCode::cast_without_descriptor;
    const bool continues = is_unknown || is_about_descriptors || code == ErrorCode::illegal_opcode;
    if (!detail.empty())
        text += (continues ? " " : ": ") + detail;
    return text;
}

std::string Error::message() const {
    std::string text = this->text();
    if (line != 0)
        text += fmt::format(" (line {}, column {})", line, column);
    else if (func != no_function && offset_bytes != no_offset)
        text += fmt::format(" (function {}, offset {:#x})", func, offset_bytes);
    else if (offset_bytes != no_offset)
        text += fmt::format(" (offset {:#x})", offset_bytes);
    return text;
}

}  // namespace wsb
