;; Calls over the border in both directions, and the same loop without them.
(module
  (import "host" "add" (func $host_add (param i32 i32) (result i32)))
  (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))
  (func (export "calling") (param $left i32) (result i32) (local $sum i32)
    (loop
      (local.set $sum (call $host_add (local.get $sum) (local.get $left)))
      (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (local.get $sum))
  (func (export "counting") (param $left i32) (result i32) (local $sum i32)
    (loop
      (local.set $sum (i32.add (local.get $sum) (local.get $left)))
      (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (local.get $sum)))
