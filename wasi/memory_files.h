// SPDX-License-Identifier: Apache-2.0
// File systems in memory, of one guest each: empty, filled from a directory or a tar archive, or laid over a
// directory that stays as it is.
//
//     MemoryFileSystem files({.max_bytes = 64 << 20});
//     files.add_file("etc/config", bytes);
//     preopens.push_back({"/", files.root()});       // Policy::preopens
//     files.attach(policy);                          // charges host_memory_bytes, asks its clock
//
// The policy owns the file system, and declares it after what charge() and refund() use.
#pragma once

#include "engine/base/result.h"
#include "wasi/descriptor.h"
#include "wasi/policy.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace wsb::wasi {

class MemoryVolume;
struct MemoryNode;

class MemoryFileSystem {
public:
    struct Options {
        uint64_t max_bytes = uint64_t{64} << 20;  ///< of contents, names and nodes together
    };
    explicit MemoryFileSystem(Options options);
    MemoryFileSystem(const MemoryFileSystem&) = delete;
    MemoryFileSystem& operator=(const MemoryFileSystem&) = delete;
    ~MemoryFileSystem();

    /// A file system that shows what `lower` has, and keeps all changes in memory: a file is copied when
    /// it is first changed, a directory's names are taken when it is first looked at. `lower` is only
    /// read. What is neither file, directory nor symbolic link is left out.
    [[nodiscard]] static std::unique_ptr<MemoryFileSystem> overlay(std::shared_ptr<Descriptor> lower,
                                                                   Options options);

    /// The directory to grant.
    [[nodiscard]] std::shared_ptr<Descriptor> root() const;
    [[nodiscard]] uint64_t used_bytes() const noexcept;
    /// From now on charges this policy and asks its clock; what is held already is charged at once.
    [[nodiscard]] Outcome<void> attach(Policy& policy);

    // Filling it. Paths are relative; directories above are made as needed. @return `exist`, `notdir`,
    // `inval` for paths with ".." or empty ones, `nospc`.
    [[nodiscard]] Outcome<void> add_directory(const std::string& path);
    [[nodiscard]] Outcome<void> add_file(const std::string& path, std::span<const uint8_t> content);
    [[nodiscard]] Outcome<void> add_symlink(const std::string& path, const std::string& text);
    [[nodiscard]] Outcome<void> add_link(const std::string& path, const std::string& existing_path);
    [[nodiscard]] Outcome<void> set_modification_time(const std::string& path, uint64_t time_ns);
    /// A copy of all that is beneath a directory; links are copied as such.
    [[nodiscard]] Outcome<void> copy_from(std::shared_ptr<Descriptor> directory);

private:
    [[nodiscard]] Outcome<void> add(const std::string& path, const std::shared_ptr<MemoryNode>& node);
    [[nodiscard]] Outcome<std::shared_ptr<MemoryNode>> parent_of(const std::string& path, std::string& name);

    std::shared_ptr<MemoryVolume> m_volume;
    std::shared_ptr<MemoryNode> m_root;
};

/// Unpacks a tar archive (ustar, pax, GNU long names). Everything is checked: sums, sizes against the bytes
/// there are, names that would lead out. @return io_error that names the entry; limit_exceeded if it does
/// not fit.
[[nodiscard]] Result<void> unpack_tar(std::span<const uint8_t> archive, MemoryFileSystem& files);

}  // namespace wsb::wasi
