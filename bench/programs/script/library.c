// SPDX-License-Identifier: Apache-2.0
// Functions that scripts find.
#include "vm.h"

#include <math.h>
#include <string.h>

uint32_t printed_hash;

static double number_argument(const Value* arguments, int count, int index) {
    if (index >= count || arguments[index].type != NUMBER) fail("argument %d is no number", index + 1);
    return arguments[index].as.number;
}

static const String* string_argument(const Value* arguments, int count, int index) {
    if (index >= count || arguments[index].type != STRING) fail("argument %d is no string", index + 1);
    return arguments[index].as.string;
}

static Value print(const Value* arguments, int count) {
    for (int i = 0; i < count; ++i) {
        const String* const text = to_string(arguments[i]);
        for (uint32_t j = 0; j < text->size; ++j) printed_hash = printed_hash * 31 + (uint8_t)text->bytes[j];
        printed_hash = printed_hash * 31 + '\n';
    }
    return nil_value();
}

static Value square_root(const Value* arguments, int count) {
    return number_value(sqrt(number_argument(arguments, count, 0)));
}

static Value round_down(const Value* arguments, int count) {
    return number_value(floor(number_argument(arguments, count, 0)));
}

/// A position that is counted from 1, as far as the string goes.
static uint32_t position(const Value* arguments, int count, int index, uint32_t size) {
    const double wanted = number_argument(arguments, count, index);
    return wanted >= size ? size : wanted >= 1 ? (uint32_t)wanted : 0;
}

static Value code_of(const Value* arguments, int count) {
    const String* const text = string_argument(arguments, count, 0);
    const uint32_t at = position(arguments, count, 1, text->size);
    return at == 0 ? nil_value() : number_value((uint8_t)text->bytes[at - 1]);
}

/// The characters from one position to another, both included.
static Value part_of(const Value* arguments, int count) {
    const String* const text = string_argument(arguments, count, 0);
    const uint32_t from = position(arguments, count, 1, text->size);
    const uint32_t to = position(arguments, count, 2, text->size);
    if (from == 0 || from > to) return string_value(string_make("", 0));
    return string_value(string_make(text->bytes + from - 1, to - from + 1));
}

void library_open(Globals* names) {
    static const struct {
        const char* name;
        Builtin function;
    } functions[] = {
        {"print", print}, {"sqrt", square_root}, {"floor", round_down}, {"code", code_of}, {"part", part_of},
    };
    memset(globals, 0, sizeof globals);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; ++i) {
        const String* const name = string_make(functions[i].name, strlen(functions[i].name));
        globals[global_index(names, name)] = (Value){.type = BUILTIN, .as.builtin = functions[i].function};
    }
}
