// SPDX-License-Identifier: Apache-2.0
// Loads and stores of vectors and of their lanes; every access is checked explicitly.
// Spec: exec/instructions#vector-memory-instructions
#include "engine/interp/memory_access.h"
#include "engine/interp/vector_slots.h"

namespace wsb::interp {

using lower::Address;

namespace {

/// What memory holds for a load or a store.
template <Op op>
using MemoryOf = typename Operation<op>::Memory;

template <Op op, bool is_shared = false>
[[nodiscard, gnu::always_inline]] inline V128 read_memory(const uint8_t* from) noexcept {
    static_assert(sizeof(MemoryOf<op>) == op_info(op).width_bytes);
    return Operation<op>::apply(read_place<MemoryOf<op>, is_shared>(from));
}

template <Op op, Address address>
WSB_HANDLER load(WSB_STATE) {
    WSB_BODY
    const uint64_t end = plain_end<address>(ip, sp, acc);
    if (end > memory_size) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    write_vector(sp + field<0>(ip), read_memory<op>(memory + end - op_info(op).width_bytes));
    WSB_NEXT(2);
}

template <Op op, bool is_shared>
WSB_HANDLER load_general(WSB_STATE) {
    WSB_BODY
    const uint8_t* place = general_place<is_shared>(ip, sp, instance, op_info(op).width_bytes);
    if (place == nullptr) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    write_vector(sp + field<0>(ip), read_memory<op, is_shared>(place));
    WSB_NEXT(3);
}

template <Address address>
WSB_HANDLER store(WSB_STATE) {
    WSB_BODY
    const uint64_t end = plain_end<address>(ip, sp, acc);
    if (end > memory_size) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    std::memcpy(memory + end - semantics::vector_bytes, sp + field<0>(ip), semantics::vector_bytes);
    WSB_NEXT(2);
}

template <bool is_shared>
WSB_HANDLER store_general(WSB_STATE) {
    WSB_BODY
    uint8_t* place = general_place<is_shared>(ip, sp, instance, semantics::vector_bytes);
    if (place == nullptr) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    write_place<is_shared>(place, read_vector(sp + field<0>(ip)));
    WSB_NEXT(3);
}

// Lanes: [result | address | memory | vector][offset][lane]. Lane type: that of the row's width.

template <Op op, bool is_shared>
WSB_HANDLER load_lane(WSB_STATE) {
    WSB_BODY
    const uint8_t* place = general_place<is_shared>(ip, sp, instance, op_info(op).width_bytes);
    if (place == nullptr) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    const auto value = read_place<typename Operation<op>::Scalar, is_shared>(place);
    write_vector(sp + field<0>(ip), Operation<op>::apply(read_vector(sp + field<3>(ip)), value, ip[3]));
    WSB_NEXT(4);
}

template <Op op, bool is_shared>
WSB_HANDLER store_lane(WSB_STATE) {
    WSB_BODY
    uint8_t* place = general_place<is_shared>(ip, sp, instance, op_info(op).width_bytes);
    if (place == nullptr) [[unlikely]]
        WSB_TRAP_WITH(TrapCode::memory_out_of_bounds);
    const auto value = Operation<op>::apply(read_vector(sp + field<3>(ip)), ip[3]);
    write_place<is_shared>(place, value);
    WSB_NEXT(4);
}

template <Op op>
void fill_row(lower::HandlerTable& table) {
    constexpr const OpInfo& row = op_info(op);
    const auto enter = [&](Address address, Handler handler) {
        table.vector_row(op)[static_cast<size_t>(address)] = address_of(handler);
    };
    if constexpr (row.cls == OpClass::load) {
        enter(Address::slot, load<op, Address::slot>);
        enter(Address::accumulator, load<op, Address::accumulator>);
        enter(Address::constant, load<op, Address::constant>);
        table.vector_row(op)[lower::vector_address_general] = address_of(load_general<op, false>);
        table.vector_row(op)[lower::vector_address_general + 1] = address_of(load_general<op, true>);
    } else if constexpr (row.cls == OpClass::store) {
        enter(Address::slot, store<Address::slot>);
        enter(Address::accumulator, store<Address::accumulator>);
        enter(Address::constant, store<Address::constant>);
        table.vector_row(op)[lower::vector_address_general] = address_of(store_general<false>);
        table.vector_row(op)[lower::vector_address_general + 1] = address_of(store_general<true>);
    } else if constexpr (row.imm == Imm::memarg_lane) {
        auto& columns = table.vector_row(op);
        if constexpr (row.results.empty()) {
            columns[0] = address_of(store_lane<op, false>);
            columns[1] = address_of(store_lane<op, true>);
        } else {
            columns[0] = address_of(load_lane<op, false>);
            columns[1] = address_of(load_lane<op, true>);
        }
    }
}

}  // namespace

void fill_vector_memory(lower::HandlerTable& table) {
#define WSB_OP(id, ...) fill_row<Op::id>(table);
#include "engine/isa/ops_simd.def"
#undef WSB_OP
}

}  // namespace wsb::interp
