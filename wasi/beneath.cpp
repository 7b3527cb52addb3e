// SPDX-License-Identifier: Apache-2.0
// Resolution beneath a directory: by the kernel's openat2, or by walking.
#include "wasi/beneath.h"

#include "engine/base/result.h"
#include "wasi/path_component.h"

#include <climits>

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace wsb::wasi::beneath {
namespace {

constexpr int always_flags = O_CLOEXEC | O_NOCTTY;
constexpr size_t max_open_components = 128;  ///< directories held open at once while walking

/// The mode is only allowed together with O_CREAT.
mode_t mode_for(int flags, mode_t mode) noexcept {
    return (flags & O_CREAT) != 0 ? mode : 0;
}

/// @return the descriptor; or -1 with errno, ENOSYS if the kernel has no openat2.
int open_in_kernel(int directory_fd, const char* path, int flags, mode_t mode) noexcept {
    open_how how{};
    // O_PATH admits only a few companions, and openat2 refuses others.
    how.flags = static_cast<uint64_t>(flags | ((flags & O_PATH) != 0 ? O_CLOEXEC : always_flags));
    how.mode = mode_for(flags, mode);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    // EAGAIN: something was renamed meanwhile, so that ".." could not be judged.
    constexpr int max_attempts = 32;
    long fd = -1;
    for (int attempt = 0; attempt < max_attempts; ++attempt) {
        fd = ::syscall(SYS_openat2, directory_fd, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return static_cast<int>(fd);
}

/// The state of a walk: a stack of open directories, and the text still to resolve.
class Walk {
public:
    Walk(int root_fd, std::string_view path) : m_root_fd(root_fd), m_rest(path) {}

    Outcome<HostFd> run(int flags, mode_t mode) {
        while (true) {
            if (m_rest.front() == '/' && m_stack.empty() && !m_has_started)
                return refuse(Errno::notcapable);
            m_has_started = true;
            const std::string name = take_component(m_rest);
            const bool is_last = m_rest.find_first_not_of('/') == std::string::npos;
            const bool has_slash = is_last && !m_rest.empty();
            if (name == "." || name == "..") {
                if (name == ".." && !leave())
                    return refuse(Errno::notcapable);
                if (is_last)
                    return open_here(".", flags, mode);
                continue;
            }
            if (!is_last) {
                WSB_TRY(enter(name));
                continue;
            }
            WSB_TRY_ASSIGN(const bool is_followed, follow_last(name, flags, has_slash));
            if (!is_followed) {
                // With a slash it has to be a directory; creating one by open is not possible.
                if (has_slash && (flags & O_CREAT) != 0)
                    return refuse(Errno::isdir);
                return open_here(name.c_str(), flags | O_NOFOLLOW | (has_slash ? O_DIRECTORY : 0), mode);
            }
        }
    }

private:
    [[nodiscard]] int current() const noexcept { return m_stack.empty() ? m_root_fd : m_stack.back().get(); }

    [[nodiscard]] bool leave() noexcept {
        if (m_stack.empty())
            return false;
        m_stack.pop_back();
        return true;
    }

    Outcome<HostFd> open_here(const char* name, int flags, mode_t mode) const {
        const int fd = ::openat(current(), name, flags | always_flags, mode_for(flags, mode));
        if (fd < 0)
            return refuse_with_host_errno();
        return HostFd(fd);
    }

    /// Goes down one component, or replaces it by the link's text.
    Outcome<void> enter(const std::string& name) {
        const int fd = ::openat(current(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return refuse_with_host_errno();
        HostFd opened(fd);
        struct stat status{};
        if (::fstat(fd, &status) != 0)
            return refuse_with_host_errno();
        if (S_ISLNK(status.st_mode)) {
            WSB_TRY_ASSIGN(const std::string target, read_link(fd, ""));
            return follow_link(target, m_rest, m_links);
        }
        if (!S_ISDIR(status.st_mode))
            return refuse(Errno::notdir);
        if (m_stack.size() >= max_open_components)
            return refuse(Errno::nametoolong);
        m_stack.push_back(std::move(opened));
        return {};
    }

    /// @return true if the last component was a link to follow, and its text now stands in its place.
    Outcome<bool> follow_last(const std::string& name, int flags, bool has_slash) {
        const bool exclusive = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
        if (((flags & O_NOFOLLOW) != 0 || exclusive) && !has_slash)
            return false;
        const auto target = read_link(current(), name.c_str());
        if (!target) {
            // EINVAL says that it is no link, ENOENT that it may be created: both for open to decide.
            return target.error() == Errno::inval || target.error() == Errno::noent ? Outcome<bool>(false)
                                                                                    : refuse(target.error());
        }
        WSB_TRY(follow_link(*target, m_rest, m_links));
        return true;
    }

    static Outcome<std::string> read_link(int directory_fd, const char* name) {
        char text[PATH_MAX];
        const ssize_t length = ::readlinkat(directory_fd, name, text, sizeof text);
        if (length < 0)
            return refuse_with_host_errno();
        if (length == static_cast<ssize_t>(sizeof text))
            return refuse(Errno::nametoolong);
        return std::string(text, static_cast<size_t>(length));
    }

    int m_root_fd;
    std::string m_rest;
    std::vector<HostFd> m_stack;
    unsigned m_links = 0;
    bool m_has_started = false;
};

Outcome<void> check_text(std::string_view path) noexcept {
    if (path.empty())
        return refuse(Errno::noent);
    if (path.find('\0') != std::string_view::npos)
        return refuse(Errno::inval);
    if (path.size() > max_path_bytes)
        return refuse(Errno::nametoolong);
    return {};
}

/// Set once the kernel has said that it has no openat2 (or a filter forbids it).
std::atomic<bool> kernel_lacks_openat2{false};

}  // namespace

Outcome<HostFd> open(int directory_fd, std::string_view path, int flags, mode_t mode) {
    WSB_TRY(check_text(path));
    if (!kernel_lacks_openat2.load(std::memory_order_relaxed)) {
        const std::string terminated(path);
        const int fd = open_in_kernel(directory_fd, terminated.c_str(), flags, mode);
        if (fd >= 0)
            return HostFd(fd);
        // EXDEV is how the kernel reports an attempt to leave.
        if (errno == EXDEV)
            return refuse(Errno::notcapable);
        // So much is renamed on this machine (anywhere, also by others) that the kernel gave up on "..": a
        // walk needs no such luck.
        if (errno != ENOSYS && errno != EAGAIN)
            return refuse_with_host_errno();
        if (errno == ENOSYS)
            kernel_lacks_openat2.store(true, std::memory_order_relaxed);
    }
    return open_by_walking(directory_fd, path, flags, mode);
}

Outcome<HostFd> open_by_walking(int directory_fd, std::string_view path, int flags, mode_t mode) {
    WSB_TRY(check_text(path));
    return Walk(directory_fd, path).run(flags, mode);
}

Outcome<Place> locate(int directory_fd, std::string_view path) {
    WSB_TRY(check_text(path));
    if (path.front() == '/')
        return refuse(Errno::notcapable);
    Place place;
    const size_t last = path.find_last_not_of('/');
    place.has_trailing_slash = last + 1 < path.size();
    path = path.substr(0, last + 1);
    const size_t slash = path.rfind('/');
    place.name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    const std::string_view parent = slash == std::string_view::npos ? "." : path.substr(0, slash);
    WSB_TRY_ASSIGN(place.directory, open(directory_fd, parent, O_PATH | O_DIRECTORY));
    return place;
}

bool link_stays_beneath(std::string_view link_path, std::string_view target) noexcept {
    if (!target.empty() && target.front() == '/')
        return false;
    int depth = 0;
    const auto walk = [&depth](std::string_view text) {
        while (!text.empty()) {
            const size_t end = std::min(text.find('/'), text.size());
            const std::string_view name = text.substr(0, end);
            text.remove_prefix(std::min(end + 1, text.size()));
            if (name == "..")
                --depth;
            else if (!name.empty() && name != ".")
                ++depth;
            if (depth < 0)
                return false;
        }
        return true;
    };
    const size_t slash = link_path.find_last_not_of('/') == std::string_view::npos
                             ? std::string_view::npos
                             : link_path.rfind('/', link_path.find_last_not_of('/'));
    const std::string_view parent =
        slash == std::string_view::npos ? std::string_view{} : link_path.substr(0, slash);
    return walk(parent) && walk(target);
}

}  // namespace wsb::wasi::beneath
