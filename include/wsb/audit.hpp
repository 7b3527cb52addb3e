// SPDX-License-Identifier: Apache-2.0
// AuditLog: what sandboxes did and were refused, one record each, in a form that can be checked later.
#pragma once

#include "wsb/error.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace wsb {
namespace sandbox {
class AuditWriter;
}  // namespace sandbox

inline namespace v1 {

/// Where records go: lines of JSON, each with the hash of the one before it. Any number of sandboxes on any
/// thread may write to one log. Writing never waits for the disk: records go through a queue, and when it is
/// full they are dropped and counted, which is a record of its own. Cheap handle; the last one waits until
/// everything is written.
class AuditLog {
public:
    struct Options {
        size_t most_waiting = 4096;   ///< records in the queue
        bool has_host_calls = false;  ///< each call of a host function, too
    };

    /// No log.
    AuditLog() noexcept = default;
    /// Appends to a file, and goes on with the chain that it has. @return io_error.
    [[nodiscard]] static Result<AuditLog> open(const std::filesystem::path& path, const Options& options);
    [[nodiscard]] static Result<AuditLog> open(const std::filesystem::path& path) {
        return open(path, Options());
    }
    /// The same; what is wrong with the file is said when the sandbox is built.
    [[nodiscard]] static AuditLog json_lines(const std::filesystem::path& path);
    /// Gives each line, without a newline, to `write`, on a thread of the log's own.
    [[nodiscard]] static AuditLog callback(std::function<void(std::string_view line)> write,
                                           const Options& options);
    /// To syslog(3), as LOG_NOTICE.
    [[nodiscard]] static AuditLog syslog(const std::string& program);

    /// Waits until what was logged so far is written. @return io_error if anything could not be.
    [[nodiscard]] Result<void> flush() const;

    /// For the library itself.
    [[nodiscard]] const std::shared_ptr<sandbox::AuditWriter>& impl() const noexcept { return m_writer; }
    [[nodiscard]] const std::string& failure() const noexcept { return m_failure; }

private:
    std::shared_ptr<sandbox::AuditWriter> m_writer;
    std::string m_failure;
};

/// What there is to say about a log.
struct AuditVerdict {
    uint64_t records = 0;
    uint64_t dropped = 0;  ///< that were never written, by the log's own account
    std::string last_hash;
};
/// Checks every line of a log and the chain from one to the next. Records cut off at the end are noticed only
/// by who knows the last hash. @return malformed or io_error, with the line.
[[nodiscard]] Result<AuditVerdict> verify_audit(const std::filesystem::path& path);

}  // namespace v1
}  // namespace wsb
