// SPDX-License-Identifier: Apache-2.0
// Arguments and environment: lists of strings from the policy.
#include "wasi/preview1.h"

#include <limits>
#include <span>
#include <string>

namespace wsb::wasi::p1 {
namespace {

Outcome<void> put_sizes(Call& call, std::span<const std::string> strings, uint32_t count_out,
                        uint32_t size_out) {
    uint64_t size_bytes = 0;
    for (const std::string& text : strings)
        size_bytes += text.size() + 1;
    constexpr uint64_t most = std::numeric_limits<uint32_t>::max();
    if (strings.size() > most || size_bytes > most)
        return refuse(Errno::overflow);
    WSB_TRY(call.memory.store(count_out, static_cast<uint32_t>(strings.size())));
    return call.memory.store(size_out, static_cast<uint32_t>(size_bytes));
}

/// Pointers to `pointers`, the strings with terminators to `buffer`.
Outcome<void> put_strings(Call& call, std::span<const std::string> strings, uint32_t pointers,
                          uint32_t buffer) {
    uint64_t address = buffer;
    uint64_t pointer = pointers;
    constexpr uint64_t most = std::numeric_limits<uint32_t>::max();
    for (const std::string& text : strings) {
        if (address > most || pointer > most)
            return refuse(Errno::fault);
        WSB_TRY(call.memory.store(static_cast<uint32_t>(pointer), static_cast<uint32_t>(address)));
        WSB_TRY_ASSIGN(const std::span<uint8_t> target,
                       call.memory.bytes(static_cast<uint32_t>(address), text.size() + 1));
        std::memcpy(target.data(), text.c_str(), target.size());
        address += target.size();
        pointer += sizeof(uint32_t);
    }
    return {};
}

}  // namespace

Outcome<void> args_get(Call& call, uint32_t argv, uint32_t buffer) {
    return put_strings(call, call.policy().args(), argv, buffer);
}

Outcome<void> args_sizes_get(Call& call, uint32_t count_out, uint32_t size_out) {
    return put_sizes(call, call.policy().args(), count_out, size_out);
}

Outcome<void> environ_get(Call& call, uint32_t environ, uint32_t buffer) {
    return put_strings(call, call.policy().environment(), environ, buffer);
}

Outcome<void> environ_sizes_get(Call& call, uint32_t count_out, uint32_t size_out) {
    return put_sizes(call, call.policy().environment(), count_out, size_out);
}

}  // namespace wsb::wasi::p1
