// SPDX-License-Identifier: Apache-2.0
// Runs compiled scripts.
#pragma once

#include "ast.h"

/// Global variables by the index that the parser gave their names.
extern Value globals[MAX_GLOBALS];

void run(const Function* script);

/// Enters the built-in functions; `printed_hash` is of everything that print was given.
void library_open(Globals* names);
extern uint32_t printed_hash;
