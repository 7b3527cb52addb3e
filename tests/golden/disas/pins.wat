;; More locals than registers: those of the loop have them.
(module
  (func (param i32 i32 i32 i32 i32 i32 i32) (result i32)
    (loop $l
      (local.set 5 (i32.add (local.get 5) (i32.xor (local.get 6) (local.get 4))))
      (br_if $l (i32.lt_u (local.get 5) (local.get 3))))
    (i32.sub (i32.mul (local.get 0) (local.get 1)) (i32.add (local.get 2) (local.get 5)))))
