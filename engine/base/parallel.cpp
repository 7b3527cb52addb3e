// SPDX-License-Identifier: Apache-2.0
#include "engine/base/parallel.h"

#include <sched.h>

namespace wsb {

unsigned usable_threads(unsigned wanted) noexcept {
    if (wanted != 0)
        return wanted;
    // std::thread::hardware_concurrency counts processors that are not given to this process.
    cpu_set_t usable;
    if (::sched_getaffinity(0, sizeof(usable), &usable) == 0)
        return static_cast<unsigned>(std::max(1, CPU_COUNT(&usable)));
    return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace wsb
