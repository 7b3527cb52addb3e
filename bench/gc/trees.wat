;; SPDX-License-Identifier: Apache-2.0
;; Binary trees: one of a million nodes lives throughout, 100 of 65,535 come and go.
(module
  (type $node (struct (field $left (ref null $node)) (field $right (ref null $node))))
  (memory (export "memory") 1)
  (func $make (param $depth i32) (result (ref $node))
    (if (result (ref $node)) (i32.eqz (local.get $depth))
      (then (struct.new_default $node))
      (else (struct.new $node
        (call $make (i32.sub (local.get $depth) (i32.const 1)))
        (call $make (i32.sub (local.get $depth) (i32.const 1)))))))
  (func $count (param $node (ref null $node)) (result i32)
    (if (result i32) (ref.is_null (local.get $node))
      (then (i32.const 0))
      (else (i32.add (i32.const 1) (i32.add
        (call $count (struct.get $node $left (local.get $node)))
        (call $count (struct.get $node $right (local.get $node))))))))
  (func (export "_start") (local $kept (ref $node)) (local $n i32)
    (local.set $kept (call $make (i32.const 19)))
    (loop $again
      (if (i32.ne (call $count (call $make (i32.const 15))) (i32.const 65535)) (then (unreachable)))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100))))
    (if (i32.ne (call $count (local.get $kept)) (i32.const 1048575)) (then (unreachable)))))
