;; SPDX-License-Identifier: Apache-2.0
;; Memories: widths, bounds, growth, bulk instructions, segments.

(module
  (memory (export "memory") 1 3)
  (data (i32.const 0) "\01\80\ff\7f")
  (data $passive "hello")
  (func (export "load8_s") (param i32) (result i32) (i32.load8_s (local.get 0)))
  (func (export "load16_u") (param i32) (result i32) (i32.load16_u (local.get 0)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "load_far") (param i32) (result i32) (i32.load offset=0xffffffff (local.get 0)))
  (func (export "load64") (param i32) (result i64) (i64.load (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "size") (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "init") (param i32 i32 i32) (memory.init $passive (local.get 0) (local.get 1) (local.get 2)))
  (func (export "drop") (data.drop $passive))
  (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2))))

(assert_return (invoke "load8_s" (i32.const 1)) (i32.const -128))
(assert_return (invoke "load16_u" (i32.const 2)) (i32.const 0x7fff))
(assert_return (invoke "load" (i32.const 0)) (i32.const 0x7fff8001))
(assert_return (invoke "load" (i32.const 65532)) (i32.const 0))
(assert_trap (invoke "load" (i32.const 65533)) "out of bounds memory access")
(assert_trap (invoke "load" (i32.const -1)) "out of bounds memory access")
(assert_trap (invoke "load_far" (i32.const 1)) "out of bounds memory access")
(assert_trap (invoke "load64" (i32.const 65529)) "out of bounds memory access")

;; A store across the end writes nothing.
(invoke "store" (i32.const 65532) (i32.const 0x11111111))
(assert_trap (invoke "store" (i32.const 65534) (i32.const -1)) "out of bounds memory access")
(assert_return (invoke "load" (i32.const 65532)) (i32.const 0x11111111))

(assert_return (invoke "grow" (i32.const 1)) (i32.const 1))
(assert_return (invoke "load" (i32.const 65536)) (i32.const 0))
(assert_return (invoke "grow" (i32.const 2)) (i32.const -1))
(assert_return (invoke "grow" (i32.const -1)) (i32.const -1))
(assert_return (invoke "size") (i32.const 2))

(assert_return (invoke "init" (i32.const 16) (i32.const 1) (i32.const 4)))
(assert_return (invoke "load" (i32.const 16)) (i32.const 0x6f6c6c65))
(assert_trap (invoke "init" (i32.const 16) (i32.const 2) (i32.const 4)) "out of bounds memory access")
(assert_return (invoke "drop"))
(assert_trap (invoke "init" (i32.const 16) (i32.const 0) (i32.const 1)) "out of bounds memory access")
(assert_return (invoke "init" (i32.const 16) (i32.const 0) (i32.const 0)))

;; Overlapping copies, in both directions.
(assert_return (invoke "copy" (i32.const 17) (i32.const 16) (i32.const 4)))
(assert_return (invoke "load" (i32.const 16)) (i32.const 0x6c6c6565))
(assert_return (invoke "copy" (i32.const 16) (i32.const 17) (i32.const 4)))
(assert_return (invoke "load" (i32.const 16)) (i32.const 0x6f6c6c65))
(assert_trap (invoke "copy" (i32.const 131071) (i32.const 0) (i32.const 2)) "out of bounds memory access")
(assert_return (invoke "fill" (i32.const 32) (i32.const 0x1aa) (i32.const 4)))
(assert_return (invoke "load" (i32.const 32)) (i32.const 0xaaaaaaaa))
(assert_trap (invoke "fill" (i32.const 131072) (i32.const 0) (i32.const 1)) "out of bounds memory access")

;; Two memories, one with 64-bit addresses.
(module
  (memory $small 1)
  (memory $wide i64 1)
  (func (export "across") (param i32) (result i32)
    (i32.store $wide offset=8 (i64.const 100) (local.get 0))
    (i32.load $small (i32.const 108)))
  (func (export "wide") (param i64) (result i32) (i32.load $wide (local.get 0))))
(assert_return (invoke "across" (i32.const 5)) (i32.const 0))
(assert_return (invoke "wide" (i64.const 108)) (i32.const 5))
(assert_trap (invoke "wide" (i64.const 0x1_0000_006c)) "out of bounds memory access")

(assert_trap (module (memory 1) (data (i32.const 65536) "x")) "out of bounds memory access")
(assert_invalid (module (memory 2 1)) "size minimum must not be greater than maximum")
(assert_invalid (module (memory 1) (func (drop (i32.load align=8 (i32.const 0)))))
  "alignment must not be larger than natural")
