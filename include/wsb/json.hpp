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
#include <cstddef>
#include <iterator>
#include <string>
#include <type_traits>
#include <utility>

namespace wsb {
inline namespace v1 {

namespace detail {
/// Characters that end early when the guest's time is over, which is asked for now and then.
class TimedText {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    TimedText(const char* at, const char* end, MessageRoom& room) noexcept
        : m_at(at), m_end(end), m_room(&room) {}
    [[nodiscard]] static TimedText end_of(const TimedText& text) noexcept {
        return {text.m_end, text.m_end, *text.m_room};
    }
    reference operator*() const noexcept { return *m_at; }
    TimedText& operator++() noexcept {
        ++m_at;
        if (static_cast<size_t>(m_end - m_at) % characters_per_question == 0 && m_room->is_time_over())
            m_at = m_end;
        return *this;
    }
    bool operator==(const TimedText& other) const noexcept { return m_at == other.m_at; }

private:
    static constexpr size_t characters_per_question = size_t{1} << 14;
    const char* m_at;
    const char* m_end;
    MessageRoom* m_room;
};

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
    static Result<T> decode(std::string&& text, detail::MessageRoom& room) {
        const detail::TimedText begin(text.data(), text.data() + text.size(), room);
        return nlohmann::json::parse(begin, detail::TimedText::end_of(begin)).template get<T>();
    }
};

}  // namespace v1
}  // namespace wsb
