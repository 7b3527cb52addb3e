// SPDX-License-Identifier: Apache-2.0
// Descriptors of an in-memory file system. Internal to it; users include memory_files.h.
#pragma once

#include "wasi/memory_node.h"

namespace wsb::wasi {

class MemoryFile final : public Descriptor {
public:
    MemoryFile(MemoryNodePtr node, uint32_t flags) noexcept : m_node(std::move(node)), m_flags(flags) {}

    [[nodiscard]] FileType type() const noexcept override { return FileType::regular_file; }
    [[nodiscard]] Outcome<FileStatus> status() override { return m_node->status(); }
    [[nodiscard]] Outcome<uint32_t> flags() override { return m_flags; }
    [[nodiscard]] Outcome<void> set_flags(uint32_t flags) override;
    [[nodiscard]] Outcome<void> set_times(const TimeChanges& times) override;
    [[nodiscard]] Outcome<void> sync(bool) override { return {}; }
    [[nodiscard]] Outcome<size_t> read(std::span<const iovec> targets) override;
    [[nodiscard]] Outcome<size_t> read_at(std::span<const iovec> targets, uint64_t offset) override;
    [[nodiscard]] Outcome<size_t> write(std::span<const iovec> sources) override;
    [[nodiscard]] Outcome<size_t> write_at(std::span<const iovec> sources, uint64_t offset) override;
    [[nodiscard]] Outcome<uint64_t> seek(int64_t offset, Whence whence) override;
    [[nodiscard]] Outcome<void> set_size(uint64_t size_bytes) override;
    [[nodiscard]] Outcome<void> allocate(uint64_t offset, uint64_t length) override;
    [[nodiscard]] Outcome<void> advise(uint64_t, uint64_t, Advice) override { return {}; }
    [[nodiscard]] uint64_t bytes_ready() override;

private:
    MemoryNodePtr m_node;
    uint32_t m_flags;
    uint64_t m_position = 0;
    std::shared_ptr<Descriptor> m_below;  ///< an overlay's file that nobody has changed yet
};

class MemoryDirectory final : public Descriptor {
public:
    explicit MemoryDirectory(MemoryNodePtr node) noexcept : m_node(std::move(node)) {}

    [[nodiscard]] FileType type() const noexcept override { return FileType::directory; }
    [[nodiscard]] Outcome<FileStatus> status() override { return m_node->status(); }
    [[nodiscard]] Outcome<void> set_flags(uint32_t) override { return {}; }
    [[nodiscard]] Outcome<void> set_times(const TimeChanges& times) override;
    [[nodiscard]] Outcome<void> sync(bool) override { return {}; }
    [[nodiscard]] Outcome<void> list(uint64_t cookie, EntrySink& sink) override;
    [[nodiscard]] Outcome<std::shared_ptr<Descriptor>> open(const std::string& path,
                                                            const OpenMode& mode) override;
    [[nodiscard]] Outcome<FileStatus> status_at(const std::string& path, bool follows) override;
    [[nodiscard]] Outcome<void> set_times_at(const std::string& path, bool follows,
                                             const TimeChanges& times) override;
    [[nodiscard]] Outcome<void> create_directory(const std::string& path) override;
    [[nodiscard]] Outcome<void> remove_directory(const std::string& path) override;
    [[nodiscard]] Outcome<void> unlink_file(const std::string& path) override;
    [[nodiscard]] Outcome<void> rename(const std::string& path, Descriptor& target_directory,
                                       const std::string& target_path) override;
    [[nodiscard]] Outcome<void> link(const std::string& path, Descriptor& target_directory,
                                     const std::string& target_path) override;
    [[nodiscard]] Outcome<void> symlink(const std::string& text, const std::string& path) override;
    [[nodiscard]] Outcome<std::string> read_link(const std::string& path) override;

private:
    /// Something that exists, for its status. @return `noent`, `notdir`.
    [[nodiscard]] Outcome<MemoryNodePtr> existing(const std::string& path, bool follows) const;
    [[nodiscard]] Outcome<MemoryPlace> named(const std::string& path) const;
    /// What is renamed or linked, and where to. @return `xdev` for another file system.
    struct FromTo {
        MemoryPlace source, target;
    };
    [[nodiscard]] Outcome<FromTo> named_both(const std::string& path, Descriptor& target_directory,
                                             const std::string& target_path) const;

    MemoryNodePtr m_node;
};

}  // namespace wsb::wasi
