// SPDX-License-Identifier: Apache-2.0
// How C++ callables become host functions: signatures deduced, arguments converted, exceptions
// stopped.
#pragma once

#include "wsb/instance.hpp"
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
    CallResult<void> (*invoke)(void* callable, Caller& caller, uint64_t* slots) noexcept = nullptr;

    /// From the raw form.
    [[nodiscard]] static HostFunction raw(FuncType type, RawFunction function);
    /// From a callable: `R(Args...)` or `R(Caller&, Args...)`, where Args have WasmType and R is
    /// void, a type with WasmType, a tuple of them, or CallResult<any of these> if the function may
    /// trap or exit.
    template <class F>
    [[nodiscard]] static HostFunction from(F&& function);
};

namespace detail {
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

template <class F, bool TakesCaller, class R, class... Args>
struct HostAdapter {
    using Traits = ResultTraits<typename HostReturn<R>::Type>;

    static FuncType type() {
        const auto params = val_types<std::remove_cvref_t<Args>...>();
        const auto results = Traits::types();
        return FuncType{{params.begin(), params.end()}, {results.begin(), results.end()}};
    }

    static CallResult<void> call(F& function, Caller& caller, uint64_t* slots) {
        [[maybe_unused]] size_t at = 0;
        // Braces evaluate from left to right.
        std::tuple<std::remove_cvref_t<Args>...> args{WasmType<std::remove_cvref_t<Args>>::load(
            slots + std::exchange(at, at + WasmType<std::remove_cvref_t<Args>>::slots), caller.store())...};
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
            if constexpr (!std::is_void_v<typename HostReturn<R>::Type>)
                return give(*result, caller, slots);
        } else if constexpr (std::is_void_v<R>) {
            apply();
        } else {
            return give(apply(), caller, slots);
        }
        return {};
    }

    /// Hands the results over, if the guest may have them.
    template <class Results>
    static CallResult<void> give(const Results& results, Caller& caller, uint64_t* slots) {
        if (!fits(results, caller.store())) [[unlikely]]
            return host_trap(std::string("result: ") + does_not_fit);
        Traits::store(slots, results);
        return {};
    }

    static CallResult<void> invoke(void* callable, Caller& caller, uint64_t* slots) noexcept {
        return stop_exceptions([&] { return call(*static_cast<F*>(callable), caller, slots); });
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
    host.callable = std::make_shared<Callable>(std::forward<F>(function));
    host.invoke = &Adapter::invoke;
    return host;
}

}  // namespace v1
}  // namespace wsb
