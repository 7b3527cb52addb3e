// SPDX-License-Identifier: Apache-2.0
// Fuel of a store, and its slices. The guest uses up context.fuel_left; what is behind it, in
// context.fuel_reserve, is handed out slice by slice where something may interrupt. Sums stay exact.
#include "engine/runtime/store.h"
#include "engine/validate/fuel_cost.h"

#include <algorithm>

namespace wsb::runtime {

uint64_t Store::all_fuel() const noexcept {
    return static_cast<uint64_t>(std::max<int64_t>(m_context.fuel_left, 0)) + m_context.fuel_reserve;
}

/// Takes from the reserve. @return how much there was.
uint64_t Store::grant(uint64_t units) noexcept {
    uint64_t granted = std::min(units, m_context.fuel_reserve);
    if (m_account != nullptr)
        granted = m_account->draw_fuel(granted);
    m_context.fuel_reserve -= granted;
    return granted;
}

/// What is left of the slice goes back to the reserve.
void Store::return_slice() noexcept {
    const auto left = static_cast<uint64_t>(std::max<int64_t>(m_context.fuel_left, 0));
    if (m_account != nullptr)
        m_account->return_fuel(left);
    m_context.fuel_reserve += left;
    m_context.fuel_left = 0;
}

/// Something that may interrupt, or an account, came or went.
void Store::slice_again() noexcept {
    if (m_context.is_sliced)
        return_slice();
    const bool was_sliced = m_context.is_sliced;
    m_context.is_sliced = m_interrupts.are_any() || m_account != nullptr || samples();
    if (!m_context.is_sliced) {
        m_context.fuel_left += static_cast<int64_t>(m_context.fuel_reserve);
        m_context.fuel_reserve = 0;
        return;
    }
    if (!was_sliced) {
        m_context.fuel_reserve = all_fuel();
        m_context.fuel_left = 0;
    }
    if (m_context.host_depth > 0)
        m_context.fuel_left = static_cast<int64_t>(grant(slice_units));
}

/// The host is about to call a function. Calls that are shorter than a slice are looked at as well: each goes
/// on with the slice of the one before it.
void Store::begin_slice(const VmFunc& func) noexcept {
    constexpr uint64_t window = validate::fuel_window;  // with less a run begins in stepping form
    if (m_context.host_depth > 0) {
        if (m_context.fuel_left < static_cast<int64_t>(window))
            m_context.fuel_left += static_cast<int64_t>(grant(window + m_slice_units));
        return;
    }
    if (m_until_sample < m_slice_units / 4 + 1) {
        m_until_sample = m_slice_units;
        if (func.instance != nullptr && func.code->can_run()) {
            const CompiledModule& module = *owner_of(*func.instance).compiled();
            if (module.tier_up != nullptr)
                module.tier_up->sample(module, *func.code, patience());
        }
    }
    m_context.fuel_left = static_cast<int64_t>(grant(window + m_until_sample));
}

void Store::end_slice() noexcept {
    const uint64_t left = static_cast<uint64_t>(std::max<int64_t>(m_context.fuel_left, 0));
    if (samples())
        m_until_sample = std::min(left - std::min<uint64_t>(left, validate::fuel_window), m_slice_units);
    return_slice();
}

NextSlice Store::next_slice(uint64_t least) noexcept {
    if (is_interrupted())
        return {0, true};
    return {grant(std::max(least, m_slice_units)), false};
}

void Store::set_deadline(std::optional<Interrupts::Clock::time_point> deadline) noexcept {
    m_interrupts.set_deadline(deadline);
    slice_again();
}

void Store::set_cpu_time(std::optional<std::chrono::nanoseconds> most) noexcept {
    m_interrupts.set_cpu_time(most);
    slice_again();
}

void Store::set_cancel(std::shared_ptr<const CancelState> cancel) noexcept {
    m_interrupts.set_cancel(std::move(cancel));
    slice_again();
}

void Store::set_fuel(std::optional<uint64_t> units) noexcept {
    m_fuel_consumed_before = fuel_consumed();
    constexpr auto most = static_cast<uint64_t>(fuel_unlimited);
    m_fuel_granted = units ? std::min(*units, most) : most;
    m_context.fuel_is_limited = units.has_value();
    if (m_context.is_sliced) {
        return_slice();
        m_context.fuel_reserve = m_fuel_granted;
        slice_again();
    } else {
        m_context.fuel_left = static_cast<int64_t>(m_fuel_granted);
    }
}

std::optional<uint64_t> Store::fuel_left() const noexcept {
    if (!m_context.fuel_is_limited)
        return std::nullopt;
    return all_fuel();
}

uint64_t Store::fuel_consumed() const noexcept {
    return m_fuel_consumed_before + m_fuel_granted - all_fuel();
}

bool Store::consume_fuel(uint64_t units) noexcept {
    auto left = static_cast<uint64_t>(std::max<int64_t>(m_context.fuel_left, 0));
    if (units > left && m_context.fuel_reserve > 0)
        left += grant(units - left);
    const bool is_enough = units <= left;
    m_context.fuel_left = is_enough ? static_cast<int64_t>(left - units) : 0;
    return is_enough;
}

}  // namespace wsb::runtime
