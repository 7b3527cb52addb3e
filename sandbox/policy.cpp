// SPDX-License-Identifier: Apache-2.0
// What the guest is given: opening it, clocks, randomness, waiting.
#include "sandbox/policy.h"

#include "engine/base/result.h"
#include "wasi/host_directory.h"
#include "wasi/host_socket.h"
#include "wasi/host_stream.h"
#include "wasi/streams.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <limits>
#include <sys/random.h>
#include <unistd.h>

namespace wsb::sandbox {
namespace {
constexpr uint64_t ns_per_s = 1'000'000'000;
constexpr uint64_t virtual_step_ns = 1'000;

clockid_t host_clock(wasi::ClockId clock) noexcept {
    switch (clock) {
        case wasi::ClockId::realtime: return CLOCK_REALTIME;
        case wasi::ClockId::monotonic: return CLOCK_MONOTONIC;
        case wasi::ClockId::process_cpu: return CLOCK_PROCESS_CPUTIME_ID;
        case wasi::ClockId::thread_cpu: return CLOCK_THREAD_CPUTIME_ID;
    }
    return CLOCK_MONOTONIC;
}

uint64_t to_ns(const timespec& time) noexcept {
    return static_cast<uint64_t>(time.tv_sec) * ns_per_s + static_cast<uint64_t>(time.tv_nsec);
}

wasi::Access to_wasi(DirAccess access) noexcept {
    switch (access) {
        case DirAccess::read_only: break;
        case DirAccess::read_write: return wasi::Access::read_write;
        case DirAccess::append: return wasi::Access::append;
        case DirAccess::create: return wasi::Access::create;
    }
    return wasi::Access::read_only;
}

/// Keeps what is written to it. Its bytes are charged like all output.
class CapturedStream final : public wasi::Descriptor {
public:
    explicit CapturedStream(std::shared_ptr<std::string> target) noexcept : m_target(std::move(target)) {}
    [[nodiscard]] wasi::FileType type() const noexcept override { return wasi::FileType::character_device; }
    [[nodiscard]] wasi::Outcome<size_t> write(std::span<const iovec> sources) override {
        size_t count = 0;
        for (const iovec& source : sources) {
            m_target->append(static_cast<const char*>(source.iov_base), source.iov_len);
            count += source.iov_len;
        }
        return count;
    }

private:
    std::shared_ptr<std::string> m_target;
};

}  // namespace

Result<std::unique_ptr<GrantedPolicy>> GrantedPolicy::create(const Grants& grants, uint64_t max_open_files,
                                                             Account& account) {
    std::unique_ptr<GrantedPolicy> policy(new GrantedPolicy(account));
    policy->m_args = grants.args;
    for (const EnvGrant& variable : grants.env)
        policy->m_environment.push_back(variable.name + "=" + variable.value);
    WSB_TRY(policy->open_dirs(grants));
    WSB_TRY(policy->open_sockets(grants));
    WSB_TRY(policy->open_streams(grants));
    policy->m_max_open_files =
        static_cast<uint32_t>(std::min<uint64_t>(max_open_files, std::numeric_limits<uint32_t>::max()));
    policy->m_clock = grants.clock;
    policy->m_virtual_options = {.start_ns = grants.clock_start_ns,
                                 .step_ns = grants.clock == ClockMode::virtual_ ? virtual_step_ns : 0,
                                 .resolution_ns = virtual_step_ns};
    policy->m_random = grants.random;
    policy->m_seed = grants.random_seed;
    WSB_TRY(policy->restart());
    return policy;
}

GrantedPolicy::~GrantedPolicy() {
    release();
}

void GrantedPolicy::release() noexcept {
    for (PlacedDir& placed : m_memory_dirs)
        placed.dir.drop();
    m_account.ledger().release(Resource::open_files, m_open_files);
    m_account.ledger().release(Resource::memory, m_memory_bytes);
    m_open_files = m_memory_bytes = 0;
}

Result<void> GrantedPolicy::restart() {
    release();
    m_seeded = wasi::SeededRandom(m_seed);
    if (m_clock == ClockMode::virtual_ || m_clock == ClockMode::frozen)
        m_virtual.emplace(m_virtual_options);
    m_reason = Interruption::none;
    if (m_output != nullptr)
        m_output->clear();
    if (m_input)
        m_streams[0] = std::make_shared<wasi::BufferInput>(*m_input);
    for (PlacedDir& placed : m_memory_dirs) {
        WSB_TRY(placed.dir.fill(*this));
        m_preopens[placed.preopen].descriptor = placed.dir.root();
    }
    return {};
}

std::string GrantedPolicy::take_output() {
    if (m_output == nullptr)
        return {};
    m_account.ledger().release(Resource::memory, std::min<uint64_t>(m_memory_bytes, m_output->size()));
    m_memory_bytes -= std::min<uint64_t>(m_memory_bytes, m_output->size());
    return std::exchange(*m_output, {});
}

/// Of a directory in memory nothing yet: it is filled by restart.
Result<std::shared_ptr<wasi::Descriptor>> GrantedPolicy::open_dir(const DirGrant& grant) {
    if (grant.source != DirSource::host) {
        WSB_TRY_ASSIGN(MemoryDir dir, MemoryDir::open(grant));
        m_memory_dirs.push_back({m_preopens.size(), std::move(dir)});
        return nullptr;
    }
    wasi::HostFd opened(::open(grant.host.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_valid())
        return fail(ErrorCode::io_error,
                    "cannot open directory \"" + grant.host + "\": " + std::strerror(errno));
    return std::make_shared<wasi::HostDirectory>(std::move(opened), grant.has_special_files
                                                                        ? wasi::SpecialFiles::allowed
                                                                        : wasi::SpecialFiles::refused);
}

Result<void> GrantedPolicy::open_dirs(const Grants& grants) {
    for (const DirGrant& grant : grants.dirs) {
        WSB_TRY_ASSIGN(auto directory, open_dir(grant));
        wasi::Preopen preopen{grant.guest, std::move(directory), to_wasi(grant.access)};
        if (grant.max_file_bytes)
            preopen.max_file_bytes = *grant.max_file_bytes;
        m_preopens.push_back(std::move(preopen));
        m_grant_accounts.push_back({grant.max_bytes, 0, false, "dir " + grant.guest});
    }
    return {};
}

Result<void> GrantedPolicy::add_socket(std::string_view what, const std::string& address,
                                       wasi::Outcome<wasi::HostFd> opened) {
    if (!opened && opened.error() == wasi::Errno::inval)
        return fail(ErrorCode::bad_usage,
                    "address \"" + address +
                        "\" must be ADDRESS:PORT with a numeric address, [ADDRESS]:PORT "
                        "for IPv6, or localhost:PORT");
    auto socket = opened ? wasi::adopt_host(*std::move(opened)) : wasi::refuse(opened.error());
    if (!socket)
        return fail(ErrorCode::io_error, "cannot " + std::string(what) + " " + address + ": " +
                                             std::string(wasi::errno_name(socket.error())));
    m_preopens.push_back({{}, *std::move(socket), wasi::Access::read_write});
    m_grant_accounts.push_back({std::nullopt, 0, false, std::string(what) + " " + address});
    return {};
}

Result<void> GrantedPolicy::open_sockets(const Grants& grants) {
    for (const std::string& address : grants.listen)
        WSB_TRY(add_socket("listen at", address, wasi::listen_at(address)));
    for (const std::string& address : grants.connect)
        WSB_TRY(add_socket("connect to", address, wasi::connect_to(address)));
    return {};
}

Result<void> GrantedPolicy::open_streams(const Grants& grants) {
    m_input = grants.input;
    if (m_input)
        m_streams[0] = std::make_shared<wasi::BufferInput>(*m_input);
    if (grants.on_input) {
        m_input.reset();
        m_streams[0] = std::make_shared<wasi::CallbackInput>(
            [give = grants.on_input](std::span<uint8_t> target) -> wasi::Outcome<size_t> {
                // SAFETY: uint8_t and char have the same representation.
                return give({reinterpret_cast<char*>(target.data()), target.size()});
            });
    }
    for (const int stream : {1, 2}) {
        if (!grants.on_output)
            continue;
        m_streams[static_cast<size_t>(stream)] = std::make_shared<wasi::CallbackOutput>(
            [take = grants.on_output, stream](std::span<const uint8_t> source) -> wasi::Outcome<size_t> {
                // SAFETY: uint8_t and char have the same representation.
                take(stream, {reinterpret_cast<const char*>(source.data()), source.size()});
                return source.size();
            });
    }
    if (grants.captures_output) {
        m_output = std::make_shared<std::string>();
        m_streams[1] = m_streams[2] = std::make_shared<CapturedStream>(m_output);
    }
    for (size_t number = 0; number < grants.streams.size(); ++number) {
        if (grants.streams[number] < 0 || m_streams[number] != nullptr)
            continue;
        auto stream = wasi::adopt_host(wasi::HostFd::borrowed(grants.streams[number]));
        if (!stream)
            return fail(ErrorCode::io_error,
                        "standard stream " + std::to_string(number) + " cannot be used: fstat failed");
        m_streams[number] = *std::move(stream);
    }
    return {};
}

wasi::Outcome<uint64_t> GrantedPolicy::clock_resolution_ns(wasi::ClockId clock) noexcept {
    if (m_clock == ClockMode::none)
        return wasi::refuse(wasi::Errno::notsup);
    if (m_virtual)
        return m_virtual->resolution_ns();
    timespec time{};
    if (::clock_getres(host_clock(clock), &time) != 0)
        return wasi::refuse_with_host_errno();
    return to_ns(time);
}

wasi::Outcome<uint64_t> GrantedPolicy::clock_time_ns(wasi::ClockId clock) noexcept {
    if (m_clock == ClockMode::none) {
        denied("clock_time_get", wasi::Errno::notsup);
        return wasi::refuse(wasi::Errno::notsup);
    }
    use("clock");
    if (m_virtual)
        return m_virtual->time_ns(clock);
    timespec time{};
    if (::clock_gettime(host_clock(clock), &time) != 0)
        return wasi::refuse_with_host_errno();
    return to_ns(time);
}

wasi::Outcome<void> GrantedPolicy::interrupted_if(Interruption reason) noexcept {
    if (reason == Interruption::none)
        return {};
    m_reason = reason;
    return wasi::refuse(wasi::Errno::canceled);
}

wasi::Outcome<void> GrantedPolicy::wait(std::span<pollfd> descriptors,
                                        std::optional<uint64_t> timeout_ns) noexcept {
    // Virtual time passes as fast as somebody sleeps.
    if (timeout_ns && m_virtual && descriptors.empty()) {
        m_virtual->advance(*timeout_ns);
        return checkpoint();
    }
    const auto now = Clock::now();
    std::optional<Clock::time_point> end;
    if (timeout_ns && *timeout_ns < static_cast<uint64_t>((Clock::time_point::max() - now).count()))
        end = now + std::chrono::nanoseconds(static_cast<int64_t>(*timeout_ns));
    runtime::Interrupts none;
    runtime::Interrupts& interrupts = m_account.interrupts() != nullptr ? *m_account.interrupts() : none;
    WSB_TRY(interrupted_if(interrupts.wait(descriptors, end)));
    if (errno != 0)
        return wasi::refuse_with_host_errno();
    // Others keep the host's time: that has passed, for the guest too.
    if (m_virtual && end && Clock::now() >= *end)
        m_virtual->advance(*timeout_ns);
    return {};
}

wasi::Outcome<void> GrantedPolicy::checkpoint() noexcept {
    if (m_account.interrupts() == nullptr)
        return {};
    return interrupted_if(m_account.interrupts()->poll());
}

wasi::Outcome<void> GrantedPolicy::random(std::span<uint8_t> target) noexcept {
    if (m_random == RandomMode::none) {
        denied("random_get", wasi::Errno::notsup);
        return wasi::refuse(wasi::Errno::notsup);
    }
    use("random");
    if (m_random == RandomMode::seeded) {
        m_seeded.fill(target);
        return {};
    }
    while (!target.empty()) {
        constexpr size_t chunk_bytes = size_t{1} << 20;
        const ssize_t count = ::getrandom(target.data(), std::min(target.size(), chunk_bytes), 0);
        if (count < 0 && errno != EINTR)
            return wasi::refuse_with_host_errno();
        target = target.subspan(count > 0 ? static_cast<size_t>(count) : 0);
    }
    return {};
}

}  // namespace wsb::sandbox
