/* SPDX-License-Identifier: Apache-2.0
 * For guests in C or C++: strings and bytes to and from the host (docs/guest-abi.md). Needs malloc and free.
 * One source file of the guest defines WSB_GUEST_ALLOCATOR before it includes this.
 *
 *     WSB_EXPORT("greet") wsb_message greet(const char* name, uint32_t size) { ... }
 */
#ifndef WSB_GUEST_H
#define WSB_GUEST_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WSB_EXPORT(name) __attribute__((export_name(name)))
#define WSB_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

/* Where a message lies: its address in the low half, its size in bytes in the high one. What a function
 * returns to the host stays the guest's; WSB_FREES says that it is to be freed. */
typedef uint64_t wsb_message;

static inline wsb_message wsb_pack(const void* bytes, uint32_t size) {
    return (uint64_t)size << 32 | (uint32_t)(uintptr_t)bytes;
}
/* What a function of the host returned was allocated by this guest, which frees it. */
static inline char* wsb_bytes(wsb_message message) {
    return (char*)(uintptr_t)(uint32_t)message;
}
static inline uint32_t wsb_size(wsb_message message) {
    return (uint32_t)(message >> 32);
}

/* The host calls this when it has read what the export `name` returned. */
#define WSB_FREES(name)                                                                 \
    WSB_EXPORT("cabi_post_" #name) void wsb_free_result_of_##name(wsb_message message); \
    void wsb_free_result_of_##name(wsb_message message) {                               \
        free(wsb_bytes(message));                                                       \
    }

/* How the host gets room for what it passes: arguments are the function's to free. */
WSB_EXPORT("cabi_realloc") void* cabi_realloc(void* old, size_t old_size, size_t alignment, size_t size);
#ifdef WSB_GUEST_ALLOCATOR
void* cabi_realloc(void* old, size_t old_size, size_t alignment, size_t size) {
    (void)old_size;
    (void)alignment; /* malloc aligns for every type */
    void* const room = realloc(old, size);
    if (room == NULL && size != 0)
        abort();
    return room;
}
#endif

#ifdef __cplusplus
}
#endif

#endif
