// SPDX-License-Identifier: Apache-2.0
// Which register holds what. At the borders of functions the state is that of an interpreter's handler
// (interp/dispatch.h), so that both tiers call, leave and return to each other by jumping to cells.
//
//   r12  ip at borders; inside, for addresses and constants on the way
//   r13  sp: first slot of the frame          r14  base of memory 0        r15  its size in bytes
//   rsi  fuel (interp::fuel_bias)             rdx  instance
//   rcx  context at borders; inside, a temporary (the instance knows the context)
//   rdi  integer accumulator: a call's result; xmm0  float accumulator
#pragma once

#include "jit/assembler.h"

#include <array>

namespace wsb::jit {

namespace reg {
inline constexpr Gpr scratch = Gpr::r12, frame = Gpr::r13, memory_base = Gpr::r14, memory_size = Gpr::r15,
                     fuel = Gpr::rsi, instance = Gpr::rdx, context = Gpr::rcx, int_result = Gpr::rdi;
/// Of a call between machine code, which the callee writes into its header once it knows that it fits: the
/// return address, and the caller's frame.
inline constexpr Gpr return_cell = scratch, caller_frame = Gpr::rcx;
inline constexpr Xmm float_result = Xmm::xmm0, float_scratch = Xmm::xmm15;
}  // namespace reg

/// For locals, the best first; those that a function does not need are temporaries.
inline constexpr std::array pinnable_gprs{Gpr::rbx, Gpr::r8, Gpr::r9, Gpr::r10, Gpr::r11};
inline constexpr std::array pinnable_xmms{Xmm::xmm6,  Xmm::xmm7,  Xmm::xmm8,  Xmm::xmm9, Xmm::xmm10,
                                          Xmm::xmm11, Xmm::xmm12, Xmm::xmm13, Xmm::xmm14};
/// Always temporaries.
inline constexpr std::array temporary_gprs{Gpr::rdi, Gpr::rax, Gpr::rcx};
inline constexpr std::array temporary_xmms{Xmm::xmm0, Xmm::xmm1, Xmm::xmm2, Xmm::xmm3, Xmm::xmm4, Xmm::xmm5};

/// A set of registers, by their numbers.
using RegisterSet = uint32_t;
template <class Register>
[[nodiscard]] constexpr RegisterSet bit(Register reg) noexcept {
    return RegisterSet{1} << static_cast<unsigned>(reg);
}

}  // namespace wsb::jit
