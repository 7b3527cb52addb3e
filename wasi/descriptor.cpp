// SPDX-License-Identifier: Apache-2.0
// What a descriptor answers to operations that it does not have.
#include "wasi/descriptor.h"

namespace wsb::wasi {
namespace {
/// Operations of files: directories are named as such.
std::unexpected<Errno> not_a_file(const Descriptor& descriptor, Errno otherwise) noexcept {
    return refuse(descriptor.type() == FileType::directory ? Errno::isdir : otherwise);
}
}  // namespace

Rights rights_for(FileType type) noexcept {
    constexpr Rights position = right::fd_seek | right::fd_tell;
    constexpr Rights storage = right::fd_allocate | right::fd_advise | right::fd_filestat_set_size;
    switch (type) {
        case FileType::directory: return right::directory;
        case FileType::regular_file:
        case FileType::block_device: return right::file;
        case FileType::socket_dgram:
        case FileType::socket_stream:
            return (right::file & ~(position | storage)) | right::sock_shutdown | right::sock_accept;
        // Without the rights to seek a C library takes a character device for a terminal.
        case FileType::character_device:
        case FileType::unknown:
        case FileType::symbolic_link: break;
    }
    return right::file & ~(position | storage);
}

Rights Descriptor::possible_rights() const noexcept {
    return rights_for(type());
}
Outcome<FileStatus> Descriptor::status() {
    FileStatus status;
    status.type = type();
    return status;
}
Outcome<uint32_t> Descriptor::flags() {
    return 0;
}
Outcome<void> Descriptor::set_flags(uint32_t flags) {
    if (flags != 0)
        return refuse(Errno::notsup);
    return {};
}
Outcome<void> Descriptor::set_times(const TimeChanges&) {
    return refuse(Errno::notsup);
}
Outcome<void> Descriptor::sync(bool) {
    return refuse(Errno::inval);
}

Outcome<size_t> Descriptor::read(std::span<const iovec>) {
    return not_a_file(*this, Errno::badf);
}
Outcome<size_t> Descriptor::read_at(std::span<const iovec>, uint64_t) {
    return not_a_file(*this, Errno::spipe);
}
Outcome<size_t> Descriptor::write(std::span<const iovec>) {
    return not_a_file(*this, Errno::badf);
}
Outcome<size_t> Descriptor::write_at(std::span<const iovec>, uint64_t) {
    return not_a_file(*this, Errno::spipe);
}
Outcome<uint64_t> Descriptor::seek(int64_t, Whence) {
    return not_a_file(*this, Errno::spipe);
}
Outcome<void> Descriptor::set_size(uint64_t) {
    return not_a_file(*this, Errno::inval);
}
Outcome<void> Descriptor::allocate(uint64_t, uint64_t) {
    return not_a_file(*this, Errno::spipe);
}
Outcome<void> Descriptor::advise(uint64_t, uint64_t, Advice) {
    return not_a_file(*this, Errno::spipe);
}

Outcome<std::shared_ptr<Descriptor>> Descriptor::accept() {
    return refuse(Errno::notsock);
}
Outcome<Received> Descriptor::receive(std::span<const iovec>, uint32_t) {
    return refuse(Errno::notsock);
}
Outcome<size_t> Descriptor::send(std::span<const iovec>) {
    return refuse(Errno::notsock);
}
Outcome<void> Descriptor::shutdown(uint32_t) {
    return refuse(Errno::notsock);
}

Outcome<void> Descriptor::list(uint64_t, EntrySink&) {
    return refuse(Errno::notdir);
}
Outcome<std::shared_ptr<Descriptor>> Descriptor::open(const std::string&, const OpenMode&) {
    return refuse(Errno::notdir);
}
Outcome<FileStatus> Descriptor::status_at(const std::string&, bool) {
    return refuse(Errno::notdir);
}
Outcome<void> Descriptor::set_times_at(const std::string&, bool, const TimeChanges&) {
    return refuse(Errno::notdir);
}
Outcome<void> Descriptor::create_directory(const std::string&) {
    return refuse(Errno::notdir);
}
Outcome<void> Descriptor::remove_directory(const std::string&) {
    return refuse(Errno::notdir);
}
Outcome<void> Descriptor::unlink_file(const std::string&) {
    return refuse(Errno::notdir);
}
Outcome<void> Descriptor::rename(const std::string&, Descriptor&, const std::string&) {
    return refuse(Errno::notdir);
}
Outcome<void> Descriptor::link(const std::string&, Descriptor&, const std::string&) {
    return refuse(Errno::notdir);
}
Outcome<void> Descriptor::symlink(const std::string&, const std::string&) {
    return refuse(Errno::notdir);
}
Outcome<std::string> Descriptor::read_link(const std::string&) {
    return refuse(Errno::notdir);
}

}  // namespace wsb::wasi
