// SPDX-License-Identifier: Apache-2.0
#include "wasi/listing_places.h"

#include <gtest/gtest.h>

namespace wsb::testing {
namespace {

using wasi::ListingPlaces;

/// Where the n-th entry of a directory with hashed offsets might be.
int64_t offset_of(uint64_t number) {
    return number == 0 ? 0 : static_cast<int64_t>((number * 0x9e3779b97f4a7c15) >> 1);
}

TEST(ListingPlaces, BeginAtTheBeginning) {
    const ListingPlaces places;
    for (const uint64_t number : {uint64_t{0}, uint64_t{1}, uint64_t{511}, uint64_t{512}, ~uint64_t{0}}) {
        EXPECT_EQ(places.nearest(number).number, 0u);
        EXPECT_EQ(places.nearest(number).offset, 0);
    }
}

TEST(ListingPlaces, AreNeverWrongAndNotFarAway) {
    ListingPlaces places;
    constexpr uint64_t count = 100'000;
    for (uint64_t number = 1; number <= count; ++number)
        places.note({number, offset_of(number)});
    for (uint64_t number = 0; number <= count + 1000; ++number) {
        const ListingPlaces::Place place = places.nearest(number);
        ASSERT_LE(place.number, number);
        ASSERT_EQ(place.offset, offset_of(place.number));
        // A thousand marks over all of it.
        ASSERT_LE(std::min(number, count) - place.number, 256u) << number;
    }
    for (uint64_t number = count - 511; number <= count; ++number)
        EXPECT_EQ(places.nearest(number).number, number);
}

TEST(ListingPlaces, ALaterListingReplacesWhatIsKnown) {
    ListingPlaces places;
    for (uint64_t number = 1; number <= 5000; ++number)
        places.note({number, offset_of(number)});
    for (uint64_t number = 1; number <= 3000; ++number)
        places.note({number, -offset_of(number)});
    for (uint64_t number = 1; number <= 3000; ++number)
        EXPECT_EQ(places.nearest(number).offset, -offset_of(places.nearest(number).number));
}

}  // namespace
}  // namespace wsb::testing
