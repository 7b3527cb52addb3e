;; By the interpreter's cells: host calls, bulk instructions.
(module
  (import "host" "log" (func $log (param i32)))
  (memory 1)
  (func (param $n i32)
    (memory.fill (i32.const 0) (i32.const 1) (local.get $n))
    (call $log (local.get $n))))
