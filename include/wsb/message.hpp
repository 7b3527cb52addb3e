// SPDX-License-Identifier: Apache-2.0
// Values that are not numbers, between host and guest: strings, bytes, and with wsb/json.hpp structures. They
// lie in the memory that the guest exports as "memory"; what goes to the guest is put where its allocator
// says. docs/guest-abi.md is the guest's side of it.
#pragma once

#include "wsb/extern.hpp"
#include "wsb/func.hpp"
#include "wsb/instance.hpp"
#include "wsb/module.hpp"

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <exception>
#include <expected>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace wsb {
inline namespace v1 {

namespace detail {

/// An argument or the result of a function, for errors.
struct MessagePlace {
    std::string_view function;  ///< empty if its name is not known
    size_t argument = 0;        ///< from 1; 0: the result

    [[nodiscard]] std::string text() const;
};

/// Memory of the host's that holds what a guest passed, charged to the guest's store until it ends.
class MessageRoom {
public:
    explicit MessageRoom(StoreRef store) noexcept : m_store(store) {}
    MessageRoom(const MessageRoom&) = delete;
    MessageRoom& operator=(const MessageRoom&) = delete;
    ~MessageRoom() {
        if (m_size_bytes != 0)
            give_back();
    }

    /// Before the memory is taken. @return limit_exceeded.
    [[nodiscard]] Result<void> take(uint64_t size_bytes, MessagePlace place);

    /// Whether the call of the guest has to end.
    [[nodiscard]] bool is_time_over() noexcept;
    /// What ends it, if `is_time_over` said so, or says so now.
    [[nodiscard]] std::optional<Failure> interruption() noexcept;

private:
    void give_back() noexcept;

    StoreRef m_store;
    uint64_t m_size_bytes = 0;
    Interruption m_interruption = Interruption::none;
};

}  // namespace detail

/// Says how a C++ type travels as bytes; specialize it for further ones. Members:
///   using Buffer           std::string or std::vector<uint8_t>: what the bytes are read into
///   using Held             what a host function's parameter of the type is made from; owns what it needs
///   encode(value)          contiguous bytes or characters, a view or a container; may throw
///   decoded_bytes(buffer)  memory that decode takes beyond the buffer, at most
///   decode(buffer&&, room) Result<Held>; an Error's detail says what is wrong with the bytes; may throw.
///                          What takes long asks room.is_time_over(), and gives up then
template <class T>
struct Message;

/// A type with WasmType travels by itself, as a number or reference.
template <class T>
concept RawType = requires { WasmType<T>::type; };
template <class T>
concept MessageType = !RawType<T> && requires { typename Message<T>::Held; };

namespace detail {
/// Bytes as they are.
template <class T, class B>
struct PlainMessage {
    using Buffer = B;
    using Held = B;
    static const T& encode(const T& value) noexcept { return value; }
    static uint64_t decoded_bytes(const Buffer&) noexcept { return 0; }
    static Result<Held> decode(Buffer&& buffer, MessageRoom&) noexcept { return std::move(buffer); }
};
}  // namespace detail

// Characters are bytes: nobody asks whether they are UTF-8.
template <>
struct Message<std::string> : detail::PlainMessage<std::string, std::string> {};
template <>
struct Message<std::string_view> : detail::PlainMessage<std::string_view, std::string> {};
template <>
struct Message<std::vector<uint8_t>> : detail::PlainMessage<std::vector<uint8_t>, std::vector<uint8_t>> {};
template <>
struct Message<std::span<const uint8_t>>
    : detail::PlainMessage<std::span<const uint8_t>, std::vector<uint8_t>> {};
/// As an argument only.
template <>
struct Message<const char*> : detail::PlainMessage<const char*, std::string> {
    static std::string_view encode(const char* value) noexcept { return value; }
};

/// Where bytes lie in a guest's memory. As a result it is one i64, the offset in the low half.
struct GuestBytes {
    uint32_t offset_bytes = 0;
    uint32_t size_bytes = 0;

    [[nodiscard]] uint64_t packed() const noexcept { return uint64_t{size_bytes} << 32 | offset_bytes; }
    [[nodiscard]] static GuestBytes unpack(uint64_t packed) noexcept {
        return {static_cast<uint32_t>(packed), static_cast<uint32_t>(packed >> 32)};
    }
};

namespace detail {

/// The exports of an instance that messages need. Valid as long as the instance.
class MessageExports {
public:
    /// @param function that the messages belong to, for errors; with an export of this name, what cleans up
    /// after it is found too.
    /// @return unknown_export or signature_mismatch, with the export that is missing or of the wrong type.
    [[nodiscard]] static Result<MessageExports> find(const Instance& instance, std::string_view function,
                                                     bool is_export, bool sends);
    /// Whether `find` would find them in an instance of the module.
    [[nodiscard]] static Result<void> check(const Module& module, std::string_view function, bool sends);

    /// Asks the guest for room and copies the bytes there. @return bad_message if it gives none, or what
    /// calling the guest returns.
    [[nodiscard]] CallResult<GuestBytes> send(std::span<const uint8_t> bytes, MessagePlace place) const;
    /// Copies out of the memory; not all of it if the room's time is over. @return bad_message,
    /// limit_exceeded.
    template <class Buffer>
    [[nodiscard]] Result<Buffer> receive(GuestBytes from, MessageRoom& room, MessagePlace place) const {
        if (auto checked = check_inside(from, place); !checked)
            return std::unexpected(std::move(checked).error());
        if (auto taken = room.take(from.size_bytes, place); !taken)
            return std::unexpected(std::move(taken).error());
        Buffer buffer;
        buffer.reserve(from.size_bytes);
        // In pieces, between which the call may be interrupted.
        while (buffer.size() < from.size_bytes && !room.is_time_over()) {
            const size_t done = buffer.size();
            buffer.resize(std::min<size_t>(from.size_bytes, done + piece_bytes));
            // SAFETY: characters have the representation of bytes.
            copy(from, done, {reinterpret_cast<uint8_t*>(buffer.data()) + done, buffer.size() - done});
        }
        return buffer;
    }
    /// Lets the guest free its result, if it exports something for that.
    [[nodiscard]] CallResult<void> finish(uint64_t result) const;

private:
    using Realloc = TypedFunc<uint32_t(uint32_t, uint32_t, uint32_t, uint32_t)>;
    using Malloc = TypedFunc<uint32_t(uint32_t)>;

    explicit MessageExports(const Memory& memory) noexcept : m_memory(memory) {}
    [[nodiscard]] Result<void> find_allocator(const Instance& instance);
    [[nodiscard]] Result<void> find_cleaner(const Instance& instance, std::string_view function);
    [[nodiscard]] Result<void> check_inside(GuestBytes bytes, MessagePlace place) const;
    static constexpr size_t piece_bytes = size_t{1} << 20;
    void copy(GuestBytes from, size_t offset_bytes, std::span<uint8_t> target) const noexcept;

    Memory m_memory;
    std::variant<std::monostate, Realloc, Malloc> m_allocator;
    std::optional<TypedFunc<void(uint64_t)>> m_cleaner;
};

/// Exceptions of encoding and decoding end here.
template <class Body>
std::invoke_result_t<Body> stop_message_exceptions(MessagePlace place, Body&& body) {
#if defined(__cpp_exceptions)
    const auto failed = [&](ErrorCode code, std::string detail) {
        Error error;
        error.code = code;
        error.detail = std::move(detail);
        return std::unexpected(std::move(error));
    };
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return failed(ErrorCode::out_of_memory, place.text());
    } catch (const std::exception& exception) {
        return failed(ErrorCode::bad_message, place.text() + ": " + exception.what());
    }
#else
    return body();
#endif
}

/// Encodes a value and gives it to the guest.
template <MessageType T>
[[nodiscard]] CallResult<GuestBytes> send(const MessageExports& exports, const T& value, MessagePlace place) {
    using Encoded = decltype(Message<T>::encode(value));
    auto encoded = stop_message_exceptions(
        place, [&]() -> Result<std::remove_cvref_t<Encoded>> { return Message<T>::encode(value); });
    if (!encoded)
        return std::unexpected(Failure(std::move(encoded).error()));
    const std::span characters(*encoded);
    // SAFETY: characters have the representation of bytes.
    return exports.send({reinterpret_cast<const uint8_t*>(characters.data()), characters.size()}, place);
}

/// Decodes what was received.
template <MessageType T>
[[nodiscard]] Result<typename Message<T>::Held> decode(typename Message<T>::Buffer&& buffer,
                                                       MessageRoom& room, MessagePlace place) {
    if (auto taken = room.take(Message<T>::decoded_bytes(buffer), place); !taken)
        return std::unexpected(std::move(taken).error());
    auto decoded =
        stop_message_exceptions(place, [&] { return Message<T>::decode(std::move(buffer), room); });
    if (!decoded && decoded.error().code == ErrorCode::bad_message &&
        !decoded.error().detail.starts_with(place.text()))
        decoded.error().detail.insert(0, place.text() + ": ");
    return decoded;
}

/// Both, unless the guest's time is over.
template <MessageType T>
[[nodiscard]] CallResult<typename Message<T>::Held> received(const MessageExports& exports, GuestBytes from,
                                                             MessageRoom& room, MessagePlace place) {
    auto buffer = stop_message_exceptions(
        place, [&] { return exports.receive<typename Message<T>::Buffer>(from, room, place); });
    if (auto interruption = room.interruption())
        return std::unexpected(*std::move(interruption));
    if (!buffer)
        return std::unexpected(Failure(std::move(buffer).error()));
    auto decoded = decode<T>(*std::move(buffer), room, place);
    if (auto interruption = room.interruption())
        return std::unexpected(*std::move(interruption));
    if (!decoded)
        return std::unexpected(Failure(std::move(decoded).error()));
    return *std::move(decoded);
}

/// The parameters that a type takes in a signature.
template <class T>
struct Lowered {
    using Types = std::tuple<T>;
};
template <MessageType T>
struct Lowered<T> {
    using Types = std::tuple<uint32_t, uint32_t>;
};
template <class... Args>
using LoweredParams = decltype(std::tuple_cat(std::declval<typename Lowered<Args>::Types>()...));

template <class R>
struct LoweredResult {
    using Type = R;
};
template <MessageType R>
struct LoweredResult<R> {
    using Type = uint64_t;
};

template <class R, class Params>
struct LoweredFunction;
template <class R, class... Params>
struct LoweredFunction<R, std::tuple<Params...>> {
    using Type = TypedFunc<typename LoweredResult<R>::Type(Params...)>;
};

template <class Tuple>
struct TupleTypes;
template <class... T>
struct TupleTypes<std::tuple<T...>> {
    static std::span<const ValType> types() noexcept { return val_types<T...>(); }
};

/// A guest's function that takes or returns messages, found and checked.
template <class R, class... Args>
class MessageFunc {
public:
    static constexpr bool sends = (MessageType<Args> || ...);
    static constexpr bool receives = MessageType<R>;
    using Raw = typename LoweredFunction<R, LoweredParams<Args...>>::Type;

    /// @return unknown_export or signature_mismatch.
    [[nodiscard]] static Result<MessageFunc> find(const Instance& instance, std::string_view name) {
        auto func = instance.func(name);
        if (!func)
            return std::unexpected(std::move(func).error());
        auto raw = Raw::from(*func);
        if (!raw) {
            raw.error().detail.insert(0, "\"" + std::string(name) + "\": ");
            return std::unexpected(std::move(raw).error());
        }
        if constexpr (!sends && !receives) {
            return MessageFunc(*raw, std::nullopt);
        } else {
            auto exports = MessageExports::find(instance, name, receives, sends);
            if (!exports)
                return std::unexpected(std::move(exports).error());
            return MessageFunc(*raw, *std::move(exports));
        }
    }

    /// @param name for errors.
    [[nodiscard]] CallResult<R> call([[maybe_unused]] std::string_view name, const Args&... args) const {
        if constexpr (!sends && !receives) {
            return m_raw(args...);
        } else {
            std::optional<Failure> failure;
            [[maybe_unused]] size_t number = 0;
            // Braces evaluate from left to right.
            std::tuple<typename Lowered<Args>::Types...> parts{lower(args, {name, ++number}, failure)...};
            if (failure)
                return std::unexpected(*std::move(failure));
            auto flat = std::apply([](const auto&... part) { return std::tuple_cat(part...); }, parts);
            auto outcome = std::apply(m_raw, flat);
            if constexpr (!receives) {
                return outcome;
            } else {
                if (!outcome)
                    return std::unexpected(std::move(outcome).error());
                return receive(*outcome, {name, 0});
            }
        }
    }

private:
    MessageFunc(const Raw& raw, std::optional<MessageExports> exports) noexcept
        : m_raw(raw), m_exports(std::move(exports)) {}

    template <class T>
    typename Lowered<T>::Types lower(const T& value, MessagePlace place,
                                     std::optional<Failure>& failure) const {
        if constexpr (MessageType<T>) {
            if (failure)
                return {};
            auto sent = send<T>(*m_exports, value, place);
            if (sent)
                return {sent->offset_bytes, sent->size_bytes};
            failure = std::move(sent).error();
            return {};
        } else {
            return {value};
        }
    }

    CallResult<R> receive(uint64_t packed, MessagePlace place) const {
        MessageRoom room(m_raw.func().store());
        auto result = received<R>(*m_exports, GuestBytes::unpack(packed), room, place);
        if (!result)
            return std::unexpected(std::move(result).error());
        if (auto finished = m_exports->finish(packed); !finished)
            return std::unexpected(std::move(finished).error());
        return *std::move(result);
    }

    Raw m_raw;
    std::optional<MessageExports> m_exports;
};

}  // namespace detail

}  // namespace v1
}  // namespace wsb
