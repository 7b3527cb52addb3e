;; SPDX-License-Identifier: Apache-2.0
;; Legacy try blocks together with try_table, operands below them, and exceptions caught in catch blocks.

(module
  (tag $e (param i32))
  (tag $pair (param i32 i64))
  (tag $none)

  (func $throw_if (param i32)
    (if (local.get 0) (then (throw $pair (local.get 0) (i64.const 100)))))

  (func (export "operands_below") (param i32) (result i32) (local i64)
    (i32.add (i32.mul (local.get 0) (i32.const 3))
      (try (result i32) (do (call $throw_if (local.get 0)) (i32.const 1000))
        (catch $pair (local.set 1) (i32.add (i32.wrap_i64 (local.get 1)))))))

  (func $rethrow_either (param i32)
    (try $a (do (throw $e (i32.const 1)))
      (catch $e (drop)
        (try $b (do (throw $e (i32.const 2)))
          (catch $e (drop)
            (br_if $b (i32.eq (local.get 0) (i32.const 2)))
            (if (local.get 0) (then (rethrow $a)) (else (rethrow $b))))))))
  (func (export "rethrow") (param i32) (result i32)
    (try (result i32) (do (call $rethrow_either (local.get 0)) (i32.const 9)) (catch $e)))

  (func $delegate_to_table (result i32)
    (block $caught
      (return (try_table $table (result i32) (catch $none $caught)
        (try (result i32) (do
          (try (do (throw $none)) (delegate $table))
          (i32.const 0))
          (catch_all (i32.const 1))))))
    (i32.const 4))
  (func (export "delegate_to_table") (result i32)
    (try (result i32) (do (call $delegate_to_table)) (catch_all (i32.const 5))))

  (func (export "rethrown_into_table") (param i32) (result i32) (local exnref)
    (block $ref (result i32 exnref)
      (try_table (catch_ref $e $ref)
        (try (do (throw $e (local.get 0))) (catch $e (drop) (rethrow 0))))
      (unreachable))
    (local.set 1) (drop)
    (try (result i32) (do (throw_ref (local.get 1))) (catch $e (i32.add (i32.const 1)))))

  (func (export "in_loop") (param i32) (result i32) (local i32)
    loop
      try
        local.get 0
        throw $e
      catch $e
        local.get 1
        i32.add
        local.set 1
      catch_all
        unreachable
      end
      local.get 0
      i32.const 1
      i32.sub
      local.tee 0
      br_if 0
    end
    local.get 1)

  (func (export "uncaught") (try (do (throw $none)) (catch $e (drop)))))

(assert_return (invoke "operands_below" (i32.const 5)) (i32.const 120))
(assert_return (invoke "operands_below" (i32.const 0)) (i32.const 1000))
(assert_return (invoke "rethrow" (i32.const 0)) (i32.const 2))
(assert_return (invoke "rethrow" (i32.const 1)) (i32.const 1))
(assert_return (invoke "rethrow" (i32.const 2)) (i32.const 9))
(assert_return (invoke "delegate_to_table") (i32.const 4))
(assert_return (invoke "rethrown_into_table" (i32.const 6)) (i32.const 7))
(assert_return (invoke "in_loop" (i32.const 10)) (i32.const 55))
(assert_exception (invoke "uncaught"))
