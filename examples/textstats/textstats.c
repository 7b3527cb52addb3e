// SPDX-License-Identifier: Apache-2.0
// textstats: counts lines, words and bytes of text files and tells which words are most frequent.
// An ordinary POSIX command line program; its output is the same natively and as a WASI command.

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_UNREADABLE = 1, EXIT_USAGE = 2, EXIT_OUTPUT = 3, EXIT_NO_MEMORY = 4 };
enum { READ_CHUNK_BYTES = 16384, WORD_MAX_BYTES = 63, PATH_DEPTH_MAX = 16, LENGTH_BUCKETS = 16 };

typedef struct {
    unsigned top;
    unsigned min_length;
    unsigned alloc_mebibytes;
    bool fold_case;
    bool recursive;
    bool strict;
    const char* output;
    const char* environment_name;
} Options;

typedef struct {
    char* text;
    uint32_t hash;
    uint32_t count;
} Word;

/// Open addressing, power-of-two capacity, never more than three quarters full.
typedef struct {
    Word* slots;
    uint32_t capacity;
    uint32_t used;
} WordMap;

typedef struct {
    uint64_t lines;
    uint64_t words;
    uint64_t bytes;
    uint64_t longest_line;
} Counts;

/// Running mean and variance (Welford), so that one pass over the words is enough.
typedef struct {
    uint64_t samples;
    double mean;
    double sum_of_squares;
} Moments;

typedef struct {
    char** items;
    size_t size;
    size_t capacity;
} PathList;

typedef struct {
    const Options* options;
    WordMap map;
    Counts total;
    Moments word_length;
    uint64_t length_histogram[LENGTH_BUCKETS];
    unsigned failures;
} Session;

static void* checked(void* pointer) {
    if (pointer == NULL) {
        fputs("textstats: out of memory\n", stderr);
        exit(EXIT_NO_MEMORY);
    }
    return pointer;
}

static char* copy_text(const char* text, size_t length) {
    char* copy = checked(malloc(length + 1));
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

static char* join_path(const char* directory, const char* name) {
    const size_t directory_length = strlen(directory);
    const size_t name_length = strlen(name);
    const bool slash = directory_length > 0 && directory[directory_length - 1] != '/';
    char* path = checked(malloc(directory_length + name_length + 2));
    memcpy(path, directory, directory_length);
    if (slash) path[directory_length] = '/';
    memcpy(path + directory_length + (slash ? 1 : 0), name, name_length + 1);
    return path;
}

// --- words ------------------------------------------------------------------------------------

static uint32_t hash_bytes(const char* text, size_t length) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; ++i) hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash;
}

static void map_grow(WordMap* map) {
    const uint32_t capacity = map->capacity == 0 ? 64 : map->capacity * 2;
    Word* slots = checked(calloc(capacity, sizeof(Word)));
    for (uint32_t i = 0; i < map->capacity; ++i) {
        if (map->slots[i].text == NULL) continue;
        uint32_t at = map->slots[i].hash & (capacity - 1);
        while (slots[at].text != NULL) at = (at + 1) & (capacity - 1);
        slots[at] = map->slots[i];
    }
    free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
}

static void map_count(WordMap* map, const char* text, size_t length) {
    if (map->used * 4 >= map->capacity * 3) map_grow(map);
    const uint32_t hash = hash_bytes(text, length);
    uint32_t at = hash & (map->capacity - 1);
    while (map->slots[at].text != NULL) {
        Word* word = &map->slots[at];
        if (word->hash == hash && strlen(word->text) == length &&
            memcmp(word->text, text, length) == 0) {
            ++word->count;
            return;
        }
        at = (at + 1) & (map->capacity - 1);
    }
    map->slots[at] = (Word){copy_text(text, length), hash, 1};
    ++map->used;
}

static int compare_words(const void* left, const void* right) {
    const Word* a = left;
    const Word* b = right;
    if (a->count != b->count) return a->count < b->count ? 1 : -1;
    return strcmp(a->text, b->text);
}

/// The words in order of falling frequency; the caller frees the array, the map keeps the texts.
static Word* sorted_words(const WordMap* map) {
    Word* words = checked(malloc((map->used + 1) * sizeof(Word)));
    uint32_t size = 0;
    for (uint32_t i = 0; i < map->capacity; ++i)
        if (map->slots[i].text != NULL) words[size++] = map->slots[i];
    qsort(words, size, sizeof(Word), compare_words);
    return words;
}

static void map_free(WordMap* map) {
    for (uint32_t i = 0; i < map->capacity; ++i) free(map->slots[i].text);
    free(map->slots);
}

static void add_sample(Moments* moments, double value) {
    ++moments->samples;
    const double delta = value - moments->mean;
    moments->mean += delta / (double)moments->samples;
    moments->sum_of_squares += delta * (value - moments->mean);
}

static double variance(const Moments* moments) {
    return moments->samples < 2 ? 0.0 : moments->sum_of_squares / (double)(moments->samples - 1);
}

// --- reading ----------------------------------------------------------------------------------

static bool is_word_byte(unsigned char byte) {
    return isalnum(byte) || byte == '\'' || byte >= 0x80;
}

static void finish_word(Session* session, Counts* counts, const char* word, size_t length) {
    if (length < session->options->min_length) return;
    ++counts->words;
    add_sample(&session->word_length, (double)length);
    ++session->length_histogram[length < LENGTH_BUCKETS ? length : LENGTH_BUCKETS - 1];
    map_count(&session->map, word, length);
}

/// Reads the descriptor to its end. Returns false, with errno set, if reading fails.
static bool count_descriptor(Session* session, int descriptor, Counts* counts) {
    static char buffer[READ_CHUNK_BYTES];
    char word[WORD_MAX_BYTES];
    size_t word_length = 0;
    uint64_t line_length = 0;
    ssize_t received;
    while ((received = read(descriptor, buffer, sizeof buffer)) > 0) {
        counts->bytes += (uint64_t)received;
        for (ssize_t i = 0; i < received; ++i) {
            const unsigned char byte = (unsigned char)buffer[i];
            if (byte == '\n') {
                ++counts->lines;
                line_length = 0;
            } else if (++line_length > counts->longest_line) {
                counts->longest_line = line_length;
            }
            if (is_word_byte(byte)) {
                // The rest of an absurdly long word is dropped; its start still counts.
                if (word_length < sizeof word)
                    word[word_length++] =
                        (char)(session->options->fold_case && byte < 0x80 ? tolower(byte) : byte);
            } else if (word_length > 0) {
                finish_word(session, counts, word, word_length);
                word_length = 0;
            }
        }
    }
    if (word_length > 0) finish_word(session, counts, word, word_length);
    return received == 0;
}

static void print_counts(const Counts* counts, const char* name) {
    printf("%7" PRIu64 " %7" PRIu64 " %8" PRIu64 "  %s\n", counts->lines, counts->words,
           counts->bytes, name);
}

static void add_total(Session* session, const Counts* counts) {
    session->total.lines += counts->lines;
    session->total.words += counts->words;
    session->total.bytes += counts->bytes;
    if (counts->longest_line > session->total.longest_line)
        session->total.longest_line = counts->longest_line;
}

static void fail(Session* session, const char* path) {
    fprintf(stderr, "textstats: %s: %s\n", path, strerror(errno));
    ++session->failures;
    if (session->options->strict) {
        fflush(stdout);
        exit(EXIT_UNREADABLE);
    }
}

static void count_file(Session* session, const char* path) {
    const int descriptor = open(path, O_RDONLY);
    Counts counts = {0};
    if (descriptor < 0 || !count_descriptor(session, descriptor, &counts)) {
        fail(session, path);
    } else {
        print_counts(&counts, path);
        add_total(session, &counts);
    }
    if (descriptor >= 0) close(descriptor);
}

static void list_add(PathList* list, char* path) {
    if (list->size == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        list->items = checked(realloc(list->items, list->capacity * sizeof(char*)));
    }
    list->items[list->size++] = path;
}

static int compare_paths(const void* left, const void* right) {
    return strcmp(*(char* const*)left, *(char* const*)right);
}

static bool list_directory(const char* path, PathList* entries) {
    DIR* directory = opendir(path);
    if (directory == NULL) return false;
    const struct dirent* entry;
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            list_add(entries, join_path(path, entry->d_name));
    }
    closedir(directory);
    // The order of readdir is the file system's; the report's must not be.
    if (entries->size > 0) qsort(entries->items, entries->size, sizeof(char*), compare_paths);
    return true;
}

static void count_path(Session* session, const char* path, unsigned depth) {
    struct stat status;
    if (stat(path, &status) != 0) {
        fail(session, path);
    } else if (!S_ISDIR(status.st_mode)) {
        count_file(session, path);
    } else if (depth == 0 || (session->options->recursive && depth <= PATH_DEPTH_MAX)) {
        PathList entries = {0};
        if (!list_directory(path, &entries)) fail(session, path);
        for (size_t i = 0; i < entries.size; ++i) {
            count_path(session, entries.items[i], depth + 1);
            free(entries.items[i]);
        }
        free(entries.items);
    }
}

// --- results ----------------------------------------------------------------------------------

static void print_statistics(const Session* session, const Word* words) {
    const Moments* length = &session->word_length;
    double entropy = 0;
    for (uint32_t i = 0; i < session->map.used; ++i) {
        const double share = (double)words[i].count / (double)session->total.words;
        entropy -= share * log2(share);
    }
    printf("\nlongest line       %" PRIu64 "\n", session->total.longest_line);
    printf("distinct words     %" PRIu32 "\n", session->map.used);
    if (length->samples == 0) return;
    printf("mean word length   %g\n", length->mean);
    printf("variance           %e\n", variance(length));
    printf("deviation          %.4f\n", sqrt(variance(length)));
    printf("type/token ratio   %.9g\n", (double)session->map.used / (double)session->total.words);
    printf("entropy (bits)     %12.6f\n", entropy);
    printf("words per line     %G\n", (double)session->total.words /
                                          (double)(session->total.lines ? session->total.lines : 1));
}

static void print_top(const Session* session, const Word* words) {
    const uint32_t top =
        session->options->top < session->map.used ? session->options->top : session->map.used;
    if (top == 0) return;
    printf("\nmost frequent words\n");
    for (uint32_t i = 0; i < top; ++i) {
        printf("%4" PRIu32 ". %-16s %6" PRIu32 "  %6.2f %%\n", i + 1, words[i].text, words[i].count,
               100.0 * (double)words[i].count / (double)session->total.words);
    }
}

/// Writes the report with its own size in a fixed-width field of the first line, filled in last.
static bool write_report(const Session* session, const Word* words) {
    FILE* report = fopen(session->options->output, "w");
    if (report == NULL) return false;
    fputs("size ", report);
    const long size_offset = ftell(report);
    fputs("0000000000\n", report);
    fprintf(report, "lines\t%" PRIu64 "\nwords\t%" PRIu64 "\nbytes\t%" PRIu64 "\n",
            session->total.lines, session->total.words, session->total.bytes);
    fprintf(report, "mean\t%.12g\nvariance\t%.12e\n", session->word_length.mean,
            variance(&session->word_length));
    for (unsigned i = 1; i < LENGTH_BUCKETS; ++i)
        fprintf(report, "length\t%u\t%" PRIu64 "\n", i, session->length_histogram[i]);
    for (uint32_t i = 0; i < session->map.used; ++i)
        fprintf(report, "word\t%" PRIu32 "\t%s\n", words[i].count, words[i].text);
    const long size = ftell(report);
    bool good = size_offset >= 0 && size >= 0 && fseek(report, size_offset, SEEK_SET) == 0 &&
                fprintf(report, "%010ld", size) == 10;
    good = fclose(report) == 0 && good;
    if (good) printf("\nreport of %ld bytes written\n", size);
    return good;
}

/// Allocates, fills and reads back a block: shows that large memories work and what limits do.
static void exercise_memory(unsigned mebibytes) {
    const size_t words = (size_t)mebibytes * (1024 * 1024 / sizeof(uint64_t));
    uint64_t* block = malloc(words * sizeof(uint64_t));
    if (block == NULL) {
        fprintf(stderr, "textstats: cannot allocate %u MiB\n", mebibytes);
        exit(EXIT_NO_MEMORY);
    }
    uint64_t state = mebibytes;
    for (size_t i = 0; i < words; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        block[i] = state;
    }
    uint64_t checksum = 0;
    for (size_t i = words; i-- > 0;) checksum = (checksum << 1 | checksum >> 63) ^ block[i];
    printf("\n%u MiB touched, checksum %016" PRIx64 "\n", mebibytes, checksum);
    free(block);
}

// --- command line -----------------------------------------------------------------------------

static void print_help(void) {
    puts(
        "usage: textstats [options] [FILE|DIRECTORY]...\n"
        "\n"
        "Counts lines, words and bytes of files, of all files in a directory, or of\n"
        "standard input, and shows which words are most frequent.\n"
        "\n"
        "  -t, --top N         show the N most frequent words (default 10)\n"
        "  -m, --min-length N  leave out words of fewer than N bytes\n"
        "  -i, --ignore-case   fold ASCII upper case to lower case\n"
        "  -r, --recursive     enter directories below the given ones\n"
        "  -s, --strict        stop at the first file that cannot be read\n"
        "  -o, --output FILE   write all counts to FILE too\n"
        "  -a, --alloc N       allocate and check N MiB of memory first\n"
        "  -e, --env NAME      show an environment variable\n"
        "  -h, --help          show this text\n"
        "\n"
        "Exit status: 0 good, 1 some input could not be read, 2 wrong usage,\n"
        "3 the report could not be written, 4 out of memory.");
}

static unsigned parse_number(const char* text, unsigned maximum) {
    char* end;
    errno = 0;
    const unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || value > maximum) {
        fprintf(stderr, "textstats: '%s' is not a number from 0 to %u\n", text, maximum);
        exit(EXIT_USAGE);
    }
    return (unsigned)value;
}

static Options parse_options(int argc, char** argv) {
    static const struct option long_options[] = {
        {"top", required_argument, NULL, 't'},    {"min-length", required_argument, NULL, 'm'},
        {"ignore-case", no_argument, NULL, 'i'},  {"recursive", no_argument, NULL, 'r'},
        {"strict", no_argument, NULL, 's'},       {"output", required_argument, NULL, 'o'},
        {"alloc", required_argument, NULL, 'a'},  {"env", required_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    Options options = {.top = 10, .min_length = 1};
    int option;
    while ((option = getopt_long(argc, argv, "t:m:irso:a:e:h", long_options, NULL)) != -1) {
        switch (option) {
        case 't': options.top = parse_number(optarg, 1000000); break;
        case 'm': options.min_length = parse_number(optarg, WORD_MAX_BYTES); break;
        case 'i': options.fold_case = true; break;
        case 'r': options.recursive = true; break;
        case 's': options.strict = true; break;
        case 'o': options.output = optarg; break;
        case 'a': options.alloc_mebibytes = parse_number(optarg, 4000); break;
        case 'e': options.environment_name = optarg; break;
        case 'h': print_help(); exit(EXIT_SUCCESS);
        default: fputs("Try 'textstats --help'.\n", stderr); exit(EXIT_USAGE);
        }
    }
    return options;
}

int main(int argc, char** argv) {
    const Options options = parse_options(argc, argv);
    Session session = {.options = &options};
    if (options.environment_name != NULL) {
        const char* value = getenv(options.environment_name);
        printf("%s=%s\n", options.environment_name, value != NULL ? value : "(not set)");
    }
    if (options.alloc_mebibytes > 0) exercise_memory(options.alloc_mebibytes);

    for (int i = optind; i < argc; ++i) count_path(&session, argv[i], 0);
    if (optind == argc) {
        if (!count_descriptor(&session, STDIN_FILENO, &session.total)) fail(&session, "stdin");
    }
    print_counts(&session.total, "total");

    Word* words = sorted_words(&session.map);
    print_statistics(&session, words);
    print_top(&session, words);
    int status = session.failures > 0 ? EXIT_UNREADABLE : EXIT_SUCCESS;
    if (options.output != NULL && !write_report(&session, words)) {
        fprintf(stderr, "textstats: %s: %s\n", options.output, strerror(errno));
        status = EXIT_OUTPUT;
    }
    free(words);
    map_free(&session.map);
    if (fflush(stdout) != 0 || ferror(stdout)) status = EXIT_OUTPUT;
    return status;
}
