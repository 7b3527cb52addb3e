// SPDX-License-Identifier: Apache-2.0
// Places in a listing.
#include "wasi/listing_places.h"

#include <algorithm>

namespace wsb::wasi {

void ListingPlaces::note(Place place) {
    m_latest[place.number % m_latest.size()] = place;
    if (place.number % m_stride != 0)
        return;
    const uint64_t index = place.number / m_stride - 1;
    if (index < m_marks.size()) {
        m_marks[index] = place.offset;
        return;
    }
    if (index > m_marks.size())
        return;
    m_marks.push_back(place.offset);
    if (m_marks.size() < max_marks)
        return;
    // Each second one stays.
    for (size_t i = 0; i < max_marks / 2; ++i)
        m_marks[i] = m_marks[2 * i + 1];
    m_marks.resize(max_marks / 2);
    m_stride *= 2;
}

ListingPlaces::Place ListingPlaces::nearest(uint64_t number) const noexcept {
    if (const Place& latest = m_latest[number % m_latest.size()]; latest.number == number)
        return latest;
    const uint64_t index = std::min<uint64_t>(number / m_stride, m_marks.size());
    return index == 0 ? Place{} : Place{index * m_stride, m_marks[index - 1]};
}

}  // namespace wsb::wasi
