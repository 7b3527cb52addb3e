;; SPDX-License-Identifier: Apache-2.0
;; fib: Fibonacci numbers three ways, exported for `wasm-sandbox run --invoke NAME fib.wat N`.

(module
  ;; fib(n) by the definition: many calls, little else.
  (func $fib (export "fib") (param $n i32) (result i64)
    (if (result i64) (i32.lt_u (local.get $n) (i32.const 2))
      (then (i64.extend_i32_u (local.get $n)))
      (else
        (i64.add
          (call $fib (i32.sub (local.get $n) (i32.const 1)))
          (call $fib (i32.sub (local.get $n) (i32.const 2)))))))

  ;; The same numbers by a loop.
  (func (export "fib_loop") (param $n i32) (result i64)
    (local $a i64) (local $b i64)
    (local.set $b (i64.const 1))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.get $b)
        (local.set $b (i64.add (local.get $a) (local.get $b)))
        (local.set $a)
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (local.get $a))

  ;; And by Binet's formula, right while a double holds the number exactly (n <= 70).
  (func (export "fib_float") (param $n i32) (result f64)
    (local $phi f64) (local $power f64)
    (local.set $phi
      (f64.div (f64.add (f64.const 1) (f64.sqrt (f64.const 5))) (f64.const 2)))
    (local.set $power (f64.const 1))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $power (f64.mul (local.get $power) (local.get $phi)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (f64.nearest (f64.div (local.get $power) (f64.sqrt (f64.const 5))))))
