// SPDX-License-Identifier: Apache-2.0
// The arena, strings and tables.
#include "value.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

enum { BLOCK_BYTES = 1 << 18, ALIGNMENT = 16 };

typedef struct Block {
    struct Block* next;
    size_t size;
    _Alignas(ALIGNMENT) char bytes[];
} Block;

static Block *first_block, *block;
static size_t used_bytes;  // of `block`

static Block* block_after(Block* last, size_t size) {
    Block** const link = last == NULL ? &first_block : &last->next;
    if (*link != NULL && (*link)->size >= size) return *link;
    if (size < BLOCK_BYTES) size = BLOCK_BYTES;
    Block* const added = malloc(sizeof(Block) + size);
    if (added == NULL) fail("out of memory");
    *added = (Block){.next = *link, .size = size};
    return *link = added;
}

void* arena_allocate(size_t size) {
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (block == NULL || block->size - used_bytes < size) {
        block = block_after(block, size);
        used_bytes = 0;
    }
    void* const memory = block->bytes + used_bytes;
    used_bytes += size;
    return memset(memory, 0, size);
}

void arena_clear(void) {
    block = first_block;
    used_bytes = 0;
}

void* arena_grow(void* array, uint32_t count, uint32_t* room, size_t element_size) {
    if (count < *room) return array;
    *room = *room < 4 ? 8 : *room * 2;
    void* const larger = arena_allocate(*room * element_size);
    if (count > 0) memcpy(larger, array, count * element_size);
    return larger;
}

static String** strings;
static uint32_t string_count, string_slots;

void strings_clear(void) {
    strings = NULL;
    string_count = string_slots = 0;
}

static void place_string(String* string) {
    uint32_t at = string->hash & (string_slots - 1);
    while (strings[at] != NULL) at = (at + 1) & (string_slots - 1);
    strings[at] = string;
}

static void grow_strings(void) {
    String** const before = strings;
    const uint32_t slots_before = string_slots;
    string_slots = slots_before == 0 ? 256 : slots_before * 2;
    strings = arena_allocate(string_slots * sizeof(String*));
    for (uint32_t i = 0; i < slots_before; ++i)
        if (before[i] != NULL) place_string(before[i]);
}

String* string_make(const char* bytes, size_t size) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; ++i) hash = (hash ^ (uint8_t)bytes[i]) * 16777619u;
    if (2 * (string_count + 1) > string_slots) grow_strings();
    for (uint32_t at = hash & (string_slots - 1); strings[at] != NULL; at = (at + 1) & (string_slots - 1)) {
        String* const known = strings[at];
        if (known->hash == hash && known->size == size && memcmp(known->bytes, bytes, size) == 0)
            return known;
    }
    String* const string = arena_allocate(sizeof(String) + size + 1);
    string->hash = hash;
    string->size = (uint32_t)size;
    memcpy(string->bytes, bytes, size);
    place_string(string);
    ++string_count;
    return string;
}

const char* type_name(Type type) {
    static const char* const names[] = {"nil",    "boolean", "boolean",  "number",
                                        "string", "table",   "function", "function"};
    return names[type];
}

String* to_string(Value value) {
    char text[40];
    int size;
    switch (value.type) {
        case STRING: return value.as.string;
        case FALSE_VALUE: return string_make("false", 5);
        case TRUE_VALUE: return string_make("true", 4);
        case NUMBER:
            if (value.as.number == (int32_t)value.as.number)
                size = snprintf(text, sizeof text, "%d", (int)value.as.number);
            else
                size = snprintf(text, sizeof text, "%.14g", value.as.number);
            return string_make(text, (size_t)size);
        default: return string_make(type_name(value.type), strlen(type_name(value.type)));
    }
}

/// Empty if the key is nil. An entry stays when its value becomes nil.
typedef struct Entry {
    Value key, value;
} Entry;

static uint32_t hash_of(Value key) {
    uint64_t bits = 0;
    switch (key.type) {
        case STRING: return key.as.string->hash;
        case NUMBER: memcpy(&bits, &key.as.number, sizeof bits); break;
        case NIL:
        case FALSE_VALUE:
        case TRUE_VALUE: bits = key.type; break;
        default: fail("a %s cannot be a key", type_name(key.type));
    }
    bits *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(bits >> 32);
}

/// The entry of a key, or the empty one where it would go.
static Entry* find_entry(const Table* table, Value key) {
    const uint32_t mask = table->capacity - 1;
    uint32_t at = hash_of(key) & mask;
    while (table->entries[at].key.type != NIL && !equal(table->entries[at].key, key)) at = (at + 1) & mask;
    return &table->entries[at];
}

static void grow_entries(Table* table) {
    const Entry* const before = table->entries;
    const uint32_t capacity_before = table->capacity;
    table->capacity = capacity_before == 0 ? 4 : capacity_before * 2;
    table->entries = arena_allocate(table->capacity * sizeof(Entry));
    for (uint32_t i = 0; i < capacity_before; ++i)
        if (before[i].key.type != NIL) *find_entry(table, before[i].key) = before[i];
}

Table* table_make(uint32_t room) {
    Table* const table = arena_allocate(sizeof(Table));
    table->room = room;
    if (room > 0) table->array = arena_allocate(room * sizeof(Value));
    return table;
}

/// The place in the array of a key that is a whole number from 1 on; otherwise more than any count.
static uint32_t place_of(Value key) {
    if (key.type != NUMBER || !(key.as.number >= 1 && key.as.number < 0x7fffffff)) return UINT32_MAX;
    const uint32_t number = (uint32_t)key.as.number;
    return (double)number == key.as.number ? number - 1 : UINT32_MAX;
}

Value table_get(const Table* table, Value key) {
    const uint32_t place = place_of(key);
    if (place < table->count) return table->array[place];
    return table->used == 0 ? nil_value() : find_entry(table, key)->value;
}

Value table_get_string(const Table* table, const String* key) {
    if (table->used == 0) return nil_value();
    const uint32_t mask = table->capacity - 1;
    uint32_t at = key->hash & mask;
    for (; table->entries[at].key.type != NIL; at = (at + 1) & mask) {
        const Entry* const entry = &table->entries[at];
        if (entry->key.type == STRING && entry->key.as.string == key) return entry->value;
    }
    return nil_value();
}

/// Whether the key is the one after the array's last, which makes the array longer.
static bool append(Table* table, uint32_t place, Value value) {
    if (place != table->count || value.type == NIL) return false;
    table->array = arena_grow(table->array, table->count, &table->room, sizeof(Value));
    table->array[table->count++] = value;
    return true;
}

void table_set(Table* table, Value key, Value value) {
    const uint32_t place = place_of(key);
    if (place < table->count) {
        table->array[place] = value;
        if (place + 1 == table->count && value.type == NIL) --table->count;
        return;
    }
    if (append(table, place, value)) return;
    if (key.type == NIL) fail("nil cannot be a key");
    if (4 * (table->used + 1) > 3 * table->capacity) grow_entries(table);
    Entry* const entry = find_entry(table, key);
    if (entry->key.type == NIL) {
        entry->key = key;
        ++table->used;
    }
    entry->value = value;
}
