// SPDX-License-Identifier: Apache-2.0
// Files in and out, and messages for people.
#include "cli/output.h"

#include "engine/base/result.h"
#include "engine/binary/decoder.h"
#include "engine/isa/canon.h"
#include "engine/isa/limits.h"
#include "engine/text/wat.h"
#include "engine/validate/module_validator.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace wsb::cli {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::unexpected<Error> file_error(const std::string& path, std::string_view what) {
    return fail(ErrorCode::io_error, fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

bool is_binary(std::span<const uint8_t> content) noexcept {
    constexpr std::array<uint8_t, 4> magic{0x00, 'a', 's', 'm'};
    return content.empty() ||
           (content.size() >= magic.size() && std::memcmp(content.data(), magic.data(), magic.size()) == 0);
}

/// `function 3 "main"`, with the name from the name section or the exports.
std::string function_text(std::span<const uint8_t> binary, uint32_t func) {
    std::string text = fmt::format("function {}", func);
    const auto module = binary::decode(binary, Features::up_to(4));
    if (!module)
        return text;
    if (const auto name = module->names.funcs.find(func); name != module->names.funcs.end())
        return fmt::format("{} \"{}\"", text, name->second);
    for (const syntax::Export& item : module->exports) {
        if (item.kind == ExternKind::func && item.index == func)
            return text + " \"" + item.name + "\"";
    }
    return text;
}

/// Where in the file; empty if the error has no place. Names are looked up in the file, read again.
std::string place_text(const std::string& file, const Error& error) {
    if (error.line != 0)
        return fmt::format(":{}:{}", error.line, error.column);
    if (error.offset_bytes == no_offset && error.func == no_function)
        return {};
    std::vector<uint8_t> content = read_file(file).value_or(std::vector<uint8_t>{});
    const bool is_text = !is_binary(content);
    std::string text;
    if (error.offset_bytes != no_offset)
        text = fmt::format(": offset {:#x} ({}){}", error.offset_bytes, error.offset_bytes,
                           is_text ? " of the assembled module" : "");
    if (error.func == no_function)
        return text;
    const auto binary = to_binary(std::move(content), Features::up_to(4));
    return text + (text.empty() ? ": " : ", ") +
           function_text(binary ? std::span<const uint8_t>(*binary) : std::span<const uint8_t>(), error.func);
}

std::string_view hint(const Error& error) noexcept {
    switch (error.code) {
        case ErrorCode::magic_not_detected:
        case ErrorCode::unknown_binary_version:
            return "Is it a WebAssembly module? Binaries begin with \\0asm and version 1; components are "
                   "not supported.";
        case ErrorCode::unexpected_end:
        case ErrorCode::unexpected_end_section:
        case ErrorCode::length_out_of_bounds: return "The file may be cut off: compare its size.";
        case ErrorCode::out_of_memory: return "Lower --max-stack or what the module asks for.";
        default: break;
    }
    // "… needs the feature …", "… need the feature …": of whatever kind.
    if (error.detail.find(" the feature ") != std::string::npos)
        return "If you want it, add it with --features.";
    return {};
}

}  // namespace

Result<std::vector<uint8_t>> read_file(const std::string& path) {
    const File file(std::fopen(path.c_str(), "rbe"));
    if (file == nullptr)
        return file_error(path, "read");
    std::vector<uint8_t> bytes;
    std::array<uint8_t, size_t{1} << 14> buffer;
    while (const size_t count = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
        if (bytes.size() + count > limits::module_size_bytes)
            return fail(ErrorCode::limit_exceeded, "file too large");
        bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(count));
    }
    if (std::ferror(file.get()) != 0)
        return file_error(path, "read");
    return bytes;
}

Result<void> write_file(const std::string& path, std::span<const uint8_t> bytes) {
    File file(std::fopen(path.c_str(), "wbe"));
    if (file == nullptr)
        return file_error(path, "write");
    if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size() ||
        std::fclose(file.release()) != 0)
        return file_error(path, "write");
    return {};
}

Result<std::vector<uint8_t>> to_binary(std::vector<uint8_t> content, Features features) {
    if (is_binary(content))
        return content;
    // SAFETY: uint8_t and char have the same representation.
    return text::assemble({reinterpret_cast<const char*>(content.data()), content.size()}, features);
}

Result<syntax::Module> load(std::span<const uint8_t> binary, Features features) {
    WSB_TRY_ASSIGN(syntax::Module module, binary::decode(binary, features));
    TypeRegistry registry;
    WSB_TRY(validate::validate(module, registry));
    return module;
}

std::string printable(std::string_view text) {
    std::string result;
    for (size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<uint8_t>(text[i]);
        // U+0080 to U+009F are control characters too: 0xc2 and a byte below 0xa0.
        const bool is_c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<uint8_t>(text[i + 1]) < 0xa0;
        if ((byte < 0x20 && byte != '\n') || byte == 0x7f || is_c1)
            result += fmt::format("\\{:02x}", byte);
        else
            result += text[i];
    }
    return result;
}

void complain(std::string_view text) {
    fmt::print(stderr, "wasm-sandbox: {}\n", printable(text));
}

void complain_about(const std::string& file, const Error& error) {
    const ErrorKind kind = error_kind(error.code);
    std::string text;
    if ((kind == ErrorKind::io || kind == ErrorKind::usage) && !error.detail.empty())
        text = error.detail;
    else
        text = Error{error.code, no_offset, no_function, 0, 0, error.detail}.message();
    // What the message says already is not said again.
    if (!text.starts_with(file + ":") && text.find(" " + file + ":") == std::string::npos)
        text.insert(0, file + place_text(file, error) + ": ");
    if (const std::string_view advice = hint(error); !advice.empty())
        text += "\n" + std::string(advice);
    complain(text);
}

Result<void> print_out(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        return file_error("standard output", "write to");
    return {};
}

}  // namespace wsb::cli
