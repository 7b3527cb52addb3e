// SPDX-License-Identifier: Apache-2.0
// Calls that no library makes: hostile SCENARIO. Each must be answered with an error number, or do its work,
// and leave the host as it was; what is answered otherwise is told on standard error, and the exit status
// is 1. Descriptor 3 is a writable directory. Addresses are plain numbers here, for most of them are no
// pointers.
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))
uint32_t args_get(uint32_t pointers, uint32_t buffer) IMPORT(args_get);
uint32_t args_sizes_get(uint32_t count, uint32_t size) IMPORT(args_sizes_get);
uint32_t environ_get(uint32_t pointers, uint32_t buffer) IMPORT(environ_get);
uint32_t clock_time_get(uint32_t clock, uint64_t precision, uint32_t time) IMPORT(clock_time_get);
uint32_t fd_advise(uint32_t fd, uint64_t offset, uint64_t length, uint32_t advice) IMPORT(fd_advise);
uint32_t fd_allocate(uint32_t fd, uint64_t offset, uint64_t length) IMPORT(fd_allocate);
uint32_t fd_close(uint32_t fd) IMPORT(fd_close);
uint32_t fd_fdstat_get(uint32_t fd, uint32_t out) IMPORT(fd_fdstat_get);
uint32_t fd_filestat_get(uint32_t fd, uint32_t out) IMPORT(fd_filestat_get);
uint32_t fd_filestat_set_size(uint32_t fd, uint64_t size) IMPORT(fd_filestat_set_size);
uint32_t fd_pread(uint32_t fd, uint32_t iovecs, uint32_t count, uint64_t offset, uint32_t out)
    IMPORT(fd_pread);
uint32_t fd_prestat_dir_name(uint32_t fd, uint32_t path, uint32_t length) IMPORT(fd_prestat_dir_name);
uint32_t fd_pwrite(uint32_t fd, uint32_t iovecs, uint32_t count, uint64_t offset, uint32_t out)
    IMPORT(fd_pwrite);
uint32_t fd_read(uint32_t fd, uint32_t iovecs, uint32_t count, uint32_t out) IMPORT(fd_read);
uint32_t fd_readdir(uint32_t fd, uint32_t buffer, uint32_t length, uint64_t cookie, uint32_t out)
    IMPORT(fd_readdir);
uint32_t fd_renumber(uint32_t from, uint32_t to) IMPORT(fd_renumber);
uint32_t fd_seek(uint32_t fd, int64_t offset, uint32_t whence, uint32_t out) IMPORT(fd_seek);
uint32_t fd_write(uint32_t fd, uint32_t iovecs, uint32_t count, uint32_t out) IMPORT(fd_write);
uint32_t path_filestat_get(uint32_t fd, uint32_t lookup, uint32_t path, uint32_t length, uint32_t out)
    IMPORT(path_filestat_get);
uint32_t path_open(uint32_t fd, uint32_t lookup, uint32_t path, uint32_t length, uint32_t oflags,
                   uint64_t base, uint64_t inheriting, uint32_t fdflags, uint32_t out) IMPORT(path_open);
uint32_t path_readlink(uint32_t fd, uint32_t path, uint32_t length, uint32_t buffer, uint32_t size,
                       uint32_t out) IMPORT(path_readlink);
uint32_t path_symlink(uint32_t target, uint32_t target_length, uint32_t fd, uint32_t path, uint32_t length)
    IMPORT(path_symlink);
uint32_t path_unlink_file(uint32_t fd, uint32_t path, uint32_t length) IMPORT(path_unlink_file);
uint32_t poll_oneoff(uint32_t subscriptions, uint32_t events, uint32_t count, uint32_t out)
    IMPORT(poll_oneoff);
uint32_t random_get(uint32_t buffer, uint32_t length) IMPORT(random_get);
uint32_t sock_accept(uint32_t fd, uint32_t flags, uint32_t out) IMPORT(sock_accept);
uint32_t sock_recv(uint32_t fd, uint32_t iovecs, uint32_t count, uint32_t flags, uint32_t out,
                   uint32_t out_flags) IMPORT(sock_recv);
uint32_t sock_send(uint32_t fd, uint32_t iovecs, uint32_t count, uint32_t flags, uint32_t out)
    IMPORT(sock_send);

// Error numbers of preview 1.
enum {
    success = 0,
    badf = 8,
    fault = 21,
    fbig = 22,
    inval = 28,
    isdir = 31,
    mfile = 33,
    nametoolong = 37,
    noent = 44,
    nospc = 51,
    notdir = 54,
    notsock = 57,
    notsup = 58,
    overflow = 61,
    pipe_closed = 64,
    spipe = 70,
    notcapable = 76,
    none = -1
};
enum {
    rights_rw = 1 << 1 | 1 << 2 | 1 << 5 | 1 << 6,
    rights_file = rights_rw | 1 << 7 | 1 << 8 | 1 << 21 | 1 << 22
};
enum { creat = 1, trunc = 8, dir = 3, memory_bytes = 16 << 20, most = (int)0xffffffff };

static int failures;
static uint32_t out;           // where calls put their result
static uint8_t area[8 << 20];  // for vectors, events, buffers

static uint32_t at(const void* pointer) {
    return (uint32_t)(uintptr_t)pointer;
}

// Whether `got` is one of the numbers up to `none`.
static void expect(const char* what, uint32_t got, ...) {
    va_list allowed;
    va_start(allowed, got);
    for (int number = va_arg(allowed, int); number != none; number = va_arg(allowed, int)) {
        if ((uint32_t)number == got) {
            va_end(allowed);
            return;
        }
    }
    va_end(allowed);
    fprintf(stderr, "%s: answered %u\n", what, got);
    ++failures;
}
#define EXPECT(call, ...) expect(#call, call, __VA_ARGS__, none)
#define CHECK(condition)                                        \
    if (!(condition)) {                                         \
        fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
        ++failures;                                             \
    }

static uint32_t memory_end(void) {
    return (uint32_t)(__builtin_wasm_memory_size(0) << 16);
}

static void put_vector(uint32_t index, uint32_t address, uint32_t length) {
    const uint32_t vector[2] = {address, length};
    memcpy(area + index * sizeof vector, vector, sizeof vector);
}

static uint32_t open_file(const char* name, uint32_t oflags) {
    return path_open(dir, 0, at(name), strlen(name), oflags, rights_file, 0, 0, at(&out));
}

static uint32_t file_size(uint32_t fd) {
    uint64_t status[8];
    EXPECT(fd_filestat_get(fd, at(status)), success);
    return (uint32_t)status[4];
}

static void nothing(void) {}

static void random_bytes(void) {
    const uint32_t end = memory_end();
    EXPECT(random_get(at(area), most), fault);
    EXPECT(random_get(0, most), fault);
    EXPECT(random_get(0, end + 1), fault);
    EXPECT(random_get(end - 1, 2), fault);
    EXPECT(random_get(end, 1), fault);
    EXPECT(random_get(most, 1), fault);
    EXPECT(random_get(most, most), fault);
    EXPECT(random_get(end, 0), success);
    EXPECT(random_get(end - 1, 1), success);
    for (int i = 0; i < 20; ++i)
        EXPECT(random_get(at(area), sizeof area), success);
}

static void try_vectors(const char* what, uint32_t (*call)(uint32_t iovecs, uint32_t count)) {
    const uint32_t end = memory_end();
    expect(what, call(at(area), most), fault, none);
    // Products with the size of a vector that are small in 32 bits.
    expect(what, call(at(area), 0x20000000), fault, none);
    expect(what, call(at(area), 0x20000001), fault, none);
    expect(what, call(0, end / 8 + 1), fault, none);
    expect(what, call(end - 8, 2), fault, none);
    expect(what, call(end, 1), fault, none);
    expect(what, call(most, 1), fault, none);
    put_vector(0, at(area) + 4096, most);
    expect(what, call(at(area), 1), fault, none);
    put_vector(0, end - 1, 2);
    expect(what, call(at(area), 1), fault, none);
    put_vector(0, most, most);
    expect(what, call(at(area), 1), fault, none);
    put_vector(0, at(area) + 4096, 8);
    put_vector(1, end, 1);
    expect(what, call(at(area), 2), fault, none);
    // Nothing, a million times; and no vector at all.
    memset(area, 0, sizeof area);
    expect(what, call(at(area), sizeof area / 8), success, none);
    CHECK(out == 0);
    expect(what, call(at(area), 0), success, none);
    expect(what, call(end, 0), success, none);
}

static uint32_t file_fd;
static uint32_t call_read(uint32_t iovecs, uint32_t count) {
    return fd_read(file_fd, iovecs, count, at(&out));
}
static uint32_t call_write(uint32_t iovecs, uint32_t count) {
    return fd_write(file_fd, iovecs, count, at(&out));
}
static uint32_t call_pread(uint32_t iovecs, uint32_t count) {
    return fd_pread(file_fd, iovecs, count, 0, at(&out));
}
static uint32_t call_pwrite(uint32_t iovecs, uint32_t count) {
    return fd_pwrite(file_fd, iovecs, count, 0, at(&out));
}

static void vectors(void) {
    EXPECT(open_file("vectors", creat | trunc), success);
    file_fd = out;
    try_vectors("read", call_read);
    try_vectors("write", call_write);
    try_vectors("pread", call_pread);
    try_vectors("pwrite", call_pwrite);
    CHECK(file_size(file_fd) == 0);
    put_vector(0, at(area), 8);
    EXPECT(fd_write(file_fd, at(area), 1, memory_end() - 3), fault);
    EXPECT(fd_write(file_fd, at(area), 1, most), fault);
    CHECK(file_size(file_fd) == 0);
}

// The lengths of the vectors wrap around 32 bits many times; the count that is told must not.
static void vector_sum(void) {
    enum { count = 100000 };
    for (uint32_t i = 0; i < count; ++i)
        put_vector(i, 0, memory_end());
    EXPECT(fd_write(1, at(area), count, at(&out)), success, inval);
    CHECK(out > 0 && out <= 0x80000000u);
    for (uint32_t i = 0; i < count; ++i)
        put_vector(i, at(area) + 4 * 1024 * 1024, 1 << 20);
    EXPECT(fd_read(0, at(area), count, at(&out)), success, inval);
    CHECK(out <= 0x80000000u);
}

static void opens(void) {
    uint32_t opened = 0, refused = 0, last = 0;
    EXPECT(open_file("opens", creat), success);
    for (int i = 0; i < 1000000; ++i) {
        const uint32_t error = open_file("opens", 0);
        opened += error == success;
        refused += error == mfile;
        last = error == success ? out : last;
    }
    CHECK(opened + refused == 1000000);
    CHECK(opened > 100 && opened < 100000);
    // What cannot be opened is not created either.
    EXPECT(open_file("opens.not", creat), mfile);
    EXPECT(fd_close(last), success);
    EXPECT(open_file("opens.not", 0), noent);
    EXPECT(open_file("opens", 0), success);
}

static void open_and_close(void) {
    EXPECT(open_file("cycle", creat), success);
    const uint32_t kept = out;
    for (int i = 0; i < 100000; ++i) {
        if (open_file("cycle", 0) != success || fd_renumber(out, kept) != success) {
            fprintf(stderr, "cycle %d failed\n", i);
            ++failures;
            return;
        }
    }
    EXPECT(fd_close(kept), success);
    EXPECT(fd_close(kept), badf);
}

static void flood(void) {
    memset(area, 'x', sizeof area);
    const uint32_t vector[2] = {at(area), sizeof area};
    uint64_t total = 0;
    while (total < 512u << 20) {
        if (fd_write(1, at(vector), 1, at(&out)) != success || out == 0) {
            fprintf(stderr, "write refused after %llu\n", (unsigned long long)total);
            ++failures;
            return;
        }
        total += out;
    }
}

static void closed_pipe(void) {
    const uint32_t vector[2] = {at(area), sizeof area};
    EXPECT(fd_write(1, at(vector), 1, at(&out)), pipe_closed);
    EXPECT(fd_write(1, at(vector), 1, at(&out)), pipe_closed);
}

static void listing(void) {
    for (char name[] = "entry.a"; name[6] <= 'z'; ++name[6]) {
        EXPECT(open_file(name, creat), success);
        EXPECT(fd_close(out), success);
    }
    const uint64_t cookies[] = {0,          1,         2,          3,          25,         26,
                                27,         1000,      0xffffffff, 1ull << 32, 1ull << 62, (1ull << 63) - 1,
                                1ull << 63, ~0ull - 1, ~0ull};
    for (uint32_t length = 0; length <= 64; ++length) {
        for (size_t i = 0; i < sizeof cookies / sizeof cookies[0]; ++i) {
            area[length] = 0x5a;
            EXPECT(fd_readdir(dir, at(area), length, cookies[i], at(&out)), success, inval, noent, overflow);
            CHECK(out <= length);
            CHECK(area[length] == 0x5a);
        }
    }
    EXPECT(fd_readdir(dir, at(area), most, 0, at(&out)), fault);
    EXPECT(fd_readdir(dir, memory_end(), 1, 0, at(&out)), fault);
    EXPECT(fd_readdir(dir, memory_end(), 0, 0, at(&out)), success);
    EXPECT(fd_readdir(dir, at(area), 100, 0, memory_end() - 2), fault);
    EXPECT(fd_readdir(1, at(area), 100, 0, at(&out)), notdir, badf, notcapable);
    // All names by the smallest buffer that holds one entry at a time.
    uint64_t cookie = 0;
    int entries = 0;
    for (; entries < 1000; ++entries) {
        EXPECT(fd_readdir(dir, at(area), 24 + 255, cookie, at(&out)), success);
        uint32_t length;
        memcpy(&length, area + 16, sizeof length);
        if (out < 24 + length)
            break;
        memcpy(&cookie, area, sizeof cookie);
    }
    CHECK(entries >= 26 && entries < 100);
}

static void far_offsets(void) {
    const uint64_t offsets[] = {1ull << 63, (1ull << 63) - 1, ~0ull, ~0ull - 7, 1ull << 62 | 1ull << 63};
    EXPECT(open_file("far", creat | trunc), success);
    const uint32_t fd = out;
    const uint32_t vector[2] = {at(area), 100};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; ++i) {
        EXPECT(fd_pwrite(fd, at(vector), 1, offsets[i], at(&out)), inval, fbig, overflow);
        EXPECT(fd_allocate(fd, offsets[i], 1), inval, fbig, overflow, notsup);
        EXPECT(fd_allocate(fd, 0, offsets[i]), inval, fbig, overflow, nospc, notsup);
        EXPECT(fd_allocate(fd, offsets[i], offsets[i]), inval, fbig, overflow, notsup);
        if (offsets[i] >> 63 != 0)
            EXPECT(fd_filestat_set_size(fd, offsets[i]), inval, fbig, overflow);
        EXPECT(fd_seek(fd, (int64_t)offsets[i], 1, at(&out)), inval, overflow, success);
        EXPECT(fd_advise(fd, offsets[i], offsets[i], 0), inval, success, overflow);
        EXPECT(fd_pread(fd, at(vector), 1, offsets[i], at(&out)), inval, success, overflow);
    }
    EXPECT(fd_allocate(fd, 1ull << 62, 1ull << 62), inval, fbig, overflow, notsup);
    EXPECT(fd_allocate(fd, 0, 0), inval);
    EXPECT(fd_seek(fd, INT64_MIN, 0, at(area)), inval);
    EXPECT(fd_seek(fd, INT64_MIN, 2, at(area)), inval, overflow);
    EXPECT(fd_seek(fd, 0, 3, at(area)), inval);
    EXPECT(fd_seek(fd, 0, most, at(area)), inval);
    EXPECT(fd_advise(fd, 0, 0, 6), inval);
    CHECK(file_size(fd) == 0);
}

static void renumber(void) {
    const uint32_t bad[] = {900, 1023, 1024, 0x7fffffff, 0x80000000, 0xffffffff};
    EXPECT(open_file("renumbered", creat | trunc), success);
    const uint32_t fd = out;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        EXPECT(fd_renumber(bad[i], fd), badf);
        EXPECT(fd_renumber(fd, bad[i]), badf);
        EXPECT(fd_renumber(bad[i], bad[i]), badf);
        EXPECT(fd_close(bad[i]), badf);
    }
    EXPECT(fd_renumber(fd, fd), success);
    EXPECT(fd_renumber(dir, dir), success);
    // Onto standard output: what is written goes to the file.
    EXPECT(fd_renumber(fd, 1), success);
    EXPECT(fd_close(fd), badf);
    const uint32_t vector[2] = {at("to the file"), 11};
    EXPECT(fd_write(1, at(vector), 1, at(&out)), success);
    EXPECT(fd_renumber(2, 0), success);
    EXPECT(open_file("renumbered", 0), success);
    CHECK(out == 2);
    EXPECT(fd_renumber(0, 2), success);
    EXPECT(fd_renumber(0, 2), badf);
    // Onto a grant: the number is no grant any more, and the directory is gone for good.
    EXPECT(open_file("renumbered", 0), success);
    EXPECT(fd_renumber(out, dir), success);
    EXPECT(open_file("renumbered", 0), notdir);
    EXPECT(fd_prestat_dir_name(dir, at(area), 100), badf);
    EXPECT(fd_renumber(1, dir), success);
    EXPECT(fd_close(dir), success);
    EXPECT(fd_close(dir), badf);
}

// A subscription to a clock that has already struck.
static void put_clock(uint8_t* record, uint64_t userdata, uint64_t timeout, uint16_t flags) {
    const uint32_t clock = 1;
    memset(record, 0, 48);
    memcpy(record, &userdata, 8);
    memcpy(record + 16, &clock, 4);
    memcpy(record + 24, &timeout, 8);
    memcpy(record + 40, &flags, 2);
}

static void check_events(const uint8_t* events, uint32_t expected) {
    CHECK(out == expected);
    for (uint32_t i = 0; i < out; ++i) {
        uint64_t userdata;
        memcpy(&userdata, events + i * 32, 8);
        CHECK(userdata == i + 1000);
    }
}

static void polling(void) {
    const uint32_t end = memory_end();
    const uint32_t counts[] = {1u << 28, 0xffffffff, 0x80000000, 0x55555556, 0x5555556, 0x8000001};
    uint8_t* const events = area + 4 * 1024 * 1024;
    EXPECT(poll_oneoff(at(area), at(events), 0, at(&out)), inval);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; ++i)
        EXPECT(poll_oneoff(at(area), at(events), counts[i], at(&out)), inval, fault);
    for (uint32_t i = 0; i < 1 << 16; ++i)
        put_clock(area + i * 48, 1000 + i, 0, 0);
    EXPECT(poll_oneoff(at(area), at(events), 1 << 16, at(&out)), inval, success);
    EXPECT(poll_oneoff(at(area), at(events), 1, at(&out)), success);
    check_events(events, 1);
    EXPECT(poll_oneoff(at(area), at(events), 1000, at(&out)), success);
    check_events(events, 1000);
    EXPECT(poll_oneoff(end - 47, at(events), 1, at(&out)), fault);
    EXPECT(poll_oneoff(at(area), end - 31, 1, at(&out)), fault);
    EXPECT(poll_oneoff(at(area), at(events), 1, end - 3), fault);
    EXPECT(poll_oneoff(end - 48, end - 32, 1, at(&out)), success, inval);
}

static void polling_overlapped(void) {
    // Events over subscriptions, from before to behind them.
    for (int shift = -96; shift <= 96; shift += 4) {
        uint8_t* const source = area + 65536;
        for (uint32_t i = 0; i < 100; ++i)
            put_clock(source + i * 48, 1000 + i, 0, 0);
        EXPECT(poll_oneoff(at(source), at(source + shift), 100, at(&out)), success);
        check_events(source + shift, 100);
    }
    for (uint32_t i = 0; i < 100; ++i)
        put_clock(area + i * 48, 1000 + i, 0, 0);
    EXPECT(poll_oneoff(at(area), at(area), 100, at(area)), success);
    memcpy(&out, area, sizeof out);
    CHECK(out == 100);
}

static void polling_clocks(void) {
    uint8_t* const events = area + 65536;
    put_clock(area, 1000, 1, 1);        // long ago
    put_clock(area + 48, 1, ~0ull, 0);  // never
    put_clock(area + 96, 2, ~0ull, 1);
    put_clock(area + 144, 3, ~0ull - 1, 0);
    for (int i = 0; i < 1000; ++i) {
        EXPECT(poll_oneoff(at(area), at(events), 4, at(&out)), success);
        check_events(events, 1);
    }
    put_clock(area, 1000, 0, 2);  // no such flag
    EXPECT(poll_oneoff(at(area), at(events), 1, at(&out)), success, inval);
    area[8] = 3;  // no such type
    EXPECT(poll_oneoff(at(area), at(events), 1, at(&out)), success, inval);
    put_clock(area, 1000, 0, 0);
    area[16] = 200;  // no such clock
    EXPECT(poll_oneoff(at(area), at(events), 1, at(&out)), success, inval);
    put_clock(area, 1000, 0, 0);
    area[8] = 1;  // descriptors that are not there
    memset(area + 16, 0xff, 4);
    EXPECT(poll_oneoff(at(area), at(events), 1, at(&out)), success, badf);
}

// Results that do not fit: nothing may have happened then.
static void results(void) {
    const uint32_t end = memory_end();
    const uint32_t bad[] = {end, end - 1, end - 3, most, most - 3, 0x80000000};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        const uint32_t to = bad[i];
        EXPECT(path_open(dir, 0, at("result"), 6, creat, rights_rw, 0, 0, to), fault);
        EXPECT(path_open(dir, 0, at("result"), 6, creat | trunc, rights_rw, 0, 0, to), fault);
        EXPECT(args_sizes_get(to, at(&out)), fault);
        EXPECT(args_sizes_get(at(&out), to), fault);
        EXPECT(args_get(to, at(area)), fault);
        EXPECT(args_get(at(area), to), fault);
        EXPECT(environ_get(to, to), success, fault);
        EXPECT(clock_time_get(0, 0, to), fault);
        EXPECT(fd_fdstat_get(dir, to), fault);
        EXPECT(fd_filestat_get(dir, to), fault);
        EXPECT(fd_prestat_dir_name(dir, to, 100), fault, to + 1 <= end && to + 3 >= end ? success : fault);
        EXPECT(path_filestat_get(dir, 0, at("."), 1, to), fault);
        EXPECT(path_filestat_get(dir, 0, to, 8, at(area)), fault);
        EXPECT(path_filestat_get(dir, 0, 0, to, at(area)), fault, nametoolong);
        EXPECT(path_readlink(dir, at("."), 1, to, 8, at(&out)), fault, inval);
        EXPECT(path_readlink(dir, at("."), 1, at(area), most, at(&out)), fault);
        EXPECT(path_symlink(to, 8, dir, at("result"), 6), fault);
        EXPECT(path_symlink(at("x"), most, dir, at("result"), 6), fault, nametoolong);
        EXPECT(path_unlink_file(dir, to, 8), fault);
        EXPECT(path_unlink_file(dir, at(area), most), fault, nametoolong);
        EXPECT(sock_accept(dir, 0, to), notsock, badf, fault, notsup, inval, notcapable);
        EXPECT(sock_recv(dir, to, most, 0, to, to), notsock, badf, fault, notsup, inval, notcapable);
        EXPECT(sock_send(dir, to, most, 0, to), notsock, badf, fault, notsup, inval, notcapable);
    }
    EXPECT(path_filestat_get(dir, 0, at("result"), 6, at(area)), noent);
    // Results over the arguments they come from.
    strcpy((char*)area, "result");
    EXPECT(path_open(dir, 0, at(area), 6, creat, rights_rw, 0, 0, at(area)), success);
    EXPECT(path_filestat_get(dir, 0, at("result"), 6, at(area)), success);
    strcpy((char*)area, "result");
    EXPECT(path_filestat_get(dir, 0, at(area), 6, at(area)), success);
    put_vector(0, at(area), 8);
    EXPECT(fd_read(0, at(area), 1, at(area)), success);
    put_vector(0, at(area), 16);
    EXPECT(random_get(at(area), 16), success);
}

static const struct {
    const char* name;
    void (*run)(void);
} scenarios[] = {
    {"nothing", nothing},
    {"random", random_bytes},
    {"vectors", vectors},
    {"vector-sum", vector_sum},
    {"opens", opens},
    {"open-close", open_and_close},
    {"flood", flood},
    {"closed-pipe", closed_pipe},
    {"listing", listing},
    {"far-offsets", far_offsets},
    {"renumber", renumber},
    {"polling", polling},
    {"overlapped", polling_overlapped},
    {"clocks", polling_clocks},
    {"results", results},
};

int main(int count, char** arguments) {
    memset(area, 1, sizeof area);  // so that all scenarios have the same memory in use
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; ++i) {
        if (count == 2 && strcmp(scenarios[i].name, arguments[1]) == 0) {
            scenarios[i].run();
            return failures == 0 ? 0 : 1;
        }
    }
    fprintf(stderr, "hostile: no such scenario\n");
    return 2;
}
