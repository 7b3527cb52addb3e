// SPDX-License-Identifier: Apache-2.0
// Directories in memory.
#include "wasi/beneath.h"
#include "wasi/memory_descriptors.h"

namespace wsb::wasi {
namespace {

/// What a slash at the end demands of something that exists.
Outcome<void> check_slash(const MemoryPlace& place) noexcept {
    if (place.has_trailing_slash && !place.node->is_directory())
        return refuse(Errno::notdir);
    return {};
}

/// Whether a name can be given in this directory: not in one that was removed.
Outcome<void> check_new(const MemoryPlace& place) noexcept {
    if (place.node)
        return refuse(Errno::exist);
    if (place.directory->link_count == 0)
        return refuse(Errno::noent);
    return {};
}

/// For names of files and links: a slash after them names a directory, which there is not.
Outcome<void> check_new_file(const MemoryPlace& place) noexcept {
    WSB_TRY(check_new(place));
    if (place.has_trailing_slash)
        return refuse(Errno::noent);
    return {};
}

bool is_inside(MemoryNodePtr node, const MemoryNodePtr& directory) noexcept {
    for (; node; node = node->parent.lock()) {
        if (node == directory)
            return true;
    }
    return false;
}

/// What rename demands of a name that exists already, and will be replaced.
Outcome<void> check_replaced(const MemoryNode& source, MemoryNode& target) {
    if (source.is_directory() && !target.is_directory())
        return refuse(Errno::notdir);
    if (!source.is_directory() && target.is_directory())
        return refuse(Errno::isdir);
    WSB_TRY(target.look_below());
    if (!target.entries.empty())
        return refuse(Errno::notempty);
    return {};
}

Outcome<void> check_openable(const MemoryPlace& place, const OpenMode& mode) noexcept {
    const MemoryNode& node = *place.node;
    if (mode.creates && mode.is_exclusive)
        return refuse(Errno::exist);
    if (node.type == FileType::symbolic_link)
        return refuse(mode.wants_directory ? Errno::notdir : Errno::loop);
    if (node.is_directory() && mode.changes())
        return refuse(Errno::isdir);
    if (!node.is_directory() && (mode.wants_directory || place.has_trailing_slash))
        return refuse(Errno::notdir);
    return {};
}

}  // namespace

Outcome<MemoryNodePtr> MemoryDirectory::existing(const std::string& path, bool follows) const {
    WSB_TRY_ASSIGN(const MemoryPlace place,
                   locate_in_memory(m_node, path, follows ? LastLink::followed : LastLink::kept));
    if (!place.node)
        return refuse(Errno::noent);
    WSB_TRY(check_slash(place));
    return place.node;
}

Outcome<MemoryPlace> MemoryDirectory::named(const std::string& path) const {
    return locate_in_memory(m_node, path, LastLink::named);
}

Outcome<MemoryDirectory::FromTo> MemoryDirectory::named_both(const std::string& path,
                                                             Descriptor& target_directory,
                                                             const std::string& target_path) const {
    const auto* const other = dynamic_cast<const MemoryDirectory*>(&target_directory);
    if (other == nullptr)
        return refuse(target_directory.type() == FileType::directory ? Errno::xdev : Errno::notdir);
    FromTo places;
    WSB_TRY_ASSIGN(places.source, named(path));
    WSB_TRY_ASSIGN(places.target, other->named(target_path));
    if (other->m_node->volume != m_node->volume)
        return refuse(Errno::xdev);
    return places;
}

Outcome<void> MemoryDirectory::set_times(const TimeChanges& times) {
    m_node->set_times(times);
    return {};
}

Outcome<void> MemoryDirectory::list(uint64_t cookie, EntrySink& sink) {
    WSB_TRY(m_node->look_below());
    constexpr uint64_t first_name = 2;
    if (cookie == 0) {
        WSB_TRY_ASSIGN(const bool more, sink.put({1, m_node->inode, FileType::directory, "."}));
        if (!more)
            return {};
    }
    if (cookie <= 1) {
        // What lies above is not the guest's business.
        WSB_TRY_ASSIGN(const bool more, sink.put({first_name, 0, FileType::directory, ".."}));
        if (!more)
            return {};
    }
    for (auto at = m_node->by_cookie.lower_bound(cookie); at != m_node->by_cookie.end(); ++at) {
        const MemoryNode& node = *m_node->entries.at(at->second).node;
        WSB_TRY_ASSIGN(const bool more, sink.put({at->first + 1, node.inode, node.type, at->second}));
        if (!more)
            return {};
    }
    return {};
}

Outcome<std::shared_ptr<Descriptor>> MemoryDirectory::open(const std::string& path, const OpenMode& mode) {
    const bool follows = mode.follows && !(mode.creates && mode.is_exclusive);
    WSB_TRY_ASSIGN(
        MemoryPlace place,
        locate_in_memory(m_node, path, follows ? LastLink::followed : LastLink::kept, mode.creates));
    if (!place.node) {
        if (!mode.creates)
            return refuse(Errno::noent);
        WSB_TRY(check_new(place));
        WSB_TRY_ASSIGN(place.node, make_node(m_node->volume, FileType::regular_file));
        WSB_TRY(place.directory->insert(place.name, place.node));
        return std::make_shared<MemoryFile>(place.node, mode.fdflags);
    }
    WSB_TRY(check_openable(place, mode));
    if (place.node->is_directory())
        return std::make_shared<MemoryDirectory>(place.node);
    if (mode.truncates) {
        // What is below need not be copied for that.
        place.node->below_directory.reset();
        WSB_TRY(place.node->bytes.resize(0));
        place.node->touch();
    }
    return std::make_shared<MemoryFile>(place.node, mode.fdflags);
}

Outcome<FileStatus> MemoryDirectory::status_at(const std::string& path, bool follows) {
    WSB_TRY_ASSIGN(const MemoryNodePtr node, existing(path, follows));
    return node->status();
}

Outcome<void> MemoryDirectory::set_times_at(const std::string& path, bool follows, const TimeChanges& times) {
    WSB_TRY_ASSIGN(const MemoryNodePtr node, existing(path, follows));
    node->set_times(times);
    return {};
}

Outcome<void> MemoryDirectory::create_directory(const std::string& path) {
    WSB_TRY_ASSIGN(const MemoryPlace place, named(path));
    WSB_TRY(check_new(place));
    WSB_TRY_ASSIGN(MemoryNodePtr node, make_node(m_node->volume, FileType::directory));
    return place.directory->insert(place.name, std::move(node));
}

Outcome<void> MemoryDirectory::remove_directory(const std::string& path) {
    WSB_TRY_ASSIGN(const MemoryPlace place, named(path));
    if (place.is_dots())
        return refuse(Errno::inval);
    if (!place.node)
        return refuse(Errno::noent);
    if (!place.node->is_directory())
        return refuse(Errno::notdir);
    WSB_TRY(place.node->look_below());
    if (!place.node->entries.empty())
        return refuse(Errno::notempty);
    place.directory->remove(place.name);
    return {};
}

Outcome<void> MemoryDirectory::unlink_file(const std::string& path) {
    WSB_TRY_ASSIGN(const MemoryPlace place, named(path));
    if (!place.node)
        return refuse(Errno::noent);
    if (place.node->is_directory())
        return refuse(Errno::isdir);
    WSB_TRY(check_slash(place));
    place.directory->remove(place.name);
    place.node->change_ns = place.node->volume->now_ns();
    return {};
}

Outcome<void> MemoryDirectory::rename(const std::string& path, Descriptor& target_directory,
                                      const std::string& target_path) {
    WSB_TRY_ASSIGN(const auto places, named_both(path, target_directory, target_path));
    const auto& [source, target] = places;
    if (source.is_dots() || target.is_dots())
        return refuse(Errno::busy);
    if (!source.node)
        return refuse(Errno::noent);
    if ((source.has_trailing_slash || target.has_trailing_slash) && !source.node->is_directory())
        return refuse(Errno::notdir);
    if (source.node == target.node)
        return {};
    if (source.node->is_directory() && is_inside(target.directory, source.node))
        return refuse(Errno::inval);
    // A directory that holds the source is not empty, whatever the source is.
    if (target.node && is_inside(source.directory, target.node))
        return refuse(Errno::notempty);
    if (target.node)
        WSB_TRY(check_replaced(*source.node, *target.node));
    else
        WSB_TRY(check_new(target));
    // Charged before anything is lost.
    WSB_TRY(m_node->volume->take(target.name.size()));
    m_node->volume->give_back(target.name.size());
    target.directory->remove(target.name);
    source.directory->remove(source.name);
    return target.directory->insert(target.name, source.node);
}

Outcome<void> MemoryDirectory::link(const std::string& path, Descriptor& target_directory,
                                    const std::string& target_path) {
    WSB_TRY_ASSIGN(const auto places, named_both(path, target_directory, target_path));
    const auto& [source, target] = places;
    if (source.is_dots())
        return refuse(Errno::perm);
    if (target.is_dots())
        return refuse(Errno::exist);
    // In the order in which the host finds them.
    if (source.has_trailing_slash && !source.node)
        return refuse(Errno::noent);
    if (source.has_trailing_slash)
        WSB_TRY(check_slash(source));
    if (target.has_trailing_slash)
        WSB_TRY(check_new_file(target));
    if (!source.node)
        return refuse(Errno::noent);
    WSB_TRY(check_new_file(target));
    if (source.node->is_directory())
        return refuse(Errno::perm);
    return target.directory->insert(target.name, source.node);
}

Outcome<void> MemoryDirectory::symlink(const std::string& text, const std::string& path) {
    // Nobody but this guest could follow it; but it shall meet the same rules everywhere.
    if (!beneath::link_stays_beneath(path, text))
        return refuse(Errno::notcapable);
    WSB_TRY_ASSIGN(const MemoryPlace place, named(path));
    WSB_TRY(check_new_file(place));
    WSB_TRY_ASSIGN(MemoryNodePtr node, make_node(m_node->volume, FileType::symbolic_link));
    node->link_text = text;
    return place.directory->insert(place.name, std::move(node));
}

Outcome<std::string> MemoryDirectory::read_link(const std::string& path) {
    WSB_TRY_ASSIGN(const MemoryPlace place, named(path));
    if (!place.node)
        return refuse(Errno::noent);
    WSB_TRY(check_slash(place));
    if (place.node->type != FileType::symbolic_link)
        return refuse(Errno::inval);
    return place.node->link_text;
}

}  // namespace wsb::wasi
