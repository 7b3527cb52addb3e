// SPDX-License-Identifier: Apache-2.0
// Paths taken apart, for those who walk them one component at a time.
#pragma once

#include "wasi/abi.h"

#include <algorithm>
#include <string>
#include <string_view>

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

/// Puts a link's text in front of what is left. @param links that were followed so far. @return `notcapable`
/// for an absolute one; `loop`, `noent`, `nametoolong` as the kernel does.
[[nodiscard]] inline Outcome<void> follow_link(std::string_view text, std::string& rest, unsigned& links) {
    constexpr unsigned max_links = 40;
    if (++links > max_links)
        return refuse(Errno::loop);
    if (text.empty())
        return refuse(Errno::noent);
    if (text.front() == '/')
        return refuse(Errno::notcapable);
    rest.insert(0, text);
    if (rest.size() > max_path_bytes + 1)
        return refuse(Errno::nametoolong);
    return {};
}

}  // namespace wsb::wasi
