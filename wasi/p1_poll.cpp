// SPDX-License-Identifier: Apache-2.0
// poll_oneoff: sleeping, and waiting for descriptors.
#include "wasi/preview1.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <poll.h>
#include <vector>

namespace wsb::wasi::p1 {
namespace {

/// More at once are refused: it bounds what a call allocates.
constexpr uint32_t max_subscriptions = 4096;
constexpr uint64_t never = std::numeric_limits<uint64_t>::max();
constexpr size_t always_ready = std::numeric_limits<size_t>::max();

/// One subscription, copied out of the guest's memory (which the events may overlap).
struct Subscription {
    uint64_t userdata = 0;
    EventType type = EventType::clock;
    std::optional<Errno> error;  ///< known at once
    ClockId clock = ClockId::monotonic;
    uint64_t deadline_ns = never;  ///< on its clock
    Descriptor* descriptor = nullptr;
    size_t wait_index = always_ready;  ///< in the list to wait for
};

struct Event {
    Errno error = Errno::success;
    uint64_t bytes_ready = 0;
    uint16_t flags = 0;
};

class Poll {
public:
    explicit Poll(Call& call) noexcept : m_call(call) {}

    Outcome<void> read(std::span<const uint8_t> records) {
        const size_t record_bytes = m_call.layout.subscription_size_bytes;
        m_subscriptions.reserve(records.size() / record_bytes);
        for (size_t at = 0; at < records.size(); at += record_bytes) {
            WSB_TRY_ASSIGN(Subscription subscription, read_one(records.subspan(at, record_bytes)));
            m_is_ready |= subscription.error.has_value();
            m_subscriptions.push_back(subscription);
        }
        return {};
    }

    /// Until something has happened.
    Outcome<void> wait() {
        while (true) {
            WSB_TRY_ASSIGN(const std::optional<uint64_t> timeout_ns, time_left());
            WSB_TRY(m_call.policy().wait(m_descriptors, m_is_ready ? 0 : timeout_ns));
            const bool has_descriptor =
                std::ranges::any_of(m_descriptors, [](const pollfd& entry) { return entry.revents != 0; });
            if (m_is_ready || has_descriptor || timeout_ns == uint64_t{0})
                return {};
        }
    }

    /// @return how many events were written; there is room for all.
    Outcome<uint32_t> write(std::span<uint8_t> events) {
        uint32_t count = 0;
        for (const Subscription& subscription : m_subscriptions) {
            WSB_TRY_ASSIGN(const std::optional<Event> event, event_of(subscription));
            if (!event)
                continue;
            const auto record = events.subspan(size_t{count} * event_size_bytes, event_size_bytes);
            std::ranges::fill(record, uint8_t{0});
            GuestMemory::put(record, 0, subscription.userdata);
            GuestMemory::put(record, 8, event->error);
            GuestMemory::put(record, 10, subscription.type);
            GuestMemory::put(record, 16, event->bytes_ready);
            GuestMemory::put(record, 24, event->flags);
            ++count;
        }
        return count;
    }

private:
    Outcome<Subscription> read_one(std::span<const uint8_t> record) {
        Subscription subscription;
        subscription.userdata = GuestMemory::get<uint64_t>(record, 0);
        const auto tag = GuestMemory::get<uint8_t>(record, 8);
        if (tag > static_cast<uint8_t>(EventType::fd_write))
            return refuse(Errno::inval);
        subscription.type = static_cast<EventType>(tag);
        const Outcome<void> read = subscription.type == EventType::clock
                                       ? read_clock(record, subscription)
                                       : read_descriptor(record, subscription);
        if (!read && read.error() == Errno::canceled)
            return refuse(Errno::canceled);
        if (!read)
            subscription.error = read.error();
        return subscription;
    }

    Outcome<void> read_clock(std::span<const uint8_t> record, Subscription& subscription) {
        const std::span<const uint8_t> clock = record.subspan(m_call.layout.clock_offset_bytes);
        const auto id = GuestMemory::get<uint32_t>(clock, 0);
        const auto time_ns = GuestMemory::get<uint64_t>(clock, 8);
        const auto flags = GuestMemory::get<uint16_t>(clock, 24);
        if (id > static_cast<uint32_t>(ClockId::thread_cpu) || (flags & ~clock_is_absolute) != 0)
            return refuse(Errno::inval);
        subscription.clock = static_cast<ClockId>(id);
        // Processor time does not pass while we wait.
        if (subscription.clock != ClockId::realtime && subscription.clock != ClockId::monotonic)
            return refuse(Errno::notsup);
        WSB_TRY_ASSIGN(const uint64_t now_ns, m_call.policy().clock_time_ns(subscription.clock));
        if ((flags & clock_is_absolute) != 0)
            subscription.deadline_ns = time_ns;
        else
            subscription.deadline_ns = time_ns > never - now_ns ? never : now_ns + time_ns;
        return {};
    }

    static short events_of(const Subscription& subscription) noexcept {
        return subscription.type == EventType::fd_read ? POLLIN : POLLOUT;
    }

    Outcome<void> read_descriptor(std::span<const uint8_t> record, Subscription& subscription) {
        const bool reads = subscription.type == EventType::fd_read;
        const auto fd = GuestMemory::get<uint32_t>(record, 16);
        WSB_TRY_ASSIGN(
            const Handle* const handle,
            m_call.handles().get(fd, right::poll_fd_readwrite | (reads ? right::fd_read : right::fd_write)));
        subscription.descriptor = handle->descriptor.get();
        const int wait_fd = subscription.descriptor->wait_fd();
        if (wait_fd < 0) {
            m_is_ready = true;
            return {};
        }
        // Once each: the host bounds the list by its own number of descriptors.
        const auto [known, is_new] = m_index_of.try_emplace(wait_fd, m_descriptors.size());
        if (is_new)
            m_descriptors.push_back({wait_fd, 0, 0});
        subscription.wait_index = known->second;
        pollfd& entry = m_descriptors[subscription.wait_index];
        entry.events = static_cast<short>(entry.events | events_of(subscription));
        return {};
    }

    /// Until the first deadline; nullopt without any.
    Outcome<std::optional<uint64_t>> time_left() const {
        std::optional<uint64_t> least;
        for (const Subscription& subscription : m_subscriptions) {
            if (subscription.type != EventType::clock || subscription.error)
                continue;
            WSB_TRY_ASSIGN(const uint64_t left_ns, time_left_of(subscription));
            least = std::min(least.value_or(never), left_ns);
        }
        return least;
    }

    Outcome<uint64_t> time_left_of(const Subscription& subscription) const {
        WSB_TRY_ASSIGN(const uint64_t now_ns, m_call.policy().clock_time_ns(subscription.clock));
        return subscription.deadline_ns > now_ns ? subscription.deadline_ns - now_ns : 0;
    }

    Outcome<std::optional<Event>> event_of(const Subscription& subscription) const {
        if (subscription.error)
            return Event{*subscription.error, 0, 0};
        if (subscription.type == EventType::clock) {
            WSB_TRY_ASSIGN(const uint64_t left_ns, time_left_of(subscription));
            if (left_ns > 0)
                return std::nullopt;
            return Event{};
        }
        Event event;
        if (subscription.type == EventType::fd_read)
            event.bytes_ready = subscription.descriptor->bytes_ready();
        if (subscription.wait_index == always_ready)
            return event;
        pollfd entry = m_descriptors[subscription.wait_index];
        constexpr int always_told = POLLERR | POLLHUP | POLLNVAL;
        entry.revents = static_cast<short>(entry.revents & (events_of(subscription) | always_told));
        if (entry.revents == 0)
            return std::nullopt;
        if ((entry.revents & POLLNVAL) != 0)
            event.error = Errno::badf;
        else if ((entry.revents & POLLERR) != 0 && (entry.revents & (POLLIN | POLLOUT)) == 0)
            event.error = Errno::pipe;
        if ((entry.revents & POLLHUP) != 0)
            event.flags = event_hangup;
        return event;
    }

    Call& m_call;
    std::vector<Subscription> m_subscriptions;
    std::vector<pollfd> m_descriptors;
    std::map<int, size_t> m_index_of;  ///< in m_descriptors, by the host's descriptor
    bool m_is_ready = false;
};

}  // namespace

Outcome<void> poll_oneoff(Call& call, uint32_t subscriptions, uint32_t events, uint32_t count,
                          uint32_t stored_out) {
    if (count == 0 || count > max_subscriptions)
        return refuse(Errno::inval);
    WSB_TRY_ASSIGN(const std::span<uint8_t> source,
                   call.memory.array(subscriptions, count, call.layout.subscription_size_bytes));
    WSB_TRY_ASSIGN(const std::span<uint8_t> target, call.memory.array(events, count, event_size_bytes));
    WSB_TRY(call.memory.bytes(stored_out, sizeof(uint32_t)));
    Poll poll(call);
    WSB_TRY(poll.read(source));
    WSB_TRY(poll.wait());
    WSB_TRY_ASSIGN(const uint32_t stored, poll.write(target));
    return call.memory.store(stored_out, stored);
}

}  // namespace wsb::wasi::p1
