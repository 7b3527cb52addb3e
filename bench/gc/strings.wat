;; SPDX-License-Identifier: Apache-2.0
;; Arrays of bytes: two million strings of 16 to 158 bytes are made, filled, copied and summed.
(module
  (type $string (array (mut i8)))
  (memory (export "memory") 1)
  (func $sum (param $s (ref $string)) (result i32) (local $i i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (array.get_u $string (local.get $s) (local.get $i))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8)))
        (array.len (local.get $s)))))
    (local.get $sum))
  (func (export "_start") (local $n i32) (local $length i32) (local $s (ref $string)) (local $t (ref $string))
    (local $total i32)
    (loop $again
      (local.set $length (i32.add (i32.const 16) (i32.and (local.get $n) (i32.const 63))))
      (local.set $s (array.new $string (i32.const 7) (local.get $length)))
      (local.set $t (array.new_default $string (i32.mul (i32.const 2) (local.get $length))))
      (array.copy $string $string (local.get $t) (local.get $length) (local.get $s) (i32.const 0)
        (local.get $length))
      (local.set $total (i32.add (local.get $total) (call $sum (local.get $t))))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000))))
    (if (i32.eqz (local.get $total)) (then (unreachable)))))
