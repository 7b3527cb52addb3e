// SPDX-License-Identifier: Apache-2.0
#include "jit/listing.h"

#include "engine/base/check.h"
#include "engine/validate/body_reader.h"
#include "jit/tier.h"

#include <fmt/format.h>

#include <algorithm>

namespace wsb::jit {

namespace {

/// The compiler, taking notes. Its hooks hide those of the compiler where BodyReader calls them.
class NotingSink : public MachineSink {
public:
    using MachineSink::MachineSink;

    void begin(const validate::BodyInfo& info) {
        m_marks.clear();
        MachineSink::begin(info);
    }
    void at(const binary::Instr& instr) {
        // What is left of the instruction before comes first.
        MachineSink::at(instr);
        m_marks.push_back({position(), instr.offset_bytes});
    }
    [[nodiscard]] Listing list() {
        Listing listing;
        listing.line_bytes = position();
        const MachineText text = take();
        listing.bytes.assign(text.bytes.begin(), text.bytes.end());
        listing.marks = m_marks;
        listing.code_bytes = text.code_bytes;
        listing.cells = text.entry_cell;
        for (const lower::MachineSite& site : text.sites)
            if (site.at >= text.code_bytes)
                listing.cells = std::min(listing.cells, site.at);
        listing.addresses.assign(text.addresses.begin(), text.addresses.end());
        listing.calls.assign(text.calls.begin(), text.calls.end());
        listing.exits.assign(text.exits.begin(), text.exits.end());
        listing.sites.assign(text.sites.begin(), text.sites.end());
        listing.native_entry = text.native_entry;
        return listing;
    }

private:
    std::vector<Listing::Mark> m_marks;
};

}  // namespace

Listing list_function(const runtime::CompiledModule& module, FuncIdx func, Processor processor) {
    LocalUse use;
    use.scan(module.module, func, {});
    const MachineOptions options = machine_options(module, processor);
    NotingSink sink(options);
    validate::BodyReader<NotingSink> reader(module.module, sink);
    sink.expect(use);
    WSB_CHECK(reader.run(func).has_value());  // the body was validated before
    return sink.list();
}

std::optional<std::string> address_name(const runtime::CompiledModule& module, uint64_t address) {
    const std::span codes(module.codes.get(), module.module.bodies.size());
    const auto begin = reinterpret_cast<uint64_t>(codes.data());
    if (address < begin || address >= begin + codes.size_bytes())
        return std::nullopt;
    return fmt::format("code of function {}",
                       module.module.imported_funcs + (address - begin) / sizeof(lower::Code));
}

}  // namespace wsb::jit
