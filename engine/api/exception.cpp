// SPDX-License-Identifier: Apache-2.0
#include "wsb/exception.hpp"

#include "engine/api/convert.h"
#include "engine/api/guard.h"
#include "engine/runtime/object_operations.h"

#include <fmt/format.h>

namespace wsb {
inline namespace v1 {

namespace {

const runtime::Exception& exception_at(uint64_t reference) noexcept {
    return static_cast<const runtime::Exception&>(*runtime::object_at(reference));
}

}  // namespace

Result<Exception> Exception::create(const Tag& tag, std::span<const Value> values) {
    return api::guarded([&]() -> Result<Exception> {
        runtime::Store& store = tag.store().impl();
        const std::vector<ValType>& params = store.registry().type(tag.impl().type()).func()->params;
        if (values.size() != params.size())
            return fail(ErrorCode::signature_mismatch,
                        fmt::format("{} values for a tag of {}", values.size(), params.size()));
        std::vector<uint64_t> slots(runtime::slot_count_of(params));
        uint64_t* slot = slots.data();
        for (size_t i = 0; i < values.size(); ++i) {
            if (!api::value_fits(store, values[i], params[i]))
                return fail(ErrorCode::signature_mismatch,
                            fmt::format("value {}: {}", i + 1, api::value_mismatch(values[i], params[i])));
            slot = api::put(slot, values[i]);
        }
        const auto* made = runtime::new_exception(store.context(), tag.impl(), slots.data(), slots.size());
        if (made == nullptr)
            return fail(ErrorCode::limit_exceeded, "objects exceed the memory limit");
        store.host_roots().add(runtime::reference_to(made));
        return Exception(tag.store(), runtime::reference_to(made));
    });
}

std::optional<Exception> Exception::of(StoreRef store, const Failure& failure) noexcept {
    const Trap* const trap = failure.trap();
    if (trap == nullptr || trap->exception == 0 || !store.impl().host_roots().has(trap->exception))
        return std::nullopt;
    return Exception(store, trap->exception);
}

Tag Exception::tag() const noexcept {
    // The engine's tags are never const; exceptions only read theirs.
    return Tag(m_store, const_cast<runtime::Tag&>(*exception_at(m_reference).tag));
}

std::vector<Value> Exception::values() const {
    runtime::Store& store = m_store.impl();
    const runtime::Exception& exception = exception_at(m_reference);
    std::vector<Value> values;
    const runtime::Slot* slot = exception.values();
    for (const ValType param : store.registry().type(exception.tag->type()).func()->params)
        values.push_back(api::take(store, slot, param));
    return values;
}

Value Exception::reference() const noexcept {
    return Value::from_raw(ValType::reference(HeapType::exn, false), m_reference);
}

std::unexpected<Failure> Exception::thrown() const {
    Trap trap{TrapCode::uncaught_exception, {}, {}};
    trap.exception = m_reference;
    return std::unexpected(Failure(std::move(trap)));
}

}  // namespace v1
}  // namespace wsb
