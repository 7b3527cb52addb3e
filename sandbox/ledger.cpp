// SPDX-License-Identifier: Apache-2.0
// Accounts.
#include "wsb/limits.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace wsb {
inline namespace v1 {

namespace {

struct ResourceInfo {
    std::string_view name, unit, text;
    bool is_held;
};
constexpr std::array infos{
#define WSB_RESOURCE(id, unit, text, is_held) ResourceInfo{#id, unit, text, is_held},
#include "wsb/resources.def"
#undef WSB_RESOURCE
};

uint64_t ns_of(std::optional<std::chrono::nanoseconds> time) noexcept {
    return time ? static_cast<uint64_t>(std::max<int64_t>(time->count(), 0)) : UINT64_MAX;
}

void raise(std::atomic<uint64_t>& peak, uint64_t value) noexcept {
    uint64_t known = peak.load(std::memory_order_relaxed);
    while (known < value && !peak.compare_exchange_weak(known, value, std::memory_order_relaxed)) {
    }
}

}  // namespace

std::string_view resource_name(Resource resource) noexcept {
    return infos[static_cast<size_t>(resource)].name;
}

std::string LimitReached::message() const {
    const ResourceInfo& info = infos[static_cast<size_t>(resource)];
    if (resource == Resource::module)
        return "limit reached: module";  // the error says which
    return fmt::format("limit reached: {}{}: {} {} allowed, {} asked for", info.text,
                       is_shared ? " of all sandboxes together" : "", limit, info.unit, asked);
}

std::shared_ptr<Ledger> Ledger::create(const SandboxLimits& limits, std::shared_ptr<Ledger> above) {
    return std::shared_ptr<Ledger>(new Ledger(limits, std::move(above)));
}

Ledger::Ledger(const SandboxLimits& limits, std::shared_ptr<Ledger> above) noexcept
    : m_above(std::move(above)) {
    at(Resource::fuel).limit = limits.total_fuel.value_or(no_limit);
    at(Resource::wall_time).limit = ns_of(limits.total_time);
    at(Resource::cpu_time).limit = ns_of(limits.total_cpu_time);
    at(Resource::memory).limit = limits.memory_bytes.value_or(no_limit);
    at(Resource::instances).limit = limits.instances.value_or(no_limit);
    at(Resource::open_files).limit = limits.open_files;
    at(Resource::read).limit = limits.read_bytes.value_or(no_limit);
    at(Resource::written).limit = limits.write_bytes.value_or(no_limit);
    at(Resource::sent).limit = limits.sent_bytes.value_or(no_limit);
    at(Resource::received).limit = limits.received_bytes.value_or(no_limit);
    at(Resource::network).limit = limits.network_bytes.value_or(no_limit);
    at(Resource::output).limit = limits.output_bytes.value_or(no_limit);
    at(Resource::random).limit = limits.random_bytes.value_or(no_limit);
    at(Resource::host_calls).limit = limits.host_calls.value_or(no_limit);
    at(Resource::read).rate = limits.read_rate.value_or(0);
    at(Resource::written).rate = limits.write_rate.value_or(0);
    at(Resource::sent).rate = limits.send_rate.value_or(0);
    at(Resource::received).rate = limits.receive_rate.value_or(0);
    at(Resource::output).rate = limits.output_rate.value_or(0);
    m_has_rates = (m_above != nullptr && m_above->m_has_rates) ||
                  std::ranges::any_of(m_items, [](const Item& item) { return item.rate != 0; });
}

std::optional<uint64_t> Ledger::take(Item& item, uint64_t amount) noexcept {
    uint64_t used = item.used.load(std::memory_order_relaxed);
    do {
        if (used > item.limit || amount > item.limit - used)
            return std::nullopt;
    } while (!item.used.compare_exchange_weak(used, used + amount, std::memory_order_relaxed));
    return used + amount;
}

std::optional<LimitReached> Ledger::charge(Resource resource, uint64_t amount) noexcept {
    Item& item = at(resource);
    const auto now_used = take(item, amount);
    if (!now_used) {
        const uint64_t used = item.used.load(std::memory_order_relaxed);
        return LimitReached{resource, item.limit, amount > UINT64_MAX - used ? UINT64_MAX : used + amount,
                            false};
    }
    if (infos[static_cast<size_t>(resource)].is_held)
        raise(item.peak, *now_used);
    if (m_above == nullptr)
        return std::nullopt;
    auto refused = m_above->charge(resource, amount);
    if (refused) {
        item.used.fetch_sub(amount, std::memory_order_relaxed);
        refused->is_shared = true;
    }
    return refused;
}

void Ledger::release(Resource resource, uint64_t amount) noexcept {
    at(resource).used.fetch_sub(amount, std::memory_order_relaxed);
    if (m_above != nullptr)
        m_above->release(resource, amount);
}

uint64_t Ledger::draw(Resource resource, uint64_t most) noexcept {
    Item& item = at(resource);
    uint64_t used = item.used.load(std::memory_order_relaxed);
    uint64_t drawn = 0;
    do {
        drawn = std::min(most, item.limit - std::min(used, item.limit));
    } while (!item.used.compare_exchange_weak(used, used + drawn, std::memory_order_relaxed));
    if (m_above == nullptr)
        return drawn;
    const uint64_t above = m_above->draw(resource, drawn);
    item.used.fetch_sub(drawn - above, std::memory_order_relaxed);
    return above;
}

void Ledger::add(Resource resource, uint64_t amount) noexcept {
    at(resource).used.fetch_add(amount, std::memory_order_relaxed);
    if (m_above != nullptr)
        m_above->add(resource, amount);
}

uint64_t Ledger::available(Resource resource) const noexcept {
    const Item& item = at(resource);
    const uint64_t own =
        item.limit == no_limit ? no_limit : item.limit - std::min(item.used.load(), item.limit);
    return m_above != nullptr ? std::min(own, m_above->available(resource)) : own;
}

std::optional<LimitReached> Ledger::tightest(Resource resource, uint64_t asked) const noexcept {
    const uint64_t left = available(resource);
    if (left == no_limit)
        return std::nullopt;
    bool is_shared = false;
    for (const Ledger* ledger = this; ledger != nullptr; ledger = ledger->m_above.get(), is_shared = true) {
        const Item& item = ledger->at(resource);
        const uint64_t used = item.used.load();
        if (item.limit != no_limit && item.limit - std::min(used, item.limit) == left)
            return LimitReached{resource, item.limit, asked > UINT64_MAX - used ? UINT64_MAX : used + asked,
                                is_shared};
    }
    return std::nullopt;
}

/// A bucket that holds a tenth of a second: what is beyond it has to be waited for.
std::chrono::nanoseconds Ledger::wait_for(Resource resource, uint64_t amount) noexcept {
    constexpr int64_t burst_ns = 100'000'000;
    constexpr double most_ns = 1e18;  // 30 years
    int64_t wait_ns = 0;
    if (Item& item = at(resource); item.rate != 0) {
        const int64_t now = std::chrono::steady_clock::now().time_since_epoch().count();
        const auto takes_ns = static_cast<int64_t>(
            std::min(static_cast<double>(amount) * 1e9 / static_cast<double>(item.rate), most_ns));
        int64_t paid_off = item.paid_off.load(std::memory_order_relaxed);
        int64_t next = 0;
        do {
            next = std::min(std::max(paid_off, now) + takes_ns, now + static_cast<int64_t>(most_ns));
        } while (!item.paid_off.compare_exchange_weak(paid_off, next, std::memory_order_relaxed));
        wait_ns = std::max<int64_t>(next - now - burst_ns, 0);
    }
    const std::chrono::nanoseconds wait(wait_ns);
    return m_above != nullptr ? std::max(wait, m_above->pace(resource, amount)) : wait;
}

}  // namespace v1
}  // namespace wsb
