// SPDX-License-Identifier: Apache-2.0
// Splits the text of a script into tokens.
#pragma once

#include "value.h"

typedef enum {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_LET,
    TOKEN_FN,
    TOKEN_IF,
    TOKEN_ELSE,
    TOKEN_WHILE,
    TOKEN_FOR,
    TOKEN_RETURN,
    TOKEN_BREAK,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_NOT,
    TOKEN_NIL,
    TOKEN_TRUE,
    TOKEN_FALSE,
    // Of two characters; those of one are their own character.
    TOKEN_EQUAL = 128,
    TOKEN_NOT_EQUAL,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER_EQUAL,
    TOKEN_CONCAT,
    TOKEN_WHOLE_DIVIDE,
    TOKEN_SHIFT_LEFT,
    TOKEN_SHIFT_RIGHT,
} TokenKind;

typedef struct {
    int kind;        // a TokenKind or a character
    double number;   // of TOKEN_NUMBER
    String* string;  // of TOKEN_NAME and TOKEN_STRING
} Token;

typedef struct {
    const char* at;
    int line;
    Token token;  // the current one
} Lexer;

void lexer_open(Lexer* lexer, const char* text);
void lexer_next(Lexer* lexer);
