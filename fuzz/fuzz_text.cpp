// SPDX-License-Identifier: Apache-2.0
// Any bytes as text: the parser refuses them with line and column, or what it assembles to prints to text
// that assembles to the same bytes. Input that begins like a binary module is printed, and the text of what
// its text assembles to is the same text.
#include "engine/binary/decoder.h"
#include "engine/text/wat.h"
#include "engine/validate/module_validator.h"

#include "fuzz/fuzz_target.h"

namespace wsb::fuzz {
namespace {

/// Longer texts than this are cut off by the printer, and no more said about them.
constexpr text::PrintOptions options{.size_limit_bytes = size_t{1} << 22};

/// Nothing if the bytes are no valid module; printing promises nothing for others but to end.
[[nodiscard]] std::string print_if_valid(std::span<const uint8_t> bytes) {
    auto module = binary::decode(bytes, Features::up_to(4));
    if (!module)
        return {};
    std::string printed = text::print(*module, options);
    require(!printed.empty(), "each module has a text");
    TypeRegistry registry;
    if (printed.size() >= options.size_limit_bytes || !validate::validate(*module, registry))
        return {};
    return printed;
}

[[nodiscard]] std::vector<uint8_t> assemble_again(const std::string& printed) {
    auto again = text::assemble(printed);
    require(again.has_value(), "what is printed assembles: " + (again ? "" : again.error().message()));
    return *std::move(again);
}

void run_binary(std::span<const uint8_t> bytes) {
    const std::string printed = print_if_valid(bytes);
    if (printed.empty())
        return;
    const std::vector<uint8_t> again = assemble_again(printed);
    require(print_if_valid(again) == printed, "text of text is the same text");
}

void run_text(std::string_view source) {
    const auto bytes = text::assemble(source);
    if (!bytes) {
        return require_line(bytes.error(), source);
    }
    const std::string printed = print_if_valid(*bytes);
    if (!printed.empty())
        require(assemble_again(printed) == *bytes, "what is printed assembles to the same bytes");
}

}  // namespace
}  // namespace wsb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
    const std::span<const uint8_t> bytes(data, size_bytes);
    if (size_bytes >= 4 && wsb::fuzz::as_text(bytes.first(4)) == std::string_view("\0asm", 4))
        wsb::fuzz::run_binary(bytes);
    else
        wsb::fuzz::run_text(wsb::fuzz::as_text(bytes));
    return 0;
}
