// SPDX-License-Identifier: Apache-2.0
#include "engine/lower/lower.h"

#include "engine/validate/body_reader.h"
#include "engine/validate/module_validator.h"

namespace wsb::lower {

Code::~Code() {
    delete stepping.load(std::memory_order_acquire);
}

Result<void> lower_function(const Module& module, FuncIdx func, const HandlerTable& handlers,
                            std::span<const Code* const> callees, Form form, Recording* recording, Code& code,
                            OpCounts* executed) {
    LowerSink sink(handlers, callees, form, recording, executed);
    validate::BodyReader<LowerSink> reader(module, func, sink);
    WSB_TRY(reader.run());
    // What is invalid behind a refused instruction comes first.
    if (sink.has_refused())
        WSB_TRY(validate::validate_body(module, func));
    auto finished = sink.finish(code);
    if (!finished)
        finished.error().offset_bytes = module.body(func).whole.offset_bytes;
    return finished;
}

}  // namespace wsb::lower
