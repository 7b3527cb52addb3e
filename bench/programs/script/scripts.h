// SPDX-License-Identifier: Apache-2.0
#pragma once

enum { SCRIPT_COUNT = 7 };
extern const char* const scripts[SCRIPT_COUNT];
