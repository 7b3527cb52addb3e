// SPDX-License-Identifier: Apache-2.0
// Where in a host's directory the n-th entry is. Guests get n as a cookie: the host's own offsets are up to
// 63 bits of a hash, and a C library with a `long` of 32 bits cuts them off (telldir).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace wsb::wasi {

/// Of one open directory; bounded, however many entries there are.
class ListingPlaces {
public:
    /// After `number` entries the host is at `offset`.
    struct Place {
        uint64_t number = 0;
        int64_t offset = 0;
    };

    /// After each entry that was read.
    void note(Place place);
    /// The best known place at or before that number; the beginning if there is none.
    [[nodiscard]] Place nearest(uint64_t number) const noexcept;

private:
    static constexpr uint64_t max_marks = 1024;

    std::vector<int64_t> m_marks;  ///< after m_stride entries, after twice as many…
    uint64_t m_stride = 1;
    /// The latest, exactly: a guest goes on from one of those, whatever it has removed before.
    std::array<Place, 512> m_latest{};
};

}  // namespace wsb::wasi
