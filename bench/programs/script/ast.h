// SPDX-License-Identifier: Apache-2.0
// What the parser makes of a script. Names are resolved: a variable knows its function, and whether another
// function uses it.
#pragma once

#include "lexer.h"

typedef struct Node Node;
typedef struct Scope Scope;

typedef struct Variable {
    const String* name;
    const Scope* owner;
    bool is_captured;  // by a function inside: it lives in a box
    uint8_t place;     // its register, once the compiler knows
    struct Variable* outer;
} Variable;

/// A function.
struct Scope {
    Scope* parent;
    const char* name;
    Variable* parameters[16];
    uint8_t parameter_count;
    Variable* innermost;  // of those that can be seen while parsing
    int depth;            // of blocks
    Node* body;
};

typedef enum {
    // Expressions
    NODE_NIL,
    NODE_TRUE,
    NODE_FALSE,
    NODE_NUMBER,
    NODE_STRING,
    NODE_VARIABLE,
    NODE_GLOBAL,
    NODE_INDEX,   // a[b]
    NODE_CALL,    // a(list)
    NODE_METHOD,  // a:string(list)
    NODE_UNARY,
    NODE_BINARY,  // a operator b
    NODE_AND,
    NODE_OR,
    NODE_TABLE,     // list of items, or of NODE_ASSIGN with a key as a
    NODE_FUNCTION,  // scope
    // Statements
    NODE_BLOCK,   // list
    NODE_LET,     // variable = a
    NODE_ASSIGN,  // a = b
    NODE_IF,      // if a then b else c
    NODE_WHILE,   // while a do b
    NODE_FOR,     // variable from a to b in steps of c do d
    NODE_RETURN,  // a or nothing
    NODE_BREAK,
} NodeKind;

struct Node {
    NodeKind kind;
    int operator;  // token of NODE_UNARY and NODE_BINARY
    int global;    // index of NODE_GLOBAL
    double number;
    String* string;
    Variable* variable;
    Scope* scope;
    Node *a, *b, *c, *d;
    Node* list;  // first child
    Node* next;  // in its parent's list
};

enum { MAX_GLOBALS = 64 };

/// Names of globals by their index.
typedef struct {
    const String* names[MAX_GLOBALS];
    int count;
} Globals;

int global_index(Globals* globals, const String* name);

/// The whole script as one function. Variables of its outermost block are globals.
Scope* parse(const char* text, Globals* globals);
