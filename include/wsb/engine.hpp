// SPDX-License-Identifier: Apache-2.0
// The whole engine API:
//
//     wsb::Engine engine;
//     auto module = wsb::Module::from_file(engine, "add.wasm");          // Result<Module>
//     auto store = wsb::Store::create(engine);                           // Result<Store>
//     wsb::Linker linker(engine);
//     linker.function("env", "log", [](int32_t value) { … });
//     auto instance = linker.instantiate(*store, *module);               // CallResult<Instance>
//     auto add = instance->typed_function<int32_t(int32_t, int32_t)>("add");
//     auto sum = (*add)(2, 3);                                           // CallResult<int32_t>
#pragma once

#include "wsb/cancellation.hpp"  // IWYU pragma: export
#include "wsb/config.hpp"        // IWYU pragma: export
#include "wsb/error.hpp"         // IWYU pragma: export
#include "wsb/exception.hpp"     // IWYU pragma: export
#include "wsb/extern.hpp"        // IWYU pragma: export
#include "wsb/func.hpp"          // IWYU pragma: export
#include "wsb/host_func.hpp"     // IWYU pragma: export
#include "wsb/instance.hpp"      // IWYU pragma: export
#include "wsb/instance_pre.hpp"  // IWYU pragma: export
#include "wsb/linker.hpp"        // IWYU pragma: export
#include "wsb/module.hpp"        // IWYU pragma: export
#include "wsb/pool.hpp"          // IWYU pragma: export
#include "wsb/store.hpp"         // IWYU pragma: export
#include "wsb/trap.hpp"          // IWYU pragma: export
#include "wsb/types.hpp"         // IWYU pragma: export
#include "wsb/value.hpp"         // IWYU pragma: export
