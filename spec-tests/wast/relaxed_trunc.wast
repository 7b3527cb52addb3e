;; SPDX-License-Identifier: Apache-2.0
;; Relaxed truncations, which no script of the official suite executes: exact within range, and what the
;; standard allows beyond it.

(module
  (func (export "f32x4_s") (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))
  (func (export "f32x4_u") (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_u (local.get 0)))
  (func (export "f64x2_s") (param v128) (result v128) (i32x4.relaxed_trunc_f64x2_s_zero (local.get 0)))
  (func (export "f64x2_u") (param v128) (result v128) (i32x4.relaxed_trunc_f64x2_u_zero (local.get 0))))

(assert_return (invoke "f32x4_s" (v128.const f32x4 1.9 -1.9 -2147483648 2147483520))
  (v128.const i32x4 1 -1 -2147483648 2147483520))
(assert_return (invoke "f32x4_u" (v128.const f32x4 1.9 -0.9 4294967040 2147483648))
  (v128.const i32x4 1 0 4294967040 2147483648))
(assert_return (invoke "f64x2_s" (v128.const f64x2 -2147483648.9 2147483647.9))
  (v128.const i32x4 -2147483648 2147483647 0 0))
(assert_return (invoke "f64x2_u" (v128.const f64x2 -0.9 4294967295.9))
  (v128.const i32x4 0 4294967295 0 0))

(assert_return (invoke "f32x4_s" (v128.const f32x4 2147483648 2147483648 -inf -inf))
  (either (v128.const i32x4 2147483647 2147483647 -2147483648 -2147483648)
          (v128.const i32x4 -2147483648 -2147483648 -2147483648 -2147483648)))
(assert_return (invoke "f32x4_u" (v128.const f32x4 nan nan nan nan))
  (either (v128.const i32x4 0 0 0 0) (v128.const i32x4 -1 -1 -1 -1)))
(assert_return (invoke "f64x2_s" (v128.const f64x2 nan nan))
  (either (v128.const i32x4 0 0 0 0) (v128.const i32x4 -2147483648 -2147483648 0 0)))
(assert_return (invoke "f64x2_u" (v128.const f64x2 4294967296 inf))
  (v128.const i32x4 -1 -1 0 0))
