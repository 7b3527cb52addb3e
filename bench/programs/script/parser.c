// SPDX-License-Identifier: Apache-2.0
// By recursive descent; operators by precedence.
#include "ast.h"

typedef struct {
    Lexer lexer;
    Scope* scope;
    Globals* globals;
} Parser;

static Node* parse_expression(Parser* parser, int lowest);
static Node* parse_block(Parser* parser);

int global_index(Globals* globals, const String* name) {
    for (int i = 0; i < globals->count; ++i)
        if (globals->names[i] == name) return i;
    if (globals->count == MAX_GLOBALS) fail("too many globals");
    globals->names[globals->count] = name;
    return globals->count++;
}

static Node* make(NodeKind kind) {
    Node* const node = arena_allocate(sizeof(Node));
    node->kind = kind;
    return node;
}

static bool next_is(Parser* parser, int kind) {
    return parser->lexer.token.kind == kind;
}

static bool take(Parser* parser, int kind) {
    if (!next_is(parser, kind)) return false;
    lexer_next(&parser->lexer);
    return true;
}

static void expect(Parser* parser, int kind) {
    if (!take(parser, kind)) fail("line %d: '%c' is missing", parser->lexer.line, kind);
}

static String* expect_name(Parser* parser) {
    String* const name = parser->lexer.token.string;
    if (!take(parser, TOKEN_NAME)) fail("line %d: a name is missing", parser->lexer.line);
    return name;
}

/// A variable of the function that is being parsed, seen until its block ends.
static Variable* declare(Parser* parser, const String* name) {
    Variable* const variable = arena_allocate(sizeof(Variable));
    *variable = (Variable){.name = name, .owner = parser->scope, .outer = parser->scope->innermost};
    parser->scope->innermost = variable;
    return variable;
}

/// A new name in a `let` or `fn`: a variable, or a global in the outermost block.
static Node* declare_target(Parser* parser, const String* name) {
    if (parser->scope->parent == NULL && parser->scope->depth == 0) {
        Node* const node = make(NODE_GLOBAL);
        node->global = global_index(parser->globals, name);
        return node;
    }
    Node* const node = make(NODE_VARIABLE);
    node->variable = declare(parser, name);
    return node;
}

static Node* resolve(Parser* parser, const String* name) {
    for (Scope* scope = parser->scope; scope != NULL; scope = scope->parent) {
        for (Variable* variable = scope->innermost; variable != NULL; variable = variable->outer) {
            if (variable->name != name) continue;
            if (scope != parser->scope) variable->is_captured = true;
            Node* const node = make(NODE_VARIABLE);
            node->variable = variable;
            return node;
        }
    }
    Node* const node = make(NODE_GLOBAL);
    node->global = global_index(parser->globals, name);
    return node;
}

/// From the opening parenthesis of the parameters on.
static Node* parse_function(Parser* parser, const char* name) {
    Scope* const scope = arena_allocate(sizeof(Scope));
    *scope = (Scope){.parent = parser->scope, .name = name};
    parser->scope = scope;
    expect(parser, '(');
    while (!next_is(parser, ')')) {
        if (scope->parameter_count == 16) fail("line %d: too many parameters", parser->lexer.line);
        scope->parameters[scope->parameter_count++] = declare(parser, expect_name(parser));
        if (!take(parser, ',')) break;
    }
    expect(parser, ')');
    scope->body = parse_block(parser);
    parser->scope = scope->parent;
    Node* const node = make(NODE_FUNCTION);
    node->scope = scope;
    return node;
}

/// `1, 2, x = 3, [key] = 4}`
static Node* parse_table(Parser* parser) {
    Node* const table = make(NODE_TABLE);
    Node** end = &table->list;
    while (!next_is(parser, '}')) {
        Node* item;
        if (take(parser, '[')) {
            item = make(NODE_ASSIGN);
            item->a = parse_expression(parser, 0);
            expect(parser, ']');
            expect(parser, '=');
            item->b = parse_expression(parser, 0);
        } else {
            const Lexer before = parser->lexer;
            item = NULL;
            if (take(parser, TOKEN_NAME) && take(parser, '=')) {
                item = make(NODE_ASSIGN);
                item->a = make(NODE_STRING);
                item->a->string = before.token.string;
                item->b = parse_expression(parser, 0);
            } else {
                parser->lexer = before;
                item = parse_expression(parser, 0);
            }
        }
        *end = item;
        end = &item->next;
        if (!take(parser, ',')) break;
    }
    expect(parser, '}');
    return table;
}

static Node* parse_primary(Parser* parser) {
    const Token token = parser->lexer.token;
    lexer_next(&parser->lexer);
    Node* node;
    switch (token.kind) {
        case TOKEN_NIL: return make(NODE_NIL);
        case TOKEN_TRUE: return make(NODE_TRUE);
        case TOKEN_FALSE: return make(NODE_FALSE);
        case TOKEN_NUMBER:
            node = make(NODE_NUMBER);
            node->number = token.number;
            return node;
        case TOKEN_STRING:
            node = make(NODE_STRING);
            node->string = token.string;
            return node;
        case TOKEN_NAME: return resolve(parser, token.string);
        case TOKEN_FN: return parse_function(parser, "function");
        case '{': return parse_table(parser);
        case '(':
            node = parse_expression(parser, 0);
            expect(parser, ')');
            return node;
        default: fail("line %d: an expression is missing", parser->lexer.line);
    }
}

static void parse_arguments(Parser* parser, Node* call) {
    Node** end = &call->list;
    while (!next_is(parser, ')')) {
        *end = parse_expression(parser, 0);
        end = &(*end)->next;
        if (!take(parser, ',')) break;
    }
    expect(parser, ')');
}

/// Calls and indices behind a primary expression.
static Node* parse_suffixed(Parser* parser) {
    Node* left = parse_primary(parser);
    for (;;) {
        Node* node;
        if (take(parser, '(')) {
            node = make(NODE_CALL);
            parse_arguments(parser, node);
        } else if (take(parser, ':')) {
            node = make(NODE_METHOD);
            node->string = expect_name(parser);
            expect(parser, '(');
            parse_arguments(parser, node);
        } else if (take(parser, '[')) {
            node = make(NODE_INDEX);
            node->b = parse_expression(parser, 0);
            expect(parser, ']');
        } else if (take(parser, '.')) {
            node = make(NODE_INDEX);
            node->b = make(NODE_STRING);
            node->b->string = expect_name(parser);
        } else {
            return left;
        }
        node->a = left;
        left = node;
    }
}

static int precedence(int token) {
    switch (token) {
        case TOKEN_OR: return 1;
        case TOKEN_AND: return 2;
        case TOKEN_EQUAL:
        case TOKEN_NOT_EQUAL:
        case TOKEN_LESS_EQUAL:
        case TOKEN_GREATER_EQUAL:
        case '<':
        case '>': return 3;
        case TOKEN_CONCAT: return 4;
        case '|':
        case '^': return 5;
        case '&': return 6;
        case TOKEN_SHIFT_LEFT:
        case TOKEN_SHIFT_RIGHT: return 7;
        case '+':
        case '-': return 8;
        case '*':
        case '/':
        case TOKEN_WHOLE_DIVIDE:
        case '%': return 9;
        default: return 0;
    }
}
enum { UNARY_PRECEDENCE = 10 };

static Node* parse_unary(Parser* parser) {
    const int operator= parser->lexer.token.kind;
    if (operator!= '-' && operator!= '#' && operator!= TOKEN_NOT) return parse_suffixed(parser);
    lexer_next(&parser->lexer);
    Node* const operand = parse_expression(parser, UNARY_PRECEDENCE);
    if (operator== '-' && operand->kind == NODE_NUMBER) {
        operand->number = -operand->number;
        return operand;
    }
    Node* const node = make(NODE_UNARY);
    node->operator= operator;
    node->a = operand;
    return node;
}

/// Operators that bind more tightly than `lowest`.
static Node* parse_expression(Parser* parser, int lowest) {
    Node* left = parse_unary(parser);
    for (;;) {
        const int operator= parser->lexer.token.kind;
        const int binds = precedence(operator);
        if (binds <= lowest) return left;
        lexer_next(&parser->lexer);
        Node* const node = make(operator== TOKEN_AND  ? NODE_AND
                                : operator== TOKEN_OR ? NODE_OR
                                                      : NODE_BINARY);
        node->operator= operator;
        node->a = left;
        node->b = parse_expression(parser, binds);
        left = node;
    }
}

static Node* parse_if(Parser* parser) {
    Node* const node = make(NODE_IF);
    node->a = parse_expression(parser, 0);
    node->b = parse_block(parser);
    if (take(parser, TOKEN_ELSE)) node->c = take(parser, TOKEN_IF) ? parse_if(parser) : parse_block(parser);
    return node;
}

static Node* parse_while(Parser* parser) {
    Node* const node = make(NODE_WHILE);
    node->a = parse_expression(parser, 0);
    node->b = parse_block(parser);
    return node;
}

/// `for i = from, to, step { … }`
static Node* parse_for(Parser* parser) {
    Node* const node = make(NODE_FOR);
    const String* const name = expect_name(parser);
    expect(parser, '=');
    node->a = parse_expression(parser, 0);
    expect(parser, ',');
    node->b = parse_expression(parser, 0);
    if (take(parser, ',')) node->c = parse_expression(parser, 0);
    Variable* const before = parser->scope->innermost;
    node->variable = declare(parser, name);
    node->d = parse_block(parser);
    parser->scope->innermost = before;
    return node;
}

static Node* parse_let(Parser* parser) {
    const String* const name = expect_name(parser);
    Node* const node = make(NODE_LET);
    expect(parser, '=');
    node->b = parse_expression(parser, 0);
    node->a = declare_target(parser, name);
    return node;
}

/// The name can be seen in the body.
static Node* parse_named_function(Parser* parser) {
    const String* const name = expect_name(parser);
    Node* const node = make(NODE_LET);
    node->a = declare_target(parser, name);
    node->b = parse_function(parser, name->bytes);
    return node;
}

static Node* parse_return(Parser* parser) {
    Node* const node = make(NODE_RETURN);
    if (!next_is(parser, '}')) node->a = parse_expression(parser, 0);
    return node;
}

static Node* parse_statement(Parser* parser) {
    if (take(parser, TOKEN_LET)) return parse_let(parser);
    if (take(parser, TOKEN_FN)) return parse_named_function(parser);
    if (take(parser, TOKEN_IF)) return parse_if(parser);
    if (take(parser, TOKEN_WHILE)) return parse_while(parser);
    if (take(parser, TOKEN_FOR)) return parse_for(parser);
    if (take(parser, TOKEN_RETURN)) return parse_return(parser);
    if (take(parser, TOKEN_BREAK)) return make(NODE_BREAK);
    Node* const left = parse_expression(parser, 0);
    if (!take(parser, '=')) return left;
    if (left->kind != NODE_VARIABLE && left->kind != NODE_GLOBAL && left->kind != NODE_INDEX)
        fail("line %d: this cannot be assigned to", parser->lexer.line);
    Node* const node = make(NODE_ASSIGN);
    node->a = left;
    node->b = parse_expression(parser, 0);
    return node;
}

static Node* parse_statements(Parser* parser, int end) {
    Node* const block = make(NODE_BLOCK);
    Node** last = &block->list;
    while (!next_is(parser, end)) {
        *last = parse_statement(parser);
        last = &(*last)->next;
        take(parser, ';');
    }
    return block;
}

static Node* parse_block(Parser* parser) {
    expect(parser, '{');
    Variable* const before = parser->scope->innermost;
    ++parser->scope->depth;
    Node* const block = parse_statements(parser, '}');
    --parser->scope->depth;
    parser->scope->innermost = before;
    expect(parser, '}');
    return block;
}

Scope* parse(const char* text, Globals* globals) {
    Scope* const scope = arena_allocate(sizeof(Scope));
    scope->name = "script";
    Parser parser = {.scope = scope, .globals = globals};
    lexer_open(&parser.lexer, text);
    scope->body = parse_statements(&parser, TOKEN_END);
    return scope;
}
