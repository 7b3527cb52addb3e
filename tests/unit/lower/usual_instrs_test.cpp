// SPDX-License-Identifier: Apache-2.0
// The body reader's short way for usual instructions against its long one: instructions whose numbers are
// written in as many bytes as they may have go the long way, and must give the same verdict and the same
// code.
#include "engine/binary/decoder.h"
#include "engine/lower/lower.h"
#include "engine/text/wast.h"
#include "engine/validate/module_validator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>

namespace wsb::lower {
namespace {

using Bytes = std::vector<uint8_t>;

/// Each handler is another number. All families are there.
const HandlerTable& number_handlers() {
    static HandlerTable table;
    std::vector<Word> words(offsetof(HandlerTable, fills) / sizeof(Word));
    std::iota(words.begin(), words.end(), 1);
    std::memcpy(static_cast<void*>(&table), words.data(), words.size() * sizeof(Word));
    for (auto& is_filled : table.is_filled)
        is_filled = true;
    return table;
}
const HandlerTable& numbered_handlers = number_handlers();

/// A number of `bits` in as many bytes as it may have.
void append_padded(Bytes& bytes, int64_t value, unsigned bits, bool is_signed) {
    const unsigned size = (bits + 6) / 7;
    const uint64_t mask = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    // The unused bits of the last byte extend the sign of signed numbers.
    uint64_t rest = is_signed ? static_cast<uint64_t>(value) : static_cast<uint64_t>(value) & mask;
    for (unsigned i = 0; i < size; ++i) {
        bytes.push_back(static_cast<uint8_t>((rest & 0x7f) | (i + 1 < size ? 0x80 : 0)));
        rest = is_signed ? static_cast<uint64_t>(static_cast<int64_t>(rest) >> 7) : rest >> 7;
    }
}

/// One instruction, from its bytes and what they say.
void append_instr(Bytes& bytes, std::span<const uint8_t> encoded, const binary::Instr& instr) {
    const OpInfo& row = op_info(instr.op);
    if (row.prefix != 0) {
        bytes.insert(bytes.end(), encoded.begin(), encoded.end());
        return;
    }
    bytes.push_back(encoded[0]);
    switch (row.imm) {
        case Imm::label:
        case Imm::func:
        case Imm::local:
        case Imm::global: append_padded(bytes, instr.index, 32, false); break;
        case Imm::i32: append_padded(bytes, static_cast<int64_t>(instr.bits), 32, true); break;
        case Imm::i64: append_padded(bytes, static_cast<int64_t>(instr.bits), 64, true); break;
        case Imm::memarg: {
            const bool has_memory = instr.memarg.memory.value != 0;
            append_padded(bytes, instr.memarg.align_log2 | (has_memory ? 0x40 : 0), 32, false);
            if (has_memory)
                append_padded(bytes, instr.memarg.memory.value, 32, false);
            append_padded(bytes, static_cast<int64_t>(instr.memarg.offset_bytes), 64, false);
            break;
        }
        default: bytes.insert(bytes.end(), encoded.begin() + 1, encoded.end());
    }
}

/// An expression with its numbers at full length; nothing if it is malformed.
std::optional<Bytes> at_full_length(std::span<const uint8_t> expression) {
    binary::InstrReader reader{Cursor(expression)};
    binary::Instr instr;
    Bytes padded;
    while (!reader.at_end()) {
        const uint64_t from = reader.offset_bytes();
        if (!reader.next(instr))
            return std::nullopt;
        append_instr(padded, expression.subspan(from, reader.offset_bytes() - from), instr);
    }
    return padded;
}

/// What came of a body.
struct Outcome {
    Error error;
    std::vector<Word> words;
    std::vector<uint32_t> potentials;
    uint32_t frame_slots = 0;

    bool operator==(const Outcome& other) const {
        return error.code == other.error.code && error.detail == other.error.detail && words == other.words &&
               potentials == other.potentials && frame_slots == other.frame_slots;
    }
};

/// A module, and what calls of its functions refer to.
struct Subject {
    explicit Subject(Module given)
        : module(std::move(given)), codes(std::make_unique<Code[]>(module.bodies.size())) {}

    Module module;
    std::unique_ptr<Code[]> codes;
};

/// Lowers function `func` with another expression in place of its own.
Outcome lower_with(Subject& subject, FuncIdx func, std::span<const uint8_t> expression, Form form) {
    Module& module = subject.module;
    FuncBody& body = module.bodies[func.value - module.imported_funcs];
    const FuncBody own = body;
    const size_t own_bytes = module.bytes.size();
    body.expression = {own_bytes, expression.size()};
    module.bytes.insert(module.bytes.end(), expression.begin(), expression.end());
    Code code;
    const auto lowered = lower_function(
        module, func,
        {.handlers = numbered_handlers, .codes = subject.codes.get(), .form = form, .origins_from_bytes = 0},
        code);
    module.bytes.resize(own_bytes);
    body = own;
    Outcome outcome;
    if (!lowered) {
        outcome.error = lowered.error();
        return outcome;
    }
    outcome.words.assign(code.words, code.words + code.word_count);
    outcome.frame_slots = code.frame_slots;
    for (uint32_t word = 0; word < code.word_count; ++word)
        outcome.potentials.push_back(code.origins->at_word(word).potential);
    return outcome;
}

/// The modules of the project's own scripts, the invalid ones too.
std::vector<Subject> corpus() {
    std::vector<Subject> modules;
    const std::filesystem::path scripts = std::filesystem::path(WSB_SOURCE_DIR) / "spec-tests/wast";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(scripts)) {
        if (!entry.is_regular_file())
            continue;
        std::ifstream file(entry.path());
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        const auto script = text::parse_script(text);
        if (!script)
            continue;
        for (const auto& command : script->commands) {
            const auto* assertion = std::get_if<text::AssertModule>(&command.body);
            const auto* source =
                assertion != nullptr ? &assertion->module : std::get_if<text::ScriptModule>(&command.body);
            const auto bytes = source != nullptr ? source->assemble() : fail(ErrorCode::none);
            if (!bytes)
                continue;
            auto module = binary::decode(*bytes, Features::up_to(4));
            TypeRegistry registry;
            if (module && validate::validate_declarations(*module, registry))
                modules.emplace_back(*std::move(module));
        }
    }
    return modules;
}

/// Compares both ways for an expression. @return whether it was valid; nullopt if it was malformed.
std::optional<bool> compare(Subject& subject, FuncIdx func, std::span<const uint8_t> expression) {
    const auto padded = at_full_length(expression);
    if (!padded)
        return std::nullopt;
    const Outcome usual = lower_with(subject, func, expression, Form::fast);
    EXPECT_EQ(usual, lower_with(subject, func, *padded, Form::fast)) << usual.error.message();
    EXPECT_EQ(lower_with(subject, func, expression, Form::stepping),
              lower_with(subject, func, *padded, Form::stepping));
    return usual.error.code == ErrorCode::none;
}

TEST(UsualInstrs, GiveTheSameAsAtFullLength) {
    constexpr std::array<uint8_t, 11> replacements{0x00, 0x01, 0x0b, 0x0c, 0x0d, 0x10,
                                                   0x20, 0x21, 0x28, 0x41, 0x6a};
    size_t valid = 0, invalid = 0;
    for (Subject& subject : corpus()) {
        const Module& module = subject.module;
        for (size_t i = module.imported_funcs; i < module.funcs.size(); ++i) {
            const auto view = module.view(module.body(FuncIdx(i)).expression);
            Bytes expression(view.begin(), view.end());
            compare(subject, FuncIdx(i), expression);
            // Damaged bodies: most are not valid, and must be refused for the same reason.
            for (size_t at = 0; at < std::min<size_t>(expression.size(), 200); ++at) {
                const uint8_t byte = expression[at];
                for (const uint8_t other : replacements) {
                    expression[at] = other;
                    if (const auto is_valid = compare(subject, FuncIdx(i), expression))
                        ++(*is_valid ? valid : invalid);
                }
                expression[at] = byte;
            }
        }
    }
    EXPECT_GT(valid, 1000u);
    EXPECT_GT(invalid, 1000u);
}

}  // namespace
}  // namespace wsb::lower
