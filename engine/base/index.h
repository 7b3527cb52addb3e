// SPDX-License-Identifier: Apache-2.0
// Strong index types: a function index cannot be passed where a type index is meant.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace wsb {

template <class Tag>
struct Index {
    uint32_t value = 0;

    constexpr Index() noexcept = default;
    constexpr explicit Index(uint32_t index) noexcept : value(index) {}
    constexpr explicit Index(size_t index) noexcept : value(static_cast<uint32_t>(index)) {}
    constexpr auto operator<=>(const Index&) const noexcept = default;
};

using TypeIdx = Index<struct TypeTag>;
using FuncIdx = Index<struct FuncTag>;
using TableIdx = Index<struct TableTag>;
using MemIdx = Index<struct MemTag>;
using GlobalIdx = Index<struct GlobalTag>;
using TagIdx = Index<struct TagTag>;
using ElemIdx = Index<struct ElemTag>;
using DataIdx = Index<struct DataTag>;
using LocalIdx = Index<struct LocalTag>;

}  // namespace wsb

template <class Tag>
struct std::hash<wsb::Index<Tag>> {
    size_t operator()(wsb::Index<Tag> index) const noexcept { return index.value; }
};
