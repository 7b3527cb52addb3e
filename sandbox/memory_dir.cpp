// SPDX-License-Identifier: Apache-2.0
#include "sandbox/memory_dir.h"

#include "engine/base/result.h"
#include "wasi/host_directory.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wsb::sandbox {
namespace {

std::unexpected<Error> cannot(const char* what, const DirGrant& grant) {
    return fail(ErrorCode::io_error,
                std::string("cannot ") + what + " \"" + grant.host + "\": " + std::strerror(errno));
}

/// Headers and padding come on top of what it unpacks to.
Result<std::vector<uint8_t>> read_archive(const DirGrant& grant) {
    const wasi::HostFd file(::open(grant.host.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status{};
    if (!file.is_valid() || ::fstat(file.get(), &status) != 0)
        return cannot("open archive", grant);
    const auto size_bytes = static_cast<uint64_t>(status.st_size);
    if (!S_ISREG(status.st_mode) || size_bytes / 2 > grant.max_memory_bytes)
        return fail(ErrorCode::limit_exceeded, "archive \"" + grant.host + "\" is no file, or too large");
    std::vector<uint8_t> bytes(size_bytes);
    for (size_t at = 0; at < bytes.size();) {
        const ssize_t count = ::read(file.get(), bytes.data() + at, bytes.size() - at);
        if (count == 0)
            return fail(ErrorCode::io_error,
                        "archive \"" + grant.host + "\" became shorter while it was read");
        if (count < 0 && errno != EINTR)
            return cannot("read archive", grant);
        at += count > 0 ? static_cast<size_t>(count) : 0;
    }
    return bytes;
}

}  // namespace

Result<MemoryDir> MemoryDir::open(const DirGrant& grant) {
    MemoryDir dir(grant);
    if (grant.source == DirSource::archive) {
        WSB_TRY_ASSIGN(dir.m_archive, read_archive(grant));
    } else if (grant.source != DirSource::memory) {
        wasi::HostFd opened(::open(grant.host.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!opened.is_valid())
            return cannot("open directory", grant);
        dir.m_host = std::make_shared<wasi::HostDirectory>(std::move(opened));
    }
    return dir;
}

Result<void> MemoryDir::fill(wasi::Policy& policy) {
    const wasi::MemoryFileSystem::Options options{.max_bytes = m_grant.max_memory_bytes};
    m_files = m_grant.source == DirSource::overlay ? wasi::MemoryFileSystem::overlay(m_host, options)
                                                   : std::make_unique<wasi::MemoryFileSystem>(options);
    wasi::Outcome<void> filled = m_files->attach(policy);
    if (filled && m_grant.source == DirSource::copy)
        filled = m_files->copy_from(m_host);
    if (filled && m_grant.source == DirSource::archive)
        return wasi::unpack_tar(m_archive, *m_files);
    if (filled)
        return {};
    const bool is_full = filled.error() == wasi::Errno::nospc;
    return fail(
        is_full ? ErrorCode::limit_exceeded : ErrorCode::io_error,
        "directory \"" + m_grant.guest + "\" in memory: " +
            (is_full ? "what it begins with does not fit" : std::string(wasi::errno_name(filled.error()))));
}

}  // namespace wsb::sandbox
