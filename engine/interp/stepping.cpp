// SPDX-License-Identifier: Apache-2.0
#include "engine/interp/stepping.h"

#include "engine/runtime/store.h"

#include <algorithm>
#include <new>

namespace wsb::interp {

namespace {

/// Lowers a function again, writing down what the first time was not needed.
[[nodiscard]] Result<lower::Recording> record(const runtime::CompiledModule& compiled, const Code& fast,
                                              lower::Form form, Code& code,
                                              std::vector<uint32_t> wanted_roots = {}) {
    lower::Recording recording;
    recording.wanted_roots = std::move(wanted_roots);
    WSB_TRY(lower::lower_function(compiled.module, fast.func,
                                  {handlers(), compiled.codes.get(), form, &recording, compiled.executed,
                                   nullptr, compiled.canonical_nans},
                                  code));
    return recording;
}

[[nodiscard]] Result<std::unique_ptr<lower::SteppingForm>> make_stepping_form(
    const runtime::CompiledModule& compiled, const Code& fast) {
    auto stepping = std::make_unique<lower::SteppingForm>();
    Code again;
    WSB_TRY_ASSIGN(const auto fast_recording, record(compiled, fast, lower::Form::fast, again));
    WSB_TRY_ASSIGN(const auto stepping_recording,
                   record(compiled, fast, lower::Form::stepping, stepping->code));
    WSB_CHECK(fast_recording.points.size() == stepping_recording.points.size());
    WSB_CHECK(again.word_count == fast.word_count && stepping->code.frame_slots == fast.frame_slots);
    for (size_t i = 0; i < fast_recording.points.size(); ++i)
        stepping->points.push_back({fast_recording.points[i].word, stepping_recording.points[i].word,
                                    fast_recording.points[i].potential});
    return stepping;
}

/// Makes the stepping form once; whoever comes first publishes it.
[[nodiscard]] const lower::SteppingForm* stepping_form(const runtime::CompiledModule& compiled,
                                                       const Code& fast) noexcept {
    if (const auto* form = fast.stepping.load(std::memory_order_acquire))
        return form;
    try {
        auto made = make_stepping_form(compiled, fast);
        WSB_CHECK(made.has_value());  // the same body was lowered before
        compiled.code_index.enter(fast, (*made)->code.words, [&] {
            const lower::SteppingForm* expected = nullptr;
            const bool is_first =
                fast.stepping.compare_exchange_strong(expected, made->get(), std::memory_order_acq_rel);
            if (is_first)
                static_cast<void>(made->release());
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

const lower::MachineSite& FoundCode::site(const void* place) const noexcept {
    const auto* const found = code->machine.load(std::memory_order_acquire)->find(place);
    WSB_CHECK(found != nullptr);  // runs stop, call and settle at sites only
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

bool lower_now(const runtime::CompiledModule& compiled, const Code& code) noexcept {
    try {
        Code lowered;
        const auto outcome =
            lower::lower_function(compiled.module, code.func,
                                  {handlers(), compiled.codes.get(), lower::Form::fast, nullptr,
                                   compiled.executed, nullptr, compiled.canonical_nans},
                                  lowered);
        WSB_CHECK(outcome.has_value());  // the body was validated when the module was loaded
        Code& own = compiled.codes[code.func.value - compiled.module.imported_funcs];
        compiled.code_index.enter(own, lowered.words, [&] {
            if (own.is_lowered())
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
    const auto* form = stepping_form(*found.module, *found.code);
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

Result<std::vector<uint32_t>> fast_words(const FoundCode& found, std::span<const Word* const> cells) {
    const FoundCode fast{found.module, found.code, lower::FoundForm::Kind::fast};
    WSB_TRY_ASSIGN(const auto origins, origins_of(fast));
    std::vector<uint32_t> words;
    for (const Word* const cell : cells) {
        // Whatever an instruction needs before it calls or allocates has cells before that one.
        const uint64_t offset_bytes = found.site(cell).offset_bytes;
        const auto after =
            std::ranges::upper_bound(origins, offset_bytes, {}, &lower::CellOrigin::offset_bytes);
        WSB_CHECK(after != origins.begin() && std::prev(after)->offset_bytes == offset_bytes);
        words.push_back(std::prev(after)->word);
    }
    return words;
}

Result<std::vector<lower::CellOrigin>> origins_of(const FoundCode& found) {
    Code again;
    WSB_TRY_ASSIGN(auto recording, record(*found.module, *found.code, form_of(found), again));
    return std::move(recording.origins);
}

const lower::CellOrigin& origin_in(std::span<const lower::CellOrigin> origins, const FoundCode& found,
                                   const Word* cell, bool is_return) {
    const auto word = static_cast<uint32_t>(cell - found.form().words) - (is_return ? 1 : 0);
    const auto after = std::ranges::upper_bound(origins, word, {}, &lower::CellOrigin::word);
    WSB_CHECK(after != origins.begin());
    return *std::prev(after);
}

Result<lower::CellOrigin> locate(const FoundCode& found, const Word* cell, bool is_return) {
    if (found.is_machine()) {
        const lower::MachineSite& site = found.site(cell);
        return lower::CellOrigin{site.at, site.offset_bytes, site.potential};
    }
    WSB_TRY_ASSIGN(const auto origins, origins_of(found));
    return origin_in(origins, found, cell, is_return);
}

Result<std::vector<lower::RootSet>> roots_at(const FoundCode& found, std::vector<uint32_t> words) {
    Code again;
    WSB_TRY_ASSIGN(auto recording,
                   record(*found.module, *found.code, form_of(found), again, std::move(words)));
    return std::move(recording.roots);
}

const Word* leave_cell() noexcept {
    static const Word cell = address_of(leave);
    return &cell;
}

}  // namespace wsb::interp
