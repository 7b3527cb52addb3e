// SPDX-License-Identifier: Apache-2.0
#include "engine/lower/lower.h"

#include "engine/isa/limits.h"

#include <algorithm>

namespace wsb::lower {

Code::~Code() {
    delete stepping.load(std::memory_order_acquire);
}

void Code::publish(Code&& lowered) noexcept {
    WSB_ASSERT(!is_lowered && lowered.header_slot == header_slot);
    words = lowered.words;
    if (machine.load(std::memory_order_relaxed) == nullptr)
        entry.store(words, std::memory_order_relaxed);
    own_words = std::move(lowered.own_words);
    word_count = lowered.word_count;
    catches = std::move(lowered.catches);
    catch_starts = std::move(lowered.catch_starts);
    origins = std::move(lowered.origins);
    is_lowered.store(true, std::memory_order_release);
    publish_frame(lowered.frame_slots.load(std::memory_order_relaxed));
}

void Code::publish_frame(uint32_t slots) noexcept {
    WSB_CHECK(!can_run() || frame_slots == slots);  // both tiers found it out
    frame_slots.store(slots, std::memory_order_release);
}

void write_outline(const Module& module, FuncIdx func, Code& code) noexcept {
    const FuncType& type = module.func_type(func);
    code.module = &module;
    code.func = func;
    code.param_slots = slot_count(type.params);
    code.result_slots = slot_count(type.results);
    code.zeroed_slots = 0;
    for (const LocalRun& run : module.body(func).locals)
        code.zeroed_slots += run.count * slot_width(run.type);
    code.header_slot = std::max(code.param_slots + code.zeroed_slots, code.result_slots);
}

Result<void> check_frame(const Module& module, FuncIdx func, uint32_t slots) {
    if (slots <= limits::frame_slots)
        return {};
    auto error = fail(ErrorCode::limit_exceeded, "frame of more than 65,000 slots");
    error.error().func = func.value;
    error.error().offset_bytes = module.body(func).whole.offset_bytes;
    return error;
}

Result<void> FunctionLowerer::lower(FuncIdx func, Code& code) {
    WSB_TRY(m_reader.run(func, m_patience));
    write_outline(m_module, func, code);
    return m_sink.finish(code);
}

Result<bool> FunctionLowerer::outline(FuncIdx func, Code& code) {
    WSB_TRY(m_bound_reader.run(func, m_patience));
    write_outline(m_module, func, code);
    return m_bound.is_small();
}

Result<void> lower_function(const Module& module, FuncIdx func, const LowerOptions& options, Code& code) {
    return FunctionLowerer(module, options).lower(func, code);
}

}  // namespace wsb::lower
