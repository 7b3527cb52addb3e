// SPDX-License-Identifier: Apache-2.0
// Files in and out, and messages for people: every error names the file, the place and the reason.
#pragma once

#include "engine/base/error.h"
#include "engine/module/module.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wsb::cli {

/// @return io_error, or limit_exceeded for files that no module can have.
[[nodiscard]] Result<std::vector<uint8_t>> read_file(const std::string& path);
/// Replaces the file. @return io_error.
[[nodiscard]] Result<void> write_file(const std::string& path, std::span<const uint8_t> bytes);

/// The binary of a file that may hold text.
[[nodiscard]] Result<std::vector<uint8_t>> to_binary(std::vector<uint8_t> content, Features features);

/// Decoded and validated. @return malformed, invalid and limit errors.
[[nodiscard]] Result<syntax::Module> load(std::span<const uint8_t> binary, Features features);

/// Control characters, which would reach a terminal from names of the guest's, made visible.
[[nodiscard]] std::string printable(std::string_view text);

/// "wasm-sandbox: TEXT" on standard error.
void complain(std::string_view text);
/// The same for an error of a file, with a hint what to do if there is one.
void complain_about(const std::string& file, const Error& error);

/// Writes to standard output. @return io_error.
[[nodiscard]] Result<void> print_out(std::string_view text);

}  // namespace wsb::cli
