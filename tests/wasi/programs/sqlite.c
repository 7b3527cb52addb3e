// SPDX-License-Identifier: Apache-2.0
// Runs the SQL on standard input on a database: sqlite FILE. Prints rows as a shell would.
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static int print_row(void* unused, int count, char** values, char** names) {
    (void)unused, (void)names;
    for (int i = 0; i < count; ++i)
        printf("%s%s", i > 0 ? "|" : "", values[i] != NULL ? values[i] : "");
    putchar('\n');
    return 0;
}

int main(int count, char** arguments) {
    static char text[1 << 20];
    const size_t length = fread(text, 1, sizeof text - 1, stdin);
    text[length] = '\0';
    sqlite3* database = NULL;
    char* error = NULL;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
    if (count != 2 || sqlite3_open_v2(arguments[1], &database, flags, NULL) != SQLITE_OK)
        return 2;
    const int result = sqlite3_exec(database, text, print_row, NULL, &error);
    if (error != NULL)
        fprintf(stderr, "error: %s\n", error);
    sqlite3_close(database);
    return result == SQLITE_OK ? 0 : 1;
}
