// SPDX-License-Identifier: Apache-2.0
// The grants, as the policy that WASI asks.
#include "sandbox/policy.h"

#include "engine/base/result.h"
#include "wasi/host_directory.h"
#include "wasi/host_socket.h"
#include "wasi/host_stream.h"

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

/// A second line of defence behind the rights of descriptors.
bool is_change(wasi::PathOperation operation) noexcept {
    return operation != wasi::PathOperation::open && operation != wasi::PathOperation::stat &&
           operation != wasi::PathOperation::read_link;
}
}  // namespace

Result<std::unique_ptr<GrantedPolicy>> GrantedPolicy::create(const Grants& grants) {
    std::unique_ptr<GrantedPolicy> policy(new GrantedPolicy);
    policy->m_args = grants.args;
    for (const EnvGrant& variable : grants.env)
        policy->m_environment.push_back(variable.name + "=" + variable.value);
    for (const DirGrant& grant : grants.dirs) {
        wasi::HostFd opened(::open(grant.host.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!opened.is_valid())
            return fail(ErrorCode::io_error,
                        "cannot open directory \"" + grant.host + "\": " + std::strerror(errno));
        const auto access = grant.is_read_only ? wasi::Access::read_only : wasi::Access::read_write;
        policy->m_preopens.push_back(
            {grant.guest, std::make_shared<wasi::HostDirectory>(std::move(opened)), access});
    }
    for (const std::string& address : grants.listen)
        WSB_TRY(policy->add_socket("listen at", address, wasi::listen_at(address)));
    for (const std::string& address : grants.connect)
        WSB_TRY(policy->add_socket("connect to", address, wasi::connect_to(address)));
    for (size_t number = 0; number < grants.streams.size(); ++number) {
        if (grants.streams[number] < 0)
            continue;
        auto stream = wasi::adopt_host(wasi::HostFd::borrowed(grants.streams[number]));
        if (!stream)
            return fail(ErrorCode::io_error,
                        "standard stream " + std::to_string(number) + " cannot be used: fstat failed");
        policy->m_streams[number] = *std::move(stream);
    }
    policy->m_max_open_files = grants.max_open_files;
    return policy;
}

Result<void> GrantedPolicy::add_socket(const char* what, const std::string& address,
                                       wasi::Outcome<wasi::HostFd> opened) {
    if (!opened && opened.error() == wasi::Errno::inval)
        return fail(ErrorCode::bad_usage,
                    "address \"" + address +
                        "\" must be ADDRESS:PORT with a numeric address, [ADDRESS]:PORT "
                        "for IPv6, or localhost:PORT");
    auto socket = opened ? wasi::adopt_host(*std::move(opened)) : wasi::refuse(opened.error());
    if (!socket)
        return fail(ErrorCode::io_error, std::string("cannot ") + what + " " + address + ": " +
                                             std::string(wasi::errno_name(socket.error())));
    m_preopens.push_back({{}, *std::move(socket), wasi::Access::read_write});
    return {};
}

wasi::Outcome<uint64_t> GrantedPolicy::clock_resolution_ns(wasi::ClockId clock) noexcept {
    timespec time{};
    if (::clock_getres(host_clock(clock), &time) != 0)
        return wasi::refuse_with_host_errno();
    return to_ns(time);
}

wasi::Outcome<uint64_t> GrantedPolicy::clock_time_ns(wasi::ClockId clock) noexcept {
    timespec time{};
    if (::clock_gettime(host_clock(clock), &time) != 0)
        return wasi::refuse_with_host_errno();
    return to_ns(time);
}

wasi::Outcome<void> GrantedPolicy::wait(std::span<pollfd> descriptors,
                                        std::optional<uint64_t> timeout_ns) noexcept {
    timespec time{};
    if (timeout_ns) {
        constexpr uint64_t most_s = std::numeric_limits<int32_t>::max();
        time.tv_sec = static_cast<time_t>(std::min(*timeout_ns / ns_per_s, most_s));
        time.tv_nsec = static_cast<long>(*timeout_ns % ns_per_s);
    }
    for (pollfd& descriptor : descriptors)
        descriptor.revents = 0;
    const int ready = ::ppoll(descriptors.data(), descriptors.size(), timeout_ns ? &time : nullptr, nullptr);
    if (ready < 0 && errno != EINTR)
        return wasi::refuse_with_host_errno();
    return {};
}

wasi::Outcome<void> GrantedPolicy::random(std::span<uint8_t> target) noexcept {
    while (!target.empty()) {
        constexpr size_t chunk_bytes = size_t{1} << 20;
        const ssize_t count = ::getrandom(target.data(), std::min(target.size(), chunk_bytes), 0);
        if (count < 0 && errno != EINTR)
            return wasi::refuse_with_host_errno();
        target = target.subspan(count > 0 ? static_cast<size_t>(count) : 0);
    }
    return {};
}

wasi::Outcome<void> GrantedPolicy::allow(const wasi::PathRequest& request) {
    if (request.preopen == nullptr)
        return wasi::refuse(wasi::Errno::notcapable);
    if (request.preopen->access == wasi::Access::read_only && is_change(request.operation))
        return wasi::refuse(wasi::Errno::rofs);
    return {};
}

}  // namespace wsb::sandbox
