// SPDX-License-Identifier: Apache-2.0
#include "engine/interp/stepping.h"

#include "engine/runtime/store.h"

#include <algorithm>
#include <new>

namespace wsb::interp {

namespace {

/// Lowers a function that was lowered before. @return false if patience was over.
[[nodiscard]] bool lower_again(const runtime::CompiledModule& compiled, FuncIdx func, lower::Form form,
                               lower::Recording* recording, uint64_t origins_from_bytes,
                               const Patience& patience, Code& code) {
    const auto outcome = lower::lower_function(compiled.module, func,
                                               {.handlers = handlers(),
                                                .codes = compiled.codes.get(),
                                                .form = form,
                                                .recording = recording,
                                                .executed = compiled.executed,
                                                .canonical_nans = compiled.canonical_nans,
                                                .origins_from_bytes = origins_from_bytes,
                                                .patience = patience},
                                               code);
    WSB_CHECK(outcome.has_value() || patience.is_over());  // the body was validated when it was loaded
    return outcome.has_value();
}

/// Null if patience was over.
[[nodiscard]] std::unique_ptr<lower::SteppingForm> make_stepping_form(const runtime::CompiledModule& compiled,
                                                                      const Code& fast,
                                                                      const Patience& patience) {
    auto stepping = std::make_unique<lower::SteppingForm>();
    Code again;
    lower::Recording fast_recording, stepping_recording;
    if (!lower_again(compiled, fast.func, lower::Form::fast, &fast_recording, UINT64_MAX, patience, again) ||
        !lower_again(compiled, fast.func, lower::Form::stepping, &stepping_recording, lower::large_body_bytes,
                     patience, stepping->code))
        return nullptr;
    WSB_CHECK(fast_recording.points.size() == stepping_recording.points.size());
    WSB_CHECK(!fast.is_lowered || again.word_count == fast.word_count);
    WSB_CHECK(stepping->code.frame_slots == fast.frame_slots);
    for (size_t i = 0; i < fast_recording.points.size(); ++i)
        stepping->points.push_back({fast_recording.points[i].word, stepping_recording.points[i].word,
                                    fast_recording.points[i].potential});
    return stepping;
}

/// Makes the stepping form once; whoever comes first publishes it. Null if there is no memory or patience.
[[nodiscard]] const lower::SteppingForm* stepping_form(const runtime::CompiledModule& compiled,
                                                       const Code& fast, const Patience& patience) noexcept {
    if (const auto* form = fast.stepping.load(std::memory_order_acquire))
        return form;
    try {
        auto made = make_stepping_form(compiled, fast, patience);
        if (made == nullptr)
            return nullptr;
        compiled.code_index.enter(fast, made->code.words, [&] {
            const lower::SteppingForm* expected = nullptr;
            const bool is_first =
                fast.stepping.compare_exchange_strong(expected, made.get(), std::memory_order_acq_rel);
            if (is_first)
                static_cast<void>(made.release());
            return is_first;
        });
        return fast.stepping.load(std::memory_order_acquire);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

[[nodiscard]] lower::Form form_of(const FoundCode& found) noexcept {
    return found.is_stepping() ? lower::Form::stepping : lower::Form::fast;
}

}  // namespace

lower::MachineSite FoundCode::site(const void* place) const noexcept {
    const auto found = code->machine.load(std::memory_order_acquire)->find(place);
    WSB_CHECK(found.has_value());  // runs stop, call and settle at sites only
    return *found;
}

FoundCode find_code(const VmContext& context, const Word* cell) noexcept {
    for (const auto& compiled : context.store->modules()) {
        const lower::FoundForm found = compiled->code_index.find(cell);
        if (found.fast != nullptr)
            return {compiled.get(), found.fast, found.kind};
    }
    return {};
}

bool lower_now(const runtime::CompiledModule& compiled, const Code& code, const Patience& patience) noexcept {
    try {
        Code lowered;
        if (!lower_again(compiled, code.func, lower::Form::fast, nullptr, lower::large_body_bytes, patience,
                         lowered))
            return false;
        Code& own = compiled.codes[code.func.value - compiled.module.imported_funcs];
        compiled.code_index.enter(own, lowered.words, [&] {
            if (own.is_lowered)
                return false;
            own.publish(std::move(lowered));
            return true;
        });
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

SteppingPlace stepping_place(const VmContext& context, const Word* cell, Slot* sp) noexcept {
    const FoundCode found = find_code(context, cell);
    if (found.code == nullptr || found.is_stepping())
        return {cell, 0};
    const auto* form = stepping_form(*found.module, *found.code, context.store->patience());
    if (form == nullptr)
        return {};
    const auto place = [&](const lower::SteppingForm::Point& point) {
        return SteppingPlace{form->code.words + point.word, point.potential};
    };
    if (found.is_machine()) {
        const uint32_t point = found.site(cell).point;
        WSB_CHECK(point < form->points.size());
        sp[found.code->header_slot] &= ~lower::native_return_flag;
        return place(form->points[point]);
    }
    const auto word = static_cast<uint32_t>(cell - found.code->words);
    const auto point =
        std::ranges::lower_bound(form->points, word, {}, &lower::SteppingForm::Point::fast_word);
    WSB_CHECK(point != form->points.end() && point->fast_word == word);
    return place(*point);
}

const Word* sampled_place(const VmContext& context, const Word* cell, Slot* sp) noexcept {
    const FoundCode found = find_code(context, cell);
    if (found.code == nullptr || found.is_stepping() || found.module->tier_up == nullptr)
        return cell;
    const runtime::CompiledModule& module = *found.module;
    if (found.is_machine()) {
        // What used up the fuel may have been what returned here just now.
        const uint32_t callee = found.site(cell).callee;
        if (callee != lower::MachineSite::no_callee &&
            module.codes[callee].machine.load(std::memory_order_relaxed) == nullptr)
            module.tier_up->sample(module, module.codes[callee], context.store->patience());
        else
            context.store->look_later();
        return cell;
    }
    module.tier_up->sample(module, *found.code, context.store->patience());
    const lower::MachineCode* const machine = found.code->machine.load(std::memory_order_acquire);
    if (machine == nullptr)
        return cell;
    const auto* const change = machine->change_at(static_cast<uint32_t>(cell - found.code->words));
    if (change == nullptr)
        return cell;
    for (const lower::FoldedOperand& operand : machine->folded_at(*change))
        sp[operand.slot] =
            operand.local_slot == lower::FoldedOperand::no_slot ? operand.bits : sp[operand.local_slot];
    // SAFETY: cells lie aligned behind the code.
    return reinterpret_cast<const Word*>(machine->begin + change->at);
}

TrapCode lack_of_code(const VmContext& context) noexcept {
    return context.store->is_interrupted() ? TrapCode::interrupted : TrapCode::allocation_failure;
}

std::optional<lower::Recording> settlement_points(const runtime::CompiledModule& module, const Code& code,
                                                  size_t most_folded, const Patience& patience) {
    Code again;
    lower::Recording recording;
    recording.most_folded = most_folded;
    if (!lower_again(module, code.func, lower::Form::fast, &recording, UINT64_MAX, patience, again))
        return std::nullopt;
    return recording;
}

std::optional<std::vector<uint32_t>> fast_words(const FoundCode& found, std::span<const Word* const> cells,
                                                const Patience& patience) {
    const FoundCode fast{found.module, found.code, lower::FoundForm::Kind::fast};
    const auto origins = Origins::of(fast, patience);
    if (!origins)
        return std::nullopt;
    std::vector<uint32_t> words;
    for (const Word* const cell : cells) {
        // Whatever an instruction needs before it calls or allocates has cells before that one.
        const uint64_t offset_bytes = found.site(cell).offset_bytes;
        const lower::CellOrigin last = origins->table().at_offset(offset_bytes);
        WSB_CHECK(last.offset_bytes == offset_bytes);
        words.push_back(last.word);
    }
    return words;
}

std::optional<Origins> Origins::of(const FoundCode& found, const Patience& patience) {
    Origins origins;
    origins.m_table = found.form().origins.get();
    if (origins.m_table == nullptr) {
        Code again;
        if (!lower_again(*found.module, found.code->func, form_of(found), nullptr, 0, patience, again))
            return std::nullopt;
        origins.m_own = std::move(again.origins);
        origins.m_table = origins.m_own.get();
    }
    return origins;
}

lower::CellOrigin Origins::at(const FoundCode& found, const Word* cell, bool is_return) const noexcept {
    return m_table->at_word(static_cast<uint32_t>(cell - found.form().words) - (is_return ? 1 : 0));
}

lower::CellOrigin locate(const FoundCode& found, const Word* cell) {
    if (found.is_machine()) {
        const lower::MachineSite site = found.site(cell);
        return {site.at, site.offset_bytes, site.potential};
    }
    return Origins::of(found, {}).value().at(found, cell, false);
}

std::optional<std::vector<lower::RootSet>> roots_at(const FoundCode& found, std::vector<uint32_t> words,
                                                    const Patience& patience) {
    Code again;
    lower::Recording recording;
    recording.wanted_roots = std::move(words);
    if (!lower_again(*found.module, found.code->func, form_of(found), &recording, UINT64_MAX, patience,
                     again))
        return std::nullopt;
    return std::move(recording.roots);
}

namespace {
/// Not inside of the function, where each call would ask whether it is there already.
const Word the_leave_cell = address_of(leave);
}  // namespace

const Word* leave_cell() noexcept {
    return &the_leave_cell;
}

}  // namespace wsb::interp
