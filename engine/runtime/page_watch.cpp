// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/page_watch.h"

#include <atomic>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace wsb::runtime {

namespace {

// From include/uapi/linux/fs.h, which older kernel headers lack.
struct PageRegion {
    uint64_t start = 0;
    uint64_t end = 0;
    uint64_t categories = 0;
};
struct ScanArguments {
    uint64_t size = sizeof(ScanArguments);
    uint64_t flags = 0;
    uint64_t start = 0;
    uint64_t end = 0;
    uint64_t walk_end = 0;
    uint64_t vec = 0;
    uint64_t vec_len = 0;
    uint64_t max_pages = 0;
    uint64_t category_inverted = 0;
    uint64_t category_mask = 0;
    uint64_t category_anyof_mask = 0;
    uint64_t return_mask = 0;
};
static_assert(sizeof(PageRegion) == 24 && sizeof(ScanArguments) == 96);
constexpr unsigned long pagemap_scan = _IOWR('f', 16, ScanArguments);
constexpr uint64_t page_is_file = 1 << 2;
constexpr uint64_t page_is_present = 1 << 3;
constexpr uint64_t page_is_swapped = 1 << 4;
constexpr uint64_t page_is_pfnzero = 1 << 5;

/// Regions that one call of the kernel may give; it is called again for the rest.
constexpr size_t regions_per_call = 16;

/// One page, zeroed by the kernel in children made by fork.
class ForkMarker {
public:
    ForkMarker() noexcept {
        void* page =
            ::mmap(nullptr, system_page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED || ::madvise(page, system_page_bytes(), MADV_WIPEONFORK) != 0)
            return;
        m_mark = static_cast<std::atomic<bool>*>(page);
        m_mark->store(true, std::memory_order_relaxed);
    }
    [[nodiscard]] bool is_set() const noexcept {
        return m_mark != nullptr && m_mark->load(std::memory_order_relaxed);
    }

private:
    std::atomic<bool>* m_mark = nullptr;
};

/// Stays open: one descriptor of a process, of its own pages.
[[nodiscard]] int pagemap() noexcept {
    static const int descriptor = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    return descriptor;
}

/// Tries out, on pages of its own, all that private_pages and read_faults promise.
[[nodiscard]] bool try_out() noexcept {
    if (pagemap() < 0)
        return false;
    const uint64_t page = system_page_bytes();
    void* const mapping =
        ::mmap(nullptr, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
        return false;
    ::madvise(mapping, 4 * page, MADV_NOHUGEPAGE);
    auto* const bytes = static_cast<volatile uint8_t*>(mapping);
    bytes[page] = 1;
    static_cast<void>(bytes[2 * page]);  // the zero page
    const FaultReading before = read_faults();
    bytes[3 * page] = 1;
    const FaultReading after = read_faults();
    PageRange found[2];
    auto* const first = static_cast<uint8_t*>(mapping);
    const auto count = private_pages({first, first + 4 * page}, 4 * page, found);
    const bool is_right = count == 2 && found[0].begin == first + page && found[0].size_bytes() == page &&
                          found[1].begin == first + 3 * page && found[1].size_bytes() == page &&
                          before != after && before.thread != 0;
    ::munmap(mapping, 4 * page);
    return is_right;
}

thread_local constinit FaultReading last_reading;

}  // namespace

uint64_t system_page_bytes() noexcept {
    static const auto bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    return bytes;
}

uint64_t thread_number() noexcept {
    static constinit std::atomic<uint64_t> given = 0;
    thread_local constinit uint64_t number = 0;
    if (number == 0) [[unlikely]]
        number = given.fetch_add(1, std::memory_order_relaxed) + 1;
    return number;
}

FaultReading read_faults() noexcept {
    rusage usage;
    last_reading = {};
    if (::getrusage(RUSAGE_THREAD, &usage) == 0)
        last_reading = {thread_number(), usage.ru_minflt, usage.ru_majflt};
    return last_reading;
}

FaultReading last_faults() noexcept {
    return last_reading;
}

bool can_watch_pages() noexcept {
    static const ForkMarker marker;
    static const bool is_right = try_out();
    return is_right && marker.is_set();
}

std::optional<size_t> private_pages(PageRange range, uint64_t most_bytes,
                                    std::span<PageRange> found) noexcept {
    PageRegion regions[regions_per_call];
    ScanArguments arguments;
    arguments.start = reinterpret_cast<uintptr_t>(range.begin);
    arguments.end = reinterpret_cast<uintptr_t>(range.end);
    arguments.vec = reinterpret_cast<uintptr_t>(&regions);
    arguments.vec_len = regions_per_call;
    arguments.category_mask = arguments.category_inverted = page_is_file | page_is_pfnzero;
    arguments.category_anyof_mask = page_is_present | page_is_swapped;
    arguments.return_mask = page_is_present | page_is_swapped;
    size_t count = 0;
    uint64_t found_bytes = 0;
    while (arguments.start < arguments.end) {
        const int regions_found = ::ioctl(pagemap(), pagemap_scan, &arguments);
        if (regions_found < 0 || arguments.walk_end <= arguments.start)
            return std::nullopt;
        for (const PageRegion& region : std::span(regions).first(static_cast<size_t>(regions_found))) {
            auto* const begin = reinterpret_cast<uint8_t*>(region.start);
            auto* const end = reinterpret_cast<uint8_t*>(region.end);
            found_bytes += region.end - region.start;
            if (count > 0 && found[count - 1].end == begin)
                found[count - 1].end = end;
            else if (count < found.size())
                found[count++] = {begin, end};
            else
                return std::nullopt;
        }
        if (found_bytes > most_bytes)
            return std::nullopt;
        arguments.start = arguments.walk_end;  // the buffer may have been full
    }
    return count;
}

}  // namespace wsb::runtime
