(module
  (func (param i32) (result i32)
    (i32.add (i32.clz (local.get 0)) (i32.add (i32.ctz (local.get 0)) (i32.popcnt (local.get 0)))))
  (func (param i64 i64) (result i64) (i64.rotl (local.get 0) (i64.shl (local.get 1) (i64.const 3)))))
