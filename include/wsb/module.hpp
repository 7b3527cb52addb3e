// SPDX-License-Identifier: Apache-2.0
// Module: validated and compiled code, without state.
#pragma once

#include "wsb/config.hpp"
#include "wsb/error.hpp"
#include "wsb/types.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wsb {
namespace runtime {
struct CompiledModule;
}  // namespace runtime

inline namespace v1 {

/// A section that the standard gives no meaning to.
struct CustomSectionView {
    std::string_view name;
    std::span<const uint8_t> content;  ///< valid as long as the module
};

/// How much of a module is translated, and compiled.
struct CodeStatistics {
    size_t functions = 0;  ///< of its own
    /// For the interpreter: all, but with Config::lazy_translation only those called so far, and with
    /// TierChoice::jit only those that it has to know.
    size_t translated_functions = 0;
    uint64_t translated_bytes = 0;  ///< that their code takes
    size_t machine_functions = 0;   ///< that have machine code
    uint64_t machine_bytes = 0;     ///< that it takes
};

/// Validated, compiled, immutable. A cheap handle; copies share the code. Safe to use from any
/// thread, in any number of stores of its engine.
class Module {
public:
    /// Decodes, validates and compiles a binary module; the bytes are copied, or taken over if a vector is
    /// moved here. @return malformed, invalid or limit errors with the byte offset.
    [[nodiscard]] static Result<Module> compile(const Engine& engine, std::span<const uint8_t> bytes);
    [[nodiscard]] static Result<Module> compile(const Engine& engine, std::vector<uint8_t> bytes);
    /// The same from the text format. @return also malformed errors with line and column.
    [[nodiscard]] static Result<Module> from_wat(const Engine& engine, std::string_view text);
    /// The same from a file: binary if it begins with the magic bytes, text otherwise.
    /// @return also io_error.
    [[nodiscard]] static Result<Module> from_file(const Engine& engine, const std::filesystem::path& path);

    /// Decodes and validates only. @return nothing, or the first error.
    [[nodiscard]] static Result<void> validate(const Engine& engine, std::span<const uint8_t> bytes);

    /// In the module's order.
    [[nodiscard]] std::vector<ImportType> imports() const;
    [[nodiscard]] std::vector<ExportType> exports() const;
    /// The type of one export; nullopt if there is none of this name.
    [[nodiscard]] std::optional<ExternType> find_export(std::string_view name) const;
    [[nodiscard]] std::vector<CustomSectionView> custom_sections() const;
    /// From the name section; empty if it has none.
    [[nodiscard]] std::string_view name() const noexcept;
    /// As it is now: other threads may be calling its functions.
    [[nodiscard]] CodeStatistics code_statistics() const noexcept;
    /// The binary, as compiled. Valid as long as the module.
    [[nodiscard]] std::span<const uint8_t> bytes() const noexcept;

    /// For the library itself.
    [[nodiscard]] const std::shared_ptr<const runtime::CompiledModule>& compiled() const noexcept {
        return m_compiled;
    }

    explicit Module(std::shared_ptr<const runtime::CompiledModule> compiled) noexcept
        : m_compiled(std::move(compiled)) {}

private:
    std::shared_ptr<const runtime::CompiledModule> m_compiled;
};

}  // namespace v1
}  // namespace wsb
