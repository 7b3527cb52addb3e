// SPDX-License-Identifier: Apache-2.0
//! An instance of a module from Wasmtime's pooling allocator, one call of its function "f", and its end.
use wasmtime::*;

pub struct Peer {
    engine: Engine,
    prepared: InstancePre<()>,
}

/// `keep_bytes`: what the pool leaves resident and clears by hand; `scan`: with PAGEMAP_SCAN.
#[no_mangle]
pub extern "C" fn peer_new(wat: *const u8, size: usize, scan: bool, keep_bytes: usize, slots: u32) -> *mut Peer {
    // SAFETY: the caller's string lives for the time of the call.
    let text = unsafe { std::slice::from_raw_parts(wat, size) };
    let mut pool = PoolingAllocationConfig::default();
    pool.total_core_instances(slots)
        .total_memories(slots)
        .total_tables(slots)
        .max_memory_size(64 << 20)
        .linear_memory_keep_resident(keep_bytes)
        .table_keep_resident(keep_bytes)
        .pagemap_scan(if scan { Enabled::Yes } else { Enabled::No });
    let mut config = Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, text).unwrap();
    let prepared = Linker::new(&engine).instantiate_pre(&module).unwrap();
    Box::into_raw(Box::new(Peer { engine, prepared }))
}

#[no_mangle]
pub extern "C" fn peer_cycle(peer: *mut Peer, argument: i32) -> i32 {
    // SAFETY: made by peer_new, used by one thread.
    let peer = unsafe { &*peer };
    let mut store = Store::new(&peer.engine, ());
    let instance = peer.prepared.instantiate(&mut store).unwrap();
    let function = instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap();
    function.call(&mut store, argument).unwrap()
}
