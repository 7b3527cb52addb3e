// SPDX-License-Identifier: Apache-2.0
// Text forms of types. Spec: text/types
#include "engine/isa/types.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace wsb {

namespace {

struct HeapText {
    std::string_view heap;      ///< in (ref …)
    std::string_view nullable;  ///< short form of (ref null …)
};

/// In the order of HeapType::Abstract.
constexpr auto heap_texts = std::to_array<HeapText>({
    {"func", "funcref"},
    {"nofunc", "nullfuncref"},
    {"extern", "externref"},
    {"noextern", "nullexternref"},
    {"any", "anyref"},
    {"eq", "eqref"},
    {"i31", "i31ref"},
    {"struct", "structref"},
    {"array", "arrayref"},
    {"none", "nullref"},
    {"exn", "exnref"},
    {"noexn", "nullexnref"},
});

}  // namespace

std::string to_string(HeapType type) {
    if (type.is_exact())
        return fmt::format("(exact {})", type.type_index().value);
    if (type.is_defined())
        return fmt::format("{}", type.type_index().value);
    return std::string{heap_texts[type.abstract()].heap};
}

std::string to_string(ValType type) {
    switch (type.kind()) {
        case ValType::bottom: return "bottom";
        case ValType::i32: return "i32";
        case ValType::i64: return "i64";
        case ValType::f32: return "f32";
        case ValType::f64: return "f64";
        case ValType::v128: return "v128";
        case ValType::ref: break;
    }
    const HeapType heap = type.heap();
    if (!type.is_nullable())
        return fmt::format("(ref {})", to_string(heap));
    if (heap.is_defined())
        return fmt::format("(ref null {})", to_string(heap));
    return std::string{heap_texts[heap.abstract()].nullable};
}

}  // namespace wsb
