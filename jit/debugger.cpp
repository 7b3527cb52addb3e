// SPDX-License-Identifier: Apache-2.0
#include "jit/debugger.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <iterator>
#include <mutex>

extern "C" {
[[gnu::weak]] jit_descriptor __jit_debug_descriptor{1, 0, nullptr, nullptr};  // NOLINT
/// Debuggers have a breakpoint here. Not empty, lest calls of it be optimised away.
[[gnu::weak, gnu::noinline]] void __jit_debug_register_code() {  // NOLINT
    asm volatile("" ::: "memory");
}
}

namespace wsb::jit {

namespace {

/// For the descriptor and the list.
constinit std::mutex list_mutex;

enum Section : uint16_t { none, text, frames, symbols, strings, section_names, count };

/// Offsets of names in their tables.
class Strings {
public:
    [[nodiscard]] uint32_t add(std::string_view name) {
        const auto at = static_cast<uint32_t>(m_bytes.size());
        m_bytes.append(name);
        m_bytes += '\0';
        return at;
    }
    [[nodiscard]] const std::string& bytes() const noexcept { return m_bytes; }

private:
    std::string m_bytes = std::string(1, '\0');
};

/// The frame of any function here: the return address is at the stack pointer (.eh_frame, see the LSB).
struct FrameInformation {
    // Common to all functions.
    uint32_t common_size = 20;
    uint32_t common_id = 0;
    uint8_t version = 1;
    char augmentation = '\0';
    uint8_t code_alignment = 1;
    uint8_t data_alignment = 0x78;  // -8
    uint8_t return_column = 16;
    uint8_t instructions[11] = {
        0x0c, 7, 8,  // the caller's rsp is rsp + 8,
        0x90, 1,     // what it returns to is 8 below that
    };  // padded by nops
    // These.
    uint32_t size = 20;
    uint32_t back_to_common = 28;
    uint64_t begin = 0;
    uint64_t size_bytes = 0;
    uint32_t end = 0;
} __attribute__((packed));
static_assert(sizeof(FrameInformation) == 24 + 24 + 4);

/// The address space from the first function to the end of the last.
struct Range {
    uint64_t begin = UINT64_MAX, end = 0;
};
[[nodiscard]] Range range_of(std::span<const NamedCode> functions) noexcept {
    Range range;
    for (const NamedCode& function : functions) {
        const auto begin = reinterpret_cast<uint64_t>(function.bytes.data());
        range.begin = std::min(range.begin, begin);
        range.end = std::max(range.end, begin + function.bytes.size());
    }
    return range;
}

struct SectionKind {
    uint32_t name = 0;  ///< in the section names
    uint32_t type = SHT_STRTAB;
    uint64_t flags = 0;
    uint32_t link = 0, info = 0;
    uint64_t alignment = 1, entry_bytes = 0;
};

class File {
public:
    File() : m_bytes(sizeof(Elf64_Ehdr)) {}

    /// @return where it is.
    size_t append(const void* bytes, size_t size_bytes) {
        m_bytes.resize((m_bytes.size() + 7) / 8 * 8);
        const size_t at = m_bytes.size();
        const auto* const from = static_cast<const char*>(bytes);
        m_bytes.insert(m_bytes.end(), from, from + size_bytes);
        return at;
    }
    void add_section(Section which, const SectionKind& kind, const void* bytes, size_t size_bytes) {
        const size_t at = append(bytes, size_bytes);
        add_section(which, kind, uint64_t{0}, size_bytes);
        m_sections[which].sh_offset = at;
    }
    /// Without content; with an address where it is loaded.
    void add_section(Section which, const SectionKind& kind, uint64_t address, size_t size_bytes) {
        Elf64_Shdr& header = m_sections[which];
        header.sh_name = kind.name;
        header.sh_type = kind.type;
        header.sh_flags = kind.flags;
        header.sh_addr = address;
        header.sh_size = size_bytes;
        header.sh_link = kind.link;
        header.sh_info = kind.info;
        header.sh_addralign = kind.alignment;
        header.sh_entsize = kind.entry_bytes;
    }
    [[nodiscard]] std::vector<char> finish() {
        Elf64_Ehdr header{};
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_ident[EI_VERSION] = EV_CURRENT;
        header.e_type = ET_EXEC;
        header.e_machine = EM_X86_64;
        header.e_version = EV_CURRENT;
        header.e_ehsize = sizeof header;
        header.e_shentsize = sizeof(Elf64_Shdr);
        header.e_shnum = Section::count;
        header.e_shstrndx = Section::section_names;
        header.e_shoff = append(m_sections, sizeof m_sections);
        std::memcpy(m_bytes.data(), &header, sizeof header);
        return std::move(m_bytes);
    }

private:
    std::vector<char> m_bytes;
    Elf64_Shdr m_sections[Section::count]{};
};

}  // namespace

std::vector<char> symbol_file(std::span<const NamedCode> functions) {
    const Range range = range_of(functions);
    Strings names, section_names;
    std::vector<Elf64_Sym> symbols(1);
    // From where all ways in have met, for breakpoints are set at the beginning.
    for (const NamedCode& function : functions)
        symbols.push_back({.st_name = names.add(function.name),
                           .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                           .st_other = STV_DEFAULT,
                           .st_shndx = Section::text,
                           .st_value = reinterpret_cast<uint64_t>(function.bytes.data()) + function.entry,
                           .st_size = function.bytes.size() - function.entry});
    FrameInformation frames;
    frames.begin = range.begin;
    frames.size_bytes = range.end - range.begin;

    File file;
    file.add_section(
        Section::text,
        {.name = section_names.add(".text"), .type = SHT_NOBITS, .flags = SHF_ALLOC | SHF_EXECINSTR},
        range.begin, range.end - range.begin);
    file.add_section(
        Section::frames,
        {.name = section_names.add(".eh_frame"), .type = SHT_PROGBITS, .flags = SHF_ALLOC, .alignment = 8},
        &frames, sizeof frames);
    file.add_section(Section::symbols,
                     {.name = section_names.add(".symtab"),
                      .type = SHT_SYMTAB,
                      .link = Section::strings,
                      .info = 1,  // the first that is not local
                      .alignment = 8,
                      .entry_bytes = sizeof(Elf64_Sym)},
                     symbols.data(), symbols.size() * sizeof(Elf64_Sym));
    file.add_section(Section::strings, {.name = section_names.add(".strtab")}, names.bytes().data(),
                     names.bytes().size());
    const SectionKind last{.name = section_names.add(".shstrtab")};
    file.add_section(Section::section_names, last, section_names.bytes().data(),
                     section_names.bytes().size());
    return file.finish();
}

DebuggerEntry::DebuggerEntry(std::vector<char> file) : m_file(std::move(file)) {
    m_entry.symfile_addr = m_file.data();
    m_entry.symfile_size = m_file.size();
    const std::lock_guard lock(list_mutex);
    jit_descriptor& descriptor = __jit_debug_descriptor;
    m_entry.next_entry = descriptor.first_entry;
    if (m_entry.next_entry != nullptr)
        m_entry.next_entry->prev_entry = &m_entry;
    descriptor.first_entry = &m_entry;
    descriptor.relevant_entry = &m_entry;
    descriptor.action_flag = 1;
    __jit_debug_register_code();
}

DebuggerEntry::~DebuggerEntry() {
    const std::lock_guard lock(list_mutex);
    jit_descriptor& descriptor = __jit_debug_descriptor;
    (m_entry.prev_entry != nullptr ? m_entry.prev_entry->next_entry : descriptor.first_entry) =
        m_entry.next_entry;
    if (m_entry.next_entry != nullptr)
        m_entry.next_entry->prev_entry = m_entry.prev_entry;
    descriptor.relevant_entry = &m_entry;
    descriptor.action_flag = 2;
    __jit_debug_register_code();
    descriptor.relevant_entry = nullptr;
    descriptor.action_flag = 0;
}

}  // namespace wsb::jit
