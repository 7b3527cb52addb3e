// SPDX-License-Identifier: Apache-2.0
// Files in memory, and filling a file system of them.
#include "wasi/memory_files.h"

#include "wasi/memory_descriptors.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace wsb::wasi {
namespace {

constexpr auto max_offset = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());

std::span<uint8_t> bytes_of(const iovec& vector) noexcept {
    return {static_cast<uint8_t*>(vector.iov_base), vector.iov_len};
}

size_t read_vectors(const MemoryBytes& bytes, std::span<const iovec> targets, uint64_t offset) noexcept {
    size_t total = 0;
    for (const iovec& target : targets) {
        const size_t count = bytes.read(bytes_of(target), offset + total);
        total += count;
        if (count < target.iov_len)
            break;
    }
    return total;
}

Outcome<size_t> write_vectors(MemoryBytes& bytes, std::span<const iovec> sources, uint64_t offset) {
    size_t total = 0;
    for (const iovec& source : sources) {
        const auto count = bytes.write(bytes_of(source), offset + total);
        if (!count && (total == 0 || count.error() == Errno::canceled))
            return count;
        if (!count)
            break;
        total += *count;
        if (*count < source.iov_len)
            break;
    }
    return total;
}

}  // namespace

Outcome<void> MemoryFile::set_flags(uint32_t flags) {
    constexpr uint32_t changeable = fdflag::append | fdflag::nonblock;
    m_flags = (m_flags & ~changeable) | (flags & changeable);
    return {};
}

Outcome<void> MemoryFile::set_times(const TimeChanges& times) {
    m_node->set_times(times);
    return {};
}

Outcome<size_t> MemoryFile::read_at(std::span<const iovec> targets, uint64_t offset) {
    if (offset > max_offset)
        return refuse(Errno::inval);
    if (!m_node->below_directory)
        return read_vectors(m_node->bytes, targets, offset);
    if (!m_below) {
        WSB_TRY_ASSIGN(m_below, m_node->open_below());
    }
    return m_below->read_at(targets, offset);
}

Outcome<size_t> MemoryFile::read(std::span<const iovec> targets) {
    WSB_TRY_ASSIGN(const size_t count, read_at(targets, m_position));
    m_position += count;
    return count;
}

Outcome<size_t> MemoryFile::write_at(std::span<const iovec> sources, uint64_t offset) {
    WSB_TRY(m_node->copy_up());
    m_below.reset();
    // As on Linux, also for a given offset.
    if ((m_flags & fdflag::append) != 0)
        offset = m_node->bytes.size_bytes();
    WSB_TRY_ASSIGN(const size_t count, write_vectors(m_node->bytes, sources, offset));
    if (count > 0)
        m_node->touch();
    return count;
}

Outcome<size_t> MemoryFile::write(std::span<const iovec> sources) {
    WSB_TRY_ASSIGN(const size_t count, write_at(sources, m_position));
    m_position = (m_flags & fdflag::append) != 0 ? m_node->bytes.size_bytes() : m_position + count;
    return count;
}

Outcome<uint64_t> MemoryFile::seek(int64_t offset, Whence whence) {
    const uint64_t base = whence == Whence::set   ? 0
                          : whence == Whence::cur ? m_position
                                                  : m_node->status().size_bytes;
    // Both are at most 2^63 - 1, so that the sum does not wrap.
    const auto position = offset < 0 ? base - (uint64_t{0} - static_cast<uint64_t>(offset))
                                     : base + static_cast<uint64_t>(offset);
    if (position > max_offset)
        return refuse(Errno::inval);
    m_position = position;
    return position;
}

Outcome<void> MemoryFile::set_size(uint64_t size_bytes) {
    WSB_TRY(m_node->copy_up());
    WSB_TRY(m_node->bytes.resize(size_bytes));
    m_node->touch();
    return {};
}

Outcome<void> MemoryFile::allocate(uint64_t offset, uint64_t length) {
    if (length == 0 || offset > max_offset)
        return refuse(Errno::inval);
    if (length > max_offset - offset)
        return refuse(Errno::fbig);
    WSB_TRY(m_node->copy_up());
    if (offset + length > m_node->bytes.size_bytes())
        return set_size(offset + length);
    return {};
}

uint64_t MemoryFile::bytes_ready() {
    const uint64_t size_bytes = m_node->status().size_bytes;
    return size_bytes > m_position ? size_bytes - m_position : 0;
}

MemoryFileSystem::MemoryFileSystem(Options options)
    : m_volume(std::make_shared<MemoryVolume>(std::max(options.max_bytes, MemoryNode::own_bytes))) {
    // There is always room for it.
    m_root = make_node(m_volume, FileType::directory).value();
    m_root->link_count = 1;
}

MemoryFileSystem::~MemoryFileSystem() {
    m_volume->set_policy(nullptr);
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::overlay(std::shared_ptr<Descriptor> lower,
                                                            Options options) {
    auto files = std::make_unique<MemoryFileSystem>(options);
    files->m_root->below_directory = std::move(lower);
    files->m_root->below_path = ".";
    return files;
}

std::shared_ptr<Descriptor> MemoryFileSystem::root() const {
    return std::make_shared<MemoryDirectory>(m_root);
}

uint64_t MemoryFileSystem::used_bytes() const noexcept {
    return m_volume->used_bytes();
}

Outcome<void> MemoryFileSystem::attach(Policy& policy) {
    WSB_TRY(policy.charge(Charge::host_memory_bytes, m_volume->used_bytes(), nullptr));
    m_volume->set_policy(&policy);
    return {};
}

/// Makes the directories above. @param name the last component.
Outcome<MemoryNodePtr> MemoryFileSystem::parent_of(const std::string& path, std::string& name) {
    MemoryNodePtr directory = m_root;
    for (size_t at = 0; at < path.size();) {
        const size_t end = std::min(path.find('/', at), path.size());
        std::string component = path.substr(at, end - at);
        at = end + 1;
        if (component == ".." || component.find('\0') != std::string::npos)
            return refuse(Errno::inval);
        if (component.empty() || component == ".")
            continue;
        if (!name.empty()) {
            WSB_TRY_ASSIGN(MemoryNodePtr next, directory->child(name));
            if (!next) {
                WSB_TRY_ASSIGN(next, make_node(m_volume, FileType::directory));
                WSB_TRY(directory->insert(name, next));
            }
            if (!next->is_directory())
                return refuse(Errno::notdir);
            directory = std::move(next);
        }
        name = std::move(component);
    }
    if (name.empty())
        return refuse(Errno::inval);
    return directory;
}

Outcome<void> MemoryFileSystem::add(const std::string& path, const MemoryNodePtr& node) {
    std::string name;
    WSB_TRY_ASSIGN(const MemoryNodePtr directory, parent_of(path, name));
    WSB_TRY_ASSIGN(const MemoryNodePtr present, directory->child(name));
    if (present)
        return refuse(Errno::exist);
    return directory->insert(name, node);
}

Outcome<void> MemoryFileSystem::add_directory(const std::string& path) {
    WSB_TRY_ASSIGN(const MemoryNodePtr node, make_node(m_volume, FileType::directory));
    return add(path, node);
}

Outcome<void> MemoryFileSystem::add_file(const std::string& path, std::span<const uint8_t> content) {
    WSB_TRY_ASSIGN(const MemoryNodePtr node, make_node(m_volume, FileType::regular_file));
    WSB_TRY_ASSIGN(const size_t written, node->bytes.write(content, 0));
    if (written < content.size())
        return refuse(Errno::nospc);
    return add(path, node);
}

Outcome<void> MemoryFileSystem::add_symlink(const std::string& path, const std::string& text) {
    if (text.empty() || text.size() > max_path_bytes || text.find('\0') != std::string::npos)
        return refuse(Errno::inval);
    WSB_TRY_ASSIGN(const MemoryNodePtr node, make_node(m_volume, FileType::symbolic_link));
    node->link_text = text;
    return add(path, node);
}

Outcome<void> MemoryFileSystem::add_link(const std::string& path, const std::string& existing_path) {
    WSB_TRY_ASSIGN(const MemoryPlace place, locate_in_memory(m_root, existing_path, LastLink::named));
    if (!place.node)
        return refuse(Errno::noent);
    if (place.node->is_directory())
        return refuse(Errno::perm);
    return add(path, place.node);
}

Outcome<void> MemoryFileSystem::set_modification_time(const std::string& path, uint64_t time_ns) {
    WSB_TRY_ASSIGN(const MemoryPlace place, locate_in_memory(m_root, path, LastLink::named));
    if (!place.node)
        return refuse(Errno::noent);
    place.node->access_ns = place.node->modification_ns = place.node->change_ns = time_ns;
    return {};
}

Outcome<void> MemoryFileSystem::copy_from(std::shared_ptr<Descriptor> directory) {
    m_root->below_directory = std::move(directory);
    m_root->below_path = ".";
    std::vector<MemoryNodePtr> left{m_root};
    while (!left.empty()) {
        const MemoryNodePtr node = std::move(left.back());
        left.pop_back();
        WSB_TRY(node->look_below());
        WSB_TRY(node->copy_up());
        for (const auto& [name, entry] : node->entries)
            left.push_back(entry.node);
    }
    return {};
}

}  // namespace wsb::wasi
