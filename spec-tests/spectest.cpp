// SPDX-License-Identifier: Apache-2.0
// The host module that the suite imports from.
// https://github.com/WebAssembly/spec/tree/main/interpreter#spectest-host-module
#include "spec-tests/script_runner.h"

namespace wsb::spec {

Result<void> define_spectest(Linker& linker, StoreRef store) {
    const std::string_view module = "spectest";
    WSB_TRY(linker.function(module, "print", [] {}));
    WSB_TRY(linker.function(module, "print_i32", [](int32_t) {}));
    WSB_TRY(linker.function(module, "print_i64", [](int64_t) {}));
    WSB_TRY(linker.function(module, "print_f32", [](float) {}));
    WSB_TRY(linker.function(module, "print_f64", [](double) {}));
    WSB_TRY(linker.function(module, "print_i32_f32", [](int32_t, float) {}));
    WSB_TRY(linker.function(module, "print_f64_f64", [](double, double) {}));

    const std::pair<std::string_view, Value> globals[] = {{"global_i32", Value(int32_t{666})},
                                                          {"global_i64", Value(int64_t{666})},
                                                          {"global_f32", Value(666.6f)},
                                                          {"global_f64", Value(666.6)}};
    for (const auto& [name, value] : globals) {
        WSB_TRY_ASSIGN(const Global global, Global::create(store, {value.type(), false}, value));
        WSB_TRY(linker.define(module, name, global));
    }
    const Value null = Value::null(ValType::funcref());
    const TableType table_type{AddressType::i32, ValType::funcref(), {10, 20}};
    WSB_TRY_ASSIGN(const Table table, Table::create(store, table_type, null));
    WSB_TRY(linker.define(module, "table", table));
    const TableType table64_type{AddressType::i64, ValType::funcref(), {10, 20}};
    WSB_TRY_ASSIGN(const Table table64, Table::create(store, table64_type, null));
    WSB_TRY(linker.define(module, "table64", table64));
    WSB_TRY_ASSIGN(const Memory memory, Memory::create(store, {AddressType::i32, false, {1, 2}}));
    WSB_TRY(linker.define(module, "memory", memory));
    WSB_TRY_ASSIGN(const Memory shared, Memory::create(store, {AddressType::i32, true, {1, 2}}));
    return linker.define(module, "shared_memory", shared);
}

}  // namespace wsb::spec
