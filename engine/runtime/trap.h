// SPDX-License-Identifier: Apache-2.0
// How execution can end early, as values: a trap with its backtrace, an exit asked for by the
// guest, an error. Self-contained: the public API re-exports it.
#pragma once

#include "engine/base/error.h"
#include "engine/isa/traps.h"
#include "engine/runtime/interrupt.h"

#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace wsb {

/// One frame of guest code in a backtrace.
struct TrapFrame {
    std::string module_name;  ///< of the name section; may be empty
    std::string func_name;    ///< of the name section or the first export; may be empty
    uint32_t func_index = 0;  ///< in its module
    /// In the module's bytes, of the instruction that trapped or called; no_offset where it would have taken
    /// too long to find out.
    uint64_t offset_bytes = 0;
};

/// The guest did something undefined, ran out of something, or a host function refused.
struct Trap {
    TrapCode code = TrapCode::none;
    std::string detail;                              ///< beside the code's own text; host functions set it
    std::vector<TrapFrame> frames;                   ///< innermost first; at most 64
    uint64_t exception = 0;                          ///< uncaught_exception: for wsb::Exception::of; else 0
    Interruption interruption = Interruption::none;  ///< interrupted: by what

    /// "integer divide by zero", with ": detail" if there is one.
    [[nodiscard]] std::string message() const;
    /// The message and one line for each frame, without a final newline.
    [[nodiscard]] std::string to_string() const;
};

/// The guest asked to end (WASI's proc_exit). Not a fault.
struct Exit {
    uint32_t status = 0;
};

/// Why a call or an instantiation brought no result: a trap, an exit, or an error of its use (such
/// as arguments of the wrong type, or an import that does not fit).
class Failure {
public:
    Failure(Trap trap) noexcept : m_reason(std::move(trap)) {}
    Failure(Exit exit) noexcept : m_reason(exit) {}
    Failure(Error error) noexcept : m_reason(std::move(error)) {}

    /// Null unless it is one.
    [[nodiscard]] const Trap* trap() const noexcept { return std::get_if<Trap>(&m_reason); }
    [[nodiscard]] const Exit* exit() const noexcept { return std::get_if<Exit>(&m_reason); }
    [[nodiscard]] const Error* error() const noexcept { return std::get_if<Error>(&m_reason); }
    [[nodiscard]] bool is_trap(TrapCode code) const noexcept {
        return trap() != nullptr && trap()->code == code;
    }
    /// One line for people, without a backtrace.
    [[nodiscard]] std::string message() const;

private:
    std::variant<Trap, Exit, Error> m_reason;
};

/// What calls return. Converts from `Error` and `Failure` on its unexpected side.
template <class T>
using CallResult = std::expected<T, Failure>;

/// `return host_trap("no such row");` in a host function: traps with TrapCode::host_error.
[[nodiscard]] inline std::unexpected<Failure> host_trap(std::string detail) {
    return std::unexpected(Failure(Trap{TrapCode::host_error, std::move(detail), {}}));
}

/// What ends a call that was interrupted.
[[nodiscard]] inline Failure interrupted_by(Interruption reason) {
    return Trap{TrapCode::interrupted, interruption_text(reason), {}, 0, reason};
}

/// `return exit_with(0);` in a host function: ends the guest with this status.
[[nodiscard]] inline std::unexpected<Failure> exit_with(uint32_t status) noexcept {
    return std::unexpected(Failure(Exit{status}));
}

}  // namespace wsb
