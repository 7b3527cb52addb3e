// SPDX-License-Identifier: Apache-2.0
// json: builds a document as text, parses it to a tree, walks the tree and writes it out again.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 65536, VALUES = 8192, DEPTH_MAX = 64, ITEMS = 120 };

typedef enum { NONE, FALSE, TRUE, NUMBER, STRING, ARRAY, OBJECT } Kind;

typedef struct Value {
    Kind kind;
    uint32_t length;      // bytes of a string, children of an array or object
    double number;
    const char* text;     // of a string: its unescaped bytes
    const char* name;     // of an object's member: its key
    uint32_t name_length;
    struct Value* child;  // first child
    struct Value* next;   // next sibling
} Value;

static char source[TEXT_BYTES], written[TEXT_BYTES], strings[TEXT_BYTES];
static Value values[VALUES];
static size_t values_used, strings_used, at, out;

static void put(const char* text) {
    const size_t length = strlen(text);
    memcpy(written + out, text, length);
    out += length;
}

static void put_unsigned(uint64_t number) {
    char digits[24];
    size_t size = 0;
    do digits[size++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (size > 0) written[out++] = digits[--size];
}

/// Numbers of the document have at most four places after the point.
static void put_number(double number) {
    if (number < 0) {
        written[out++] = '-';
        number = -number;
    }
    const uint64_t scaled = (uint64_t)(number * 10000.0 + 0.5);
    put_unsigned(scaled / 10000);
    uint32_t rest = (uint32_t)(scaled % 10000);
    if (rest == 0) return;
    written[out++] = '.';
    for (uint32_t unit = 1000; rest > 0; rest %= unit, unit /= 10)
        written[out++] = (char)('0' + rest / unit);
}

static void put_string(const char* text, uint32_t length) {
    written[out++] = '"';
    for (uint32_t i = 0; i < length; ++i) {
        const char c = text[i];
        if (c == '"' || c == '\\') {
            written[out++] = '\\';
            written[out++] = c;
        } else if (c == '\n') {
            put("\\n");
        } else if ((uint8_t)c < 0x20) {
            put("\\u00");
            written[out++] = "0123456789abcdef"[c >> 4 & 15];
            written[out++] = "0123456789abcdef"[c & 15];
        } else {
            written[out++] = c;
        }
    }
    written[out++] = '"';
}

/// The document: an object with a list of records, each with nested values of every kind.
static void make_source(uint32_t seed) {
    static const char* const names[] = {"harbour", "a \"quoted\" word", "line\nbreak", "C:\\temp",
                                        "t\tab", "Gr\xc3\xbc\xc3\x9f", "", "plain text of some length"};
    out = 0;
    put("{\"version\":2,\"records\":[");
    for (uint32_t i = 0; i < ITEMS; ++i) {
        seed = seed * 1664525u + 1013904223u;
        if (i > 0) put(",");
        put("\n  {\"id\": ");
        put_unsigned(i);
        put(", \"name\": ");
        const char* name = names[seed >> 29];
        put_string(name, (uint32_t)strlen(name));
        put(", \"size\": ");
        put_number((double)((int32_t)seed >> 12) / 16.0);
        put(seed & 256 ? ", \"open\": true" : ", \"open\": false");
        put(", \"parent\": null, \"points\": [");
        for (uint32_t j = seed >> 24 & 7; j > 0; --j) {
            put("[");
            put_number((double)(seed >> (j + 3) & 0xfff) * 0.125);
            put(", ");
            put_number(-(double)(seed >> j & 0xff) * 0.5);
            put(j > 1 ? "], " : "]");
        }
        put("], \"tags\": {\"x\": \"y\", \"deep\": [[[[1]]], {}]}}");
    }
    put("]}");
    memcpy(source, written, out);
    source[out] = '\0';
}

static void skip_space(void) {
    while (source[at] == ' ' || source[at] == '\n' || source[at] == '\t' || source[at] == '\r') ++at;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int parse_string(const char** text, uint32_t* length) {
    const size_t start = strings_used;
    if (source[at++] != '"') return 0;
    for (char c; (c = source[at++]) != '"';) {
        if ((uint8_t)c < 0x20 || strings_used + 4 > TEXT_BYTES) return 0;
        if (c == '\\') {
            int code = 0;
            switch (c = source[at++]) {
            case '"':
            case '\\':
            case '/': break;
            case 'b': c = '\b'; break;
            case 'f': c = '\f'; break;
            case 'n': c = '\n'; break;
            case 'r': c = '\r'; break;
            case 't': c = '\t'; break;
            case 'u':
                for (int i = 0; i < 4; ++i) {
                    const int digit = hex_digit(source[at]);
                    if (digit < 0) return 0;
                    code = code << 4 | digit;
                    ++at;
                }
                if (code >= 0x80) return 0;  // the document writes such letters as they are
                c = (char)code;
                break;
            default: return 0;
            }
        }
        strings[strings_used++] = c;
    }
    *text = strings + start;
    *length = (uint32_t)(strings_used - start);
    return 1;
}

static int parse_number(double* number) {
    double value = 0, unit = 1;
    const int negative = source[at] == '-';
    at += (size_t)negative;
    if (source[at] < '0' || source[at] > '9') return 0;
    while (source[at] >= '0' && source[at] <= '9') value = value * 10 + (source[at++] - '0');
    if (source[at] == '.') {
        ++at;
        while (source[at] >= '0' && source[at] <= '9') {
            value = value * 10 + (source[at++] - '0');
            unit *= 10;
        }
    }
    *number = negative ? -(value / unit) : value / unit;
    return 1;
}

static int parse_literal(const char* literal) {
    const size_t length = strlen(literal);
    if (strncmp(source + at, literal, length) != 0) return 0;
    at += length;
    return 1;
}

static Value* parse_value(int depth);

static int parse_children(Value* parent, char end, int depth) {
    Value** link = &parent->child;
    ++at;
    skip_space();
    if (source[at] == end) return ++at, 1;
    for (;;) {
        const char* name = NULL;
        uint32_t name_length = 0;
        if (end == '}') {
            skip_space();
            if (!parse_string(&name, &name_length)) return 0;
            skip_space();
            if (source[at++] != ':') return 0;
        }
        Value* child = parse_value(depth + 1);
        if (child == NULL) return 0;
        child->name = name;
        child->name_length = name_length;
        *link = child;
        link = &child->next;
        ++parent->length;
        const char c = source[at++];
        if (c == end) return 1;
        if (c != ',') return 0;
    }
}

static Value* parse_value(int depth) {
    if (values_used == VALUES || depth > DEPTH_MAX) return NULL;
    Value* value = &values[values_used++];
    memset(value, 0, sizeof *value);
    skip_space();
    int good;
    switch (source[at]) {
    case '{': value->kind = OBJECT, good = parse_children(value, '}', depth); break;
    case '[': value->kind = ARRAY, good = parse_children(value, ']', depth); break;
    case '"': value->kind = STRING, good = parse_string(&value->text, &value->length); break;
    case 't': value->kind = TRUE, good = parse_literal("true"); break;
    case 'f': value->kind = FALSE, good = parse_literal("false"); break;
    case 'n': value->kind = NONE, good = parse_literal("null"); break;
    default: value->kind = NUMBER, good = parse_number(&value->number); break;
    }
    skip_space();
    return good ? value : NULL;
}

static void write_value(const Value* value) {
    switch (value->kind) {
    case NONE: put("null"); break;
    case FALSE: put("false"); break;
    case TRUE: put("true"); break;
    case NUMBER: put_number(value->number); break;
    case STRING: put_string(value->text, value->length); break;
    case ARRAY:
    case OBJECT:
        put(value->kind == ARRAY ? "[" : "{");
        for (const Value* child = value->child; child != NULL; child = child->next) {
            if (value->kind == OBJECT) {
                put_string(child->name, child->name_length);
                put(":");
            }
            write_value(child);
            if (child->next != NULL) put(",");
        }
        put(value->kind == ARRAY ? "]" : "}");
        break;
    }
}

static const Value* member(const Value* object, const char* name) {
    const size_t length = strlen(name);
    const Value* child = object->child;
    while (child != NULL &&
           (child->name_length != length || memcmp(child->name, name, length) != 0))
        child = child->next;
    return child;
}

static double query(const Value* root) {
    double sum = 0;
    const Value* records = member(root, "records");
    for (const Value* record = records->child; record != NULL; record = record->next) {
        if (member(record, "open")->kind == TRUE) sum += member(record, "size")->number;
        for (const Value* p = member(record, "points")->child; p != NULL; p = p->next)
            sum += p->child->number * p->child->next->number;
        sum += member(record, "tags")->length;
    }
    return sum;
}

int main(int argc, char** argv) {
    const uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 250;
    uint32_t checksum = 0;
    for (uint32_t i = 0; i < iterations; ++i) {
        make_source(i + 1);
        at = values_used = strings_used = out = 0;
        const Value* root = parse_value(0);
        if (root == NULL || source[at] != '\0') return 1;
        write_value(root);
        for (size_t j = 0; j < out; ++j) checksum = checksum * 31 + (uint8_t)written[j];
        checksum ^= (uint32_t)(int64_t)(query(root) * 16);
    }
    printf("json %u %08x\n", (unsigned)iterations, (unsigned)checksum);
    return 0;
}
