// SPDX-License-Identifier: Apache-2.0
// Makes the calls of preview 1 that standard input names, one a line, and answers each with one line: the
// error number, then what the call gave as key=value. Paths and texts are escaped (%2f), so that they can
// hold any byte; descriptors are numbers, or $a … $z, which `open` fills. Nothing here knows a host path.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

#define IMPORT(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))
// As wasi/api.h has them, but with lengths: a path may hold NUL bytes.
int32_t raw_open(int32_t fd, int32_t lookup, const char* path, size_t length, int32_t oflags, int64_t base,
                 int64_t inheriting, int32_t fdflags, uint32_t* opened) IMPORT(path_open);
int32_t raw_stat(int32_t fd, int32_t lookup, const char* path, size_t length, __wasi_filestat_t* status)
    IMPORT(path_filestat_get);
int32_t raw_times(int32_t fd, int32_t lookup, const char* path, size_t length, int64_t access_ns,
                  int64_t modification_ns, int32_t flags) IMPORT(path_filestat_set_times);
int32_t raw_readlink(int32_t fd, const char* path, size_t length, char* buffer, size_t size, size_t* used)
    IMPORT(path_readlink);
int32_t raw_mkdir(int32_t fd, const char* path, size_t length) IMPORT(path_create_directory);
int32_t raw_rmdir(int32_t fd, const char* path, size_t length) IMPORT(path_remove_directory);
int32_t raw_unlink(int32_t fd, const char* path, size_t length) IMPORT(path_unlink_file);
int32_t raw_rename(int32_t fd, const char* from, size_t from_length, int32_t to_fd, const char* to,
                   size_t to_length) IMPORT(path_rename);
int32_t raw_link(int32_t fd, int32_t lookup, const char* from, size_t from_length, int32_t to_fd,
                 const char* to, size_t to_length) IMPORT(path_link);
int32_t raw_accept(int32_t fd, int32_t flags, uint32_t* accepted) IMPORT(sock_accept);
int32_t raw_symlink(const char* target, size_t target_length, int32_t fd, const char* path, size_t length)
    IMPORT(path_symlink);

enum {
    max_line = 1 << 16,
    max_tokens = 12,
    slots = 26,
    read_bytes = 64,
    listing_bytes = 4096,
    flood_bytes = 1 << 16
};

typedef struct {
    char* bytes;
    size_t length;
} Text;

static uint32_t slot_fd[slots];
static char* tokens[max_tokens];
static int token_count, next_token;

static char* take(void) {
    if (next_token == token_count) {
        fprintf(stderr, "ops: %s: too few arguments\n", tokens[0]);
        exit(2);
    }
    return tokens[next_token++];
}

static uint64_t take_number(void) {
    return strtoull(take(), NULL, 0);
}

static int32_t take_fd(void) {
    char* token = take();
    return (int32_t)(token[0] == '$' ? slot_fd[token[1] - 'a'] : strtoul(token, NULL, 0));
}

static int hex_digit(char c) {
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static Text take_text(void) {
    Text text = {take(), 0};
    for (const char* at = text.bytes; *at != '\0'; ++at) {
        char c = *at;
        if (c == '%') {
            c = (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
            at += 2;
        }
        text.bytes[text.length++] = c;
    }
    return text;
}

static void say_text(const char* key, const char* bytes, size_t length) {
    printf(" %s=", key);
    for (size_t i = 0; i < length; ++i) {
        const unsigned char c = (unsigned char)bytes[i];
        if (c > ' ' && c < 0x7f && c != '%')
            putchar(c);
        else
            printf("%%%02x", c);
    }
}

static void say_status(const __wasi_filestat_t* status) {
    printf(" ino=%llu type=%u size=%llu nlink=%llu", (unsigned long long)status->ino, status->filetype,
           (unsigned long long)status->size, (unsigned long long)status->nlink);
    printf(" atim=%llu mtim=%llu", (unsigned long long)status->atim, (unsigned long long)status->mtim);
}

static void say_fstat(int32_t fd) {
    __wasi_filestat_t status;
    const int error = __wasi_fd_filestat_get(fd, &status);
    printf(" fstat=%d", error);
    if (error == 0)
        say_status(&status);
}

static void say_content(int32_t fd) {
    char buffer[read_bytes];
    const __wasi_iovec_t vector = {(uint8_t*)buffer, sizeof buffer};
    size_t count = 0;
    const int error = __wasi_fd_read(fd, &vector, 1, &count);
    printf(" read=%d", error);
    if (error == 0)
        say_text("content", buffer, count);
}

static int write_text(int32_t fd, Text text, size_t* count) {
    const __wasi_ciovec_t vector = {(const uint8_t*)text.bytes, text.length};
    return __wasi_fd_write(fd, &vector, 1, count);
}

// Names, separated by slashes.
static void say_names(int32_t fd) {
    static uint8_t buffer[listing_bytes];
    size_t used = 0;
    const int error = __wasi_fd_readdir(fd, buffer, sizeof buffer, 0, &used);
    printf(" list=%d", error);
    if (error != 0)
        return;
    static char names[listing_bytes];
    size_t length = 0;
    for (size_t at = 0; at + sizeof(__wasi_dirent_t) <= used;) {
        __wasi_dirent_t entry;
        memcpy(&entry, buffer + at, sizeof entry);
        at += sizeof entry;
        if (entry.d_namlen > used - at)
            break;
        memcpy(names + length, buffer + at, entry.d_namlen);
        length += entry.d_namlen;
        names[length++] = '/';
        at += entry.d_namlen;
    }
    say_text("names", names, length);
}

static int open_path(uint32_t* opened) {
    const int32_t fd = take_fd();
    const int32_t lookup = (int32_t)take_number();
    const Text path = take_text();
    const int32_t oflags = (int32_t)take_number();
    const int64_t base = (int64_t)take_number();
    const int64_t inheriting = (int64_t)take_number();
    const int32_t fdflags = (int32_t)take_number();
    return raw_open(fd, lookup, path.bytes, path.length, oflags, base, inheriting, fdflags, opened);
}

// open SLOT FD LOOKUP PATH OFLAGS BASE INHERITING FDFLAGS
static void do_open(void) {
    const char slot = take()[1];
    const int error = open_path(&slot_fd[slot - 'a']);
    printf("%d", error);
}

// probe FD LOOKUP PATH OFLAGS BASE INHERITING FDFLAGS: opens, tries all that an open descriptor allows,
// closes.
static void do_probe(void) {
    uint32_t fd = 0;
    const int error = open_path(&fd);
    printf("%d", error);
    if (error != 0)
        return;
    say_fstat((int32_t)fd);
    __wasi_fdstat_t flags;
    if (__wasi_fd_fdstat_get((int32_t)fd, &flags) == 0 && flags.fs_filetype == __WASI_FILETYPE_DIRECTORY) {
        say_names((int32_t)fd);
    } else {
        say_content((int32_t)fd);
        size_t count = 0;
        printf(" write=%d", write_text((int32_t)fd, (Text){"written", 7}, &count));
    }
    printf(" close=%d", __wasi_fd_close((int32_t)fd));
}

static void do_stat(void) {
    const int32_t fd = take_fd();
    const int32_t lookup = (int32_t)take_number();
    const Text path = take_text();
    __wasi_filestat_t status;
    const int error = raw_stat(fd, lookup, path.bytes, path.length, &status);
    printf("%d", error);
    if (error == 0)
        say_status(&status);
}

static void do_times(void) {
    const int32_t fd = take_fd();
    const int32_t lookup = (int32_t)take_number();
    const Text path = take_text();
    const int64_t access_ns = (int64_t)take_number();
    const int64_t modification_ns = (int64_t)take_number();
    printf("%d", raw_times(fd, lookup, path.bytes, path.length, access_ns, modification_ns,
                           (int32_t)take_number()));
}

static void do_readlink(void) {
    const int32_t fd = take_fd();
    const Text path = take_text();
    static char buffer[listing_bytes];
    size_t used = 0;
    const int error = raw_readlink(fd, path.bytes, path.length, buffer, sizeof buffer, &used);
    printf("%d", error);
    if (error == 0)
        say_text("target", buffer, used);
}

static void do_one_path(int32_t (*call)(int32_t, const char*, size_t)) {
    const int32_t fd = take_fd();
    const Text path = take_text();
    printf("%d", call(fd, path.bytes, path.length));
}

static void do_mkdir(void) {
    do_one_path(raw_mkdir);
}
static void do_rmdir(void) {
    do_one_path(raw_rmdir);
}
static void do_unlink(void) {
    do_one_path(raw_unlink);
}

static void do_rename(void) {
    const int32_t fd = take_fd();
    const Text from = take_text();
    const int32_t to_fd = take_fd();
    const Text to = take_text();
    printf("%d", raw_rename(fd, from.bytes, from.length, to_fd, to.bytes, to.length));
}

static void do_link(void) {
    const int32_t fd = take_fd();
    const int32_t lookup = (int32_t)take_number();
    const Text from = take_text();
    const int32_t to_fd = take_fd();
    const Text to = take_text();
    printf("%d", raw_link(fd, lookup, from.bytes, from.length, to_fd, to.bytes, to.length));
}

static void do_symlink(void) {
    const Text target = take_text();
    const int32_t fd = take_fd();
    const Text path = take_text();
    printf("%d", raw_symlink(target.bytes, target.length, fd, path.bytes, path.length));
}

static void do_read(void) {
    printf("0");
    say_content(take_fd());
}

static void do_write(void) {
    const int32_t fd = take_fd();
    size_t count = 0;
    printf("%d", write_text(fd, take_text(), &count));
}

static void do_pwrite(void) {
    const int32_t fd = take_fd();
    const Text text = take_text();
    const __wasi_ciovec_t vector = {(const uint8_t*)text.bytes, text.length};
    size_t count = 0;
    printf("%d", __wasi_fd_pwrite(fd, &vector, 1, take_number(), &count));
}

// seek FD OFFSET WHENCE
static void do_seek(void) {
    const int32_t fd = take_fd();
    const int64_t offset = strtoll(take(), NULL, 0);
    uint64_t position = 0;
    const int error = __wasi_fd_seek(fd, offset, (uint8_t)take_number(), &position);
    printf("%d", error);
    if (error == 0)
        printf(" position=%llu", (unsigned long long)position);
}

// accept SLOT FD FDFLAGS
static void do_accept(void) {
    const char slot = take()[1];
    const int32_t fd = take_fd();
    uint32_t accepted = 0;
    const int error = raw_accept(fd, (int32_t)take_number(), &accepted);
    printf("%d", error);
    if (error == 0) {
        slot_fd[slot - 'a'] = accepted;
        printf(" fd=%u", accepted);
    }
}

// recv FD FLAGS LENGTH
static void do_recv(void) {
    static char buffer[read_bytes];
    const int32_t fd = take_fd();
    const uint16_t flags = (uint16_t)take_number();
    const uint64_t length = take_number();
    const __wasi_iovec_t vector = {(uint8_t*)buffer, length < sizeof buffer ? length : sizeof buffer};
    size_t count = 0;
    uint16_t out_flags = 0;
    const int error = __wasi_sock_recv(fd, &vector, 1, flags, &count, &out_flags);
    printf("%d", error);
    if (error == 0) {
        printf(" count=%zu flags=%u", count, out_flags);
        say_text("content", buffer, count);
    }
}

static void do_send(void) {
    const int32_t fd = take_fd();
    const Text text = take_text();
    const __wasi_ciovec_t vector = {(const uint8_t*)text.bytes, text.length};
    size_t count = 0;
    const int error = __wasi_sock_send(fd, &vector, 1, 0, &count);
    printf("%d count=%zu", error, count);
}

// flood FD BYTES: sends until so many are sent, or it is refused.
static void do_flood(void) {
    static uint8_t bytes[flood_bytes];
    const int32_t fd = take_fd();
    const uint64_t most = take_number();
    const __wasi_ciovec_t vector = {bytes, sizeof bytes};
    uint64_t total = 0;
    int error = 0;
    while (error == 0 && total < most) {
        size_t count = 0;
        error = __wasi_sock_send(fd, &vector, 1, 0, &count);
        total += count;
    }
    printf("%d total=%llu", error, (unsigned long long)total);
}

static void do_shutdown(void) {
    const int32_t fd = take_fd();
    printf("%d", __wasi_sock_shutdown(fd, (uint8_t)take_number()));
}

// poll FD TYPE TIMEOUT_NS: until the descriptor is ready (TYPE 1: to read, 2: to write) or the time is over.
static void do_poll(void) {
    __wasi_subscription_t subscriptions[2];
    memset(subscriptions, 0, sizeof subscriptions);
    subscriptions[0].u.u.fd_read.file_descriptor = (uint32_t)take_fd();
    subscriptions[0].u.tag = (uint8_t)take_number();
    subscriptions[1].u.tag = __WASI_EVENTTYPE_CLOCK;
    subscriptions[1].u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
    subscriptions[1].u.u.clock.timeout = take_number();
    __wasi_event_t events[2];
    size_t count = 0;
    const int error = __wasi_poll_oneoff(subscriptions, events, 2, &count);
    printf("%d", error);
    for (size_t i = 0; error == 0 && i < count; ++i) {
        if (events[i].type == __WASI_EVENTTYPE_CLOCK)
            printf(" clock=%u", events[i].error);
        else
            printf(" ready=%u bytes=%llu hangup=%u", events[i].error,
                   (unsigned long long)events[i].fd_readwrite.nbytes, events[i].fd_readwrite.flags);
    }
}

static void do_list(void) {
    printf("0");
    say_names(take_fd());
}

static void do_fstat(void) {
    printf("0");
    say_fstat(take_fd());
}

static void do_size(void) {
    const int32_t fd = take_fd();
    printf("%d", __wasi_fd_filestat_set_size(fd, take_number()));
}

static void do_allocate(void) {
    const int32_t fd = take_fd();
    const uint64_t offset = take_number();
    printf("%d", __wasi_fd_allocate(fd, offset, take_number()));
}

static void do_ftimes(void) {
    const int32_t fd = take_fd();
    const uint64_t access_ns = take_number();
    const uint64_t modification_ns = take_number();
    printf("%d", __wasi_fd_filestat_set_times(fd, access_ns, modification_ns, (uint16_t)take_number()));
}

static void do_rights(void) {
    const int32_t fd = take_fd();
    const uint64_t base = take_number();
    printf("%d", __wasi_fd_fdstat_set_rights(fd, base, take_number()));
}

static void do_flags(void) {
    const int32_t fd = take_fd();
    printf("%d", __wasi_fd_fdstat_set_flags(fd, (uint16_t)take_number()));
}

static void do_fdstat(void) {
    __wasi_fdstat_t flags;
    const int error = __wasi_fd_fdstat_get(take_fd(), &flags);
    printf("%d", error);
    if (error == 0)
        printf(" type=%u flags=%u base=%llu inheriting=%llu", flags.fs_filetype, flags.fs_flags,
               (unsigned long long)flags.fs_rights_base, (unsigned long long)flags.fs_rights_inheriting);
}

static void do_close(void) {
    printf("%d", __wasi_fd_close(take_fd()));
}

static void do_renumber(void) {
    const int32_t from = take_fd();
    printf("%d", __wasi_fd_renumber(from, take_fd()));
}

// flush: what was answered before is told now.
static void do_flush(void) {
    fflush(stdout);
    printf("0");
}

static const struct {
    const char* name;
    void (*run)(void);
} operations[] = {
    {"open", do_open},     {"probe", do_probe},       {"stat", do_stat},         {"times", do_times},
    {"mkdir", do_mkdir},   {"readlink", do_readlink}, {"rmdir", do_rmdir},       {"unlink", do_unlink},
    {"rename", do_rename}, {"link", do_link},         {"symlink", do_symlink},   {"read", do_read},
    {"write", do_write},   {"list", do_list},         {"fstat", do_fstat},       {"size", do_size},
    {"ftimes", do_ftimes}, {"rights", do_rights},     {"allocate", do_allocate}, {"flags", do_flags},
    {"fdstat", do_fdstat}, {"close", do_close},       {"renumber", do_renumber}, {"pwrite", do_pwrite},
    {"seek", do_seek},     {"accept", do_accept},     {"recv", do_recv},         {"send", do_send},
    {"flush", do_flush},   {"flood", do_flood},   {"shutdown", do_shutdown}, {"poll", do_poll},
};

static void run_line(char* line) {
    // Not strtok: two spaces in a row hold an empty path.
    token_count = 0;
    for (char* at = line; at != NULL && token_count < max_tokens;) {
        tokens[token_count++] = at;
        at = strchr(at, ' ');
        if (at != NULL)
            *at++ = '\0';
    }
    next_token = 1;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; ++i) {
        if (strcmp(operations[i].name, tokens[0]) == 0) {
            operations[i].run();
            putchar('\n');
            return;
        }
    }
    fprintf(stderr, "ops: unknown operation %s\n", tokens[0]);
    exit(2);
}

int main(void) {
    static char line[max_line];
    static char buffer[max_line];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        run_line(line);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
