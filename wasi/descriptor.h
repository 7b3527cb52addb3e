// SPDX-License-Identifier: Apache-2.0
// What a descriptor of the guest stands for: a file, directory, stream or socket, of the host or in memory.
// Knows nothing of rights, guest memory and policies: those are checked before it is asked (p1_*.cpp).
//
// A kind of its own: derive from Descriptor, override type() and what it can do; everything else answers as
// POSIX would for such a type. Hand it to the guest through Policy::preopens or Policy::standard_streams.
#pragma once

#include "wasi/abi.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/uio.h>

namespace wsb::wasi {

/// What fd_filestat_get tells. Times in nanoseconds since 1970.
struct FileStatus {
    uint64_t device = 0;
    uint64_t inode = 0;
    FileType type = FileType::unknown;
    uint64_t link_count = 1;
    uint64_t size_bytes = 0;
    uint64_t access_ns = 0;
    uint64_t modification_ns = 0;
    uint64_t change_ns = 0;
};

/// One of the times to set.
struct TimeChange {
    enum class Kind : uint8_t { keep, now, given };
    Kind kind = Kind::keep;
    uint64_t time_ns = 0;  ///< if given
};
struct TimeChanges {
    TimeChange access;
    TimeChange modification;
};

enum class Advice : uint8_t { normal, sequential, random, will_need, dont_need, no_reuse };

/// How something beneath a directory is to be opened. Rights were checked.
struct OpenMode {
    bool reads = false;
    bool writes = false;
    bool creates = false;
    bool is_exclusive = false;  ///< with creates: it must not exist
    bool truncates = false;
    bool wants_directory = false;
    bool follows = false;  ///< a symbolic link as the last component
    uint32_t fdflags = 0;

    [[nodiscard]] bool changes() const noexcept { return writes || creates || truncates; }
};

struct DirectoryEntry {
    uint64_t next = 0;  ///< cookie of the entry after this one
    uint64_t inode = 0;
    FileType type = FileType::unknown;
    std::string_view name;
};

/// Takes the entries of a directory, one by one.
class EntrySink {
public:
    virtual ~EntrySink() = default;
    /// @return whether it wants more; or an error, which ends the listing.
    [[nodiscard]] virtual Outcome<bool> put(const DirectoryEntry& entry) = 0;
};

/// What a socket gave.
struct Received {
    size_t size_bytes = 0;
    bool is_truncated = false;  ///< of a datagram, the rest is lost
};

class Descriptor {
public:
    Descriptor() = default;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    virtual ~Descriptor() = default;

    /// Never changes.
    [[nodiscard]] virtual FileType type() const noexcept = 0;
    /// What makes sense for it; the guest gets these, less what its grant withholds.
    [[nodiscard]] virtual Rights possible_rights() const noexcept;
    [[nodiscard]] virtual Outcome<FileStatus> status();
    [[nodiscard]] virtual Outcome<uint32_t> flags();
    /// Only `append` and `nonblock` can change.
    [[nodiscard]] virtual Outcome<void> set_flags(uint32_t flags);
    [[nodiscard]] virtual Outcome<void> set_times(const TimeChanges& times);
    [[nodiscard]] virtual Outcome<void> sync(bool only_data);

    // Bytes. No call waits: where it would, `again` is returned, and wait_fd says what to wait for.
    // Counts may be short; reading 0 bytes is the end.
    [[nodiscard]] virtual Outcome<size_t> read(std::span<const iovec> targets);
    [[nodiscard]] virtual Outcome<size_t> read_at(std::span<const iovec> targets, uint64_t offset);
    [[nodiscard]] virtual Outcome<size_t> write(std::span<const iovec> sources);
    [[nodiscard]] virtual Outcome<size_t> write_at(std::span<const iovec> sources, uint64_t offset);
    [[nodiscard]] virtual Outcome<uint64_t> seek(int64_t offset, Whence whence);
    [[nodiscard]] virtual Outcome<void> set_size(uint64_t size_bytes);
    [[nodiscard]] virtual Outcome<void> allocate(uint64_t offset, uint64_t length);
    [[nodiscard]] virtual Outcome<void> advise(uint64_t offset, uint64_t length, Advice advice);

    /// The host's descriptor that becomes ready when this one does; -1: it is always ready.
    [[nodiscard]] virtual int wait_fd() const noexcept { return -1; }
    /// That can be read without waiting, as far as known.
    [[nodiscard]] virtual uint64_t bytes_ready() { return 0; }

    // Sockets. As for bytes, nothing waits.
    [[nodiscard]] virtual Outcome<std::shared_ptr<Descriptor>> accept();
    [[nodiscard]] virtual Outcome<Received> receive(std::span<const iovec> targets, uint32_t riflags);
    [[nodiscard]] virtual Outcome<size_t> send(std::span<const iovec> sources);
    [[nodiscard]] virtual Outcome<void> shutdown(uint32_t sdflags);

    // Directories. Paths are relative, not empty, free of NUL and no longer than max_path_bytes; they
    // must never lead out (`notcapable`).
    /// From a cookie (0: the beginning) until the sink has enough or the directory ends.
    [[nodiscard]] virtual Outcome<void> list(uint64_t cookie, EntrySink& sink);
    [[nodiscard]] virtual Outcome<std::shared_ptr<Descriptor>> open(const std::string& path,
                                                                    const OpenMode& mode);
    [[nodiscard]] virtual Outcome<FileStatus> status_at(const std::string& path, bool follows);
    [[nodiscard]] virtual Outcome<void> set_times_at(const std::string& path, bool follows,
                                                     const TimeChanges& times);
    [[nodiscard]] virtual Outcome<void> create_directory(const std::string& path);
    [[nodiscard]] virtual Outcome<void> remove_directory(const std::string& path);
    [[nodiscard]] virtual Outcome<void> unlink_file(const std::string& path);
    /// `xdev` if `target_directory` is of another kind.
    [[nodiscard]] virtual Outcome<void> rename(const std::string& path, Descriptor& target_directory,
                                               const std::string& target_path);
    [[nodiscard]] virtual Outcome<void> link(const std::string& path, Descriptor& target_directory,
                                             const std::string& target_path);
    [[nodiscard]] virtual Outcome<void> symlink(const std::string& text, const std::string& path);
    [[nodiscard]] virtual Outcome<std::string> read_link(const std::string& path);
};

/// All rights that make sense for a type of file.
[[nodiscard]] Rights rights_for(FileType type) noexcept;

}  // namespace wsb::wasi
