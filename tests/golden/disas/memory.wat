;; One check for both accesses of a straight line; stores of constants.
(module
  (memory 1 2)
  (func $swap (param $at i32)
    (i32.store offset=12 (local.get $at) (i32.load offset=8 (local.get $at)))
    (i32.store8 (local.get $at) (i32.const 7)))
  (func $grow (result i32) (drop (memory.grow (i32.const 1))) (memory.size)))
