// SPDX-License-Identifier: Apache-2.0
#include "sandbox/manifest_keys.h"

#include <array>

namespace wsb::sandbox {
namespace {

constexpr uint64_t any = INT64_MAX;

template <auto member>
constexpr LimitKey key(std::string_view name, KeyKind kind, std::string_view text, uint64_t least = 0,
                       uint64_t most = any) {
    return {name,
            kind,
            text,
            least,
            most,
            [](SandboxLimits& limits, uint64_t value) {
                using Field = std::remove_cvref_t<decltype(limits.*member)>;
                if constexpr (std::is_same_v<Field, std::optional<std::chrono::nanoseconds>>)
                    limits.*member = std::chrono::nanoseconds(static_cast<int64_t>(value));
                else
                    limits.*member = value;
            },
            [](const SandboxLimits& limits) -> std::optional<uint64_t> {
                using Field = std::remove_cvref_t<decltype(limits.*member)>;
                if constexpr (std::is_same_v<Field, std::optional<std::chrono::nanoseconds>>)
                    return (limits.*member).transform([](std::chrono::nanoseconds time) {
                        return static_cast<uint64_t>(time.count());
                    });
                else
                    return limits.*member;
            }};
}

template <auto member>
constexpr LimitKey module_key(std::string_view name, KeyKind kind, std::string_view text) {
    using Field = std::remove_cvref_t<decltype(ModuleLimits().*member)>;
    constexpr bool is_time = std::is_same_v<Field, std::optional<std::chrono::nanoseconds>>;
    uint64_t most = any;
    if constexpr (std::is_same_v<Field, uint32_t>)
        most = UINT32_MAX;
    return {name,
            kind,
            text,
            0,
            most,
            [](SandboxLimits& limits, uint64_t value) {
                if constexpr (is_time)
                    limits.module.*member = std::chrono::nanoseconds(static_cast<int64_t>(value));
                else
                    limits.module.*member = static_cast<Field>(value);
            },
            [](const SandboxLimits& limits) -> std::optional<uint64_t> {
                if constexpr (is_time) {
                    return (limits.module.*member).transform([](std::chrono::nanoseconds time) {
                        return static_cast<uint64_t>(time.count());
                    });
                } else {
                    const Field value = limits.module.*member;
                    return value == std::numeric_limits<Field>::max() ? std::nullopt
                                                                      : std::optional<uint64_t>(value);
                }
            }};
}

using enum KeyKind;
constexpr std::array keys{
    key<&SandboxLimits::fuel>("fuel", count, "fuel of each call", 0, uint64_t{1} << 62),
    key<&SandboxLimits::memory_bytes>("memory", size, "memory at once: linear memories, tables, objects"),
    key<&SandboxLimits::timeout>("timeout", duration, "time of each call", 1),
    key<&SandboxLimits::cpu_time>("cpu_time", duration, "processor time of each call", 1),
    key<&SandboxLimits::total_fuel>("total_fuel", count, "fuel altogether", 0, uint64_t{1} << 62),
    key<&SandboxLimits::total_time>("total_time", duration, "time of calls altogether", 1),
    key<&SandboxLimits::total_cpu_time>("total_cpu_time", duration, "processor time altogether", 1),
    key<&SandboxLimits::stack_bytes>("stack", size, "stack for the guest's calls", uint64_t{64} << 10,
                                     uint64_t{1} << 30),
    key<&SandboxLimits::table_elements>("table_elements", count, "table elements at once"),
    key<&SandboxLimits::instances>("instances", count, "instances at once"),
    key<&SandboxLimits::open_files>("open_files", count,
                                    "open files at once, streams and directories included", 0, UINT32_MAX),
    key<&SandboxLimits::read_bytes>("read_bytes", size, "bytes read from files and standard input"),
    key<&SandboxLimits::write_bytes>("write_bytes", size, "bytes written to files"),
    key<&SandboxLimits::sent_bytes>("sent_bytes", size, "bytes sent to sockets"),
    key<&SandboxLimits::received_bytes>("received_bytes", size, "bytes received from sockets"),
    key<&SandboxLimits::network_bytes>("network_bytes", size, "bytes sent and received"),
    key<&SandboxLimits::output_bytes>("output", size, "bytes of standard output and error"),
    key<&SandboxLimits::random_bytes>("random_bytes", size, "random bytes"),
    key<&SandboxLimits::host_calls>("host_calls", count, "calls of host functions"),
    key<&SandboxLimits::read_rate>("read_rate", size, "bytes read per second", 1),
    key<&SandboxLimits::write_rate>("write_rate", size, "bytes written per second", 1),
    key<&SandboxLimits::send_rate>("send_rate", size, "bytes sent per second", 1),
    key<&SandboxLimits::receive_rate>("receive_rate", size, "bytes received per second", 1),
    key<&SandboxLimits::output_rate>("output_rate", size, "bytes of output per second", 1),
    module_key<&ModuleLimits::size_bytes>("module_bytes", size, "size of the module"),
    module_key<&ModuleLimits::functions>("module_functions", count, "functions of the module"),
    module_key<&ModuleLimits::function_bytes>("module_function_bytes", size, "size of each function"),
    module_key<&ModuleLimits::locals>("module_locals", count, "locals of each function"),
    module_key<&ModuleLimits::nesting>("module_nesting", count, "nesting of blocks"),
    module_key<&ModuleLimits::data_bytes>("module_data_bytes", size, "data segments of the module"),
    module_key<&ModuleLimits::compiled_bytes>("compiled_bytes", size, "memory of compiled code"),
    module_key<&ModuleLimits::compile_time>("compile_time", duration, "time to compile the module"),
};

constexpr std::array access{Word{"read-only", static_cast<int>(DirAccess::read_only)},
                            Word{"read-write", static_cast<int>(DirAccess::read_write)},
                            Word{"append", static_cast<int>(DirAccess::append)},
                            Word{"create", static_cast<int>(DirAccess::create)}};
constexpr std::array sources{
    Word{"host", static_cast<int>(DirSource::host)}, Word{"memory", static_cast<int>(DirSource::memory)},
    Word{"copy", static_cast<int>(DirSource::copy)}, Word{"overlay", static_cast<int>(DirSource::overlay)},
    Word{"archive", static_cast<int>(DirSource::archive)}};
constexpr std::array clocks{
    Word{"real", static_cast<int>(ClockMode::real)}, Word{"virtual", static_cast<int>(ClockMode::virtual_)},
    Word{"frozen", static_cast<int>(ClockMode::frozen)}, Word{"none", static_cast<int>(ClockMode::none)}};
constexpr std::array randoms{Word{"system", static_cast<int>(RandomMode::system)},
                             Word{"seeded", static_cast<int>(RandomMode::seeded)},
                             Word{"none", static_cast<int>(RandomMode::none)}};

}  // namespace

std::span<const LimitKey> limit_keys() noexcept {
    return keys;
}
std::span<const Word> access_words() noexcept {
    return access;
}
std::span<const Word> source_words() noexcept {
    return sources;
}
std::span<const Word> clock_words() noexcept {
    return clocks;
}
std::span<const Word> random_words() noexcept {
    return randoms;
}

}  // namespace wsb::sandbox
