// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/extern_type.h"

#include <fmt/format.h>

namespace wsb {

namespace {

std::string list(const ResultType& types) {
    std::string text = "(";
    for (const ValType type : types) {
        if (text.size() > 1)
            text += ", ";
        text += to_string(type);
    }
    return text + ")";
}

std::string range(const Limits& limits) {
    if (limits.max)
        return fmt::format("{}..{}", limits.min, *limits.max);
    return fmt::format("{}..", limits.min);
}

std::string_view prefix(AddressType address) noexcept {
    return address == AddressType::i64 ? "i64 " : "";
}

struct Describe {
    std::string operator()(const FuncType& type) const { return "function " + to_string(type); }
    std::string operator()(const TableType& type) const {
        return fmt::format("table {}{} {}", prefix(type.address), range(type.limits_elements),
                           to_string(type.element));
    }
    std::string operator()(const MemoryType& type) const {
        return fmt::format("memory {}{} {}{}", prefix(type.address), range(type.limits_pages),
                           type.page_size_log2 == 0 ? "pages of a byte" : "pages",
                           type.is_shared ? " shared" : "");
    }
    std::string operator()(const GlobalType& type) const {
        const std::string value = to_string(type.type);
        return type.is_mutable ? "global (mut " + value + ")" : "global " + value;
    }
    std::string operator()(const TagSignature& type) const { return "tag " + list(type.type.params); }
};

}  // namespace

std::string to_string(const FuncType& type) {
    return list(type.params) + " -> " + list(type.results);
}

std::string to_string(const ExternType& type) {
    return std::visit(Describe{}, type.type);
}

}  // namespace wsb
