// SPDX-License-Identifier: Apache-2.0
// The types of imports and exports, and their text. Self-contained: the public API re-exports it.
#pragma once

#include "engine/isa/types.h"

#include <string>
#include <variant>

namespace wsb {

/// The type of an exception tag: what it carries are the parameters.
struct TagSignature {
    FuncType type;
    bool operator==(const TagSignature&) const noexcept = default;
};

/// The type of something imported or exported. The order of the alternatives is that of ExternKind.
struct ExternType {
    std::variant<FuncType, TableType, MemoryType, GlobalType, TagSignature> type;

    [[nodiscard]] ExternKind kind() const noexcept { return static_cast<ExternKind>(type.index()); }
    /// The alternative; null unless it is the one.
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
/// "function (i32) -> ()", "memory 1..16 pages", "global (mut i32)", "table 10 funcref", "tag
/// (i32)".
[[nodiscard]] std::string to_string(const ExternType& type);

}  // namespace wsb
