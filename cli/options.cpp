// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include "engine/base/result.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace wsb::cli {
namespace {

/// One word, taken apart.
struct Given {
    const Option* option;
    std::optional<std::string_view> value;  ///< what the word itself holds
};

[[nodiscard]] bool is_option(std::string_view word) noexcept {
    return word.size() > 1 && word.front() == '-';
}

[[nodiscard]] Result<Given> take_apart(std::string_view word, std::span<const Option> options) {
    const bool is_long = word.starts_with("--");
    const size_t equals = is_long ? word.find('=') : std::string_view::npos;
    const std::string_view name = word.substr(0, equals);
    const auto option = std::ranges::find_if(options, [&](const Option& known) {
        return is_long ? known.name == name : known.letter != 0 && known.letter == word[1];
    });
    if (option == options.end())
        return fail(ErrorCode::bad_usage, fmt::format("unknown option {}", word));
    Given given{&*option, std::nullopt};
    if (equals != std::string_view::npos)
        given.value = word.substr(equals + 1);
    else if (!is_long && word.size() > 2)
        given.value = word.substr(2);
    return given;
}

[[nodiscard]] Result<void> store(const Option& option, std::optional<std::string_view> value) {
    if (bool* const* const flag = std::get_if<bool*>(&option.target)) {
        if (value)
            return fail(ErrorCode::bad_usage, fmt::format("{} takes no value", option.name));
        **flag = true;
        return {};
    }
    if (!value || value->empty())
        return fail(ErrorCode::bad_usage, fmt::format("{} needs a value", option.name));
    if (auto* const* const list = std::get_if<std::vector<std::string>*>(&option.target)) {
        (*list)->emplace_back(*value);
        return {};
    }
    std::string& text = *std::get<std::string*>(option.target);
    if (!text.empty())
        return fail(ErrorCode::bad_usage, fmt::format("{} is given twice", option.name));
    text = *value;
    return {};
}

}  // namespace

Result<void> read_options(Words words, std::span<const Option> options, Order order,
                          std::vector<std::string>& rest) {
    size_t next = 0;
    while (next < words.size()) {
        const std::string_view word = words[next];
        if (!is_option(word) && order == Order::options_first)
            break;
        ++next;
        if (word == "--")
            break;
        if (!is_option(word)) {
            rest.emplace_back(word);
            continue;
        }
        WSB_TRY_ASSIGN(Given given, take_apart(word, options));
        if (!given.value && !given.option->if_alone.empty())
            given.value = given.option->if_alone;
        const bool is_flag = std::holds_alternative<bool*>(given.option->target);
        if (!given.value && !is_flag && next < words.size())
            given.value = words[next++];
        WSB_TRY(store(*given.option, given.value));
    }
    for (const char* const word : words.subspan(next))
        rest.emplace_back(word);
    return {};
}

}  // namespace wsb::cli
