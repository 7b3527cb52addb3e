// SPDX-License-Identifier: Apache-2.0
// Resolution of paths in an in-memory file system: one component at a time, links by hand, as beneath.cpp
// does it for the host where the kernel cannot.
#include "wasi/memory_node.h"
#include "wasi/path_component.h"

#include <vector>

namespace wsb::wasi {
namespace {

constexpr size_t longest_name = 255;

class MemoryWalk {
public:
    MemoryWalk(MemoryNodePtr root, const std::string& path, LastLink last, bool creates)
        : m_rest(path), m_last(last), m_creates(creates), m_stack{std::move(root)} {}

    Outcome<MemoryPlace> run() {
        if (m_rest.empty())
            return refuse(Errno::noent);
        if (m_rest.front() == '/')
            return refuse(Errno::notcapable);
        while (true) {
            const std::string name = take_component(m_rest);
            const bool is_last = m_rest.find_first_not_of('/') == std::string::npos;
            const bool has_slash = is_last && !m_rest.empty();
            if (name == "." || name == "..") {
                // As a name to make or remove it only says that this cannot be done.
                const bool is_name = is_last && m_last == LastLink::named;
                if (name == ".." && !is_name && !leave())
                    return refuse(Errno::notcapable);
                if (is_last)
                    return MemoryPlace{m_stack.back(), ".", m_stack.back(), has_slash};
                continue;
            }
            if (has_slash && m_creates)
                return refuse(Errno::isdir);
            if (name.size() > longest_name)
                return refuse(Errno::nametoolong);
            WSB_TRY_ASSIGN(MemoryNodePtr node, m_stack.back()->child(name));
            if (node && node->type == FileType::symbolic_link && (!is_last || follows_last(has_slash))) {
                WSB_TRY(follow_link(node->link_text, m_rest, m_links));
                continue;
            }
            if (is_last)
                return MemoryPlace{m_stack.back(), name, std::move(node), has_slash};
            if (!node)
                return refuse(Errno::noent);
            if (!node->is_directory())
                return refuse(Errno::notdir);
            m_stack.push_back(std::move(node));
        }
    }

private:
    [[nodiscard]] bool follows_last(bool has_slash) const noexcept {
        return m_last == LastLink::followed || (m_last == LastLink::kept && has_slash);
    }

    [[nodiscard]] bool leave() noexcept {
        if (m_stack.size() == 1)
            return false;
        m_stack.pop_back();
        return true;
    }

    std::string m_rest;
    LastLink m_last;
    bool m_creates;
    std::vector<MemoryNodePtr> m_stack;
    unsigned m_links = 0;
};

}  // namespace

Outcome<MemoryPlace> locate_in_memory(const MemoryNodePtr& root, const std::string& path, LastLink last,
                                      bool creates) {
    return MemoryWalk(root, path, last, creates).run();
}

}  // namespace wsb::wasi
