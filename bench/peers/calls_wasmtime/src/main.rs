// SPDX-License-Identifier: Apache-2.0
//! The calls of calls.wat through Wasmtime: TypedFunc::call and Func::wrap. Usage: calls_wasmtime calls.wasm [fuel]
use std::time::Duration;
use wasmtime::*;

// As in calls.h.
const HOST_CALLS: i32 = 2_000_000;
const GUEST_CALLS: i32 = 5_000_000;
const ROUNDS: i32 = 9;

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}
extern "C" {
    fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
}
const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;

fn cpu_time() -> Duration {
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: the structure is that of x86-64 Linux.
    unsafe { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.seconds as u64, time.nanoseconds as u32)
}

/// The least nanoseconds of several rounds for each of `times`, and the last result.
fn least_ns(times: i32, mut run: impl FnMut() -> i32) -> (f64, i32) {
    let mut least = Duration::MAX;
    let mut sum = 0;
    for _ in 0..ROUNDS {
        let begin = cpu_time();
        sum = run();
        least = least.min(cpu_time() - begin);
    }
    (least.as_nanos() as f64 / times as f64, sum)
}

fn expected(times: impl Iterator<Item = i32>) -> i32 {
    times.fold(0, i32::wrapping_add)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let counts_fuel = arguments.len() > 2 && arguments[2] == "fuel";
    let mut config = Config::new();
    config.consume_fuel(counts_fuel);
    let engine = Engine::new(&config)?;
    let module = Module::from_file(&engine, &arguments[1])?;
    let mut store = Store::new(&engine, ());
    if counts_fuel {
        store.set_fuel(1 << 50)?;
    }
    let host_add = Func::wrap(&mut store, |x: i32, y: i32| x.wrapping_add(y));
    let instance = Instance::new(&mut store, &module, &[host_add.into()])?;
    let add = instance.get_typed_func::<(i32, i32), i32>(&mut store, "add")?;
    let calling = instance.get_typed_func::<i32, i32>(&mut store, "calling")?;
    let counting = instance.get_typed_func::<i32, i32>(&mut store, "counting")?;
    let (host_to_guest, add_sum) = least_ns(HOST_CALLS, || {
        (0..HOST_CALLS).fold(0, |sum, i| add.call(&mut store, (sum, i)).unwrap())
    });
    let (with_calls, calling_sum) = least_ns(GUEST_CALLS, || calling.call(&mut store, GUEST_CALLS).unwrap());
    let (without, counting_sum) = least_ns(GUEST_CALLS, || counting.call(&mut store, GUEST_CALLS).unwrap());
    assert_eq!(add_sum, expected(0..HOST_CALLS));
    assert_eq!([calling_sum, counting_sum], [expected(1..=GUEST_CALLS); 2]);
    println!(
        "{{\"host_to_guest_ns\": {host_to_guest:.2}, \"guest_to_host_ns\": {:.2}, \"loop_ns\": {without:.2}}}",
        with_calls - without
    );
    Ok(())
}
