// SPDX-License-Identifier: Apache-2.0
// Values of the language, and where they live: everything is allocated in one arena that is emptied as a
// whole.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { NIL, FALSE_VALUE, TRUE_VALUE, NUMBER, STRING, TABLE, CLOSURE, BUILTIN } Type;

typedef struct Value Value;
typedef struct Table Table;
typedef struct Closure Closure;

/// Equal strings are the same object.
typedef struct {
    uint32_t hash;
    uint32_t size;
    char bytes[];
} String;

typedef Value (*Builtin)(const Value* arguments, int count);

struct Value {
    Type type;
    union {
        double number;
        String* string;
        Table* table;
        Closure* closure;
        Builtin builtin;
        struct Box* box;  // of a register that holds a captured variable; its type is nil
    } as;
};

/// Keys 1 to `count` lie in `array`, all others in an open-addressing hash table.
struct Table {
    Value* array;
    uint32_t count, room;
    struct Entry* entries;
    uint32_t used, capacity;  // capacity is 0 or a power of two
};

/// A variable that closures share.
typedef struct Box {
    Value value;
} Box;

/// What a closure takes from the function that makes it: one of its registers, or one of its own boxes.
typedef struct {
    bool is_register;
    uint8_t index;
} Capture;

/// A compiled function.
typedef struct Function {
    const char* name;
    uint32_t* code;
    Value* constants;
    struct Function** functions;  // those inside
    Capture* captures;
    uint8_t parameters, registers, capture_count;
} Function;

struct Closure {
    const Function* function;
    Box* boxes[];
};

/// Ends the program with a message.
_Noreturn void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

/// Zeroed memory, which lasts until arena_clear.
void* arena_allocate(size_t size);
void arena_clear(void);

/// Doubles the room of a growing array if it is full.
void* arena_grow(void* array, uint32_t count, uint32_t* room, size_t element_size);

/// Forgets all strings; their memory goes with the arena.
void strings_clear(void);
String* string_make(const char* bytes, size_t size);

static inline Value nil_value(void) {
    return (Value){.type = NIL};
}
static inline Value bool_value(bool is_true) {
    return (Value){.type = is_true ? TRUE_VALUE : FALSE_VALUE};
}
static inline Value number_value(double number) {
    return (Value){.type = NUMBER, .as.number = number};
}
static inline Value string_value(String* string) {
    return (Value){.type = STRING, .as.string = string};
}
static inline bool is_truthy(Value value) {
    return value.type > FALSE_VALUE;
}
static inline bool equal(Value a, Value b) {
    if (a.type != b.type)
        return false;
    if (a.type == NUMBER)
        return a.as.number == b.as.number;
    return a.type < NUMBER || a.as.string == b.as.string;
}

const char* type_name(Type type);
/// The text that concatenation and print give a value.
String* to_string(Value value);

Table* table_make(uint32_t room);
Value table_get(const Table* table, Value key);
Value table_get_string(const Table* table, const String* key);
void table_set(Table* table, Value key, Value value);
