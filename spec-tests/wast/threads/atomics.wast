;; SPDX-License-Identifier: Apache-2.0
;; Shared memories between threads of the script; waiting, waking and time-outs; traps of atomics.

(module $shared
  (memory (export "memory") 1 2 shared))
(register "shared")

(module $main
  (memory (import "shared" "memory") 1 2 shared)
  (func (export "load") (param i32) (result i32) (i32.atomic.load (local.get 0)))
  (func (export "narrow") (param i32 i64) (result i64)
    (i64.atomic.rmw16.sub_u offset=2 (local.get 0) (local.get 1)))
  (func (export "wait") (param i32 i64) (result i32)
    (memory.atomic.wait32 (local.get 0) (i32.const 0) (local.get 1)))
  (func (export "size") (result i32) (memory.size)))

(assert_return (invoke "narrow" (i32.const 64) (i64.const 0x10001)) (i64.const 0))
(assert_return (invoke "narrow" (i32.const 64) (i64.const 0)) (i64.const 0xffff))
(assert_return (invoke "load" (i32.const 64)) (i32.const 0xffff0000))
(assert_trap (invoke "load" (i32.const 66)) "unaligned atomic")
(assert_trap (invoke "load" (i32.const 0x10000)) "out of bounds memory access")
(assert_trap (invoke "narrow" (i32.const -2) (i64.const 0)) "out of bounds memory access")
(assert_return (invoke "wait" (i32.const 64) (i64.const -1)) (i32.const 1))
(assert_return (invoke "wait" (i32.const 0) (i64.const 1000000)) (i32.const 2))

(thread $waker (shared (module $shared))
  (register "shared" $shared)
  (module
    (memory (import "shared" "memory") 1 2 shared)
    (func (export "wake") (result i32)
      (drop (memory.grow (i32.const 1)))
      (loop (br_if 0 (i32.eqz (memory.atomic.notify (i32.const 0) (i32.const 5)))))
      (i32.atomic.rmw.or (i32.const 0) (i32.const 0x18))))
  (assert_return (invoke "wake") (i32.const 0)))
(assert_return (invoke "wait" (i32.const 0) (i64.const -1)) (i32.const 0))
(wait $waker)
(assert_return (invoke "load" (i32.const 0)) (i32.const 0x18))
(assert_return (invoke "size") (i32.const 2))

(module
  (memory 1 1)
  (func (export "wait") (result i32)
    (memory.atomic.wait64 (i32.const 0) (i64.const 0) (i64.const -1)))
  (func (export "notify") (result i32)
    (memory.atomic.notify (i32.const 0) (i32.const 1))))
(assert_trap (invoke "wait") "expected shared memory")
(assert_return (invoke "notify") (i32.const 0))

(assert_invalid (module (memory 1 shared)) "shared memory must have maximum")
(assert_invalid
  (module (memory 1) (func (result i32) (i32.atomic.load align=2 (i32.const 0))))
  "atomic alignment must be natural")
