;; Traps, and the case that overflows.
(module
  (func $signed (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func $remainder (param i64 i64) (result i64) (i64.rem_s (local.get 0) (local.get 1)))
  (func $by_constant (param i32) (result i32) (i32.div_u (local.get 0) (i32.const 10))))
