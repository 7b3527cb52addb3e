;; SPDX-License-Identifier: Apache-2.0
;; 128-bit integers as pairs of i64, with operands from everywhere.

(module
  (memory 1)
  (global $g (mut i64) (i64.const 5))
  (func $pair (param i64) (result i64 i64) (local.get 0) (i64.const -1))

  ;; n times (low, high) = (low, high) * 3 modulo 2^128
  (func (export "powers") (param $n i32) (result i64 i64) (local $low i64) (local $high i64)
    (local.set $low (i64.const 1))
    (loop $again
      (i64.mul_wide_u (local.get $low) (i64.const 3))
      (local.set $high (i64.add (i64.mul (local.get $high) (i64.const 3))))
      (local.set $low)
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $low) (local.get $high))

  ;; The first number of a pair that is made by other instructions
  (func (export "mixed") (param i64) (result i64 i64)
    (i64.store (i32.const 8) (i64.const 9))
    (i64.add128 (i64.add (local.get 0) (global.get $g)) (i64.load (i32.const 8)) (call $pair (i64.const -6))))

  ;; Results over their own operands
  (func (export "in_place") (param i64 i64) (result i64 i64)
    (i64.sub128 (local.get 0) (local.get 1) (local.get 1) (local.get 0))
    (local.set 1) (local.set 0)
    (local.get 0) (local.get 1))

  ;; Operands that are changed after they were read
  (func (export "read_before") (param i64) (result i64 i64)
    (local.get 0)
    (local.set 0 (i64.const 100))
    (i64.mul_wide_s (local.get 0)))

  (func (export "constants") (result i64 i64 i64 i64)
    (i64.mul_wide_s (i64.const -9223372036854775808) (i64.const -9223372036854775808))
    (i64.mul_wide_u (i64.const -1) (i64.const -1)))

  (func (export "unreachable") (result i64 i64) unreachable i64.add128))

(assert_return (invoke "powers" (i32.const 1)) (i64.const 3) (i64.const 0))
(assert_return (invoke "powers" (i32.const 80)) (i64.const 0x3cea_5978_9c79_d441) (i64.const 0x6f32_f1ef_8b18_a2bc))
(assert_return (invoke "mixed" (i64.const 1)) (i64.const 0) (i64.const 9))
(assert_return (invoke "mixed" (i64.const 0)) (i64.const -1) (i64.const 8))
(assert_return (invoke "in_place" (i64.const 1) (i64.const 2)) (i64.const -1) (i64.const 0))
(assert_return (invoke "in_place" (i64.const 2) (i64.const 1)) (i64.const 1) (i64.const -1))
(assert_return (invoke "read_before" (i64.const -3)) (i64.const -300) (i64.const -1))
(assert_return (invoke "constants") (i64.const 0) (i64.const 0x4000_0000_0000_0000) (i64.const 1) (i64.const -2))
(assert_trap (invoke "unreachable") "unreachable")

(assert_invalid (module (func (result i64 i64) (i64.mul_wide_u (i64.const 1)))) "type mismatch")
(assert_invalid (module (func (result i64 i64) (i64.mul_wide_u (i64.const 1) (i32.const 1)))) "type mismatch")
(assert_invalid (module (global i64 (i64.mul_wide_u (i64.const 1) (i64.const 1)))) "constant expression required")
