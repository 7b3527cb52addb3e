(module
  (global $count (mut i64) (i64.const 0))
  (func $next (result i64)
    (global.set $count (i64.add (global.get $count) (i64.const 1)))
    (global.get $count)))
