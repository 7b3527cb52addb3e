// SPDX-License-Identifier: Apache-2.0
// What an in-memory file system is made of. Internal to it; users include memory_files.h.
#pragma once

#include "wasi/descriptor.h"
#include "wasi/policy.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace wsb::wasi {

struct MemoryNode;
using MemoryNodePtr = std::shared_ptr<MemoryNode>;

/// What the nodes of one file system share: their budget and numbers.
class MemoryVolume {
public:
    explicit MemoryVolume(uint64_t max_bytes) noexcept : m_max_bytes(max_bytes) {}

    /// Before memory is taken. @return `nospc`, or what the policy says.
    [[nodiscard]] Outcome<void> take(uint64_t size_bytes);
    void give_back(uint64_t size_bytes) noexcept;
    [[nodiscard]] uint64_t used_bytes() const noexcept { return m_used_bytes; }
    [[nodiscard]] uint64_t next_inode() noexcept { return ++m_last_inode; }
    /// By the policy's clock; 0 without a policy.
    [[nodiscard]] uint64_t now_ns() noexcept;
    [[nodiscard]] Outcome<void> checkpoint() noexcept;
    void set_policy(Policy* policy) noexcept { m_policy = policy; }

private:
    uint64_t m_max_bytes;
    uint64_t m_used_bytes = 0;
    uint64_t m_last_inode = 0;
    Policy* m_policy = nullptr;
};

/// The bytes of a file, in chunks; holes take no memory.
class MemoryBytes {
public:
    static constexpr size_t chunk_bytes = 4096;
    explicit MemoryBytes(MemoryVolume& volume) noexcept : m_volume(volume) {}
    MemoryBytes(const MemoryBytes&) = delete;
    MemoryBytes& operator=(const MemoryBytes&) = delete;
    ~MemoryBytes() { m_volume.give_back(m_chunks.size() * chunk_bytes); }

    [[nodiscard]] uint64_t size_bytes() const noexcept { return m_size_bytes; }
    /// @return how many there were.
    size_t read(std::span<uint8_t> target, uint64_t offset) const noexcept;
    /// @return the count, short if memory ran out; an error if nothing could be written.
    [[nodiscard]] Outcome<size_t> write(std::span<const uint8_t> source, uint64_t offset);
    /// @return `fbig` beyond 2^63 - 1.
    [[nodiscard]] Outcome<void> resize(uint64_t size_bytes);

private:
    using Chunk = std::array<uint8_t, chunk_bytes>;
    [[nodiscard]] Outcome<Chunk*> chunk_at(uint64_t index);

    MemoryVolume& m_volume;
    uint64_t m_size_bytes = 0;
    std::map<uint64_t, std::unique_ptr<Chunk>> m_chunks;
};

/// A file, directory or symbolic link.
struct MemoryNode : std::enable_shared_from_this<MemoryNode> {
    /// What a node and its name take beside its content, about.
    static constexpr uint64_t own_bytes = 512;
    MemoryNode(std::shared_ptr<MemoryVolume> in_volume, FileType of_type);
    MemoryNode(const MemoryNode&) = delete;
    MemoryNode& operator=(const MemoryNode&) = delete;
    /// Without recursion: directories can be nested very deeply.
    ~MemoryNode();

    struct Entry {
        MemoryNodePtr node;
        uint64_t cookie = 0;
    };

    [[nodiscard]] bool is_directory() const noexcept { return type == FileType::directory; }
    [[nodiscard]] FileStatus status() const noexcept;
    void set_times(const TimeChanges& times) noexcept;
    void touch() noexcept;
    /// The child of this name; null if there is none. Looks below first, if there is something.
    [[nodiscard]] Outcome<MemoryNodePtr> child(const std::string& name);
    /// Takes over the names of the directory below, once.
    [[nodiscard]] Outcome<void> look_below();
    /// Takes over the content of the file below, once: before it is written.
    [[nodiscard]] Outcome<void> copy_up();
    [[nodiscard]] Outcome<std::shared_ptr<Descriptor>> open_below() const;
    [[nodiscard]] Outcome<void> insert(const std::string& name, MemoryNodePtr node);
    void remove(const std::string& name) noexcept;

    std::shared_ptr<MemoryVolume> volume;
    FileType type;
    uint64_t inode;
    uint64_t link_count = 0;  ///< names that it has; 0: removed, but still open
    uint64_t access_ns, modification_ns, change_ns;
    MemoryBytes bytes;                         ///< of a file
    std::string link_text;                     ///< of a symbolic link
    std::map<std::string, Entry> entries;      ///< of a directory
    std::map<uint64_t, std::string> by_cookie;  ///< the names again, in the order of their making
    uint64_t next_cookie = 2;                  ///< 0 and 1 are "." and ".."
    std::weak_ptr<MemoryNode> parent;          ///< of a directory

    /// An overlay's node shows what this path beneath this directory names, until it is changed.
    std::shared_ptr<Descriptor> below_directory;
    std::string below_path;
    uint64_t below_size_bytes = 0;
};

/// A new node, charged. @return `nospc`, or what the policy says.
[[nodiscard]] Outcome<MemoryNodePtr> make_node(const std::shared_ptr<MemoryVolume>& volume, FileType type);

/// Where a path leads.
struct MemoryPlace {
    MemoryNodePtr directory;
    std::string name;    ///< "." for the directory itself
    MemoryNodePtr node;  ///< null if there is none of this name
    bool has_trailing_slash = false;

    [[nodiscard]] bool is_dots() const noexcept { return name == "."; }
};

enum class LastLink : uint8_t {
    followed,
    kept,   ///< unless a slash follows it
    named,  ///< never followed: the name itself is meant
};
/// Resolves beneath `root`. @param creates a file: a slash after its name is `isdir`, as on Linux.
/// @return `notcapable` for what would leave the root, `loop`, `noent`, `notdir`.
[[nodiscard]] Outcome<MemoryPlace> locate_in_memory(const MemoryNodePtr& root, const std::string& path,
                                                    LastLink last, bool creates = false);

}  // namespace wsb::wasi
