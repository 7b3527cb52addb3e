// SPDX-License-Identifier: Apache-2.0
#include "cli/disassembler.h"

#include "engine/base/result.h"

#include <fmt/format.h>

#include <capstone/capstone.h>
#include <memory>

namespace wsb::cli {
namespace {

/// An open library.
class Capstone {
public:
    Capstone() : m_error(cs_open(CS_ARCH_X86, CS_MODE_64, &m_handle)) {
        if (m_error == CS_ERR_OK)
            m_error = cs_option(m_handle, CS_OPT_DETAIL, CS_OPT_ON);
    }
    Capstone(const Capstone&) = delete;
    Capstone& operator=(const Capstone&) = delete;
    ~Capstone() { cs_close(&m_handle); }

    [[nodiscard]] cs_err error() const noexcept { return m_error; }
    [[nodiscard]] csh handle() const noexcept { return m_handle; }

private:
    csh m_handle = 0;
    cs_err m_error;
};

struct FreeInstr {
    void operator()(cs_insn* instr) const noexcept { cs_free(instr, 1); }
};

MachineInstr to_instr(csh handle, const cs_insn& found) {
    MachineInstr instr;
    instr.at = static_cast<uint32_t>(found.address);
    instr.size_bytes = found.size;
    instr.text = found.op_str[0] == '\0' ? std::string(found.mnemonic)
                                         : fmt::format("{} {}", found.mnemonic, found.op_str);
    instr.is_jump = cs_insn_group(handle, &found, CS_GRP_JUMP) || cs_insn_group(handle, &found, CS_GRP_CALL);
    instr.is_lea = found.id == X86_INS_LEA;
    const bool is_move = found.id == X86_INS_MOV || found.id == X86_INS_MOVABS;
    const cs_x86& x86 = found.detail->x86;
    for (const cs_x86_op& operand : std::span(x86.operands, x86.op_count)) {
        if (operand.type == X86_OP_MEM && operand.mem.base == X86_REG_RIP) {
            instr.place = found.address + found.size + static_cast<uint64_t>(operand.mem.disp);
            instr.text += fmt::format("  ; {:#06x}", *instr.place);
        }
        if (operand.type == X86_OP_IMM && instr.is_jump)
            instr.place = static_cast<uint64_t>(operand.imm);
        if (operand.type == X86_OP_IMM && is_move && x86.operands[0].type == X86_OP_REG)
            instr.immediate = static_cast<uint64_t>(operand.imm);
    }
    if (instr.is_jump && instr.place)
        instr.text = fmt::format("{} {:#06x}", found.mnemonic, *instr.place);
    return instr;
}

}  // namespace

Result<std::vector<MachineInstr>> disassemble(std::span<const uint8_t> code) {
    const Capstone library;
    if (library.error() != CS_ERR_OK)
        return fail(ErrorCode::io_error, fmt::format("capstone: {}", cs_strerror(library.error())));
    const std::unique_ptr<cs_insn, FreeInstr> found(cs_malloc(library.handle()));
    if (found == nullptr)
        return fail(ErrorCode::out_of_memory, "for the disassembler");
    std::vector<MachineInstr> instrs;
    const uint8_t* next = code.data();
    size_t left_bytes = code.size();
    uint64_t address = 0;
    while (left_bytes > 0) {
        if (cs_disasm_iter(library.handle(), &next, &left_bytes, &address, found.get())) {
            instrs.push_back(to_instr(library.handle(), *found));
            continue;
        }
        MachineInstr& instr = instrs.emplace_back();
        instr.at = static_cast<uint32_t>(address);
        instr.size_bytes = 1;
        instr.text = fmt::format(".byte {:#04x}", *next);
        ++next, --left_bytes, ++address;
    }
    return instrs;
}

}  // namespace wsb::cli
