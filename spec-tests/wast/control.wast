;; SPDX-License-Identifier: Apache-2.0
;; Blocks, branches, calls, tail calls, exceptions, exhaustion.

(module
  (func $fac (export "fac") (param i64) (result i64)
    (if (result i64) (i64.eqz (local.get 0))
      (then (i64.const 1))
      (else (i64.mul (local.get 0) (call $fac (i64.sub (local.get 0) (i64.const 1)))))))

  (func (export "sum") (param $n i32) (result i32) (local $sum i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $sum (i32.add (local.get $sum) (local.get $n)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (local.get $sum))

  (func (export "switch") (param i32) (result i32)
    (block $default
      (block $two
        (block $one
          (block $zero (br_table $zero $one $two $default (local.get 0)))
          (return (i32.const 100)))
        (return (i32.const 101)))
      (return (i32.const 102)))
    (i32.const -1))

  (func (export "swap") (param i32 i64) (result i64 i32)
    (local.get 0) (local.get 1)
    (block (param i32 i64) (result i64 i32) (local.set 1) (local.set 0) (local.get 1) (local.get 0)))

  (func $even (export "even") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
    (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
  (func $odd (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
    (return_call $even (i32.sub (local.get 0) (i32.const 1))))

  (func $forever (export "forever") (call $forever))
  (func (export "unreachable") unreachable)

  (tag $oops (param i32))
  (func $throw (param i32) (throw $oops (local.get 0)))
  (func (export "throw") (param i32) (call $throw (local.get 0)))
  (func (export "catch") (param i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $oops $caught) (call $throw (local.get 0)))
      (i32.const -1)))

  (func (export "select") (param i32) (result f32) (select (f32.const 1) (f32.const 2) (local.get 0))))

(assert_return (invoke "fac" (i64.const 20)) (i64.const 2432902008176640000))
(assert_return (invoke "sum" (i32.const 1000)) (i32.const 500500))
(assert_return (invoke "switch" (i32.const 0)) (i32.const 100))
(assert_return (invoke "switch" (i32.const 2)) (i32.const 102))
(assert_return (invoke "switch" (i32.const -1)) (i32.const -1))
(assert_return (invoke "swap" (i32.const 1) (i64.const 2)) (i64.const 2) (i32.const 1))
(assert_return (invoke "even" (i32.const 100000)) (i32.const 1))
(assert_return (invoke "even" (i32.const 99999)) (i32.const 0))
(assert_exhaustion (invoke "forever") "call stack exhausted")
(assert_trap (invoke "unreachable") "unreachable")
(assert_exception (invoke "throw" (i32.const 1)))
(assert_return (invoke "catch" (i32.const 7)) (i32.const 7))
(assert_return (invoke "select" (i32.const 0)) (f32.const 2))

(assert_invalid (module (func (br 1))) "unknown label")
(assert_invalid (module (func (result i32) (block (result i32) (br 0)))) "type mismatch")
(assert_malformed (module quote "(func block $a end $b)") "mismatching label")
