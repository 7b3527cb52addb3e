// SPDX-License-Identifier: Apache-2.0
// Module to bytes. Sections without entries are left out. Spec: binary/modules
#include "engine/binary/encoder.h"
#include "engine/binary/section.h"
#include "engine/binary/type_codes.h"

namespace wsb::binary {

namespace {

/// Encodes the sections of one module, each into a buffer of its own because sizes come first.
class ModuleEncoder {
public:
    explicit ModuleEncoder(const Module& module) noexcept : m_module(module) {}

    [[nodiscard]] std::vector<uint8_t> run() {
        m_out.raw(module_header);
        customs_after(section_ids::custom);
        for (const uint8_t id : section_ids::order) {
            known_section(id);
            customs_after(id);
        }
        return m_out.take();
    }

private:
    void customs_after(uint8_t id) {
        for (const CustomSection& custom : m_module.customs) {
            if (custom.after_section != id)
                continue;
            Encoder content;
            content.name(custom.name);
            content.raw(m_module.view(custom.content));
            m_out.section(section_ids::custom, content.bytes());
        }
    }

    void known_section(uint8_t id) {
        Encoder content;
        switch (id) {
            case section_ids::type: types(content); break;
            case section_ids::import: imports(content); break;
            case section_ids::function: functions(content); break;
            case section_ids::table: tables(content); break;
            case section_ids::memory: memories(content); break;
            case section_ids::tag: tags(content); break;
            case section_ids::global: globals(content); break;
            case section_ids::export_: exports(content); break;
            case section_ids::start:
                if (m_module.start)
                    content.u32(m_module.start->value);
                break;
            case section_ids::element: elements(content); break;
            case section_ids::data_count:
                if (m_module.data_count)
                    content.u32(*m_module.data_count);
                break;
            case section_ids::code: code(content); break;
            case section_ids::data: data(content); break;
            default: break;
        }
        if (content.size() != 0)
            m_out.section(id, content.bytes());
    }

    /// Writes the number of `items` from `first` on, then each; nothing at all if there are none.
    template <class Items, class Write>
    static void list(Encoder& out, const Items& items, size_t first, Write write) {
        if (items.size() == first)
            return;
        out.u64(items.size() - first);
        for (size_t i = first; i < items.size(); ++i)
            write(items[i]);
    }

    void expression(Encoder& out, const ConstExpr& expr) const { out.raw(m_module.view(expr.range)); }

    void types(Encoder& out) const {
        list(out, m_module.rec_groups, 0, [&](const RecGroup& group) {
            if (group.is_explicit) {
                out.u8(type_codes::rec);
                out.u32(group.count);
            }
            for (uint32_t i = 0; i < group.count; ++i)
                out.sub_type(m_module.types[group.first + i]);
        });
    }

    static void tag_type(Encoder& out, const TagType& type) {
        out.u8(0);
        out.u32(type.type.value);
    }

    void imports(Encoder& out) const {
        list(out, m_module.imports, 0, [&](const Import& import) {
            out.name(import.module);
            out.name(import.name);
            out.u8(import.is_exact ? type_codes::exact_func : static_cast<uint8_t>(import.kind()));
            switch (import.kind()) {
                case ExternKind::func: return out.u32(std::get<TypeIdx>(import.type).value);
                case ExternKind::table: return out.table_type(std::get<TableType>(import.type));
                case ExternKind::memory: return out.memory_type(std::get<MemoryType>(import.type));
                case ExternKind::global: return out.global_type(std::get<GlobalType>(import.type));
                case ExternKind::tag: return tag_type(out, std::get<TagType>(import.type));
            }
        });
    }

    void functions(Encoder& out) const {
        list(out, m_module.funcs, m_module.imported_funcs, [&](TypeIdx type) { out.u32(type.value); });
    }

    void tables(Encoder& out) const {
        list(out, m_module.tables, m_module.imported_tables, [&](const Table& table) {
            if (table.init) {
                out.u8(type_codes::table_with_init);
                out.u8(0);
            }
            out.table_type(table.type);
            if (table.init)
                expression(out, *table.init);
        });
    }

    void memories(Encoder& out) const {
        list(out, m_module.memories, m_module.imported_memories,
             [&](const Memory& memory) { out.memory_type(memory.type); });
    }

    void tags(Encoder& out) const {
        list(out, m_module.tags, m_module.imported_tags, [&](const TagType& tag) { tag_type(out, tag); });
    }

    void globals(Encoder& out) const {
        list(out, m_module.globals, m_module.imported_globals, [&](const Global& global) {
            out.global_type(global.type);
            expression(out, global.init);
        });
    }

    void exports(Encoder& out) const {
        list(out, m_module.exports, 0, [&](const Export& item) {
            out.name(item.name);
            out.u8(static_cast<uint8_t>(item.kind));
            out.u32(item.index);
        });
    }

    void elements(Encoder& out) const {
        list(out, m_module.elems, 0, [&](const ElemSegment& segment) {
            out.u32(segment.flags);
            const bool is_active = segment.mode == ElemSegment::Mode::active;
            const bool has_index = (segment.flags & 2) != 0;
            if (is_active && has_index)
                out.u32(segment.table.value);
            if (is_active)
                expression(out, segment.offset);
            if (!is_active || has_index) {
                if (segment.has_exprs())
                    out.val_type(segment.type);
                else
                    out.u8(0);
            }
            out.u64(segment.size());
            for (const FuncIdx func : segment.funcs)
                out.u32(func.value);
            for (const ConstExpr& expr : segment.exprs)
                expression(out, expr);
        });
    }

    void code(Encoder& out) const {
        list(out, m_module.bodies, 0, [&](const FuncBody& body) {
            out.u64(body.whole.size_bytes);
            out.raw(m_module.view(body.whole));
        });
    }

    void data(Encoder& out) const {
        list(out, m_module.datas, 0, [&](const DataSegment& segment) {
            out.u32(segment.flags);
            if (segment.flags == 2)
                out.u32(segment.memory.value);
            if (segment.mode == DataSegment::Mode::active)
                expression(out, segment.offset);
            out.u64(segment.bytes.size_bytes);
            out.raw(m_module.view(segment.bytes));
        });
    }

    const Module& m_module;
    Encoder m_out;
};

}  // namespace

std::vector<uint8_t> encode(const Module& module) {
    return ModuleEncoder(module).run();
}

}  // namespace wsb::binary
