// SPDX-License-Identifier: Apache-2.0
// Types of WebAssembly as the API shows them: value types, and the types of imports and exports.
#pragma once

#include <string>
#include <variant>

#include "engine/isa/features.h"  // IWYU pragma: export
#include "engine/isa/types.h"     // IWYU pragma: export

namespace wsb {
inline namespace v1 {

/// The type of an exception tag: what it carries are the parameters.
struct TagSignature {
    FuncType type;
    bool operator==(const TagSignature&) const noexcept = default;
};

/// The type of something imported or exported. The order of the alternatives is that of ExternKind.
struct ExternType {
    std::variant<FuncType, TableType, MemoryType, GlobalType, TagSignature> type;

    [[nodiscard]] ExternKind kind() const noexcept { return static_cast<ExternKind>(type.index()); }
    [[nodiscard]] const FuncType* func() const noexcept { return std::get_if<FuncType>(&type); }
    [[nodiscard]] const TableType* table() const noexcept { return std::get_if<TableType>(&type); }
    [[nodiscard]] const MemoryType* memory() const noexcept { return std::get_if<MemoryType>(&type); }
    [[nodiscard]] const GlobalType* global() const noexcept { return std::get_if<GlobalType>(&type); }
    [[nodiscard]] const TagSignature* tag() const noexcept { return std::get_if<TagSignature>(&type); }
    bool operator==(const ExternType&) const noexcept = default;
};

/// What a module asks for. Defined types inside `type` have the module's own indices.
struct ImportType {
    std::string module;
    std::string name;
    ExternType type;
};

/// What a module offers. Defined types inside `type` have the module's own indices.
struct ExportType {
    std::string name;
    ExternType type;
};

/// "(i32, i64) -> (f32)".
[[nodiscard]] std::string to_string(const FuncType& type);
/// "function (i32) -> ()", "memory i32 1..16 pages", "global mut i32", …
[[nodiscard]] std::string to_string(const ExternType& type);

}  // namespace v1
}  // namespace wsb
