// SPDX-License-Identifier: Apache-2.0
// Structures as messages: whatever nlohmann::json converts from and to (to_json and from_json, or
// NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE) travels as JSON text.
//
//     struct Person { std::string name; int age; };
//     NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Person, name, age)
//     auto greeting = sandbox->call<std::string>("greet", Person{"Ada", 36});
#pragma once

#include "wsb/message.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

namespace wsb {
inline namespace v1 {

namespace detail {
template <class T>
concept JsonConvertible =
    std::is_class_v<T> && !RawType<T> && requires(nlohmann::json& json, const T& from, T& to) {
        nlohmann::adl_serializer<T>::to_json(json, from);
        nlohmann::adl_serializer<T>::from_json(std::as_const(json), to);
    };
}  // namespace detail

template <class T>
    requires detail::JsonConvertible<T> || std::same_as<T, nlohmann::json>
struct Message<T> {
    using Buffer = std::string;
    using Held = T;

    static std::string encode(const T& value) { return nlohmann::json(value).dump(); }
    /// A value takes at most 128 bytes beside its text, which may be there twice, and is followed by one of
    /// these, or begins with it, or is the last one.
    static uint64_t decoded_bytes(const std::string& text) noexcept {
        const auto values = 1 + std::ranges::count_if(text, [](char letter) {
                                return letter == ',' || letter == '[' || letter == '{' || letter == ':';
                            });
        return 2 * text.size() + 128 * static_cast<uint64_t>(values);
    }
    static Result<T> decode(std::string&& text) { return nlohmann::json::parse(text).template get<T>(); }
};

}  // namespace v1
}  // namespace wsb
