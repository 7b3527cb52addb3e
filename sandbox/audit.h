// SPDX-License-Identifier: Apache-2.0
// Records of the audit log, and the thread that writes them.
//
// Schema 1, one JSON object for each line, its members in this order:
//   v        1
//   seq      number of the record in its log, from 0
//   time     UTC, "2026-11-25T16:00:00.000000Z"
//   sandbox  number of the sandbox in its process; 0: none
//   event    module_loaded, instance_created, instance_ended, grant_used, denied, limit_reached, trap,
//            host_call, dropped
//   …        what belongs to the event, see the functions of AuditTrail
//   prev     hash of the record before, or 64 zeros
//   hash     SHA-256 of the line without this member, that is of everything before `,"hash":`
// Texts that come from a guest are escaped by the JSON writer; bytes that are not UTF-8 become U+FFFD.
#pragma once

#include "wsb/audit.hpp"
#include "wsb/limits.hpp"

#include <nlohmann/json_fwd.hpp>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace wsb::sandbox {

/// Where a chain stands.
struct ChainState {
    uint64_t next_seq = 0;
    std::string last_hash = std::string(64, '0');
};

/// A line without its chain, made by the thread that logs.
struct AuditRecord {
    std::string time;
    uint64_t sandbox = 0;
    std::string event;
    std::string details;  ///< members as JSON, without braces; may be empty
};

class AuditWriter {
public:
    /// @return whether the line was written.
    using Sink = std::function<bool(std::string_view line)>;

    AuditWriter(Sink sink, ChainState chain, const AuditLog::Options& options);
    AuditWriter(const AuditWriter&) = delete;
    AuditWriter& operator=(const AuditWriter&) = delete;
    /// Writes what waits.
    ~AuditWriter();

    /// Never waits for the sink. Drops the record if too many wait.
    void log(AuditRecord record);
    [[nodiscard]] bool flush();
    [[nodiscard]] bool has_host_calls() const noexcept { return m_options.has_host_calls; }

private:
    void run();
    void write(const AuditRecord& record);

    Sink m_sink;
    ChainState m_chain;
    AuditLog::Options m_options;
    std::mutex m_mutex;
    std::condition_variable m_has_work;
    std::condition_variable m_is_idle;
    std::deque<AuditRecord> m_waiting;
    uint64_t m_dropped = 0;
    bool m_is_writing = false;
    bool m_is_ending = false;
    bool m_has_failed = false;
    std::thread m_thread;
};

/// Logs for one sandbox; does nothing without a log. None throws.
class AuditTrail {
public:
    AuditTrail() = default;
    explicit AuditTrail(std::shared_ptr<AuditWriter> writer);

    [[nodiscard]] bool has_host_calls() const noexcept {
        return m_writer != nullptr && m_writer->has_host_calls();
    }
    [[nodiscard]] bool is_on() const noexcept { return m_writer != nullptr; }

    void module_loaded(std::string_view source, std::string_view sha256, uint64_t size_bytes) const noexcept;
    void instance_created() const noexcept;
    void instance_ended(uint64_t fuel, uint64_t peak_memory_bytes) const noexcept;
    /// The first use of a grant.
    void grant_used(std::string_view grant) const noexcept;
    void denied(std::string_view what, std::string_view why) const noexcept;
    void limit_reached(const LimitReached& limit) const noexcept;
    void trapped(std::string_view message) const noexcept;
    void host_call(std::string_view module, std::string_view name) const noexcept;

private:
    void log(std::string_view event, const nlohmann::ordered_json& details) const;

    std::shared_ptr<AuditWriter> m_writer;
    uint64_t m_sandbox = 0;
};

}  // namespace wsb::sandbox
