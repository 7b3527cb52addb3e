// SPDX-License-Identifier: Apache-2.0
#include "cli/features.h"

#include "engine/base/result.h"

#include <fmt/format.h>

#include <ranges>

namespace wsb::cli {
namespace {

std::unexpected<Error> unknown(std::string_view name) {
    std::string names = "all";
    for (const Feature feature : all_features) {
        if (feature != Feature::mvp)
            names += ", " + std::string(feature_name(feature));
    }
    return fail(ErrorCode::bad_usage,
                fmt::format("--features: there is no feature \"{}\"; there are: {}", name, names));
}

Result<void> apply(std::string_view item, Features& features) {
    const bool is_off = item.starts_with('-');
    const std::string_view name = item.substr(is_off ? 1 : 0);
    if (name == "all") {
        features = Features::up_to(is_off ? 1 : 4);
        return {};
    }
    const auto feature = find_feature(name);
    if (!feature || feature == Feature::mvp)  // that is what features are added to
        return unknown(name);
    if (is_off)
        features.disable(*feature);
    else
        features.enable(*feature);
    return {};
}

}  // namespace

Result<Features> parse_features(std::string_view version, const std::vector<std::string>& lists,
                                Features usual) {
    Features features = usual;
    if (version == "1.0" || version == "2.0" || version == "3.0")
        features = Features::up_to(version[0] - '0');
    else if (!version.empty())
        return fail(ErrorCode::bad_usage, fmt::format("--wasm: \"{}\" must be 1.0, 2.0 or 3.0", version));
    for (const std::string& list : lists) {
        for (const auto item : std::views::split(std::string_view(list), ','))
            WSB_TRY(apply(std::string_view(item.begin(), item.end()), features));
    }
    return features;
}

}  // namespace wsb::cli
