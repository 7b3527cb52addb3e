// SPDX-License-Identifier: Apache-2.0
// A directory of the host, and what lies beneath it: paths resolve by beneath.h and cannot leave.
#pragma once

#include "wasi/beneath.h"
#include "wasi/host_file.h"
#include "wasi/listing_places.h"

#include <span>

namespace wsb::wasi {

/// Devices, FIFOs, sockets and whatever lies in /proc may turn up beneath a directory.
enum class SpecialFiles : uint8_t {
    refused,  ///< they cannot be opened (`notcapable`); their status can be read
    allowed,
};

class HostDirectory final : public HostNode {
public:
    explicit HostDirectory(HostFd fd, SpecialFiles special = SpecialFiles::refused) noexcept
        : HostNode(std::move(fd), FileType::directory), m_special(special) {}

    /// Cookies count entries.
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
    /// Resolves all but the last component. @return as beneath::locate, `notcapable` inside /proc.
    [[nodiscard]] Outcome<beneath::Place> locate(const std::string& path) const;
    /// What is renamed or linked, and where to. @return `xdev` for a directory that is not the host's.
    struct FromTo {
        beneath::Place source, target;
    };
    [[nodiscard]] Outcome<FromTo> locate_both(const std::string& path, Descriptor& target_directory,
                                              const std::string& target_path) const;
    /// The thing itself, for its status only.
    [[nodiscard]] Outcome<HostFd> open_for_status(const std::string& path, bool follows) const;
    [[nodiscard]] Outcome<void> check_file_system(int fd) const noexcept;
    /// Whether it may be opened, before opening it does anything. An absent file may.
    [[nodiscard]] Outcome<void> check_kind(const std::string& path, bool follows) const;
    /// A chunk of entries to the sink, but those up to the cookie. @return whether it wants more.
    [[nodiscard]] Outcome<bool> pass_on(std::span<const uint8_t> chunk, uint64_t cookie, uint64_t& number,
                                        EntrySink& sink);

    SpecialFiles m_special;
    ListingPlaces m_places;
};

}  // namespace wsb::wasi
