// SPDX-License-Identifier: Apache-2.0
// Errors of loading and linking: Result<T> = std::expected<T, Error>. Nothing in this library
// throws.
#pragma once

#include "engine/base/error.h"  // IWYU pragma: export
