// SPDX-License-Identifier: Apache-2.0
// Loads and stores of numbers; every access is checked explicitly. Those of shared memories are relaxed
// atomic accesses in C++ (semantics/atomic.h). Spec: exec/instructions#memory-instructions
#include "engine/interp/number_access.h"
#include "engine/runtime/operations.h"

namespace wsb::interp {

using lower::Address;
using lower::StoredValue;

namespace {

template <Op op, Address address, Destination destination>
WSB_HANDLER load(WSB_STATE) {
    WSB_BODY
    const uint64_t end = plain_end<address>(ip, sp, acc);
    if (end > memory_size) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    WSB_PRODUCE(StackOf<op>, destination, read_memory<op>(memory + end - width<op>));
    WSB_NEXT(2);
}

template <Op op, Operands shape, Destination destination>
WSB_HANDLER load_sum(WSB_STATE) {
    WSB_BODY
    const uint64_t end = uint64_t{sum_address<shape>(ip, sp, acc)} + field<3>(ip);
    if (end > memory_size) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    WSB_PRODUCE(StackOf<op>, destination, read_memory<op>(memory + end - width<op>));
    WSB_NEXT(2);
}

template <Op op, Address address, StoredValue stored>
WSB_HANDLER store(WSB_STATE) {
    WSB_BODY
    using T = StackOf<op>;
    const uint64_t end = plain_end<address>(ip, sp, acc);
    if (end > memory_size) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    uint8_t* const place = memory + end - width<op>;
    if constexpr (stored == StoredValue::slot)
        write_memory<op>(place, read_slot<T>(sp + field<0>(ip)));
    else if constexpr (stored == StoredValue::accumulator)
        write_memory<op>(place, from_accumulator<T>(acc, facc));
    else
        write_memory<op>(place, field_at<T>(ip, 16));
    WSB_NEXT(stored == StoredValue::immediate ? 3 : 2);
}

/// [value | x | y | end] or [- | x | y | end][immediate value].
template <Op op, Operands shape, StoredValue stored>
WSB_HANDLER store_sum(WSB_STATE) {
    WSB_BODY
    using T = StackOf<op>;
    const uint64_t end = uint64_t{sum_address<shape>(ip, sp, acc)} + field<3>(ip);
    if (end > memory_size) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    constexpr bool is_immediate = stored == StoredValue::immediate;
    write_memory<op>(memory + end - width<op>,
                     is_immediate ? field_at<T>(ip, 16) : read_slot<T>(sp + field<0>(ip)));
    WSB_NEXT(is_immediate ? 3 : 2);
}

template <Op op, bool is_shared>
WSB_HANDLER load_general(WSB_STATE) {
    WSB_BODY
    const uint8_t* place = general_place<is_shared>(ip, sp, instance, width<op>);
    if (place == nullptr) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    const StackOf<op> value = read_memory<op, is_shared>(place);
    Slot slot = 0;
    std::memcpy(&slot, &value, sizeof value);
    sp[field<0>(ip)] = slot;
    WSB_NEXT(3);
}

template <Op op, bool is_shared>
WSB_HANDLER store_general(WSB_STATE) {
    WSB_BODY
    uint8_t* place = general_place<is_shared>(ip, sp, instance, width<op>);
    if (place == nullptr) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    write_memory<op, is_shared>(place, read_slot<StackOf<op>>(sp + field<0>(ip)));
    WSB_NEXT(3);
}

template <Op op, Address address>
void fill_load(lower::HandlerTable& table) {
    auto& row = table.plain[static_cast<size_t>(op)];
    row[lower::shape_index(address, Destination::slot)] =
        entry_with_prefixes<load<op, address, Destination::slot>>();
    row[lower::shape_index(address, Destination::accumulator)] =
        entry_with_prefixes<load<op, address, Destination::accumulator>>();
}

template <Op op, Operands shape>
void fill_load_sum(lower::HandlerTable& table) {
    auto& row = table.load_sum[static_cast<size_t>(op)];
    row[lower::shape_index(shape, Destination::slot)] =
        entry_with_prefixes<load_sum<op, shape, Destination::slot>>();
    row[lower::shape_index(shape, Destination::accumulator)] =
        entry_with_prefixes<load_sum<op, shape, Destination::accumulator>>();
}

template <Op op, Address address>
void fill_store(lower::HandlerTable& table) {
    auto& row = table.plain[static_cast<size_t>(op)];
    row[lower::shape_index(address, StoredValue::slot)] =
        entry_with_prefixes<store<op, address, StoredValue::slot>>();
    row[lower::shape_index(address, StoredValue::accumulator)] =
        entry_with_prefixes<store<op, address, StoredValue::accumulator>>();
    row[lower::shape_index(address, StoredValue::immediate)] =
        entry_with_prefixes<store<op, address, StoredValue::immediate>>();
}

template <Op op, Operands shape>
void fill_store_sum(lower::HandlerTable& table) {
    auto& row = table.store_sum[static_cast<size_t>(op)];
    row[lower::shape_index(shape, StoredValue::slot)] =
        entry_with_prefixes<store_sum<op, shape, StoredValue::slot>>();
    row[lower::shape_index(shape, StoredValue::immediate)] =
        entry_with_prefixes<store_sum<op, shape, StoredValue::immediate>>();
}

template <Op op>
void fill_row(lower::HandlerTable& table) {
    if constexpr (op_info(op).cls == OpClass::load) {
        fill_load<op, Address::slot>(table);
        fill_load<op, Address::accumulator>(table);
        fill_load<op, Address::constant>(table);
        table.general[static_cast<size_t>(op)] = {address_of(load_general<op, false>),
                                                  address_of(load_general<op, true>)};
    } else if constexpr (op_info(op).cls == OpClass::store) {
        fill_store<op, Address::slot>(table);
        fill_store<op, Address::accumulator>(table);
        fill_store<op, Address::constant>(table);
        table.general[static_cast<size_t>(op)] = {address_of(store_general<op, false>),
                                                  address_of(store_general<op, true>)};
    }
}

template <Op op>
void fill_sum_row(lower::HandlerTable& table) {
    if constexpr (op_info(op).cls == OpClass::load) {
        fill_load_sum<op, Operands::ss>(table);
        fill_load_sum<op, Operands::as>(table);
        fill_load_sum<op, Operands::si>(table);
    } else if constexpr (op_info(op).cls == OpClass::store) {
        fill_store_sum<op, Operands::ss>(table);
        fill_store_sum<op, Operands::as>(table);
        fill_store_sum<op, Operands::si>(table);
    }
}

WSB_HANDLER memory_size_(WSB_STATE) {
    WSB_BODY
    sp[field<0>(ip)] = instance->memories[field<1>(ip)]->current_size_bytes() >> field<2>(ip);
    WSB_NEXT(2);
}

WSB_HANDLER memory_grow_(WSB_STATE) {
    WSB_BODY
    const uint64_t pages = sp[field<1>(ip)];
    const auto number = static_cast<uint32_t>(field<2>(ip));
    const int64_t before = runtime::memory_grow(*instance, number, pages);
    const bool is_64_bit = field<3>(ip) != 0;
    sp[field<0>(ip)] = is_64_bit ? static_cast<uint64_t>(before) : static_cast<uint32_t>(before);
    memory = instance->first_memory->base;
    memory_size = instance->first_memory->size_bytes;
    WSB_NEXT(2);
}

}  // namespace

void fill_accesses(lower::HandlerTable& table) {
#define WSB_OP(id, ...) fill_row<Op::id>(table);
#include "engine/isa/ops_core.def"
#undef WSB_OP
}

void fill_sums(lower::HandlerTable& table) {
#define WSB_OP(id, ...) fill_sum_row<Op::id>(table);
#include "engine/isa/ops_core.def"
#undef WSB_OP
}

void fill_memory_size(lower::HandlerTable& table) {
    table.single[static_cast<size_t>(lower::Single::memory_size)] = {address_of(memory_size_)};
    table.single[static_cast<size_t>(lower::Single::memory_grow)] = {address_of(memory_grow_)};
}

}  // namespace wsb::interp
