// SPDX-License-Identifier: Apache-2.0
#include "wsb/module.hpp"

#include "engine/api/guard.h"
#include "engine/base/huge_pages.h"
#include "engine/binary/decoder.h"
#include "engine/isa/limits.h"
#include "engine/runtime/engine_state.h"
#include "engine/runtime/instance.h"
#include "engine/text/wat.h"
#include "engine/validate/module_validator.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>

namespace wsb {
inline namespace v1 {

namespace {

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

std::unexpected<Error> file_error(const std::filesystem::path& path) {
    return fail(ErrorCode::io_error, path.string() + ": " + std::strerror(errno));
}

/// What to make room for at first: the size of a regular file, and one byte to see its end.
size_t expected_size_bytes(std::FILE* file) noexcept {
    struct stat status{};
    if (::fstat(::fileno(file), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size < 0)
        return 0;
    return std::min(static_cast<size_t>(status.st_size), limits::module_size_bytes) + 1;
}

Result<std::vector<uint8_t>> read_file(const std::filesystem::path& path) {
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
    if (file == nullptr)
        return file_error(path);
    // What a read returns goes to its place at once; the file may still be longer than it said.
    std::setvbuf(file.get(), nullptr, _IONBF, 0);
    constexpr size_t min_room_bytes = size_t{1} << 14;
    std::vector<uint8_t> bytes;
    bytes.reserve(std::max(expected_size_bytes(file.get()), min_room_bytes));
    provide_pages(bytes.data(), bytes.capacity());
    bytes.resize(bytes.capacity());
    size_t size_bytes = 0;
    while (const size_t count =
               std::fread(bytes.data() + size_bytes, 1, bytes.size() - size_bytes, file.get())) {
        size_bytes += count;
        if (size_bytes > limits::module_size_bytes)
            return fail(ErrorCode::limit_exceeded, path.string() + ": file too large");
        if (size_bytes == bytes.size())
            bytes.resize(2 * size_bytes);
    }
    if (std::ferror(file.get()) != 0)
        return file_error(path);
    bytes.resize(size_bytes);
    return bytes;
}

bool is_binary(std::span<const uint8_t> bytes) noexcept {
    constexpr std::array<uint8_t, 4> magic{0x00, 'a', 's', 'm'};
    return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

}  // namespace

Result<Module> Module::compile(const Engine& engine, std::span<const uint8_t> bytes) {
    return api::guarded([&]() -> Result<Module> {
        return compile(engine, std::vector<uint8_t>(bytes.begin(), bytes.end()));
    });
}

Result<Module> Module::compile(const Engine& engine, std::vector<uint8_t> bytes) {
    return api::guarded([&]() -> Result<Module> {
        WSB_TRY_ASSIGN(auto compiled, runtime::load_module(*engine.state(), std::move(bytes)));
        return Module(std::move(compiled));
    });
}

Result<Module> Module::from_wat(const Engine& engine, std::string_view text) {
    return api::guarded([&]() -> Result<Module> {
        WSB_TRY_ASSIGN(std::vector<uint8_t> bytes, text::assemble(text, engine.config().features));
        return compile(engine, std::move(bytes));
    });
}

Result<Module> Module::from_file(const Engine& engine, const std::filesystem::path& path) {
    return api::guarded([&]() -> Result<Module> {
        WSB_TRY_ASSIGN(std::vector<uint8_t> bytes, read_file(path));
        if (is_binary(bytes) || bytes.empty())
            return compile(engine, std::move(bytes));
        // SAFETY: uint8_t and char have the same representation.
        return from_wat(engine, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    });
}

Result<void> Module::validate(const Engine& engine, std::span<const uint8_t> bytes) {
    return api::guarded([&]() -> Result<void> {
        WSB_TRY_ASSIGN(syntax::Module module, binary::decode(bytes, engine.config().features));
        // Its types need not outlive the question, so they are not the engine's.
        TypeRegistry registry;
        return validate::validate(module, registry);
    });
}

std::vector<ImportType> Module::imports() const {
    const syntax::Module& module = m_compiled->module;
    std::vector<ImportType> types;
    types.reserve(module.imports.size());
    for (const syntax::Import& import : module.imports)
        types.push_back({import.module, import.name, runtime::import_type(module, import)});
    return types;
}

std::vector<ExportType> Module::exports() const {
    const syntax::Module& module = m_compiled->module;
    std::vector<ExportType> types;
    types.reserve(module.exports.size());
    for (const syntax::Export& item : module.exports)
        types.push_back({item.name, runtime::export_type(module, item)});
    return types;
}

std::optional<ExternType> Module::find_export(std::string_view name) const {
    for (const syntax::Export& item : m_compiled->module.exports) {
        if (item.name == name)
            return runtime::export_type(m_compiled->module, item);
    }
    return std::nullopt;
}

std::vector<CustomSectionView> Module::custom_sections() const {
    std::vector<CustomSectionView> sections;
    for (const syntax::CustomSection& section : m_compiled->module.customs)
        sections.push_back({section.name, m_compiled->module.view(section.content)});
    return sections;
}

std::string_view Module::name() const noexcept {
    return m_compiled->module.names.module;
}

CodeStatistics Module::code_statistics() const noexcept {
    CodeStatistics statistics;
    statistics.functions = m_compiled->module.bodies.size();
    for (const lower::Code& code : std::span(m_compiled->codes.get(), statistics.functions)) {
        if (code.is_lowered) {
            ++statistics.translated_functions;
            statistics.translated_bytes += code.word_count * sizeof(lower::Word);
        }
        if (const auto* const machine = code.machine.load(std::memory_order_acquire)) {
            ++statistics.machine_functions;
            statistics.machine_bytes += machine->size_bytes;
        }
    }
    return statistics;
}

std::span<const uint8_t> Module::bytes() const noexcept {
    return m_compiled->module.bytes;
}

}  // namespace v1
}  // namespace wsb
