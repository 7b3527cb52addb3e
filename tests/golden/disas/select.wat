(module
  (func $max (param i32 i32) (result i32)
    (select (local.get 0) (local.get 1) (i32.gt_s (local.get 0) (local.get 1))))
  (func $float (param f64 f64 i32) (result f64) (select (local.get 0) (local.get 1) (local.get 2))))
