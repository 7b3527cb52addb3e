// SPDX-License-Identifier: Apache-2.0
// The script language of the official test suite (.wast), parsed to commands. Modules are assembled to
// bytes on demand, since malformed ones are part of the tests.
// https://github.com/WebAssembly/spec/tree/main/interpreter#scripts
#pragma once

#include "engine/base/result.h"
#include "engine/isa/features.h"
#include "engine/isa/types.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace wsb::text {

/// A module in a script, as text, as quoted text or as bytes.
struct ScriptModule {
    enum class Form : uint8_t { text, quote, binary };
    Form form = Form::text;
    std::string name;            ///< with `$`, empty if none
    bool is_definition = false;  ///< (module definition …)
    std::string_view source;     ///< Form::text: the whole form, inside the script's own text
    std::string quoted;          ///< Form::quote: the strings joined
    std::vector<uint8_t> bytes;  ///< Form::binary
    uint32_t line = 0;

    /// The module's bytes, see text::assemble; malformed errors of the text have lines of the script.
    [[nodiscard]] Result<std::vector<uint8_t>> assemble(Features features = Features::up_to(4)) const;
};

/// (module instance $name $definition)
struct ScriptInstance {
    std::string name;
    std::string definition;
};

/// A constant argument or an expected result.
struct ScriptValue {
    enum class Kind : uint8_t {
        number,       ///< type and bits (v128: lanes with shape)
        ref_null,     ///< heap type, or any null if `heap` is empty
        ref_extern,   ///< bits: the host number, or any extern reference if !has_bits
        ref_host,     ///< bits: the host number
        ref_of_kind,  ///< any non-null reference of `heap` (ref.func, ref.struct, ref.i31, ref.any …)
        either,       ///< one of `alternatives`
    };
    enum class NanPattern : uint8_t { none, canonical, arithmetic };
    Kind kind = Kind::number;
    ValType type = ValType::i32;
    std::array<uint64_t, 2> bits{};  ///< low half first
    bool has_bits = true;
    std::array<NanPattern, 4> nan{};  ///< per float lane; scalars use [0]
    uint8_t lane_width_bits = 0;      ///< v128 only
    bool lanes_are_float = false;     ///< v128 only
    std::optional<HeapType> heap;
    std::vector<ScriptValue> alternatives;
};

struct ScriptInvoke {
    std::string module;  ///< `$name`, empty: the current one
    std::string function;
    std::vector<ScriptValue> args;
};

struct ScriptGet {
    std::string module;
    std::string global;
};

using ScriptAction = std::variant<ScriptInvoke, ScriptGet>;

struct ScriptCommand;

struct ScriptThread {
    std::string name;
    std::string shared_module;  ///< (shared (module $m)), empty if none
    std::vector<ScriptCommand> commands;
};

struct ScriptRegister {
    std::string as;
    std::string module;
};
struct ScriptWait {
    std::string thread;
};
struct AssertReturn {
    ScriptAction action;
    std::vector<ScriptValue> expected;
};
struct AssertTrap {
    std::variant<ScriptAction, ScriptModule> subject;
    std::string text;
};
struct AssertExhaustion {
    ScriptAction action;
    std::string text;
};
struct AssertException {
    ScriptAction action;
};
/// assert_malformed, assert_invalid, assert_unlinkable, and the _custom forms.
struct AssertModule {
    enum class Kind : uint8_t { malformed, invalid, unlinkable, malformed_custom, invalid_custom };
    Kind kind;
    ScriptModule module;
    std::string text;
};

struct ScriptCommand {
    uint32_t line = 0;
    std::variant<ScriptModule, ScriptInstance, ScriptRegister, ScriptAction, AssertReturn, AssertTrap,
                 AssertExhaustion, AssertException, AssertModule, ScriptThread, ScriptWait>
        body;
};

/// A parsed script; owns the text that its modules point into.
struct Script {
    std::unique_ptr<const std::string> source;
    std::vector<ScriptCommand> commands;
};

/// Parses a whole script. An unknown command is an error, never skipped.
/// @return malformed errors with line and column.
[[nodiscard]] Result<Script> parse_script(std::string source);

}  // namespace wsb::text
