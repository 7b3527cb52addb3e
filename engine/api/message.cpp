// SPDX-License-Identifier: Apache-2.0
#include "wsb/message.hpp"

#include "engine/api/guard.h"
#include "engine/base/result.h"
#include "engine/runtime/store.h"

#include <fmt/format.h>

namespace wsb {
inline namespace v1 {
namespace detail {

namespace {

constexpr std::string_view memory_name = "memory";
/// As the canonical ABI of components has it: (old, old size, alignment, new size).
constexpr std::string_view realloc_name = "cabi_realloc";
constexpr std::string_view malloc_name = "malloc";
constexpr std::string_view cleaner_prefix = "cabi_post_";

std::unexpected<Error> missing(std::string_view function, std::string_view what) {
    return fail(ErrorCode::unknown_export,
                fmt::format("\"{}\" passes strings, bytes or structures, so the module has to export {}",
                            function, what));
}
constexpr std::string_view needed_memory = "its memory as \"memory\"";
constexpr std::string_view needed_allocator = "an allocator, \"cabi_realloc\" or \"malloc\"";

std::unexpected<Error> wrong_memory() {
    return fail(ErrorCode::signature_mismatch, "\"memory\" must be a memory with addresses of 32 bits");
}

/// With the name of the export.
template <class Signature>
Result<TypedFunc<Signature>> typed(const Instance& instance, std::string_view name) {
    auto found = instance.typed_function<Signature>(name);
    if (!found && found.error().code == ErrorCode::signature_mismatch)
        found.error().detail.insert(0, fmt::format("\"{}\": ", name));
    return found;
}

Result<void> check_type(const FuncType& found, FuncType expected, std::string_view name) {
    if (found == expected)
        return {};
    return fail(ErrorCode::signature_mismatch,
                fmt::format("\"{}\": expected {}, found {}", name, to_string(expected), to_string(found)));
}

}  // namespace

std::string MessagePlace::text() const {
    const std::string part = argument == 0 ? "result" : fmt::format("argument {}", argument);
    return function.empty() ? part : fmt::format("{} of \"{}\"", part, function);
}

void MessageRoom::give_back() noexcept {
    m_store.impl().release_memory(m_size_bytes, 0);
}

Result<void> MessageRoom::take(uint64_t size_bytes, MessagePlace place) {
    if (!m_store.impl().charge_memory(size_bytes, 0))
        return fail(ErrorCode::limit_exceeded,
                    fmt::format("{}: memory for {} bytes", place.text(), size_bytes));
    m_size_bytes += size_bytes;
    return {};
}

bool MessageRoom::is_time_over() noexcept {
    if (m_interruption == Interruption::none && m_store.impl().context().is_sliced)
        m_interruption = m_store.impl().interrupts().poll();
    return m_interruption != Interruption::none;
}

std::optional<Failure> MessageRoom::interruption() noexcept {
    return is_time_over() ? std::optional(interrupted_by(m_interruption)) : std::nullopt;
}

Result<MessageExports> MessageExports::find(const Instance& instance, std::string_view function,
                                            bool is_export, bool sends) {
    return api::guarded([&]() -> Result<MessageExports> {
        const auto memory = instance.memory(memory_name);
        if (!memory)
            return missing(function, needed_memory);
        if (memory->type().address != AddressType::i32)
            return wrong_memory();
        MessageExports exports(*memory);
        if (sends) {
            if (!instance.get(realloc_name) && !instance.get(malloc_name))
                return missing(function, needed_allocator);
            WSB_TRY(exports.find_allocator(instance));
        }
        if (is_export)
            WSB_TRY(exports.find_cleaner(instance, function));
        return exports;
    });
}

Result<void> MessageExports::find_allocator(const Instance& instance) {
    if (instance.get(realloc_name)) {
        WSB_TRY_ASSIGN(const auto found,
                       (typed<uint32_t(uint32_t, uint32_t, uint32_t, uint32_t)>(instance, realloc_name)));
        m_allocator.emplace<Realloc>(found);
    } else {
        WSB_TRY_ASSIGN(const auto found, typed<uint32_t(uint32_t)>(instance, malloc_name));
        m_allocator.emplace<Malloc>(found);
    }
    return {};
}

Result<void> MessageExports::find_cleaner(const Instance& instance, std::string_view function) {
    const std::string name = fmt::format("{}{}", cleaner_prefix, function);
    if (!instance.get(name))
        return {};
    WSB_TRY_ASSIGN(m_cleaner, typed<void(uint64_t)>(instance, name));
    return {};
}

Result<void> MessageExports::check(const Module& module, std::string_view function, bool sends) {
    const auto memory = module.find_export(memory_name);
    if (!memory || memory->memory() == nullptr)
        return missing(function, needed_memory);
    if (memory->memory()->address != AddressType::i32)
        return wrong_memory();
    if (!sends)
        return {};
    const ValType i32 = ValType::i32;
    for (const std::string_view name : {realloc_name, malloc_name}) {
        const auto item = module.find_export(name);
        const FuncType* const type = item ? item->func() : nullptr;
        if (type != nullptr && name == realloc_name)
            return check_type(*type, {{i32, i32, i32, i32}, {i32}}, name);
        if (type != nullptr)
            return check_type(*type, {{i32}, {i32}}, name);
    }
    return missing(function, needed_allocator);
}

CallResult<GuestBytes> MessageExports::send(std::span<const uint8_t> bytes, MessagePlace place) const {
    if (bytes.size() > UINT32_MAX)
        return fail(ErrorCode::bad_message, fmt::format("{}: {} bytes, which is more than 32 bits can say",
                                                        place.text(), bytes.size()));
    const auto size_bytes = static_cast<uint32_t>(bytes.size());
    // At least one, so that there is something to free, and an address that is not null.
    const uint32_t asked = std::max(size_bytes, 1u);
    const auto* const realloc = std::get_if<Realloc>(&m_allocator);
    const auto address = realloc != nullptr ? (*realloc)(0, 0, 1, asked)
                                            : std::get_if<Malloc>(&m_allocator)->operator()(asked);
    if (!address)
        return std::unexpected(address.error());
    const GuestBytes target{*address, size_bytes};
    if (*address == 0 || !m_memory.write(*address, bytes))
        return fail(ErrorCode::bad_message,
                    fmt::format("{}: \"{}\" gave address {:#x} for {} bytes, in a memory of {}", place.text(),
                                realloc != nullptr ? realloc_name : malloc_name, *address, asked,
                                m_memory.size_bytes()));
    return target;
}

Result<void> MessageExports::check_inside(GuestBytes bytes, MessagePlace place) const {
    const uint64_t size_bytes = m_memory.size_bytes();
    if (bytes.offset_bytes <= size_bytes && bytes.size_bytes <= size_bytes - bytes.offset_bytes)
        return {};
    return fail(ErrorCode::bad_message,
                fmt::format("{}: {} bytes at address {:#x}, in a memory of {}", place.text(),
                            bytes.size_bytes, bytes.offset_bytes, size_bytes));
}

void MessageExports::copy(GuestBytes from, size_t offset_bytes, std::span<uint8_t> target) const noexcept {
    // It was found to be inside, and memories do not shrink.
    static_cast<void>(m_memory.read(from.offset_bytes + offset_bytes, target));
}

CallResult<void> MessageExports::finish(uint64_t result) const {
    return m_cleaner ? (*m_cleaner)(result) : CallResult<void>();
}

}  // namespace detail
}  // namespace v1
}  // namespace wsb
