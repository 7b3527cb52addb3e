// SPDX-License-Identifier: Apache-2.0
// filesystem DIR: a day in the life of a directory by POSIX's functions, told on standard output, without
// anything that differs from host to host: names of errors instead of numbers, times that were set, sorted
// names.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const struct {
    int number;
    const char* name;
} errors[] = {
    {ENOENT, "ENOENT"},
    {EEXIST, "EEXIST"},
    {ENOTDIR, "ENOTDIR"},
    {EISDIR, "EISDIR"},
    {EINVAL, "EINVAL"},
    {ELOOP, "ELOOP"},
    {ENOTEMPTY, "ENOTEMPTY"},
    {EBADF, "EBADF"},
    {EPERM, "EPERM"},
    {EACCES, "EACCES"},
    {ENAMETOOLONG, "ENAMETOOLONG"},
    {EXDEV, "EXDEV"},
    {ENOTSUP, "ENOTSUP"},
    {ESPIPE, "ESPIPE"},
    {EBUSY, "EBUSY"},
    {EFBIG, "EFBIG"},
};

static const char* error_name(void) {
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; ++i) {
        if (errors[i].number == errno)
            return errors[i].name;
    }
    return strerror(errno);
}

/// One line for each step: what was done, and how it went.
static int tell(const char* what, long result) {
    if (result < 0)
        printf("%-44s %s\n", what, error_name());
    else
        printf("%-44s %ld\n", what, result);
    return (int)result;
}
#define TELL(call) tell(#call, call)

static void show_status(const char* name, int follow) {
    struct stat status;
    const int result = follow ? stat(name, &status) : lstat(name, &status);
    if (result < 0) {
        printf("%s %s: %s\n", follow ? "stat" : "lstat", name, error_name());
        return;
    }
    printf("%s %s: %s", follow ? "stat" : "lstat", name,
           S_ISDIR(status.st_mode)   ? "directory"
           : S_ISLNK(status.st_mode) ? "link"
                                     : "file");
    if (S_ISREG(status.st_mode))
        printf(", %lld bytes, %lld names", (long long)status.st_size, (long long)status.st_nlink);
    printf("\n");
}

static void show_content(const char* name) {
    FILE* file = fopen(name, "r");
    if (file == NULL) {
        printf("%s: %s\n", name, error_name());
        return;
    }
    char line[256];
    for (int number = 1; fgets(line, sizeof line, file) != NULL; ++number) {
        line[strcspn(line, "\n")] = '\0';
        printf("%s:%d: %s\n", name, number, line);
    }
    fclose(file);
}

static int by_name(const void* one, const void* other) {
    return strcmp(*(const char* const*)one, *(const char* const*)other);
}

static void show_directory(const char* name) {
    DIR* directory = opendir(name);
    if (directory == NULL) {
        printf("%s: %s\n", name, error_name());
        return;
    }
    char* names[2000];
    size_t count = 0;
    for (struct dirent* entry; count < 2000 && (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            names[count++] = strdup(entry->d_name);
    }
    qsort(names, count, sizeof names[0], by_name);
    printf("%s has %zu:", name, count);
    for (size_t i = 0; i < count; ++i) {
        if (i < 30)
            printf(" %s", names[i]);
        free(names[i]);
    }
    rewinddir(directory);
    size_t again = 0;
    while (readdir(directory) != NULL)
        ++again;
    printf(" (again %zu)\n", again >= 2 ? again - 2 : again);
    closedir(directory);
}

static int write_file(const char* name, const char* text, const char* mode) {
    FILE* file = fopen(name, mode);
    if (file == NULL)
        return -1;
    const int written = (int)fwrite(text, 1, strlen(text), file);
    return fclose(file) == 0 ? written : -1;
}

static void files(void) {
    TELL(write_file("plain", "one\ntwo\n", "w"));
    TELL(write_file("plain", "three\n", "a"));
    TELL(write_file("plain", "refused\n", "wx"));
    TELL(write_file("absent/plain", "refused\n", "w"));
    show_content("plain");
    show_status("plain", 1);
    const int fd = TELL(open("plain", O_RDWR) < 0 ? -1 : 0) == 0 ? open("plain", O_RDWR) : -1;
    char bytes[8] = {0};
    TELL(pread(fd, bytes, 3, 4));
    printf("pread: %s\n", bytes);
    TELL(pwrite(fd, "TWO", 3, 4));
    TELL(lseek(fd, 0, SEEK_CUR));
    TELL(lseek(fd, -6, SEEK_END));
    TELL(read(fd, bytes, 5));
    printf("read: %s\n", bytes);
    TELL(lseek(fd, -1, SEEK_SET));
    TELL(ftruncate(fd, 10));
    TELL(ftruncate(fd, 20));
    TELL(lseek(fd, 0, SEEK_END));
    TELL(fsync(fd));
    TELL(posix_fallocate(fd, 0, 100));
    TELL(close(fd));
    TELL(close(fd));
    TELL(write(fd, "x", 1));
    show_status("plain", 1);
    TELL(truncate("plain", 12));
    show_content("plain");
    TELL(access("plain", R_OK));
    TELL(access("absent", F_OK));
    const int append = open("plain", O_WRONLY | O_APPEND);
    TELL(pwrite(append, "appended\n", 9, 12));
    TELL(write(append, "more\n", 5));
    TELL(read(append, bytes, 1));
    close(append);
    show_content("plain");
}

static void directories(void) {
    TELL(mkdir("tree", 0777));
    TELL(mkdir("tree", 0777));
    TELL(mkdir("tree/a", 0777));
    TELL(mkdir("tree/a/b/", 0777));
    TELL(mkdir("absent/a", 0777));
    TELL(mkdir("plain/a", 0777));
    TELL(mkdir("tree/.", 0777));
    TELL(write_file("tree/a/b/leaf", "leaf", "w"));
    TELL(write_file("tree", "x", "w"));
    show_directory("tree");
    show_directory("plain");
    TELL(rmdir("tree"));
    TELL(rmdir("plain"));
    TELL(rmdir("absent"));
    TELL(unlink("plain/"));
    show_content("tree/a/./b/../b//leaf");
    show_content("tree/a/leaf");
    show_content("plain/leaf");
    const int tree = open("tree", O_RDONLY | O_DIRECTORY);
    TELL(mkdirat(tree, "at", 0777));
    TELL(renameat(tree, "at", tree, "moved"));
    TELL(faccessat(tree, "moved", F_OK, 0));
    TELL(unlinkat(tree, "moved", 0) == 0);
    TELL(unlinkat(tree, "moved", AT_REMOVEDIR));
    const int leaf = openat(tree, "a/b/leaf", O_RDONLY);
    char bytes[8] = {0};
    TELL(read(leaf, bytes, sizeof bytes));
    printf("openat: %s\n", bytes);
    close(leaf);
    TELL(read(tree, bytes, 1));
    close(tree);
    TELL(open("plain", O_RDONLY | O_DIRECTORY));
    TELL(open("tree", O_WRONLY));
}

static void many_entries(void) {
    char name[64];
    TELL(mkdir("many", 0777));
    for (int i = 0; i < 500; ++i) {
        snprintf(name, sizeof name, "many/entry-with-a-name-%d", i);
        write_file(name, name, "w");
    }
    show_directory("many");
    DIR* directory = opendir("many");
    for (int i = 0; i < 100; ++i)
        (void)readdir(directory);
    const long place = telldir(directory);
    char after[300];
    snprintf(after, sizeof after, "%s", readdir(directory)->d_name);
    while (readdir(directory) != NULL)
        continue;
    seekdir(directory, place);
    printf("seekdir: %s\n", strcmp(readdir(directory)->d_name, after) == 0 ? "same" : "other");
    closedir(directory);
    for (int i = 0; i < 500; ++i) {
        snprintf(name, sizeof name, "many/entry-with-a-name-%d", i);
        if (unlink(name) < 0)
            printf("%s: %s\n", name, error_name());
    }
    TELL(rmdir("many"));
}

static void renames(void) {
    TELL(rename("plain", "renamed"));
    TELL(rename("plain", "other"));
    TELL(write_file("target", "will be replaced", "w"));
    TELL(rename("renamed", "target"));
    show_status("target", 1);
    TELL(rename("target", "tree"));
    TELL(rename("tree", "target"));
    TELL(rename("tree", "tree/a/in"));
    TELL(rename("tree", "wood"));
    TELL(mkdir("empty", 0777));
    TELL(rename("wood/a", "empty"));
    TELL(rename("empty", "wood"));
    TELL(rename("target", "target"));
    TELL(rename("target/", "other"));
    TELL(rename("wood/", "tree/"));
    TELL(mkdir("wood", 0777));
    show_directory(".");
}

static void links(void) {
    char text[64] = {0};
    TELL(link("target", "hard"));
    TELL(link("target", "hard"));
    TELL(link("absent", "hard2"));
    show_status("hard", 1);
    TELL(write_file("hard", "through the other name\n", "a"));
    show_status("target", 1);
    TELL(symlink("target", "soft"));
    TELL(symlink("target", "soft"));
    TELL(symlink("loop", "loop"));
    TELL(symlink("nowhere", "dangling"));
    TELL(symlink("../target", "empty/up"));
    TELL(readlink("soft", text, sizeof text));
    printf("readlink: %s\n", text);
    TELL(readlink("target", text, sizeof text));
    TELL(readlink("dangling", text, 3));
    show_status("soft", 0);
    show_status("soft", 1);
    show_status("loop", 0);
    show_status("loop", 1);
    show_status("dangling", 1);
    TELL(open("soft", O_RDONLY | O_NOFOLLOW));
    TELL(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0666));
    TELL(write_file("dangling", "made", "w"));
    show_content("nowhere");
    show_content("empty/up");
    TELL(rename("soft", "softer"));
    TELL(unlink("softer"));
    TELL(unlink("loop"));
    TELL(unlink("hard"));
    show_status("target", 1);
    TELL(unlink("wood"));
}

static void times(void) {
    const struct timespec stamps[2] = {{1000000000, 123456789}, {1500000000, 987654321}};
    struct stat status;
    TELL(utimensat(AT_FDCWD, "target", stamps, 0));
    stat("target", &status);
    printf("modified %lld.%09ld\n", (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    const struct timespec only[2] = {{0, UTIME_OMIT}, {5, 0}};
    TELL(utimensat(AT_FDCWD, "target", only, 0));
    stat("target", &status);
    printf("accessed %lld.%09ld, modified %lld\n", (long long)status.st_atim.tv_sec, status.st_atim.tv_nsec,
           (long long)status.st_mtim.tv_sec);
    TELL(utimensat(AT_FDCWD, "absent", stamps, 0));
    const int fd = open("target", O_WRONLY);
    TELL(write(fd, "x", 1));
    fstat(fd, &status);
    close(fd);
    struct timespec now;
    TELL(clock_gettime(CLOCK_REALTIME, &now));
    const long long age_s = (long long)now.tv_sec - (long long)status.st_mtim.tv_sec;
    printf("touched now: %s\n", age_s >= -2 && age_s < 60 ? "yes" : "no");
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    const struct timespec pause = {0, 20000000};
    TELL(nanosleep(&pause, NULL));
    clock_gettime(CLOCK_MONOTONIC, &after);
    const long long slept_ns =
        (long long)(after.tv_sec - before.tv_sec) * 1000000000 + (after.tv_nsec - before.tv_nsec);
    printf("slept long enough: %s\n", slept_ns >= 20000000 ? "yes" : "no");
}

int main(int count, char** arguments) {
    if (count != 2 || chdir(arguments[1]) < 0) {
        fprintf(stderr, "usage: filesystem DIR\n");
        return 2;
    }
    files();
    directories();
    many_entries();
    renames();
    links();
    times();
    show_directory(".");
    // The last step: a C library for WASI remembers a working directory by its text.
    TELL(chdir("tree"));
    show_directory(".");
    TELL(chdir("absent"));
    return fflush(stdout) == 0 ? 0 : 1;
}
