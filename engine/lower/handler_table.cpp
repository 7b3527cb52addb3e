// SPDX-License-Identifier: Apache-2.0
#include "engine/lower/handler_table.h"

namespace wsb::lower {

void HandlerTable::fill(Family family) const {
    const std::scoped_lock lock(filling);
    const auto index = static_cast<size_t>(family);
    if (is_filled[index].load(std::memory_order_relaxed))
        return;
    fills[index]();
    is_filled[index].store(true, std::memory_order_release);
}

}  // namespace wsb::lower
