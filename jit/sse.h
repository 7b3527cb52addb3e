// SPDX-License-Identifier: Apache-2.0
// Vector instructions of the processor, up to SSE4.2, by their names in its manual.
#pragma once

#include <cstdint>

namespace wsb::jit {

/// Where an opcode is to be looked up: what comes before it.
enum class OpcodeMap : uint8_t { map_0f, map_0f38, map_0f3a };

/// An instruction on xmm registers by its encoding. No prefix if 0.
struct Sse {
    uint8_t prefix = 0;
    OpcodeMap map{};
    uint8_t opcode = 0;
};

namespace sse {

constexpr Sse plain(uint8_t opcode) noexcept {
    return {0, OpcodeMap::map_0f, opcode};
}
constexpr Sse with_66(uint8_t opcode) noexcept {
    return {0x66, OpcodeMap::map_0f, opcode};
}
constexpr Sse in_38(uint8_t opcode) noexcept {
    return {0x66, OpcodeMap::map_0f38, opcode};
}
constexpr Sse in_3a(uint8_t opcode) noexcept {
    return {0x66, OpcodeMap::map_0f3a, opcode};
}

// Moves, and lanes to other lanes
inline constexpr Sse movups = plain(0x10), movups_store = plain(0x11), movlhps = plain(0x16);
inline constexpr Sse movss{0xf3, OpcodeMap::map_0f, 0x10}, movsd{0xf2, OpcodeMap::map_0f, 0x10},
    movddup{0xf2, OpcodeMap::map_0f, 0x12};
inline constexpr Sse movss_store{0xf3, OpcodeMap::map_0f, 0x11}, movsd_store{0xf2, OpcodeMap::map_0f, 0x11};
inline constexpr Sse pshufb = in_38(0x00), pshufd = with_66(0x70), pshuflw{0xf2, OpcodeMap::map_0f, 0x70},
                     shufps = plain(0xc6), palignr = in_3a(0x0f), pblendw = in_3a(0x0e);
inline constexpr Sse punpcklbw = with_66(0x60), punpcklwd = with_66(0x61), punpckldq = with_66(0x62),
                     punpcklqdq = with_66(0x6c), punpckhbw = with_66(0x68), punpckhwd = with_66(0x69),
                     punpckhdq = with_66(0x6a), punpckhqdq = with_66(0x6d), unpcklps = plain(0x14);
inline constexpr Sse packsswb = with_66(0x63), packssdw = with_66(0x6b), packuswb = with_66(0x67),
                     packusdw = in_38(0x2b);
inline constexpr Sse pmovsxbw = in_38(0x20), pmovsxwd = in_38(0x23), pmovsxdq = in_38(0x25),
                     pmovzxbw = in_38(0x30), pmovzxwd = in_38(0x33), pmovzxdq = in_38(0x35);
inline constexpr Sse insertps = in_3a(0x21), pinsrb = in_3a(0x20), pinsrw = with_66(0xc4),
                     pinsrd = in_3a(0x22), pextrb = in_3a(0x14), pextrw = in_3a(0x15), pextrd = in_3a(0x16);
inline constexpr Sse pmovmskb = with_66(0xd7), movmskps = plain(0x50), movmskpd = with_66(0x50),
                     ptest = in_38(0x17);

// Bits
inline constexpr Sse pand = with_66(0xdb), pandn = with_66(0xdf), por = with_66(0xeb), pxor = with_66(0xef);

// Integers
inline constexpr Sse pcmpeqb = with_66(0x74), pcmpeqw = with_66(0x75), pcmpeqd = with_66(0x76),
                     pcmpeqq = in_38(0x29), pcmpgtb = with_66(0x64), pcmpgtw = with_66(0x65),
                     pcmpgtd = with_66(0x66), pcmpgtq = in_38(0x37);
inline constexpr Sse paddb = with_66(0xfc), paddw = with_66(0xfd), paddd = with_66(0xfe),
                     paddq = with_66(0xd4), psubb = with_66(0xf8), psubw = with_66(0xf9),
                     psubd = with_66(0xfa), psubq = with_66(0xfb);
inline constexpr Sse paddsb = with_66(0xec), paddsw = with_66(0xed), paddusb = with_66(0xdc),
                     paddusw = with_66(0xdd), psubsb = with_66(0xe8), psubsw = with_66(0xe9),
                     psubusb = with_66(0xd8), psubusw = with_66(0xd9), pavgb = with_66(0xe0),
                     pavgw = with_66(0xe3);
inline constexpr Sse pminsb = in_38(0x38), pminsw = with_66(0xea), pminsd = in_38(0x39),
                     pminub = with_66(0xda), pminuw = in_38(0x3a), pminud = in_38(0x3b), pmaxsb = in_38(0x3c),
                     pmaxsw = with_66(0xee), pmaxsd = in_38(0x3d), pmaxub = with_66(0xde),
                     pmaxuw = in_38(0x3e), pmaxud = in_38(0x3f);
inline constexpr Sse pmullw = with_66(0xd5), pmulhw = with_66(0xe5), pmulhuw = with_66(0xe4),
                     pmulld = in_38(0x40), pmuldq = in_38(0x28), pmuludq = with_66(0xf4),
                     pmaddwd = with_66(0xf5), pmaddubsw = in_38(0x04), pmulhrsw = in_38(0x0b);
inline constexpr Sse pabsb = in_38(0x1c), pabsw = in_38(0x1d), pabsd = in_38(0x1e);
inline constexpr Sse psllw = with_66(0xf1), pslld = with_66(0xf2), psllq = with_66(0xf3),
                     psrlw = with_66(0xd1), psrld = with_66(0xd2), psrlq = with_66(0xd3),
                     psraw = with_66(0xe1), psrad = with_66(0xe2);

// Floats: ps and pd differ in their prefix
inline constexpr Sse cmpps = plain(0xc2), cmppd = with_66(0xc2), roundps = in_3a(0x08), roundpd = in_3a(0x09);
inline constexpr Sse cvtdq2ps = plain(0x5b), cvttps2dq{0xf3, OpcodeMap::map_0f, 0x5b},
                     cvtdq2pd{0xf3, OpcodeMap::map_0f, 0xe6}, cvttpd2dq = with_66(0xe6),
                     cvtps2pd = plain(0x5a), cvtpd2ps = with_66(0x5a);
inline constexpr Sse sqrtps = plain(0x51), addps = plain(0x58), mulps = plain(0x59), subps = plain(0x5c),
                     minps = plain(0x5d), divps = plain(0x5e), maxps = plain(0x5f);
inline constexpr Sse sqrtpd = with_66(0x51), addpd = with_66(0x58), mulpd = with_66(0x59),
                     subpd = with_66(0x5c), minpd = with_66(0x5d), divpd = with_66(0x5e),
                     maxpd = with_66(0x5f);
/// The predicates of cmpps and cmppd.
enum Predicate : uint8_t { equal = 0, less = 1, less_equal = 2, unordered = 3, not_equal = 4 };
/// Of pshufd: both lower and upper words are those of the upper half.
inline constexpr uint8_t upper_half = 0xee;

}  // namespace sse

}  // namespace wsb::jit
