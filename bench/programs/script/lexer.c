// SPDX-License-Identifier: Apache-2.0
#include "lexer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char* text;
    int kind;
} words[] = {
    {"let", TOKEN_LET},   {"fn", TOKEN_FN},       {"if", TOKEN_IF},       {"else", TOKEN_ELSE},
    {"for", TOKEN_FOR},   {"while", TOKEN_WHILE}, {"break", TOKEN_BREAK}, {"return", TOKEN_RETURN},
    {"and", TOKEN_AND},   {"or", TOKEN_OR},       {"not", TOKEN_NOT},     {"nil", TOKEN_NIL},
    {"true", TOKEN_TRUE}, {"false", TOKEN_FALSE},
};

static const struct {
    char first, second;
    int kind;
} pairs[] = {
    {'=', '=', TOKEN_EQUAL},         {'!', '=', TOKEN_NOT_EQUAL},   {'<', '=', TOKEN_LESS_EQUAL},
    {'>', '=', TOKEN_GREATER_EQUAL}, {'.', '.', TOKEN_CONCAT},      {'/', '/', TOKEN_WHOLE_DIVIDE},
    {'<', '<', TOKEN_SHIFT_LEFT},    {'>', '>', TOKEN_SHIFT_RIGHT},
};

/// Blanks, line ends, and comments from "--" to the end of a line.
static void skip_space(Lexer* lexer) {
    for (;; ++lexer->at) {
        if (lexer->at[0] == '-' && lexer->at[1] == '-') lexer->at += strcspn(lexer->at, "\n");
        if (*lexer->at == '\n')
            ++lexer->line;
        else if (*lexer->at != ' ')
            return;
    }
}

static Token read_word(Lexer* lexer) {
    const char* const start = lexer->at;
    while (isalnum((unsigned char)*lexer->at) || *lexer->at == '_') ++lexer->at;
    const size_t size = (size_t)(lexer->at - start);
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
        if (strlen(words[i].text) == size && memcmp(words[i].text, start, size) == 0)
            return (Token){.kind = words[i].kind};
    return (Token){.kind = TOKEN_NAME, .string = string_make(start, size)};
}

static Token read_string(Lexer* lexer) {
    const char* const start = ++lexer->at;
    const size_t size = strcspn(start, "\"\n");
    if (start[size] != '"') fail("line %d: a string does not end", lexer->line);
    lexer->at = start + size + 1;
    return (Token){.kind = TOKEN_STRING, .string = string_make(start, size)};
}

static Token read_number(Lexer* lexer) {
    char* end;
    const double number = strtod(lexer->at, &end);
    lexer->at = end;
    return (Token){.kind = TOKEN_NUMBER, .number = number};
}

static Token read_sign(Lexer* lexer) {
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i) {
        if (lexer->at[0] == pairs[i].first && lexer->at[1] == pairs[i].second) {
            lexer->at += 2;
            return (Token){.kind = pairs[i].kind};
        }
    }
    return (Token){.kind = *lexer->at == 0 ? TOKEN_END : *lexer->at++};
}

void lexer_next(Lexer* lexer) {
    skip_space(lexer);
    const unsigned char first = (unsigned char)*lexer->at;
    if (isalpha(first) || first == '_')
        lexer->token = read_word(lexer);
    else if (isdigit(first))
        lexer->token = read_number(lexer);
    else if (first == '"')
        lexer->token = read_string(lexer);
    else
        lexer->token = read_sign(lexer);
}

void lexer_open(Lexer* lexer, const char* text) {
    *lexer = (Lexer){.at = text, .line = 1};
    lexer_next(lexer);
}
