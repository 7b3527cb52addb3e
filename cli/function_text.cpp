// SPDX-License-Identifier: Apache-2.0
#include "cli/function_text.h"

#include "cli/disassembler.h"
#include "engine/base/result.h"
#include "engine/isa/traps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

namespace wsb::cli {
namespace {

using jit::Listing;
using text::InstrText;

/// What the lines of one function are made of.
class Lines {
public:
    Lines(const runtime::CompiledModule& module, const Listing& listing, std::vector<InstrText> body,
          std::vector<MachineInstr> code)
        : m_module(module), m_listing(listing), m_body(std::move(body)), m_code(std::move(code)) {
        for (const InstrText& instr : m_body)
            m_texts.emplace(instr.offset_bytes, instr.text);
        name_calls();
        for (const MachineInstr& instr : m_code)
            if (instr.place && instr.at < listing.line_bytes)
                m_arrivals[*instr.place].insert(text_at(offset_at(instr.at)));
        for (const auto& address : listing.addresses)
            m_arrivals[address.target].insert("the cell of " + cell_text(address.at));
    }

    [[nodiscard]] std::string all() {
        const auto& marks = m_listing.marks;
        code_until(marks.empty() ? m_listing.line_bytes : marks.front().at);
        size_t next = 0;
        for (const InstrText& instr : m_body) {
            m_text += fmt::format("{:#8x}  {}{}\n", instr.offset_bytes, std::string(2 * instr.depth, ' '),
                                  instr.text);
            // What cannot be reached has no mark.
            if (next == marks.size() || marks[next].offset_bytes != instr.offset_bytes)
                continue;
            ++next;
            code_until(next == marks.size() ? m_listing.line_bytes : marks[next].at);
        }
        m_is_apart = true;
        code_until(m_listing.code_bytes);
        data();
        cells();
        return std::move(m_text);
    }

private:
    static constexpr uint64_t no_instr = 0;

    /// Of the instruction that code in the straight line belongs to; `no_instr` before the first.
    [[nodiscard]] uint64_t offset_at(uint32_t at) const {
        const auto after = std::ranges::upper_bound(m_listing.marks, at, {}, &Listing::Mark::at);
        return after == m_listing.marks.begin() ? no_instr : std::prev(after)->offset_bytes;
    }
    [[nodiscard]] std::string text_at(uint64_t offset_bytes) const {
        const auto found = m_texts.find(offset_bytes);
        return found == m_texts.end() ? "entry" : fmt::format("{:#x} {}", offset_bytes, found->second);
    }

    void code_until(uint32_t end) {
        for (; m_next < m_code.size() && m_code[m_next].at < end; ++m_next) {
            const MachineInstr& instr = m_code[m_next];
            if (m_is_apart)
                arrival(instr.at);
            m_text += fmt::format("            {:04x}  {}\n", instr.at, machine_text(instr));
        }
    }

    /// What leads to code that lies apart.
    void arrival(uint32_t at) {
        const auto found = m_arrivals.find(at);
        if (found == m_arrivals.end())
            return;
        for (const std::string& from : found->second)
            m_text += fmt::format("    ;; from {}\n", from);
    }

    /// What lies elsewhere has no place yet.
    void name_calls() {
        for (const auto& call : m_listing.calls)
            name_target(call.end, fmt::format("function {}", m_module.module.imported_funcs + call.body));
        for (const auto& exit : m_listing.exits)
            name_target(exit.end, name_of(exit.piece));
    }
    void name_target(uint32_t end, std::string_view target) {
        const auto instr = std::prev(std::ranges::lower_bound(m_code, end, {}, &MachineInstr::at));
        instr->text = fmt::format("{} {}", instr->text.substr(0, instr->text.find(' ')), target);
        instr->place.reset();
    }

    [[nodiscard]] std::string machine_text(const MachineInstr& instr) const {
        const auto name = instr.immediate ? jit::address_name(m_module, *instr.immediate) : std::nullopt;
        return name ? instr.text.substr(0, instr.text.rfind(' ') + 1) + *name : instr.text;
    }

    /// The instruction whose cell has the word at this place.
    [[nodiscard]] std::string cell_text(uint32_t at) const {
        const auto& sites = m_listing.sites;
        const auto after = std::ranges::upper_bound(sites, at, {}, &lower::MachineSite::at);
        const bool is_entry = at == m_listing.cells || after == sites.begin();
        return is_entry ? "entry" : text_at(std::prev(after)->offset_bytes);
    }

    template <class T>
    [[nodiscard]] T value_at(uint32_t at) const {
        T value{};
        std::memcpy(&value, m_listing.bytes.data() + at, sizeof value);
        return value;
    }

    /// Constants of vectors, then tables of distances, which begin where code says.
    void data() {
        const uint32_t begin = (m_listing.code_bytes + 15) / 16 * 16;
        std::set<uint64_t> tables;
        for (const MachineInstr& instr : m_code)
            if (instr.is_lea && instr.place && *instr.place >= begin && *instr.place < m_listing.cells)
                tables.insert(*instr.place);
        const auto end = static_cast<uint32_t>(tables.empty() ? m_listing.cells : *tables.begin());
        if (begin + 16 <= end)
            m_text += "    ;; constants\n";
        for (uint32_t at = begin; at + 16 <= end; at += 16)
            m_text += fmt::format("            {:04x}  {:#018x} {:#018x}\n", at, value_at<uint64_t>(at),
                                  value_at<uint64_t>(at + 8));
        for (auto table = tables.begin(); table != tables.end(); ++table) {
            const auto from = static_cast<uint32_t>(*table);
            const auto last =
                std::next(table) == tables.end() ? m_listing.cells : static_cast<uint32_t>(*std::next(table));
            m_text += "    ;; table of jumps\n";
            // None leads to the table itself: a distance of 0 is what fills up the last word.
            for (uint32_t at = from; at + 4 <= last && value_at<uint32_t>(at) != 0; at += 4)
                m_text += fmt::format("            {:04x}  {:#06x}\n", at, from + value_at<uint32_t>(at));
        }
    }

    /// Words, each cell's handler first; where machine code goes on last.
    void cells() {
        std::map<uint32_t, uint32_t> targets;
        for (const auto& address : m_listing.addresses)
            targets.emplace(address.at, address.target);
        std::set<uint32_t> begins;
        for (const auto& site : m_listing.sites)
            begins.insert(site.at);
        for (uint32_t at = m_listing.cells; at + 8 <= m_listing.bytes.size(); at += 8) {
            const auto target = targets.find(at);
            const bool is_site = begins.contains(at);
            // Where a call returns to is a site as well, behind the other words of its cell.
            if (is_site && (target == targets.end() || at == m_listing.cells || targets.contains(at - 8)))
                m_text += fmt::format("    ;; cell: {}\n", cell_text(at));
            const auto word = value_at<uint64_t>(at);
            const auto name = jit::address_name(m_module, word);
            m_text += fmt::format("            {:04x}  {}\n", at,
                                  target != targets.end() ? fmt::format("{:#06x}", target->second)
                                  : is_site               ? "handler"
                                  : name                  ? *name
                                                          : fmt::format("{:#x}", word));
        }
    }

    const runtime::CompiledModule& m_module;
    const Listing& m_listing;
    const std::vector<InstrText> m_body;
    std::vector<MachineInstr> m_code;
    std::map<uint64_t, std::string_view> m_texts;          ///< by offset
    std::map<uint64_t, std::set<std::string>> m_arrivals;  ///< by place in the code: what leads there
    std::string m_text;
    size_t m_next = 0;  ///< in m_code
    bool m_is_apart = false;
};

}  // namespace

Result<std::string> FunctionText::operator()(FuncIdx func) {
    const jit::Listing listing = jit::list_function(m_module, func, m_processor);
    const std::string title = fmt::format(";; function {} {}", func.value, m_name_of(func));
    WSB_TRY_ASSIGN(auto code, disassemble(std::span(listing.bytes).first(listing.code_bytes)));
    Lines lines(m_module, listing, m_bodies.print(func), std::move(code));
    return fmt::format("{}: {} bytes of code, {} of data\n", title, listing.code_bytes,
                       listing.bytes.size() - listing.code_bytes) +
           lines.all();
}

}  // namespace wsb::cli
