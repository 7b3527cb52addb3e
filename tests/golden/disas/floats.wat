(module
  (func $length (param f64 f64) (result f64)
    (f64.sqrt (f64.add (f64.mul (local.get 0) (local.get 0)) (f64.mul (local.get 1) (local.get 1)))))
  (func $least (param f32 f32) (result f32) (f32.min (local.get 0) (local.get 1)))
  (func $to_int (param f64) (result i32) (i32.trunc_f64_s (local.get 0))))
