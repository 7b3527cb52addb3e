// SPDX-License-Identifier: Apache-2.0
// Streams that are no file of the host.
#include "wasi/streams.h"

#include <algorithm>
#include <cstring>

namespace wsb::wasi {
namespace {

/// Gives each vector to `part`, until one comes out short. @return the sum; an error only if it is 0.
template <class Part>
Outcome<size_t> for_each_vector(std::span<const iovec> vectors, Part part) {
    size_t total = 0;
    for (const iovec& vector : vectors) {
        const Outcome<size_t> count = part(std::span(static_cast<uint8_t*>(vector.iov_base), vector.iov_len));
        if (!count && (total == 0 || count.error() == Errno::canceled))
            return count;
        if (!count)
            break;
        if (*count > vector.iov_len)
            return refuse(Errno::io);
        total += *count;
        if (*count < vector.iov_len)
            break;
    }
    return total;
}

}  // namespace

Outcome<void> VirtualStream::set_flags(uint32_t flags) {
    m_flags = flags & (fdflag::append | fdflag::nonblock);
    return {};
}

Outcome<size_t> BufferInput::read(std::span<const iovec> targets) {
    return for_each_vector(targets, [&](std::span<uint8_t> target) -> Outcome<size_t> {
        const size_t taken = std::min(target.size(), m_text.size() - m_position);
        std::memcpy(target.data(), m_text.data() + m_position, taken);
        m_position += taken;
        return taken;
    });
}

Outcome<size_t> BufferOutput::write(std::span<const iovec> sources) {
    return for_each_vector(sources, [&](std::span<const uint8_t> source) -> Outcome<size_t> {
        const size_t taken = std::min(source.size(), m_max_bytes - m_text.size());
        if (taken == 0 && !source.empty())
            return refuse(Errno::nospc);
        m_text.append(source.begin(), source.begin() + static_cast<ptrdiff_t>(taken));
        return taken;
    });
}

Outcome<size_t> CallbackInput::read(std::span<const iovec> targets) {
    return for_each_vector(targets, m_callback);
}

Outcome<size_t> CallbackOutput::write(std::span<const iovec> sources) {
    return for_each_vector(sources, m_callback);
}

}  // namespace wsb::wasi
