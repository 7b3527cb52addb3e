(module
  (memory 1)
  (func $axpy (param $at i32) (param $a v128)
    (v128.store (local.get $at)
      (f32x4.add (f32x4.mul (v128.load (local.get $at)) (local.get $a)) (v128.const f32x4 1 2 3 4))))
  (func $shuffle (param v128 v128) (result v128)
    (i8x16.shuffle 0 17 2 19 4 21 6 23 8 25 10 27 12 29 14 31 (local.get 0) (local.get 1))))
