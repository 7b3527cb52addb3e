;; SPDX-License-Identifier: Apache-2.0
;; Short-lived objects: 20 million structures, of which the last 1024 are reachable at any time.
(module
  (type $item (struct (field i32) (field (mut i64)) (field (ref null $item))))
  (type $ring (array (mut (ref null $item))))
  (memory (export "memory") 1)
  (func (export "_start") (local $ring (ref $ring)) (local $n i32) (local $sum i64) (local $item (ref null $item))
    (local.set $ring (array.new_default $ring (i32.const 1024)))
    (local.set $n (i32.const 20000000))
    (loop $again
      (local.set $item (array.get $ring (local.get $ring) (i32.and (local.get $n) (i32.const 1023))))
      (if (i32.eqz (ref.is_null (local.get $item)))
        (then (local.set $sum (i64.add (local.get $sum) (struct.get $item 1 (local.get $item))))))
      (array.set $ring (local.get $ring) (i32.and (local.get $n) (i32.const 1023))
        (struct.new $item (local.get $n) (i64.extend_i32_u (local.get $n)) (ref.null $item)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (if (i64.ne (local.get $sum) (i64.const 200000009475200)) (then (unreachable)))))
