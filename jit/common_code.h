// SPDX-License-Identifier: Apache-2.0
// Machine code that the functions of a module have in common: the end of what they do seldom, in which they
// leave for a handler of the interpreter, and calls of the host. It lies once where they do.
#pragma once

#include "engine/isa/traps.h"
#include "engine/lower/handler_table.h"
#include "engine/module/module.h"
#include "jit/registers.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace wsb::jit {

struct MachineOptions;

/// A piece of it. Registers are as functions have them, and hold what is said here.
enum class CommonPiece : uint8_t {
    fuel_low,  ///< asks for fuel: the scratch register has the cell where to go on
    leave,     ///< returns without fuel, or to others than machine code: the frame is the caller's, and the
               ///< scratch register has what the header says
    does_not_fit,     ///< what callees get, and the index among the bodies in int_result: called once more by
                      ///< the caller's cell
    enter_code,       ///< called instead of a function that has no machine code, with its Code in int_result
    call_host,        ///< called, see host_call
    host_call_ended,  ///< with fuel that is low, or an outcome that is not to return, as behind call_host
    trap,             ///< called where the trap is to be seen; and one for each TrapCode behind it
};
[[nodiscard]] constexpr CommonPiece trap_piece(TrapCode code) noexcept {
    return static_cast<CommonPiece>(static_cast<uint8_t>(CommonPiece::trap) + static_cast<uint8_t>(code));
}
/// For people.
[[nodiscard]] std::string name_of(CommonPiece piece);

/// What a call of an imported function hands over, beside the cell in the scratch register. Pins are stored,
/// so their registers are free; arguments and context are where the host expects them.
namespace host_call {
inline constexpr Gpr callee = Gpr::rax, fuel_left = Gpr::r8, arguments_end = Gpr::r9, arguments = Gpr::rcx;
/// Kept by the host, as the frame and the cell are, and behind the call in place of the instance and of the
/// memory's size. The outcome is where the host returns it.
inline constexpr Gpr kept_instance = Gpr::rbx, kept_context = reg::memory_size, outcome = Gpr::rax;
}  // namespace host_call

class CommonCode {
public:
    explicit CommonCode(const MachineOptions& options);

    [[nodiscard]] std::span<const uint8_t> bytes() const noexcept { return m_code.bytes(); }
    /// Copies it to where it will run.
    void write(uint8_t* begin) noexcept;
    /// Where it is since then.
    [[nodiscard]] std::span<const uint8_t> placed() const noexcept { return {m_begin, bytes().size()}; }
    [[nodiscard]] const uint8_t* at(CommonPiece piece) const noexcept {
        return m_begin + m_places[static_cast<size_t>(piece)];
    }

private:
    void begin(CommonPiece piece);
    void load_context();
    void jump_to(const void* handler);
    void emit_fuel_low(const MachineOptions& options);
    void emit_leave();
    void emit_calls_without_code(const MachineOptions& options);
    void emit_call_host();
    void emit_host_call_ended(const MachineOptions& options);
    void emit_traps(const MachineOptions& options);

    Assembler m_code;
    Label m_fuel_low;
    std::vector<uint32_t> m_places;  ///< by piece
    const uint8_t* m_begin = nullptr;
};

}  // namespace wsb::jit
