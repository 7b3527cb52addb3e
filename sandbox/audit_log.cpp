// SPDX-License-Identifier: Apache-2.0
// Where audit logs go, and whether they are whole.
#include "engine/base/result.h"
#include "sandbox/audit.h"
#include "sandbox/sha256.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <syslog.h>
#include <unistd.h>

namespace wsb {
namespace sandbox {
namespace {

constexpr std::string_view hash_member = R"(,"hash":")";
constexpr size_t hash_digits = 64;

std::unexpected<Error> bad_line(uint64_t line, std::string_view what) {
    return fail(ErrorCode::malformed_custom, fmt::format("line {}: {}", line, what));
}

/// Checks one line against the chain, and takes it on.
Result<nlohmann::json> check_line(const std::string& text, uint64_t number, ChainState& chain) {
    const size_t end = text.rfind(hash_member);
    if (end == std::string::npos || text.size() != end + hash_member.size() + hash_digits + 2)
        return bad_line(number, "no record, or cut off");
    const std::string hash = text.substr(end + hash_member.size(), hash_digits);
    if (sha256_hex(std::string_view(text).substr(0, end)) != hash)
        return bad_line(number, "the hash is not that of the record");
    auto record = nlohmann::json::parse(text, nullptr, false);
    if (!record.is_object() || record.value("v", 0) != 1)
        return bad_line(number, "no record of version 1");
    if (record.value("seq", UINT64_MAX) != chain.next_seq)
        return bad_line(number, fmt::format("record {} is missing", chain.next_seq));
    if (record.value("prev", "") != chain.last_hash)
        return bad_line(number, "does not follow the record before it");
    ++chain.next_seq;
    chain.last_hash = hash;
    return record;
}

struct Reading {
    ChainState chain;
    uint64_t dropped = 0;
};

Result<Reading> read_log(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail(ErrorCode::io_error,
                    fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
    Reading reading;
    std::string line;
    for (uint64_t number = 1; std::getline(file, line); ++number) {
        if (file.eof())
            return bad_line(number, "cut off");
        WSB_TRY_ASSIGN(const auto record, check_line(line, number, reading.chain));
        if (record.value("event", "") == "dropped")
            reading.dropped += record.value("records", uint64_t{0});
    }
    return reading;
}

/// An open file, which no other log appends to.
class LogFile {
public:
    explicit LogFile(int fd) noexcept : m_fd(fd) {}
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;
    ~LogFile() { ::close(m_fd); }

    [[nodiscard]] bool write(std::string_view line) noexcept {
        std::string text(line);
        text += '\n';
        for (std::string_view rest = text; !rest.empty();) {
            const ssize_t count = ::write(m_fd, rest.data(), rest.size());
            if (count < 0 && errno != EINTR)
                return false;
            rest.remove_prefix(count > 0 ? static_cast<size_t>(count) : 0);
        }
        return true;
    }

private:
    int m_fd;
};

std::unexpected<Error> file_error(const std::filesystem::path& path, std::string_view what) {
    return fail(ErrorCode::io_error,
                fmt::format("audit log {}: {}: {}", path.string(), what, std::strerror(errno)));
}

}  // namespace
}  // namespace sandbox

inline namespace v1 {

Result<AuditLog> AuditLog::open(const std::filesystem::path& path, const Options& options) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0)
        return sandbox::file_error(path, "cannot be opened");
    auto file = std::make_shared<sandbox::LogFile>(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
        return sandbox::file_error(path, "another log writes to it");
    auto reading = sandbox::read_log(path);
    if (!reading)
        return fail(ErrorCode::io_error, fmt::format("audit log {} cannot be continued: {}", path.string(),
                                                     reading.error().detail));
    AuditLog log;
    log.m_writer = std::make_shared<sandbox::AuditWriter>(
        [file](std::string_view line) { return file->write(line); }, std::move(reading->chain), options);
    return log;
}

AuditLog AuditLog::json_lines(const std::filesystem::path& path) {
    auto opened = open(path);
    if (opened)
        return *std::move(opened);
    AuditLog failed;
    failed.m_failure = opened.error().detail;
    return failed;
}

AuditLog AuditLog::callback(std::function<void(std::string_view line)> write, const Options& options) {
    AuditLog log;
    log.m_writer = std::make_shared<sandbox::AuditWriter>(
        [write = std::move(write)](std::string_view line) {
            write(line);
            return true;
        },
        sandbox::ChainState(), options);
    return log;
}

AuditLog AuditLog::syslog(const std::string& program) {
    AuditLog log;
    log.m_writer = std::make_shared<sandbox::AuditWriter>(
        [program](std::string_view line) {
            ::syslog(LOG_NOTICE, "%s: %.*s", program.c_str(), static_cast<int>(line.size()), line.data());
            return true;
        },
        sandbox::ChainState(), Options());
    return log;
}

Result<void> AuditLog::flush() const {
    if (m_writer != nullptr && !m_writer->flush())
        return fail(ErrorCode::io_error, "records could not be written");
    return {};
}

Result<AuditVerdict> verify_audit(const std::filesystem::path& path) {
    WSB_TRY_ASSIGN(auto reading, sandbox::read_log(path));
    return AuditVerdict{reading.chain.next_seq, reading.dropped, std::move(reading.chain.last_hash)};
}

}  // namespace v1
}  // namespace wsb
