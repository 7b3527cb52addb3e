// SPDX-License-Identifier: Apache-2.0
// Variables are registers; what an expression needs besides lies in the registers after them.
#include "compiler.h"

typedef struct Compiler {
    struct Compiler* parent;
    const Scope* scope;
    Function* function;
    uint32_t size, room;  // of the code
    uint32_t constants, constant_room;
    uint32_t functions, function_room;
    Variable* captured[32];
    int next_register;
    bool in_loop;
    uint32_t breaks;  // jumps out of the innermost loop
} Compiler;

static void expression(Compiler* compiler, const Node* node, int target);
static void statement(Compiler* compiler, const Node* node);
static Function* compile_function(Compiler* parent, const Scope* scope);

static uint32_t emit_word(Compiler* compiler, uint32_t word) {
    Function* const function = compiler->function;
    function->code = arena_grow(function->code, compiler->size, &compiler->room, sizeof(uint32_t));
    function->code[compiler->size] = word;
    return compiler->size++;
}

static void emit(Compiler* compiler, Opcode opcode, int a, int b, int c) {
    emit_word(compiler, (uint32_t)opcode | (uint32_t)a << 8 | (uint32_t)b << 16 | (uint32_t)c << 24);
}

static void emit_wide(Compiler* compiler, Opcode opcode, int a, int bc) {
    emit(compiler, opcode, a, bc & 0xff, bc >> 8 & 0xff);
}

/// A jump forward. Those that will have the same target are a list: the distance of each is the place of the
/// one before, until `land` fills them in. 0 is the empty list.
static uint32_t emit_jump(Compiler* compiler, Opcode opcode, int a, int b, int c, uint32_t list) {
    emit(compiler, opcode, a, b, c);
    return emit_word(compiler, list);
}

static void land(Compiler* compiler, uint32_t list) {
    while (list != 0) {
        const uint32_t before = compiler->function->code[list];
        compiler->function->code[list] = compiler->size - (list + 1);
        list = before;
    }
}

static void emit_jump_back(Compiler* compiler, Opcode opcode, int a, uint32_t target) {
    emit(compiler, opcode, a, 0, 0);
    const uint32_t at = emit_word(compiler, 0);
    compiler->function->code[at] = target - (at + 1);
}

static int reserve(Compiler* compiler) {
    const int reserved = compiler->next_register++;
    if (reserved >= 250) fail("%s: too many registers", compiler->function->name);
    if (compiler->next_register > compiler->function->registers)
        compiler->function->registers = (uint8_t)compiler->next_register;
    return reserved;
}

static int constant(Compiler* compiler, Value value) {
    Function* const function = compiler->function;
    for (uint32_t i = 0; i < compiler->constants; ++i)
        if (equal(function->constants[i], value)) return (int)i;
    if (compiler->constants == 256) fail("%s: too many constants", function->name);
    function->constants =
        arena_grow(function->constants, compiler->constants, &compiler->constant_room, sizeof(Value));
    function->constants[compiler->constants] = value;
    return (int)compiler->constants++;
}

static int number_constant(Compiler* compiler, const Node* node) {
    return constant(compiler, number_value(node->number));
}

/// The number of the box in closures of the function that is compiled.
static int capture(Compiler* compiler, Variable* variable) {
    Function* const function = compiler->function;
    for (int i = 0; i < function->capture_count; ++i)
        if (compiler->captured[i] == variable) return i;
    if (function->capture_count == 32) fail("%s: too many captured variables", function->name);
    Capture added = {.is_register = variable->owner == compiler->parent->scope};
    added.index = added.is_register ? variable->place : (uint8_t)capture(compiler->parent, variable);
    if (function->captures == NULL) function->captures = arena_allocate(32 * sizeof(Capture));
    function->captures[function->capture_count] = added;
    compiler->captured[function->capture_count] = variable;
    return function->capture_count++;
}

static bool is_own(const Compiler* compiler, const Node* node) {
    return node->kind == NODE_VARIABLE && node->variable->owner == compiler->scope;
}

/// Whether the node is a variable that simply is a register.
static bool is_register(const Compiler* compiler, const Node* node) {
    return is_own(compiler, node) && !node->variable->is_captured;
}

/// The register that holds the value: the variable's own, or a new one.
static int operand(Compiler* compiler, const Node* node) {
    if (is_register(compiler, node)) return node->variable->place;
    const int target = reserve(compiler);
    expression(compiler, node, target);
    return target;
}

/// A number that GET_INTEGER and SET_INTEGER can hold; 0 if it is none.
static int short_index(const Node* node) {
    if (node->kind != NODE_NUMBER || !(node->number >= 1 && node->number < 256)) return 0;
    const int index = (int)node->number;
    return index == node->number ? index : 0;
}

typedef struct {
    int operator;
    Opcode rr, rk;
    Opcode kr;  // rr if there is none
    bool is_commutative;
} Arithmetic;

static const Arithmetic arithmetic[] = {
    {'+', OP_ADD_RR, OP_ADD_RK, OP_ADD_RR, true},
    {'-', OP_SUBTRACT_RR, OP_SUBTRACT_RK, OP_SUBTRACT_KR, false},
    {'*', OP_MULTIPLY_RR, OP_MULTIPLY_RK, OP_MULTIPLY_RR, true},
    {'/', OP_DIVIDE_RR, OP_DIVIDE_RK, OP_DIVIDE_KR, false},
    {'%', OP_MODULO_RR, OP_MODULO_RK, OP_MODULO_RR, false},
    {TOKEN_WHOLE_DIVIDE, OP_WHOLE_DIVIDE_RR, OP_WHOLE_DIVIDE_RK, OP_WHOLE_DIVIDE_RR, false},
    {'&', OP_AND_RR, OP_AND_RK, OP_AND_RR, true},
    {'|', OP_OR_RR, OP_OR_RK, OP_OR_RR, true},
    {'^', OP_XOR_RR, OP_XOR_RK, OP_XOR_RR, true},
    {TOKEN_SHIFT_LEFT, OP_SHIFT_LEFT_RR, OP_SHIFT_LEFT_RK, OP_SHIFT_LEFT_RR, false},
    {TOKEN_SHIFT_RIGHT, OP_SHIFT_RIGHT_RR, OP_SHIFT_RIGHT_RK, OP_SHIFT_RIGHT_RR, false},
};

static const Arithmetic* find_arithmetic(int operator) {
    for (size_t i = 0; i < sizeof arithmetic / sizeof *arithmetic; ++i)
        if (arithmetic[i].operator== operator) return &arithmetic[i];
    return NULL;
}

static void emit_arithmetic(Compiler* compiler, const Arithmetic* row, const Node* node, int target) {
    const Node *a = node->a, *b = node->b;
    if (row->is_commutative && a->kind == NODE_NUMBER) {
        a = node->b;
        b = node->a;
    }
    if (b->kind == NODE_NUMBER) {
        const int left = operand(compiler, a);
        if (row->rk == OP_ADD_RK && left == target && b->number == 1)
            emit(compiler, OP_INCREMENT, target, 0, 0);
        else
            emit(compiler, row->rk, target, left, number_constant(compiler, b));
    } else if (a->kind == NODE_NUMBER && row->kr != row->rr) {
        emit(compiler, row->kr, target, number_constant(compiler, a), operand(compiler, b));
    } else {
        const int left = operand(compiler, a);
        emit(compiler, row->rr, target, left, operand(compiler, b));
    }
}

static void emit_comparison(Compiler* compiler, const Node* node, int target) {
    const int a = operand(compiler, node->a), b = operand(compiler, node->b);
    switch (node->operator) {
        case TOKEN_EQUAL: emit(compiler, OP_EQUAL, target, a, b); break;
        case TOKEN_NOT_EQUAL: emit(compiler, OP_NOT_EQUAL, target, a, b); break;
        case '<': emit(compiler, OP_LESS, target, a, b); break;
        case '>': emit(compiler, OP_LESS, target, b, a); break;
        case TOKEN_LESS_EQUAL: emit(compiler, OP_LESS_EQUAL, target, a, b); break;
        default: emit(compiler, OP_LESS_EQUAL, target, b, a); break;
    }
}

static bool is_concat(const Node* node) {
    return node->kind == NODE_BINARY && node->operator== TOKEN_CONCAT;
}

/// The parts of a..b..c into neighbouring registers.
static int concat_parts(Compiler* compiler, const Node* node) {
    const int before = is_concat(node->a) ? concat_parts(compiler, node->a) : 0;
    if (before == 0) expression(compiler, node->a, reserve(compiler));
    expression(compiler, node->b, reserve(compiler));
    return before == 0 ? 2 : before + 1;
}

static void binary(Compiler* compiler, const Node* node, int target) {
    const Arithmetic* const row = find_arithmetic(node->operator);
    if (row != NULL) {
        emit_arithmetic(compiler, row, node, target);
    } else if (is_concat(node)) {
        const int first = compiler->next_register;
        const int count = concat_parts(compiler, node);
        emit(compiler, OP_CONCAT, target, first, count);
    } else {
        emit_comparison(compiler, node, target);
    }
}

/// A jump, added to the list, that is taken when the comparison gives `when`.
static uint32_t jump_on_comparison(Compiler* compiler, const Node* node, bool when, uint32_t list) {
    const int operator= node->operator;
    const Node *a = node->a, *b = node->b;
    if (operator== '>' || operator== TOKEN_GREATER_EQUAL) {
        a = node->b;
        b = node->a;
    }
    if (operator== TOKEN_EQUAL || operator== TOKEN_NOT_EQUAL) {
        const bool taken_if = (operator== TOKEN_EQUAL) == when;
        const int left = operand(compiler, a);
        if (b->kind == NODE_NUMBER)
            return emit_jump(compiler, OP_JUMP_EQUAL_RK, left, number_constant(compiler, b), taken_if, list);
        if (b->kind == NODE_STRING) {
            const int text = constant(compiler, string_value(b->string));
            return emit_jump(compiler, OP_JUMP_EQUAL_RK, left, text, taken_if, list);
        }
        return emit_jump(compiler, OP_JUMP_EQUAL_RR, left, operand(compiler, b), taken_if, list);
    }
    const bool is_less = operator== '<' || operator== '>';
    if (b->kind == NODE_NUMBER) {
        const int left = operand(compiler, a);
        return emit_jump(compiler, is_less ? OP_JUMP_LESS_RK : OP_JUMP_LESS_EQUAL_RK, left,
                         number_constant(compiler, b), when, list);
    }
    if (a->kind == NODE_NUMBER) {
        const int right = operand(compiler, b);
        return emit_jump(compiler, is_less ? OP_JUMP_LESS_KR : OP_JUMP_LESS_EQUAL_KR,
                         number_constant(compiler, a), right, when, list);
    }
    const int left = operand(compiler, a);
    return emit_jump(compiler, is_less ? OP_JUMP_LESS_RR : OP_JUMP_LESS_EQUAL_RR, left, operand(compiler, b),
                     when, list);
}

static bool is_comparison(const Node* node) {
    return node->kind == NODE_BINARY && find_arithmetic(node->operator) == NULL && !is_concat(node);
}

/// Jumps, added to the list, that are taken when the node's truth is `when`.
static uint32_t condition(Compiler* compiler, const Node* node, bool when, uint32_t list) {
    if (node->kind == NODE_UNARY && node->operator== TOKEN_NOT)
        return condition(compiler, node->a, !when, list);
    if (node->kind == NODE_AND || node->kind == NODE_OR) {
        // The value of the left side that decides alone.
        const bool decides = node->kind == NODE_OR;
        if (when == decides)
            return condition(compiler, node->b, when, condition(compiler, node->a, when, list));
        const uint32_t others = condition(compiler, node->a, decides, 0);
        list = condition(compiler, node->b, when, list);
        land(compiler, others);
        return list;
    }
    const int level = compiler->next_register;
    if (is_comparison(node))
        list = jump_on_comparison(compiler, node, when, list);
    else
        list = emit_jump(compiler, when ? OP_JUMP_IF : OP_JUMP_UNLESS, operand(compiler, node), 0, 0, list);
    compiler->next_register = level;
    return list;
}

static void table(Compiler* compiler, const Node* node, int target) {
    int count = 0;
    for (const Node* item = node->list; item != NULL; item = item->next) count += item->kind != NODE_ASSIGN;
    emit_wide(compiler, OP_NEW_TABLE, target, count);
    for (const Node* item = node->list; item != NULL; item = item->next) {
        const int level = compiler->next_register;
        if (item->kind == NODE_ASSIGN) {
            const int key = operand(compiler, item->a);
            emit(compiler, OP_SET_INDEX, target, key, operand(compiler, item->b));
        } else {
            emit(compiler, OP_APPEND, target, operand(compiler, item), 0);
        }
        compiler->next_register = level;
    }
}

static void call(Compiler* compiler, const Node* node, int target) {
    const int base = reserve(compiler);
    int count = 0;
    if (node->kind == NODE_METHOD) {
        const int self = reserve(compiler);
        expression(compiler, node->a, self);
        emit(compiler, OP_GET_METHOD, base, self, constant(compiler, string_value(node->string)));
        count = 1;
    } else {
        expression(compiler, node->a, base);
    }
    for (const Node* argument = node->list; argument != NULL; argument = argument->next, ++count)
        expression(compiler, argument, reserve(compiler));
    if (count <= 2)
        emit(compiler, (Opcode)(OP_CALL_0 + count), base, count, 0);
    else
        emit(compiler, OP_CALL, base, count, 0);
    if (target != base) emit(compiler, OP_MOVE, target, base, 0);
}

static void index_of(Compiler* compiler, const Node* node, int target) {
    const int left = operand(compiler, node->a);
    if (node->b->kind == NODE_STRING)
        emit(compiler, OP_GET_FIELD, target, left, constant(compiler, string_value(node->b->string)));
    else if (short_index(node->b) != 0)
        emit(compiler, OP_GET_INTEGER, target, left, short_index(node->b));
    else
        emit(compiler, OP_GET_INDEX, target, left, operand(compiler, node->b));
}

static void number(Compiler* compiler, double value, int target) {
    if (value == (int16_t)value)
        emit_wide(compiler, OP_LOAD_INTEGER, target, (int16_t)value);
    else
        emit_wide(compiler, OP_LOAD_CONSTANT, target, constant(compiler, number_value(value)));
}

static void variable(Compiler* compiler, const Node* node, int target) {
    if (!is_own(compiler, node))
        emit(compiler, OP_GET_CAPTURED, target, capture(compiler, node->variable), 0);
    else if (node->variable->is_captured)
        emit(compiler, OP_GET_BOX, target, node->variable->place, 0);
    else if (node->variable->place != target)
        emit(compiler, OP_MOVE, target, node->variable->place, 0);
}

static void unary(Compiler* compiler, const Node* node, int target) {
    const Opcode opcode = node->operator== '-' ? OP_NEGATE : node->operator== '#' ? OP_LENGTH : OP_NOT;
    emit(compiler, opcode, target, operand(compiler, node->a), 0);
}

static void closure(Compiler* compiler, const Node* node, int target) {
    Function* const outer = compiler->function;
    Function* const inner = compile_function(compiler, node->scope);
    outer->functions =
        arena_grow(outer->functions, compiler->functions, &compiler->function_room, sizeof(Function*));
    outer->functions[compiler->functions] = inner;
    emit_wide(compiler, OP_CLOSURE, target, (int)compiler->functions++);
}

static void expression(Compiler* compiler, const Node* node, int target) {
    const int level = compiler->next_register;
    switch (node->kind) {
        case NODE_NIL: emit(compiler, OP_LOAD_NIL, target, 0, 0); break;
        case NODE_TRUE: emit(compiler, OP_LOAD_TRUE, target, 0, 0); break;
        case NODE_FALSE: emit(compiler, OP_LOAD_FALSE, target, 0, 0); break;
        case NODE_NUMBER: number(compiler, node->number, target); break;
        case NODE_STRING:
            emit_wide(compiler, OP_LOAD_CONSTANT, target, constant(compiler, string_value(node->string)));
            break;
        case NODE_VARIABLE: variable(compiler, node, target); break;
        case NODE_GLOBAL: emit_wide(compiler, OP_GET_GLOBAL, target, node->global); break;
        case NODE_INDEX: index_of(compiler, node, target); break;
        case NODE_CALL:
        case NODE_METHOD: call(compiler, node, target); break;
        case NODE_UNARY: unary(compiler, node, target); break;
        case NODE_BINARY: binary(compiler, node, target); break;
        case NODE_AND:
        case NODE_OR: {
            expression(compiler, node->a, target);
            const Opcode opcode = node->kind == NODE_AND ? OP_JUMP_UNLESS : OP_JUMP_IF;
            const uint32_t skip = emit_jump(compiler, opcode, target, 0, 0, 0);
            expression(compiler, node->b, target);
            land(compiler, skip);
            break;
        }
        case NODE_TABLE: table(compiler, node, target); break;
        case NODE_FUNCTION: closure(compiler, node, target); break;
        default: fail("%s: no expression", compiler->function->name);
    }
    compiler->next_register = level;
}

static void assign(Compiler* compiler, const Node* target, const Node* value) {
    if (is_register(compiler, target)) {
        // These write their target before all of the expression is read.
        const bool is_early = value->kind == NODE_AND || value->kind == NODE_OR || value->kind == NODE_TABLE;
        const int at = is_early ? reserve(compiler) : target->variable->place;
        expression(compiler, value, at);
        if (is_early) emit(compiler, OP_MOVE, target->variable->place, at, 0);
    } else if (is_own(compiler, target)) {
        emit(compiler, OP_SET_BOX, target->variable->place, operand(compiler, value), 0);
    } else if (target->kind == NODE_VARIABLE) {
        const int from = operand(compiler, value);
        emit(compiler, OP_SET_CAPTURED, from, capture(compiler, target->variable), 0);
    } else if (target->kind == NODE_GLOBAL) {
        emit_wide(compiler, OP_SET_GLOBAL, operand(compiler, value), target->global);
    } else {
        const int object = operand(compiler, target->a);
        if (target->b->kind == NODE_STRING) {
            const int key = constant(compiler, string_value(target->b->string));
            emit(compiler, OP_SET_FIELD, object, key, operand(compiler, value));
        } else if (short_index(target->b) != 0) {
            emit(compiler, OP_SET_INTEGER, object, short_index(target->b), operand(compiler, value));
        } else {
            const int key = operand(compiler, target->b);
            emit(compiler, OP_SET_INDEX, object, key, operand(compiler, value));
        }
    }
}

/// @return how many registers are taken afterwards.
static int let(Compiler* compiler, const Node* node) {
    const int level = compiler->next_register;
    if (node->a->kind == NODE_GLOBAL) {
        assign(compiler, node->a, node->b);
        return level;
    }
    Variable* const declared = node->a->variable;
    declared->place = (uint8_t)reserve(compiler);
    if (declared->is_captured) {
        // A function may capture itself: the box is there first.
        emit(compiler, OP_LOAD_NIL, declared->place, 0, 0);
        emit(compiler, OP_NEW_BOX, declared->place, 0, 0);
        assign(compiler, node->a, node->b);
    } else {
        expression(compiler, node->b, declared->place);
    }
    return level + 1;
}

static void block(Compiler* compiler, const Node* node) {
    const int level = compiler->next_register;
    for (const Node* child = node->list; child != NULL; child = child->next) statement(compiler, child);
    compiler->next_register = level;
}

static void if_statement(Compiler* compiler, const Node* node) {
    const uint32_t otherwise = condition(compiler, node->a, false, 0);
    block(compiler, node->b);
    if (node->c == NULL) {
        land(compiler, otherwise);
        return;
    }
    const uint32_t end = emit_jump(compiler, OP_JUMP, 0, 0, 0, 0);
    land(compiler, otherwise);
    statement(compiler, node->c);
    land(compiler, end);
}

/// Starts a loop; its end gives `breaks` and `in_loop` back.
static void loop_body(Compiler* compiler, const Node* body) {
    compiler->in_loop = true;
    compiler->breaks = 0;
    block(compiler, body);
}

static void while_statement(Compiler* compiler, const Node* node) {
    const uint32_t breaks_outside = compiler->breaks;
    const bool was_in_loop = compiler->in_loop;
    // The condition is at the end: one jump for each turn.
    const uint32_t done = condition(compiler, node->a, false, 0);
    const uint32_t start = compiler->size;
    loop_body(compiler, node->b);
    uint32_t again = condition(compiler, node->a, true, 0);
    while (again != 0) {
        const uint32_t before = compiler->function->code[again];
        compiler->function->code[again] = start - (again + 1);
        again = before;
    }
    land(compiler, done);
    land(compiler, compiler->breaks);
    compiler->breaks = breaks_outside;
    compiler->in_loop = was_in_loop;
}

static void for_statement(Compiler* compiler, const Node* node) {
    const uint32_t breaks_outside = compiler->breaks;
    const bool was_in_loop = compiler->in_loop;
    const int base = reserve(compiler);
    const int limit = reserve(compiler), step = reserve(compiler);
    expression(compiler, node->a, base);
    expression(compiler, node->b, limit);
    if (node->c != NULL)
        expression(compiler, node->c, step);
    else
        number(compiler, 1, step);
    const uint32_t done = emit_jump(compiler, OP_FOR_PREPARE, base, 0, 0, 0);
    const uint32_t start = compiler->size;
    node->variable->place = (uint8_t)base;
    if (node->variable->is_captured) {
        node->variable->place = (uint8_t)reserve(compiler);
        emit(compiler, OP_MOVE, node->variable->place, base, 0);
        emit(compiler, OP_NEW_BOX, node->variable->place, 0, 0);
    }
    loop_body(compiler, node->d);
    emit_jump_back(compiler, node->c == NULL ? OP_FOR_LOOP_ONE : OP_FOR_LOOP, base, start);
    land(compiler, done);
    land(compiler, compiler->breaks);
    compiler->breaks = breaks_outside;
    compiler->in_loop = was_in_loop;
}

static void statement(Compiler* compiler, const Node* node) {
    int level = compiler->next_register;
    switch (node->kind) {
        case NODE_BLOCK: block(compiler, node); break;
        case NODE_LET: level = let(compiler, node); break;
        case NODE_ASSIGN: assign(compiler, node->a, node->b); break;
        case NODE_IF: if_statement(compiler, node); break;
        case NODE_WHILE: while_statement(compiler, node); break;
        case NODE_FOR: for_statement(compiler, node); break;
        case NODE_RETURN:
            if (node->a == NULL)
                emit(compiler, OP_RETURN_NIL, 0, 0, 0);
            else
                emit(compiler, OP_RETURN, operand(compiler, node->a), 0, 0);
            break;
        case NODE_BREAK:
            if (!compiler->in_loop) fail("%s: break outside of a loop", compiler->function->name);
            compiler->breaks = emit_jump(compiler, OP_JUMP, 0, 0, 0, compiler->breaks);
            break;
        default: expression(compiler, node, reserve(compiler)); break;
    }
    compiler->next_register = level;
}

static Function* compile_function(Compiler* parent, const Scope* scope) {
    Compiler compiler = {.parent = parent, .scope = scope};
    compiler.function = arena_allocate(sizeof(Function));
    compiler.function->name = scope->name;
    compiler.function->parameters = scope->parameter_count;
    for (int i = 0; i < scope->parameter_count; ++i) {
        scope->parameters[i]->place = (uint8_t)reserve(&compiler);
        if (scope->parameters[i]->is_captured) emit(&compiler, OP_NEW_BOX, i, 0, 0);
    }
    block(&compiler, scope->body);
    emit(&compiler, OP_RETURN_NIL, 0, 0, 0);
    return compiler.function;
}

Function* compile(const Scope* scope) {
    return compile_function(NULL, scope);
}
