// SPDX-License-Identifier: Apache-2.0
// How C++ callables become host functions: signatures deduced, arguments converted, exceptions
// stopped.
#pragma once

#include "engine/runtime/host_place.h"
#include "wsb/instance.hpp"
#include "wsb/message.hpp"
#include "wsb/trap.hpp"
#include "wsb/wasm_type.hpp"

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace wsb {
inline namespace v1 {

/// A host function in its raw form: `results` has the declared number of values, each zero or null,
/// and must be assigned values of the declared types.
using RawFunction =
    std::function<CallResult<void>(Caller& caller, std::span<const Value> args, std::span<Value> results)>;

/// A host function in whole: its type, and a callable on slots. Immutable, shared between stores;
/// calls from stores on different threads may overlap.
struct HostFunction {
    FuncType type;
    std::shared_ptr<void> callable;
    /// Reads parameters from the slots and leaves results there; must not throw.
    /// @return whether it succeeded; if not, detail::set_failure has been told why.
    bool (*invoke)(void* callable, Caller& caller, uint64_t* slots) noexcept = nullptr;
    /// How the engine gets to this very `invoke`, if it was made with it; null: the long way.
    runtime::HostEntry entry = nullptr;
    // What it needs of modules that call it: see message.hpp.
    bool reads_memory = false;
    bool uses_allocator = false;

    /// From the raw form.
    [[nodiscard]] static HostFunction raw(FuncType type, RawFunction function);
    /// From a callable: `R(Args...)` or `R(Caller&, Args...)`, where Args have WasmType or are messages
    /// (strings, bytes, structures: message.hpp) and R is void, a type with WasmType, a tuple of them, a
    /// message, or CallResult<any of these> if the function may trap or exit. A message as a parameter is a
    /// copy, charged to the guest's memory during the call; string_view and span are views of that copy.
    template <class F>
    [[nodiscard]] static HostFunction from(F&& function);
};

namespace detail {
/// Why a host function is about to return false. Apart from its result, so that success is a register.
void set_failure(Caller& caller, Failure&& failure) noexcept;

/// What a call of a HostFunction seldom has to do at its end.
[[nodiscard]] runtime::HostOutcome end_host_call(const runtime::HostPlace& place, bool has_succeeded,
                                                 size_t roots_before) noexcept;

/// Where the guest arrives in the host: `invoke` with a Caller.
template <class Invoke>
runtime::HostOutcome enter_host(void* environment, runtime::VmInstance* instance, Invoke invoke) noexcept {
    const auto& place = *static_cast<const runtime::HostPlace*>(environment);
    Caller caller(StoreRef(*place.store), instance);
    const size_t roots_before = *place.root_count;
    const bool has_succeeded = invoke(*static_cast<const HostFunction*>(place.definition), caller);
    if (has_succeeded && *place.root_count == roots_before && !*place.is_sliced) [[likely]]
        return runtime::HostOutcome::returned;
    return end_host_call(place, has_succeeded, roots_before);
}

/// Runs a host function's body. Nothing may unwind through frames of the guest, so an exception
/// becomes a trap here.
template <class Body>
CallResult<void> stop_exceptions(Body&& body) noexcept {
#if defined(__cpp_exceptions)
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::out_of_memory);
    } catch (const std::exception& exception) {
        return host_trap(exception.what());
    } catch (...) {
        return host_trap("unknown exception");
    }
#else
    return body();
#endif
}

template <class R>
struct HostReturn {
    using Type = R;
    static constexpr bool may_fail = false;
};
template <class R>
struct HostReturn<std::expected<R, Failure>> {
    using Type = R;
    static constexpr bool may_fail = true;
};

/// What a parameter is kept as during the call.
template <class T>
struct HostParam {
    using Held = T;
    static constexpr size_t slots = WasmType<T>::slots;
};
template <MessageType T>
struct HostParam<T> {
    using Held = typename Message<T>::Held;
    static constexpr size_t slots = 2;
};

template <class F, bool TakesCaller, class R, class... Args>
struct HostAdapter {
    using Return = typename HostReturn<R>::Type;
    static constexpr bool gives_message = MessageType<Return>;
    static constexpr bool takes_messages = (MessageType<std::remove_cvref_t<Args>> || ...);
    using Traits = ResultTraits<typename LoweredResult<Return>::Type>;
    using HeldArgs = std::tuple<typename HostParam<std::remove_cvref_t<Args>>::Held...>;

    static FuncType type() {
        const auto params = TupleTypes<LoweredParams<std::remove_cvref_t<Args>...>>::types();
        const auto results = Traits::types();
        return FuncType{{params.begin(), params.end()}, {results.begin(), results.end()}};
    }

    static CallResult<void> call(F& function, Caller& caller, uint64_t* slots) {
        MessageRoom room(caller.store());
        [[maybe_unused]] std::optional<MessageExports> exports;
        if constexpr (takes_messages || gives_message) {
            auto found = exports_of(caller);
            if (!found)
                return host_trap(found.error().detail);
            exports = *std::move(found);
        }
        [[maybe_unused]] size_t at = 0, number = 0;
        [[maybe_unused]] std::optional<Failure> failure;
        [[maybe_unused]] const auto next_number = [&number] { return ++number; };
        // Braces evaluate from left to right.
        HeldArgs args{load<std::remove_cvref_t<Args>>(
            slots + std::exchange(at, at + HostParam<std::remove_cvref_t<Args>>::slots), caller, exports,
            room, next_number(), failure)...};
        if constexpr (takes_messages) {
            if (failure)
                return std::unexpected(*std::move(failure));
        }
        const auto apply = [&]() -> R {
            return std::apply(
                [&](auto&... arg) -> R {
                    if constexpr (TakesCaller)
                        return function(caller, arg...);
                    else
                        return function(arg...);
                },
                args);
        };
        if constexpr (HostReturn<R>::may_fail) {
            R result = apply();
            if (!result)
                return std::unexpected(std::move(result).error());
            if constexpr (!std::is_void_v<Return>)
                return give(*result, caller, exports, slots);
        } else if constexpr (std::is_void_v<R>) {
            apply();
        } else {
            return give(apply(), caller, exports, slots);
        }
        return {};
    }

    static bool invoke(void* callable, Caller& caller, uint64_t* slots) noexcept {
        auto outcome = stop_exceptions([&] { return call(*static_cast<F*>(callable), caller, slots); });
        if (!outcome) [[unlikely]]
            set_failure(caller, std::move(outcome).error());
        return outcome.has_value();
    }
    static runtime::HostOutcome enter(void* environment, runtime::VmContext&, runtime::VmInstance* instance,
                                      uint64_t* slots) noexcept {
        return enter_host(environment, instance, [&](const HostFunction& function, Caller& caller) {
            return invoke(function.callable.get(), caller, slots);
        });
    }

private:
    static Result<MessageExports> exports_of(const Caller& caller) {
        const auto instance = caller.instance();
        if (instance)
            return MessageExports::find(*instance, {}, false, gives_message);
        Error error;
        error.code = ErrorCode::bad_usage;
        error.detail = "strings, bytes and structures need a guest that calls";
        return std::unexpected(std::move(error));
    }

    /// What the guest did wrong is a trap, with the place in its code.
    static Failure judged(Error error) {
        if (error.code == ErrorCode::bad_message)
            return Trap{TrapCode::host_error, std::move(error.detail), {}};
        return error;
    }

    template <class T>
    static typename HostParam<T>::Held load(const uint64_t* slots, Caller& caller,
                                            const std::optional<MessageExports>& exports, MessageRoom& room,
                                            size_t number, std::optional<Failure>& failure) {
        if constexpr (!MessageType<T>) {
            return WasmType<T>::load(slots, caller.store());
        } else {
            if (failure)
                return {};
            const MessagePlace place{{}, number};
            const GuestBytes from{static_cast<uint32_t>(slots[0]), static_cast<uint32_t>(slots[1])};
            auto value = received<T>(*exports, from, room, place);
            if (value)
                return *std::move(value);
            const Error* const error = value.error().error();
            failure = error != nullptr ? judged(*error) : std::move(value).error();
            return {};
        }
    }

    /// Hands the results over, if the guest may have them.
    template <class Results>
    static CallResult<void> give(const Results& results, Caller& caller,
                                 [[maybe_unused]] const std::optional<MessageExports>& exports,
                                 uint64_t* slots) {
        if constexpr (gives_message) {
            auto sent = send<Return>(*exports, results, {});
            if (!sent) {
                const Error* const error = sent.error().error();
                return std::unexpected(error != nullptr ? judged(*error) : std::move(sent).error());
            }
            Traits::store(slots, sent->packed());
        } else {
            if (!fits(results, caller.store())) [[unlikely]]
                return host_trap(std::string("result: ") + does_not_fit);
            Traits::store(slots, results);
        }
        return {};
    }
};

template <class F, class Signature>
struct HostSignature;
template <class F, class R, class... Args>
struct HostSignature<F, R(Args...)> : HostAdapter<F, false, R, Args...> {};
template <class F, class R, class... Args>
struct HostSignature<F, R(Caller&, Args...)> : HostAdapter<F, true, R, Args...> {};

template <class T>
struct CallableSignature : CallableSignature<decltype(&T::operator())> {};
template <class R, class... Args>
struct CallableSignature<R (*)(Args...)> {
    using Type = R(Args...);
};
template <class R, class... Args>
struct CallableSignature<R (*)(Args...) noexcept> {
    using Type = R(Args...);
};
template <class C, class R, class... Args>
struct CallableSignature<R (C::*)(Args...)> {
    using Type = R(Args...);
};
template <class C, class R, class... Args>
struct CallableSignature<R (C::*)(Args...) const> {
    using Type = R(Args...);
};
template <class C, class R, class... Args>
struct CallableSignature<R (C::*)(Args...) noexcept> {
    using Type = R(Args...);
};
template <class C, class R, class... Args>
struct CallableSignature<R (C::*)(Args...) const noexcept> {
    using Type = R(Args...);
};
}  // namespace detail

template <class F>
HostFunction HostFunction::from(F&& function) {
    using Callable = std::decay_t<F>;
    using Adapter = detail::HostSignature<Callable, typename detail::CallableSignature<Callable>::Type>;
    HostFunction host;
    host.type = Adapter::type();
    host.reads_memory = Adapter::takes_messages || Adapter::gives_message;
    host.uses_allocator = Adapter::gives_message;
    host.callable = std::make_shared<Callable>(std::forward<F>(function));
    host.invoke = &Adapter::invoke;
    host.entry = &Adapter::enter;
    return host;
}

}  // namespace v1
}  // namespace wsb
