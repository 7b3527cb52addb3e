// SPDX-License-Identifier: Apache-2.0
// The immutable module: what the bytes say, decoded but not judged. Only binary/decoder makes one;
// validate/module_validator blesses it and fills `canonical_types`.
#pragma once

#include "engine/isa/canon.h"
#include "engine/isa/features.h"
#include "engine/isa/layout.h"
#include "engine/isa/limits.h"
#include "engine/isa/types.h"
#include "engine/module/name_map.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace wsb {
/// Inline, so that `wsb::Module` means this one inside the engine; users see the API's classes of the same
/// names (inline namespace v1). Code that sees both finds this one through its layer's using-declarations.
inline namespace syntax {

/// A range of the module's bytes.
struct ByteRange {
    uint64_t offset_bytes = 0;
    uint64_t size_bytes = 0;
};

/// A constant expression as bytes, its END included. Checked by validate/const_expr.
struct ConstExpr {
    ByteRange range;
};

struct TagType {
    TypeIdx type;
    uint64_t offset_bytes = 0;
};

struct Import {
    std::string module;
    std::string name;
    /// Functions hold their type's index.
    std::variant<TypeIdx, TableType, MemoryType, GlobalType, TagType> type;
    bool is_exact = false;  ///< functions: of this very type, not of one below it
    uint64_t offset_bytes = 0;

    [[nodiscard]] ExternKind kind() const noexcept { return static_cast<ExternKind>(type.index()); }
};

struct Export {
    std::string name;
    ExternKind kind = ExternKind::func;
    uint32_t index = 0;
    uint64_t offset_bytes = 0;
};

struct Table {
    TableType type;
    std::optional<ConstExpr> init;  ///< absent: null
    uint64_t offset_bytes = 0;
};

struct Memory {
    MemoryType type;
    uint64_t offset_bytes = 0;
};

struct Global {
    GlobalType type;
    ConstExpr init;
};

struct ElemSegment {
    enum class Mode : uint8_t { active, passive, declarative };
    Mode mode = Mode::passive;
    uint8_t flags = 0;  ///< as encoded (0..7), so that encoding again gives the same bytes
    TableIdx table;
    ConstExpr offset;  ///< active only
    ValType type = ValType::funcref();
    std::vector<FuncIdx> funcs;    ///< flags 0..3: function indices
    std::vector<ConstExpr> exprs;  ///< flags 4..7: expressions
    uint64_t offset_bytes = 0;

    [[nodiscard]] bool has_exprs() const noexcept { return (flags & 4) != 0; }
    [[nodiscard]] size_t size() const noexcept { return has_exprs() ? exprs.size() : funcs.size(); }
};

struct DataSegment {
    enum class Mode : uint8_t { active, passive };
    Mode mode = Mode::passive;
    uint8_t flags = 0;  ///< as encoded (0..2)
    MemIdx memory;
    ConstExpr offset;  ///< active only
    ByteRange bytes;
    uint64_t offset_bytes = 0;
};

/// A run of equal local declarations.
struct LocalRun {
    uint32_t count = 0;
    ValType type;
};

/// A function's body: local declarations decoded, instructions still bytes.
struct FuncBody {
    ByteRange whole;       ///< size-prefixed content: locals and expression
    ByteRange expression;  ///< instructions, the final END included
    std::vector<LocalRun> locals;
};

struct CustomSection {
    std::string name;
    ByteRange content;
    uint32_t after_section = 0;  ///< id of the last known section before it, 0 if none
};

/// Indices into Module::types of one recursion group: [first, first + count).
struct RecGroup {
    uint32_t first = 0;
    uint32_t count = 1;
    bool is_explicit = false;  ///< written as (rec …), even with one member
    uint64_t offset_bytes = 0;
};

/// The "name" custom section, in the module's bytes; malformed parts are dropped in silence, as the standard
/// asks. Spec: appendix/custom#name-section
struct Names {
    std::string module;
    NameMap funcs, types, tables, memories, globals, elems, datas, tags;
    std::map<uint32_t, NameMap> locals, labels, fields;
};

/// Immutable after decoding and validation; then shared freely between threads.
struct Module {
    std::vector<uint8_t> bytes;  ///< a private copy: the embedder's buffer could change after validation
    Features features;
    uint32_t label_depth = limits::label_depth;  ///< that bodies may have

    std::vector<SubType> types;
    std::vector<RecGroup> rec_groups;
    std::vector<CanonId> canonical_types;  ///< by type index; filled by the validator
    /// By type index, empty but for structures; filled by the validator.
    std::vector<StructLayout> struct_layouts;

    std::vector<Import> imports;
    // Index spaces; the imported ones come first.
    std::vector<TypeIdx> funcs;
    std::vector<bool> exact_func_imports;  ///< by function index
    uint64_t funcs_offset_bytes = 0;       ///< of the type indices in the function section
    std::vector<Table> tables;
    std::vector<Memory> memories;
    std::vector<TagType> tags;
    std::vector<Global> globals;  ///< `init` is empty for imported ones
    uint32_t imported_funcs = 0, imported_tables = 0, imported_memories = 0, imported_tags = 0,
             imported_globals = 0;

    std::vector<Export> exports;
    std::optional<FuncIdx> start;
    uint64_t start_offset_bytes = 0;
    std::vector<ElemSegment> elems;
    std::optional<uint32_t> data_count;
    std::vector<DataSegment> datas;
    std::vector<FuncBody> bodies;  ///< of the functions that are not imported
    std::vector<CustomSection> customs;
    Names names;

    /// Functions that may be named by ref.func in bodies: those occurring outside bodies.
    /// By function index; filled by the validator. Spec: valid/modules#valid-module (C.refs)
    std::vector<bool> declared_funcs;

    [[nodiscard]] std::span<const uint8_t> view(ByteRange range) const noexcept {
        return std::span(bytes).subspan(range.offset_bytes, range.size_bytes);
    }
    /// The signature of a function. Only after validation of the indices.
    [[nodiscard]] const FuncType& func_type(FuncIdx func) const noexcept {
        return *types[funcs[func.value].value].func();
    }
    /// Of all bodies together.
    [[nodiscard]] uint64_t code_size_bytes() const noexcept {
        uint64_t size_bytes = 0;
        for (const FuncBody& body : bodies)
            size_bytes += body.whole.size_bytes;
        return size_bytes;
    }
    [[nodiscard]] const FuncBody& body(FuncIdx func) const noexcept {
        return bodies[func.value - imported_funcs];
    }
    [[nodiscard]] bool is_imported(FuncIdx func) const noexcept { return func.value < imported_funcs; }
    /// The type of a new object of a defined type, and of a function that has this very type.
    [[nodiscard]] ValType exact_reference(TypeIdx type) const noexcept {
        const bool has_exact_types = features.has(Feature::custom_descriptors);
        return ValType::reference(has_exact_types ? HeapType::exact(type) : HeapType(type), false);
    }
    /// The type of ref.func. What is imported may be of a type below the declared one.
    [[nodiscard]] ValType func_reference(FuncIdx func) const noexcept {
        const TypeIdx type = funcs[func.value];
        const bool is_exact = !is_imported(func) || exact_func_imports[func.value];
        return is_exact ? exact_reference(type) : ValType::reference(HeapType(type), false);
    }
};

}  // namespace syntax

namespace binary {
using syntax::Export, syntax::Global, syntax::Import, syntax::Memory, syntax::Module, syntax::Table;
}
namespace text {
using syntax::Export, syntax::Global, syntax::Import, syntax::Memory, syntax::Module, syntax::Table;
}
namespace validate {
using syntax::Export, syntax::Global, syntax::Import, syntax::Memory, syntax::Module, syntax::Table;
}
namespace lower {
using syntax::Export, syntax::Global, syntax::Import, syntax::Memory, syntax::Module, syntax::Table;
}
namespace runtime {
using syntax::Export, syntax::Import, syntax::Module;
}
namespace interp {
using syntax::Export, syntax::Global, syntax::Import, syntax::Memory, syntax::Module, syntax::Table;
}
namespace jit {
using syntax::Export, syntax::Global, syntax::Import, syntax::Memory, syntax::Module, syntax::Table;
}
}  // namespace wsb
