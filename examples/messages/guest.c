// SPDX-License-Identifier: Apache-2.0
// A guest whose functions take and return text: a greeting for a person given as JSON, and a line count that
// reports through a function of the host.
#define WSB_GUEST_ALLOCATOR
#include <stdio.h>
#include <wsb/guest.h>

WSB_IMPORT("host", "log") void host_log(const char* text, uint32_t size);
WSB_IMPORT("host", "translate") wsb_message host_translate(const char* word, uint32_t size);

/// The text behind `"key":"` up to the next quote. Enough of JSON for a flat structure without escapes.
static const char* find_text(const char* json, uint32_t size, const char* key, uint32_t* length) {
    const uint32_t key_size = (uint32_t)strlen(key);
    for (uint32_t at = 0; at + key_size < size; ++at) {
        if (memcmp(json + at, key, key_size) != 0)
            continue;
        const char* const begin = json + at + key_size;
        const char* const end = memchr(begin, '"', (size_t)(json + size - begin));
        *length = end != NULL ? (uint32_t)(end - begin) : 0;
        return begin;
    }
    *length = 0;
    return json;
}

WSB_EXPORT("greet") wsb_message greet(char* person, uint32_t size) {
    uint32_t length;
    const char* const name = find_text(person, size, "\"name\":\"", &length);
    const wsb_message hello = host_translate("hello", 5);
    char* const text = malloc(wsb_size(hello) + length + 3);
    if (text == NULL)
        abort();
    const int written = sprintf(text, "%.*s, %.*s", (int)wsb_size(hello), wsb_bytes(hello), (int)length, name);
    free(wsb_bytes(hello));
    free(person);
    return wsb_pack(text, (uint32_t)written);
}
WSB_FREES(greet)

WSB_EXPORT("count_lines") uint32_t count_lines(char* text, uint32_t size) {
    uint32_t lines = 0;
    for (uint32_t at = 0; at < size; ++at)
        lines += text[at] == '\n';
    char report[64];
    host_log(report, (uint32_t)sprintf(report, "%u bytes", (unsigned)size));
    free(text);
    return lines;
}
