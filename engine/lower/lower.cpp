// SPDX-License-Identifier: Apache-2.0
#include "engine/lower/lower.h"

#include "engine/lower/frame_bound.h"
#include "engine/validate/body_reader.h"

#include <algorithm>

namespace wsb::lower {

Code::~Code() {
    delete stepping.load(std::memory_order_acquire);
}

void Code::publish(Code&& lowered) noexcept {
    WSB_ASSERT(!is_lowered() && lowered.header_slot == header_slot);
    entry = lowered.entry;
    words = std::move(lowered.words);
    word_count = lowered.word_count;
    catches = std::move(lowered.catches);
    catch_starts = std::move(lowered.catch_starts);
    frame_slots.store(lowered.frame_slots.load(std::memory_order_relaxed), std::memory_order_release);
}

void outline(const Module& module, FuncIdx func, Code& code) noexcept {
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

Result<void> lower_function(const Module& module, FuncIdx func, const HandlerTable& handlers,
                            const Code* codes, Form form, Recording* recording, Code& code,
                            OpCounts* executed) {
    LowerSink sink(handlers, codes, form, recording, executed);
    validate::BodyReader<LowerSink> reader(module, func, sink);
    WSB_TRY(reader.run());
    outline(module, func, code);
    auto finished = sink.finish(code);
    if (!finished)
        finished.error().offset_bytes = module.body(func).whole.offset_bytes;
    return finished;
}

Result<bool> can_be_lowered_later(const Module& module, FuncIdx func) {
    FrameBoundSink sink;
    WSB_TRY(validate::BodyReader<FrameBoundSink>(module, func, sink).run());
    return sink.is_small();
}

}  // namespace wsb::lower
