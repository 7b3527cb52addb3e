// SPDX-License-Identifier: Apache-2.0
// One function with one switch executes everything; calls between scripts are frames, not calls in C.
#include "vm.h"

#include "compiler.h"

#include <math.h>
#include <string.h>

enum { STACK_VALUES = 1 << 14, MAX_FRAMES = 1 << 10 };

typedef struct {
    const uint32_t* next;
    Value* base;
    const Closure* closure;
} Frame;

Value globals[MAX_GLOBALS];
static Value stack[STACK_VALUES];
static Frame frames[MAX_FRAMES];

_Noreturn static void wrong_types(const Closure* closure, const char* what, Value a, Value b) {
    fail("%s: cannot %s %s and %s", closure->function->name, what, type_name(a.type), type_name(b.type));
}

static Table* to_table(const Closure* closure, Value value) {
    if (value.type != TABLE) fail("%s: a %s has no fields", closure->function->name, type_name(value.type));
    return value.as.table;
}

/// The low 32 bits of a whole number.
static int32_t to_bits(const Closure* closure, Value value) {
    if (value.type != NUMBER || !(fabs(value.as.number) < 9e15)) wrong_types(closure, "mask", value, value);
    return (int32_t)(uint32_t)(int64_t)value.as.number;
}

static Value concatenate(const Value* parts, int count) {
    char text[512];
    size_t size = 0;
    for (int i = 0; i < count; ++i) size += to_string(parts[i])->size;
    char* const room = size <= sizeof text ? text : arena_allocate(size);
    size = 0;
    for (int i = 0; i < count; ++i) {
        const String* const part = to_string(parts[i]);
        memcpy(room + size, part->bytes, part->size);
        size += part->size;
    }
    return string_value(string_make(room, size));
}

static bool less(const Closure* closure, Value a, Value b) {
    if (a.type == NUMBER && b.type == NUMBER) return a.as.number < b.as.number;
    if (a.type == STRING && b.type == STRING) return strcmp(a.as.string->bytes, b.as.string->bytes) < 0;
    wrong_types(closure, "compare", a, b);
}

static bool less_equal(const Closure* closure, Value a, Value b) {
    return a.type == NUMBER && b.type == NUMBER ? a.as.number <= b.as.number : !less(closure, b, a);
}

static Value length(const Closure* closure, Value value) {
    if (value.type == STRING) return number_value(value.as.string->size);
    return number_value(to_table(closure, value)->count);
}

/// A closure of an inner function, which shares boxes with the one that makes it.
static Value make_closure(const Closure* closure, const Function* inner, const Value* base) {
    Closure* const made = arena_allocate(sizeof(Closure) + inner->capture_count * sizeof(Box*));
    made->function = inner;
    for (int i = 0; i < inner->capture_count; ++i) {
        const Capture capture = inner->captures[i];
        made->boxes[i] = capture.is_register ? base[capture.index].as.box : closure->boxes[capture.index];
    }
    return (Value){.type = CLOSURE, .as.closure = made};
}

static void make_box(Value* place) {
    Box* const box = arena_allocate(sizeof(Box));
    box->value = *place;
    *place = (Value){.type = NIL, .as.box = box};
}

/// Numbers in two operands, or an error.
#define ARITHMETIC(name, left, right, result)          \
    {                                                  \
        const Value l = (left), r = (right);           \
        if (l.type != NUMBER || r.type != NUMBER) {    \
            wrong_types(closure, name, l, r);          \
        }                                              \
        const double x = l.as.number, y = r.as.number; \
        base[A] = number_value(result);                \
        continue;                                      \
    }
#define BITS(left, right, result)                                                  \
    {                                                                              \
        const int32_t x = to_bits(closure, (left)), y = to_bits(closure, (right)); \
        base[A] = number_value((int32_t)(result));                                 \
        continue;                                                                  \
    }
#define JUMP_WHEN(truth)                           \
    {                                              \
        const bool is_taken = (truth);             \
        next += is_taken ? (int32_t)*next + 1 : 1; \
        continue;                                  \
    }

#define A (word >> 8 & 0xff)
#define B (word >> 16 & 0xff)
#define C (word >> 24)
#define BC (word >> 16)

void run(const Function* script) {
    Closure main_closure = {.function = script};
    Frame* frame = frames;
    const Closure* closure = &main_closure;
    const uint32_t* next = script->code;
    const Value* constants = script->constants;
    Value* base = stack;
    for (;;) {
        const uint32_t word = *next++;
        switch ((Opcode)(word & 0xff)) {
            case OP_MOVE: base[A] = base[B]; continue;
            case OP_LOAD_CONSTANT: base[A] = constants[BC]; continue;
            case OP_LOAD_INTEGER: base[A] = number_value((int16_t)BC); continue;
            case OP_LOAD_NIL: base[A] = nil_value(); continue;
            case OP_LOAD_TRUE: base[A] = bool_value(true); continue;
            case OP_LOAD_FALSE: base[A] = bool_value(false); continue;
            case OP_GET_GLOBAL: base[A] = globals[BC]; continue;
            case OP_SET_GLOBAL: globals[BC] = base[A]; continue;
            case OP_GET_CAPTURED: base[A] = closure->boxes[B]->value; continue;
            case OP_SET_CAPTURED: closure->boxes[B]->value = base[A]; continue;
            case OP_NEW_BOX: make_box(&base[A]); continue;
            case OP_GET_BOX: base[A] = base[B].as.box->value; continue;
            case OP_SET_BOX: base[A].as.box->value = base[B]; continue;
            case OP_CLOSURE:
                base[A] = make_closure(closure, closure->function->functions[BC], base);
                continue;

            case OP_NEW_TABLE: base[A] = (Value){.type = TABLE, .as.table = table_make(BC)}; continue;
            case OP_GET_INDEX: {
                const Table* const table = to_table(closure, base[B]);
                const Value key = base[C];
                const uint32_t place =
                    key.type == NUMBER && key.as.number >= 1 && key.as.number <= table->count
                        ? (uint32_t)key.as.number - 1
                        : UINT32_MAX;
                if (place < table->count && place + 1 == key.as.number)
                    base[A] = table->array[place];
                else
                    base[A] = table_get(table, key);
                continue;
            }
            case OP_GET_INTEGER: {
                const Table* const table = to_table(closure, base[B]);
                base[A] = C <= table->count ? table->array[C - 1] : table_get(table, number_value(C));
                continue;
            }
            case OP_GET_FIELD:
                base[A] = table_get_string(to_table(closure, base[B]), constants[C].as.string);
                continue;
            case OP_GET_METHOD: {
                const Value object = base[B];
                base[A + 1] = object;
                base[A] = table_get_string(to_table(closure, object), constants[C].as.string);
                continue;
            }
            case OP_SET_INDEX: table_set(to_table(closure, base[A]), base[B], base[C]); continue;
            case OP_SET_INTEGER: table_set(to_table(closure, base[A]), number_value(B), base[C]); continue;
            case OP_SET_FIELD: table_set(to_table(closure, base[A]), constants[B], base[C]); continue;
            case OP_APPEND: {
                Table* const table = base[A].as.table;
                table_set(table, number_value(table->count + 1.0), base[B]);
                continue;
            }

            case OP_ADD_RR: ARITHMETIC("add", base[B], base[C], x + y)
            case OP_ADD_RK: ARITHMETIC("add", base[B], constants[C], x + y)
            case OP_SUBTRACT_RR: ARITHMETIC("subtract", base[B], base[C], x - y)
            case OP_SUBTRACT_RK: ARITHMETIC("subtract", base[B], constants[C], x - y)
            case OP_SUBTRACT_KR: ARITHMETIC("subtract", constants[B], base[C], x - y)
            case OP_MULTIPLY_RR: ARITHMETIC("multiply", base[B], base[C], x * y)
            case OP_MULTIPLY_RK: ARITHMETIC("multiply", base[B], constants[C], x * y)
            case OP_DIVIDE_RR: ARITHMETIC("divide", base[B], base[C], x / y)
            case OP_DIVIDE_RK: ARITHMETIC("divide", base[B], constants[C], x / y)
            case OP_DIVIDE_KR: ARITHMETIC("divide", constants[B], base[C], x / y)
            case OP_WHOLE_DIVIDE_RR: ARITHMETIC("divide", base[B], base[C], floor(x / y))
            case OP_WHOLE_DIVIDE_RK: ARITHMETIC("divide", base[B], constants[C], floor(x / y))
            case OP_MODULO_RR: ARITHMETIC("divide", base[B], base[C], x - floor(x / y) * y)
            case OP_MODULO_RK: ARITHMETIC("divide", base[B], constants[C], x - floor(x / y) * y)
            case OP_AND_RR: BITS(base[B], base[C], x & y)
            case OP_AND_RK: BITS(base[B], constants[C], x & y)
            case OP_OR_RR: BITS(base[B], base[C], x | y)
            case OP_OR_RK: BITS(base[B], constants[C], x | y)
            case OP_XOR_RR: BITS(base[B], base[C], x ^ y)
            case OP_XOR_RK: BITS(base[B], constants[C], x ^ y)
            case OP_SHIFT_LEFT_RR: BITS(base[B], base[C], (uint32_t)x << (y & 31))
            case OP_SHIFT_LEFT_RK: BITS(base[B], constants[C], (uint32_t)x << (y & 31))
            case OP_SHIFT_RIGHT_RR: BITS(base[B], base[C], x >> (y & 31))
            case OP_SHIFT_RIGHT_RK: BITS(base[B], constants[C], x >> (y & 31))
            case OP_INCREMENT: ARITHMETIC("add", base[A], number_value(1), x + y)
            case OP_NEGATE: ARITHMETIC("negate", base[B], number_value(0), y - x)
            case OP_NOT: base[A] = bool_value(!is_truthy(base[B])); continue;
            case OP_LENGTH: base[A] = length(closure, base[B]); continue;
            case OP_CONCAT: base[A] = concatenate(&base[B], (int)C); continue;
            case OP_EQUAL: base[A] = bool_value(equal(base[B], base[C])); continue;
            case OP_NOT_EQUAL: base[A] = bool_value(!equal(base[B], base[C])); continue;
            case OP_LESS: base[A] = bool_value(less(closure, base[B], base[C])); continue;
            case OP_LESS_EQUAL: base[A] = bool_value(less_equal(closure, base[B], base[C])); continue;

            case OP_JUMP: next += (int32_t)*next + 1; continue;
            case OP_JUMP_IF: JUMP_WHEN(is_truthy(base[A]))
            case OP_JUMP_UNLESS: JUMP_WHEN(!is_truthy(base[A]))
            case OP_JUMP_EQUAL_RR: JUMP_WHEN(equal(base[A], base[B]) == C)
            case OP_JUMP_EQUAL_RK: JUMP_WHEN(equal(base[A], constants[B]) == C)
            case OP_JUMP_LESS_RR: JUMP_WHEN(less(closure, base[A], base[B]) == C)
            case OP_JUMP_LESS_RK: JUMP_WHEN(less(closure, base[A], constants[B]) == C)
            case OP_JUMP_LESS_KR: JUMP_WHEN(less(closure, constants[A], base[B]) == C)
            case OP_JUMP_LESS_EQUAL_RR: JUMP_WHEN(less_equal(closure, base[A], base[B]) == C)
            case OP_JUMP_LESS_EQUAL_RK: JUMP_WHEN(less_equal(closure, base[A], constants[B]) == C)
            case OP_JUMP_LESS_EQUAL_KR: JUMP_WHEN(less_equal(closure, constants[A], base[B]) == C)
            case OP_FOR_PREPARE: {
                const Value *const from = &base[A], *const to = from + 1, *const step = from + 2;
                if (from->type != NUMBER || to->type != NUMBER) wrong_types(closure, "count", *from, *to);
                if (step->type != NUMBER || step->as.number == 0) wrong_types(closure, "step", *from, *step);
                JUMP_WHEN(step->as.number > 0 ? !(from->as.number <= to->as.number)
                                              : !(from->as.number >= to->as.number))
            }
            case OP_FOR_LOOP: {
                Value* const at = &base[A];
                const double step = at[2].as.number;
                if (at->type != NUMBER) wrong_types(closure, "step", *at, at[2]);
                at->as.number += step;
                JUMP_WHEN(step > 0 ? at->as.number <= at[1].as.number : at->as.number >= at[1].as.number)
            }
            case OP_FOR_LOOP_ONE: {
                Value* const at = &base[A];
                if (at->type != NUMBER) wrong_types(closure, "step", *at, at[2]);
                at->as.number += 1;
                JUMP_WHEN(at->as.number <= at[1].as.number)
            }

            case OP_CALL:
            case OP_CALL_0:
            case OP_CALL_1:
            case OP_CALL_2: {
                Value* const callee = &base[A];
                const uint32_t count = B;
                if (callee->type == BUILTIN) {
                    *callee = callee->as.builtin(callee + 1, (int)count);
                    continue;
                }
                if (callee->type != CLOSURE)
                    fail("%s: a %s cannot be called", closure->function->name, type_name(callee->type));
                const Function* const called = callee->as.closure->function;
                if (frame + 1 == frames + MAX_FRAMES ||
                    stack + STACK_VALUES - callee <= called->registers + 1)
                    fail("%s: too deep", called->name);
                for (uint32_t i = count; i < called->parameters; ++i) callee[i + 1] = nil_value();
                *frame++ = (Frame){.next = next, .base = base, .closure = closure};
                closure = callee->as.closure;
                base = callee + 1;
                next = called->code;
                constants = called->constants;
                continue;
            }
            case OP_RETURN:
            case OP_RETURN_NIL: {
                const Value result = (word & 0xff) == OP_RETURN ? base[A] : nil_value();
                if (frame == frames) return;
                base[-1] = result;
                --frame;
                next = frame->next;
                base = frame->base;
                closure = frame->closure;
                constants = closure->function->constants;
                continue;
            }
        }
    }
}
