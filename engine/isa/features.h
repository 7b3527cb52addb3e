// SPDX-License-Identifier: Apache-2.0
// Switches per proposal. Default: all of WebAssembly 3.0.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace wsb {

enum class Feature : uint8_t {
#define WSB_FEATURE(id, name, since) id,
#include "engine/isa/features.def"
#undef WSB_FEATURE
};

[[nodiscard]] constexpr std::string_view feature_name(Feature feature) noexcept {
    switch (feature) {
#define WSB_FEATURE(id, name, since) \
    case Feature::id: return name;
#include "engine/isa/features.def"
#undef WSB_FEATURE
    }
    return "";
}

/// In the order of the table.
inline constexpr std::array all_features{
#define WSB_FEATURE(id, name, since) Feature::id,
#include "engine/isa/features.def"
#undef WSB_FEATURE
};

[[nodiscard]] constexpr std::optional<Feature> find_feature(std::string_view name) noexcept {
    for (const Feature feature : all_features) {
        if (feature_name(feature) == name)
            return feature;
    }
    return std::nullopt;
}

/// A set of proposals. Value type.
class Features {
public:
    /// All features up to a version of the standard: 1, 2 or 3; 4 adds the proposals after it.
    [[nodiscard]] static constexpr Features up_to(int version) noexcept {
        Features features;
#define WSB_FEATURE(id, name, since) \
    if (since <= version)            \
        features.enable(Feature::id);
#include "engine/isa/features.def"
#undef WSB_FEATURE
        return features;
    }
    constexpr Features() noexcept = default;

    [[nodiscard]] constexpr bool has(Feature feature) const noexcept { return (m_bits & bit(feature)) != 0; }
    constexpr void enable(Feature feature) noexcept { m_bits |= bit(feature); }
    constexpr void disable(Feature feature) noexcept { m_bits &= ~bit(feature); }
    constexpr bool operator==(const Features&) const noexcept = default;

private:
    static constexpr uint64_t bit(Feature feature) noexcept {
        return uint64_t{1} << static_cast<unsigned>(feature);
    }
    uint64_t m_bits = 0;
};

inline constexpr Features default_features = Features::up_to(3);

}  // namespace wsb
