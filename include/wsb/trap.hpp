// SPDX-License-Identifier: Apache-2.0
// How running code can end early: Trap, Exit and Failure.
#pragma once

#include "engine/runtime/trap.h"  // IWYU pragma: export
