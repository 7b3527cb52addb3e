// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/memory_image.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace wsb::runtime {

namespace {

/// Smaller ones are copied: a few pages more to copy at each reset cost less than a descriptor, a mapping in
/// each memory and a fault for each page.
constexpr uint64_t min_file_bytes = uint64_t{16} << 10;
/// What the image may take beyond twice the bytes of its segments, which the module itself carries.
constexpr uint64_t slack_bytes = uint64_t{64} << 10;

}  // namespace

MemoryImage::MemoryImage(const Module& module, uint32_t memory, std::span<const uint64_t> data_offsets) {
    if (!measure(module, memory, data_offsets))
        return;
    m_is_complete = true;
    for (size_t i = 0; i < module.datas.size(); ++i) {
        const DataSegment& segment = module.datas[i];
        if (segment.mode != DataSegment::Mode::active || segment.memory.value != memory)
            continue;
        // SAFETY: measure found all segments between the image's ends.
        std::ranges::copy(module.view(segment.bytes),
                          m_bytes.begin() + static_cast<ptrdiff_t>(data_offsets[i] - m_content.offset_bytes));
    }
    m_content.bytes = m_bytes;
    if (m_bytes.size() >= min_file_bytes)
        make_file();
}

MemoryImage::~MemoryImage() {
    if (m_file < 0)
        return;
    ::munmap(const_cast<uint8_t*>(m_content.bytes.data()), m_content.bytes.size());
    ::close(m_file);
}

/// Finds where the image begins and ends, in whole pages, and makes room. @return whether there can be one.
bool MemoryImage::measure(const Module& module, uint32_t memory, std::span<const uint64_t> data_offsets) {
    const MemoryType& type = module.memories[memory].type;
    if (type.is_shared)
        return false;
    const uint64_t memory_bytes = type.limits_pages.min << type.page_size_log2;
    uint64_t begin = UINT64_MAX;
    uint64_t end = 0;
    uint64_t data_bytes = 0;
    for (size_t i = 0; i < module.datas.size(); ++i) {
        const DataSegment& segment = module.datas[i];
        if (segment.mode != DataSegment::Mode::active || segment.memory.value != memory)
            continue;
        const uint64_t size_bytes = segment.bytes.size_bytes;
        if (size_bytes > memory_bytes || data_offsets[i] > memory_bytes - size_bytes)
            return false;
        if (size_bytes == 0)
            continue;
        begin = std::min(begin, data_offsets[i]);
        end = std::max(end, data_offsets[i] + size_bytes);
        data_bytes += size_bytes;
    }
    if (end == 0)
        return true;
    const uint64_t page = system_page_bytes();
    begin = begin / page * page;
    // One mapping less for each memory, at the price of some zeros.
    if (begin <= slack_bytes / 2)
        begin = 0;
    end = (end + page - 1) / page * page;
    if (end - begin > 2 * data_bytes + slack_bytes)
        return false;
    m_content.offset_bytes = begin;
    m_bytes.resize(end - begin);
    return true;
}

/// Moves the bytes to a sealed file in memory. Where that is not possible they stay, and are copied.
void MemoryImage::make_file() noexcept {
    const int file = ::memfd_create("wasm memory image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0)
        return;
    const size_t size_bytes = m_bytes.size();
    size_t written = 0;
    while (written < size_bytes) {
        const ssize_t count = ::write(file, m_bytes.data() + written, size_bytes - written);
        if (count <= 0)
            break;
        written += static_cast<size_t>(count);
    }
    constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    void* mapping = MAP_FAILED;
    if (written == size_bytes && ::fcntl(file, F_ADD_SEALS, seals) == 0)
        mapping = ::mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, file, 0);
    if (mapping == MAP_FAILED) {
        ::close(file);
        return;
    }
    m_file = file;
    m_content.bytes = {static_cast<const uint8_t*>(mapping), size_bytes};
    m_content.is_mapped = true;
    std::vector<uint8_t>().swap(m_bytes);
}

bool MemoryImage::put_on(uint8_t* base) const noexcept {
    const std::span<const uint8_t> bytes = m_content.bytes;
    if (bytes.empty())
        return true;
    uint8_t* const begin = base + m_content.offset_bytes;
    if (m_file < 0) {
        std::memcpy(begin, bytes.data(), bytes.size());
        return true;
    }
    // SAFETY: replaces pages of the memory, which is at least as large (measure).
    void* const mapping = ::mmap(begin, bytes.size(), PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, m_file, 0);
    if (mapping == MAP_FAILED)
        return false;
    ::madvise(begin, bytes.size(), MADV_NOHUGEPAGE);
    return true;
}

}  // namespace wsb::runtime
