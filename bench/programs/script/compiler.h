// SPDX-License-Identifier: Apache-2.0
// From the tree to instructions for registers.
#pragma once

#include "ast.h"

typedef enum {
#define OPCODE(name) OP_##name,
#include "opcodes.def"
#undef OPCODE
} Opcode;

Function* compile(const Scope* scope);
