// SPDX-License-Identifier: Apache-2.0
#include "jit/perf_files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <elf.h>
#include <fcntl.h>
#include <mutex>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace wsb::jit {

namespace {

[[nodiscard]] std::unexpected<Error> file_error(const std::string& path) {
    return fail(ErrorCode::io_error,
                fmt::format("cannot write {}, which a profiler was to read: {}", path, std::strerror(errno)));
}

/// A file that the running process has begun, and that it alone writes. Its name can be guessed, and the
/// directory may be everybody's: whatever has the name is removed, never followed or written to.
class ProcessFile {
public:
    /// Whether this process has one: a forked child has that of its parent.
    [[nodiscard]] bool is_open() const noexcept { return m_fd >= 0 && m_process == getpid(); }
    [[nodiscard]] int descriptor() const noexcept { return m_fd; }

    [[nodiscard]] Result<void> create(std::string path) {
        if (m_fd >= 0)
            close();
        m_path = std::move(path);
        m_process = getpid();
        if (::unlink(m_path.c_str()) != 0 && errno != ENOENT)
            return file_error(m_path);
        m_fd = ::open(m_path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC, 0600);
        if (m_fd < 0)
            return file_error(m_path);
        return {};
    }

    /// All of it or nothing.
    [[nodiscard]] Result<void> write(std::string_view bytes) {
        const off_t end_bytes = m_size_bytes + static_cast<off_t>(bytes.size());
        while (!bytes.empty()) {
            const ssize_t written = ::write(m_fd, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR)
                continue;
            if (written < 0) {
                const auto error = file_error(m_path);
                if (::ftruncate(m_fd, m_size_bytes) != 0)
                    close();
                return error;
            }
            bytes.remove_prefix(static_cast<size_t>(written));
        }
        m_size_bytes = end_bytes;
        return {};
    }
    [[nodiscard]] std::unexpected<Error> error() const { return file_error(m_path); }
    void close() noexcept {
        ::close(std::exchange(m_fd, -1));
        m_size_bytes = 0;
    }

private:
    std::string m_path;
    int m_fd = -1;
    off_t m_size_bytes = 0;
    pid_t m_process = 0;
};

// Leaked, since modules may be loaded and let go while the program ends.
struct Files {
    std::mutex mutex;
    ProcessFile map, dump;
    uint64_t dumped = 0;  ///< functions
};
[[nodiscard]] Files& files() {
    static auto* const all = new Files;
    return *all;
}

// Records of the dump, as its specification names their fields.
struct DumpHeader {
    uint32_t magic = 0x4a695444;
    uint32_t version = 1;
    uint32_t total_size = sizeof(DumpHeader);
    uint32_t elf_mach = EM_X86_64;
    uint32_t pad1 = 0;
    uint32_t pid = 0;
    uint64_t timestamp = 0;
    uint64_t flags = 0;
};
static_assert(sizeof(DumpHeader) == 40);

struct CodeLoad {
    uint32_t id = 0;
    uint32_t total_size = 0;
    uint64_t timestamp = 0;
    uint32_t pid = 0;
    uint32_t tid = 0;
    uint64_t vma = 0;
    uint64_t code_addr = 0;
    uint64_t code_size = 0;
    uint64_t code_index = 0;
};
static_assert(sizeof(CodeLoad) == 56);

template <class Record>
void append(std::string& buffer, const Record& record) {
    const size_t at = buffer.size();
    buffer.resize(at + sizeof record);
    std::memcpy(buffer.data() + at, &record, sizeof record);
}

/// The clock of `perf record -k mono`.
[[nodiscard]] uint64_t now_ns() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

/// perf finds the dump by an executable mapping of it, whatever part of it that is. Behind its end nothing
/// can ever be executed, while the dump's beginning would be writable and executable.
[[nodiscard]] bool mark_for_perf(int descriptor) noexcept {
    constexpr off_t beyond_the_end = off_t{1} << 40;
    const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return mmap(nullptr, page_bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, descriptor, beyond_the_end) !=
           MAP_FAILED;
}

[[nodiscard]] Result<void> begin_dump(Files& all) {
    const std::string name = fmt::format("jit-{}.dump", getpid());
    WSB_TRY(all.dump.create(name));
    if (!mark_for_perf(all.dump.descriptor())) {
        const auto error = all.dump.error();
        all.dump.close();
        return error;
    }
    all.dumped = 0;
    std::string header;
    append(header, DumpHeader{.pid = static_cast<uint32_t>(getpid()), .timestamp = now_ns()});
    return all.dump.write(header);
}

}  // namespace

Result<void> write_perf_map(std::span<const NamedCode> functions) {
    std::string lines;
    for (const NamedCode& function : functions)
        lines += fmt::format("{:x} {:x} {}\n", reinterpret_cast<uintptr_t>(function.bytes.data()),
                             function.bytes.size(), function.name);
    Files& all = files();
    const std::lock_guard lock(all.mutex);
    if (!all.map.is_open())
        WSB_TRY(all.map.create(fmt::format("/tmp/perf-{}.map", getpid())));
    return all.map.write(lines);
}

Result<void> write_jitdump(std::span<const NamedCode> functions) {
    Files& all = files();
    const std::lock_guard lock(all.mutex);
    if (!all.dump.is_open())
        WSB_TRY(begin_dump(all));
    std::string records;
    for (const NamedCode& function : functions) {
        const auto address = reinterpret_cast<uintptr_t>(function.bytes.data());
        const size_t total = sizeof(CodeLoad) + function.name.size() + 1 + function.bytes.size();
        append(records, CodeLoad{.total_size = static_cast<uint32_t>(total),
                                 .timestamp = now_ns(),
                                 .pid = static_cast<uint32_t>(getpid()),
                                 .tid = static_cast<uint32_t>(gettid()),
                                 .vma = address,
                                 .code_addr = address,
                                 .code_size = function.bytes.size(),
                                 .code_index = all.dumped++});
        records.append(function.name.c_str(), function.name.size() + 1);
        // SAFETY: uint8_t and char have the same representation.
        records.append(reinterpret_cast<const char*>(function.bytes.data()), function.bytes.size());
    }
    return all.dump.write(records);
}

}  // namespace wsb::jit
