// SPDX-License-Identifier: Apache-2.0
#include "sandbox/audit.h"

#include "engine/base/result.h"
#include "sandbox/sha256.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <exception>
#include <utility>

namespace wsb::sandbox {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The record time of now.
std::string time_text() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    tm parts{};
    ::gmtime_r(&now.tv_sec, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec / 1000);
}

/// Runs what makes texts. A record for which there is no memory is one that is lost.
template <class Body>
void attempt(Body body) noexcept {
#if defined(__cpp_exceptions)
    try {
        body();
    } catch (const std::exception&) {
        return;
    }
#else
    body();
#endif
}

}  // namespace

AuditWriter::AuditWriter(Sink sink, ChainState chain, const AuditLog::Options& options)
    : m_sink(std::move(sink)), m_chain(std::move(chain)), m_options(options), m_thread([this] { run(); }) {}

AuditWriter::~AuditWriter() {
    {
        const std::scoped_lock lock(m_mutex);
        m_is_ending = true;
    }
    m_has_work.notify_one();
    m_thread.join();
}

void AuditWriter::log(AuditRecord record) {
    {
        const std::scoped_lock lock(m_mutex);
        if (m_waiting.size() >= m_options.most_waiting) {
            ++m_dropped;
            return;
        }
        m_waiting.push_back(std::move(record));
    }
    m_has_work.notify_one();
}

bool AuditWriter::flush() {
    std::unique_lock lock(m_mutex);
    m_has_work.notify_one();
    m_is_idle.wait(lock, [&] { return m_waiting.empty() && m_dropped == 0 && !m_is_writing; });
    return !m_has_failed;
}

void AuditWriter::run() {
    std::unique_lock lock(m_mutex);
    while (true) {
        m_has_work.wait(lock, [&] { return m_is_ending || !m_waiting.empty() || m_dropped != 0; });
        if (m_waiting.empty() && m_dropped == 0)
            return;
        std::deque<AuditRecord> batch;
        batch.swap(m_waiting);
        if (const uint64_t dropped = std::exchange(m_dropped, 0); dropped != 0)
            batch.push_back({time_text(), 0, "dropped", fmt::format("\"records\":{}", dropped)});
        m_is_writing = true;
        lock.unlock();
        for (const AuditRecord& record : batch)
            write(record);
        lock.lock();
        m_is_writing = false;
        m_is_idle.notify_all();
    }
}

void AuditWriter::write(const AuditRecord& record) {
    std::string line =
        fmt::format(R"({{"v":1,"seq":{},"time":"{}","sandbox":{},"event":"{}"{}{},"prev":"{}")",
                    m_chain.next_seq, record.time, record.sandbox, record.event,
                    record.details.empty() ? "" : ",", record.details, m_chain.last_hash);
    std::string hash = sha256_hex(line);
    line += R"(,"hash":")" + hash + "\"}";
    if (m_sink(line)) {
        ++m_chain.next_seq;
        m_chain.last_hash = std::move(hash);
        return;
    }
    const std::scoped_lock lock(m_mutex);
    m_has_failed = true;
}

AuditTrail::AuditTrail(std::shared_ptr<AuditWriter> writer) : m_writer(std::move(writer)) {
    static std::atomic<uint64_t> last = 0;
    m_sandbox = ++last;
}

void AuditTrail::log(std::string_view event, const Json& details) const {
    // Without its braces.
    const std::string text = details.empty() ? std::string() : dump(details);
    m_writer->log({time_text(), m_sandbox, std::string(event),
                   text.empty() ? std::string() : text.substr(1, text.size() - 2)});
}

void AuditTrail::module_loaded(std::string_view source, std::string_view sha256,
                               uint64_t size_bytes) const noexcept {
    if (is_on())
        attempt([&] {
            log("module_loaded", {{"source", source}, {"sha256", sha256}, {"size_bytes", size_bytes}});
        });
}
void AuditTrail::instance_created() const noexcept {
    if (is_on())
        attempt([&] { log("instance_created", Json::object()); });
}
void AuditTrail::instance_ended(uint64_t fuel, uint64_t peak_memory_bytes) const noexcept {
    if (is_on())
        attempt([&] { log("instance_ended", {{"fuel", fuel}, {"peak_memory_bytes", peak_memory_bytes}}); });
}
void AuditTrail::grant_used(std::string_view grant) const noexcept {
    if (is_on())
        attempt([&] { log("grant_used", {{"grant", grant}}); });
}
void AuditTrail::denied(std::string_view what, std::string_view why) const noexcept {
    if (is_on())
        attempt([&] { log("denied", {{"what", what}, {"why", why}}); });
}
void AuditTrail::limit_reached(const LimitReached& limit) const noexcept {
    if (is_on())
        attempt([&] {
            log("limit_reached", {{"limit", resource_name(limit.resource)},
                                  {"allowed", limit.limit},
                                  {"asked", limit.asked},
                                  {"is_shared", limit.is_shared}});
        });
}
void AuditTrail::trapped(std::string_view message) const noexcept {
    if (is_on())
        attempt([&] { log("trap", {{"message", message}}); });
}
void AuditTrail::host_call(std::string_view module, std::string_view name) const noexcept {
    if (has_host_calls())
        attempt([&] { log("host_call", {{"module", module}, {"name", name}}); });
}

}  // namespace wsb::sandbox
