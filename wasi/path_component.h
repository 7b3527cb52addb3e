// SPDX-License-Identifier: Apache-2.0
// Paths taken apart, for those who walk them one component at a time.
#pragma once

#include <algorithm>
#include <string>

namespace wsb::wasi {

/// Takes the first component off, with the slashes before it; "." if only slashes are left.
[[nodiscard]] inline std::string take_component(std::string& rest) {
    const size_t begin = rest.find_first_not_of('/');
    if (begin == std::string::npos) {
        rest.clear();
        return ".";
    }
    const size_t end = std::min(rest.find('/', begin), rest.size());
    std::string name = rest.substr(begin, end - begin);
    rest.erase(0, end);
    return name;
}

}  // namespace wsb::wasi
