// SPDX-License-Identifier: Apache-2.0
// Roots in guest frames. Which slots hold references at a cell is not kept beside the code: the function
// is lowered again when a collection first meets the cell, and what that says is remembered.
#include "engine/interp/frames.h"

#include "engine/runtime/heap.h"
#include "engine/runtime/store.h"

#include <algorithm>
#include <map>
#include <new>

namespace wsb::interp {

namespace {

using runtime::Activation;
using runtime::FrameRoots;
using runtime::RootMaps;

/// Calls `function` with each frame, innermost first, of all entries from the host; it says how far its
/// header is, or nothing to stop there.
template <class HeaderSlotOf>
void for_each_frame(const VmContext& context, const Word* leave, HeaderSlotOf header_slot_of) {
    Place place{.cell = context.trap_ip, .sp = context.trap_sp};
    const Activation* activation = context.activation;
    while (true) {
        while (place.cell != nullptr && place.cell != leave)
            place.to_caller(header_slot_of(place));
        if (activation == nullptr)
            return;
        place = {.cell = activation->outer_ip, .sp = activation->outer_sp};
        activation = activation->outer;
    }
}

/// A form of a function, with the cells whose roots are asked for.
struct Question {
    FoundCode found;
    std::vector<const lower::Word*> cells;
};
/// By the form's code, and whether it is machine code.
using Questions = std::map<std::pair<const Code*, bool>, Question>;

[[nodiscard]] Questions unknown_cells(const VmContext& context, const RootMaps& maps) {
    Questions questions;
    for_each_frame(context, leave_cell(), [&](const Place& place) {
        const Word* const cell = place.cell_under_way();
        if (const FrameRoots* const known = maps.find(cell))
            return known->header_slot;
        const FoundCode found = find_code(context, cell);
        WSB_CHECK(found.code != nullptr);  // guest frames return into functions
        const Code& form = found.form();
        Question& question = questions[{&form, found.is_machine()}];
        question.found = found;
        question.cells.push_back(cell);
        return form.header_slot;
    });
    return questions;
}

/// @return false if patience is over.
[[nodiscard]] bool learn(Question& question, RootMaps& maps, const Patience& patience) {
    std::ranges::sort(question.cells);
    const auto repeated = std::ranges::unique(question.cells);
    question.cells.erase(repeated.begin(), repeated.end());
    FoundCode found = question.found;
    const Code& form = found.form();
    std::vector<uint32_t> words;
    if (found.is_machine()) {
        auto mapped = fast_words(found, question.cells, patience);
        if (!mapped)
            return false;
        words = *std::move(mapped);
        found.kind = lower::FoundForm::Kind::fast;
    } else {
        for (const lower::Word* const cell : question.cells)
            words.push_back(static_cast<uint32_t>(cell - form.words));
    }
    std::vector<uint32_t> wanted = words;
    std::ranges::sort(wanted);
    const auto answers = roots_at(found, wanted, patience);
    if (!answers)
        return false;
    WSB_CHECK(answers->size() == wanted.size());
    for (size_t i = 0; i < words.size(); ++i) {
        const auto answer = std::ranges::lower_bound(*answers, words[i], {}, &lower::RootSet::word);
        WSB_CHECK(answer != answers->end() && answer->word == words[i]);
        maps.add(question.cells[i], {form.header_slot, answer->slots});
    }
    return true;
}

}  // namespace

bool mark_frames(const VmContext& context, RootMaps& maps, runtime::Heap& heap) noexcept {
    try {
        for (auto& [form, question] : unknown_cells(context, maps))
            if (!learn(question, maps, context.store->patience()))
                return false;
    } catch (const std::bad_alloc&) {
        return false;
    }
    for_each_frame(context, leave_cell(), [&](const Place& place) {
        const FrameRoots& roots = *maps.find(place.cell_under_way());
        for (const uint32_t slot : roots.slots)
            heap.mark(place.sp[slot]);
        return roots.header_slot;
    });
    return true;
}

}  // namespace wsb::interp
