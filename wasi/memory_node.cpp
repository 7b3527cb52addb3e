// SPDX-License-Identifier: Apache-2.0
// Nodes of an in-memory file system.
#include "wasi/memory_node.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

namespace wsb::wasi {
namespace {
constexpr auto max_file_bytes = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());

uint64_t chosen(const TimeChange& change, uint64_t before, uint64_t now) noexcept {
    switch (change.kind) {
        case TimeChange::Kind::keep: break;
        case TimeChange::Kind::now: return now;
        case TimeChange::Kind::given: return change.time_ns;
    }
    return before;
}

/// The entries of a directory below, as names.
class Names final : public EntrySink {
public:
    explicit Names(MemoryVolume& volume) noexcept : m_volume(volume) {}
    Outcome<bool> put(const DirectoryEntry& entry) override {
        WSB_TRY(m_volume.checkpoint());
        if (entry.name != "." && entry.name != "..")
            names.emplace_back(entry.name);
        return true;
    }
    std::vector<std::string> names;

private:
    MemoryVolume& m_volume;
};
}  // namespace

Outcome<void> MemoryVolume::take(uint64_t size_bytes) {
    if (size_bytes > m_max_bytes - m_used_bytes)
        return refuse(Errno::nospc);
    if (m_policy != nullptr)
        WSB_TRY(m_policy->charge(Charge::host_memory_bytes, size_bytes, nullptr));
    m_used_bytes += size_bytes;
    return {};
}

void MemoryVolume::give_back(uint64_t size_bytes) noexcept {
    m_used_bytes -= size_bytes;
    if (m_policy != nullptr)
        m_policy->refund(Charge::host_memory_bytes, size_bytes, nullptr);
}

uint64_t MemoryVolume::now_ns() noexcept {
    return m_policy != nullptr ? m_policy->clock_time_ns(ClockId::realtime).value_or(0) : 0;
}

Outcome<void> MemoryVolume::checkpoint() noexcept {
    return m_policy != nullptr ? m_policy->checkpoint() : Outcome<void>{};
}

size_t MemoryBytes::read(std::span<uint8_t> target, uint64_t offset) const noexcept {
    if (offset >= m_size_bytes)
        return 0;
    const auto total = static_cast<size_t>(std::min<uint64_t>(target.size(), m_size_bytes - offset));
    for (size_t done = 0; done < total;) {
        const uint64_t at = offset + done;
        const size_t inside = at % chunk_bytes;
        const size_t part = std::min(total - done, chunk_bytes - inside);
        const auto chunk = m_chunks.find(at / chunk_bytes);
        if (chunk == m_chunks.end())
            std::memset(target.data() + done, 0, part);
        else
            std::memcpy(target.data() + done, chunk->second->data() + inside, part);
        done += part;
    }
    return total;
}

Outcome<MemoryBytes::Chunk*> MemoryBytes::chunk_at(uint64_t index) {
    const auto found = m_chunks.find(index);
    if (found != m_chunks.end())
        return found->second.get();
    WSB_TRY(m_volume.take(chunk_bytes));
    return m_chunks.emplace(index, std::make_unique<Chunk>()).first->second.get();
}

Outcome<size_t> MemoryBytes::write(std::span<const uint8_t> source, uint64_t offset) {
    if (offset > max_file_bytes || source.size() > max_file_bytes - offset)
        return refuse(Errno::fbig);
    size_t done = 0;
    while (done < source.size()) {
        const uint64_t at = offset + done;
        const size_t inside = at % chunk_bytes;
        const size_t part = std::min(source.size() - done, chunk_bytes - inside);
        const auto chunk = chunk_at(at / chunk_bytes);
        if (!chunk && (done == 0 || chunk.error() == Errno::canceled))
            return refuse(chunk.error());
        if (!chunk)
            break;
        std::memcpy((*chunk)->data() + inside, source.data() + done, part);
        done += part;
    }
    if (done > 0)
        m_size_bytes = std::max(m_size_bytes, offset + done);
    return done;
}

Outcome<void> MemoryBytes::resize(uint64_t size_bytes) {
    if (size_bytes > max_file_bytes)
        return refuse(Errno::fbig);
    if (size_bytes < m_size_bytes) {
        const uint64_t kept = (size_bytes + chunk_bytes - 1) / chunk_bytes;
        const auto first = m_chunks.lower_bound(kept);
        m_volume.give_back(static_cast<uint64_t>(std::distance(first, m_chunks.end())) * chunk_bytes);
        m_chunks.erase(first, m_chunks.end());
        // What is cut off must read as zeros when the file grows again.
        const auto last = m_chunks.find(size_bytes / chunk_bytes);
        if (last != m_chunks.end())
            std::fill(last->second->begin() + static_cast<ptrdiff_t>(size_bytes % chunk_bytes),
                      last->second->end(), uint8_t{0});
    }
    m_size_bytes = size_bytes;
    return {};
}

MemoryNode::MemoryNode(std::shared_ptr<MemoryVolume> in_volume, FileType of_type)
    : volume(std::move(in_volume)), type(of_type), inode(volume->next_inode()), access_ns(volume->now_ns()),
      modification_ns(access_ns), change_ns(access_ns), bytes(*volume) {}

MemoryNode::~MemoryNode() {
    std::vector<MemoryNodePtr> doomed;
    const auto take_children = [&](MemoryNode& node) {
        for (auto& [name, entry] : node.entries) {
            volume->give_back(name.size());
            doomed.push_back(std::move(entry.node));
        }
        node.entries.clear();
    };
    take_children(*this);
    while (!doomed.empty()) {
        const MemoryNodePtr node = std::move(doomed.back());
        doomed.pop_back();
        if (node.use_count() == 1)
            take_children(*node);
    }
    volume->give_back(own_bytes);
}

Outcome<MemoryNodePtr> make_node(const std::shared_ptr<MemoryVolume>& volume, FileType type) {
    WSB_TRY(volume->take(MemoryNode::own_bytes));
    return std::make_shared<MemoryNode>(volume, type);
}

FileStatus MemoryNode::status() const noexcept {
    FileStatus result;
    result.inode = inode;
    result.type = type;
    result.link_count = link_count;
    result.size_bytes = below_directory && type == FileType::regular_file ? below_size_bytes
                        : type == FileType::symbolic_link                 ? link_text.size()
                                                                          : bytes.size_bytes();
    result.access_ns = access_ns;
    result.modification_ns = modification_ns;
    result.change_ns = change_ns;
    return result;
}

void MemoryNode::set_times(const TimeChanges& times) noexcept {
    const uint64_t now = volume->now_ns();
    access_ns = chosen(times.access, access_ns, now);
    modification_ns = chosen(times.modification, modification_ns, now);
    change_ns = now;
}

void MemoryNode::touch() noexcept {
    modification_ns = change_ns = volume->now_ns();
}

Outcome<MemoryNodePtr> MemoryNode::child(const std::string& name) {
    WSB_TRY(look_below());
    const auto found = entries.find(name);
    return found == entries.end() ? MemoryNodePtr{} : found->second.node;
}

Outcome<std::shared_ptr<Descriptor>> MemoryNode::open_below() const {
    OpenMode mode;
    mode.reads = true;
    mode.wants_directory = is_directory();
    return below_directory->open(below_path, mode);
}

Outcome<void> MemoryNode::look_below() {
    if (!below_directory || !is_directory())
        return {};
    WSB_TRY_ASSIGN(const auto directory, open_below());
    Names names(*volume);
    WSB_TRY(directory->list(0, names));
    std::vector<std::pair<std::string, MemoryNodePtr>> found;
    for (std::string& name : names.names) {
        WSB_TRY(volume->checkpoint());
        const auto below = directory->status_at(name, false);
        // Removed meanwhile, or nothing that could be shown.
        if (!below || (below->type != FileType::regular_file && below->type != FileType::directory &&
                       below->type != FileType::symbolic_link))
            continue;
        WSB_TRY_ASSIGN(MemoryNodePtr node, make_node(volume, below->type));
        node->access_ns = below->access_ns;
        node->modification_ns = below->modification_ns;
        node->change_ns = below->change_ns;
        node->below_size_bytes = below->size_bytes;
        if (below->type == FileType::symbolic_link) {
            WSB_TRY_ASSIGN(node->link_text, directory->read_link(name));
        } else {
            // By the whole path: a directory kept open for each would take the host's descriptors.
            node->below_directory = below_directory;
            node->below_path = below_path == "." ? name : below_path + "/" + name;
        }
        found.emplace_back(std::move(name), std::move(node));
    }
    below_directory.reset();
    const uint64_t modified_ns = modification_ns;
    for (auto& [name, node] : found)
        WSB_TRY(insert(name, std::move(node)));
    modification_ns = modified_ns;
    return {};
}

Outcome<void> MemoryNode::copy_up() {
    if (!below_directory || type != FileType::regular_file)
        return {};
    WSB_TRY_ASSIGN(const auto source, open_below());
    std::vector<uint8_t> piece(size_t{1} << 16);
    for (uint64_t done = 0;;) {
        WSB_TRY(volume->checkpoint());
        const iovec target{piece.data(), piece.size()};
        WSB_TRY_ASSIGN(const size_t count, source->read_at(std::span(&target, 1), done));
        if (count == 0)
            break;
        const auto written = bytes.write(std::span(piece).first(count), done);
        if (!written || *written < count) {
            // As if nothing had been tried.
            WSB_TRY(bytes.resize(0));
            return refuse(written ? Errno::nospc : written.error());
        }
        done += count;
    }
    below_directory.reset();
    return {};
}

Outcome<void> MemoryNode::insert(const std::string& name, MemoryNodePtr node) {
    WSB_TRY(volume->take(name.size()));
    if (node->is_directory())
        node->parent = weak_from_this();
    ++node->link_count;
    by_cookie.emplace(next_cookie, name);
    entries[name] = Entry{std::move(node), next_cookie++};
    touch();
    return {};
}

void MemoryNode::remove(const std::string& name) noexcept {
    const auto found = entries.find(name);
    if (found == entries.end())
        return;
    --found->second.node->link_count;
    by_cookie.erase(found->second.cookie);
    volume->give_back(name.size());
    entries.erase(found);
    touch();
}

}  // namespace wsb::wasi
