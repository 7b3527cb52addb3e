;; SPDX-License-Identifier: Apache-2.0
;; hello: the smallest WASI command, written by hand. It writes one line with fd_write.

(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param $fd i32) (param $iovs i32) (param $iovs_len i32) (param $nwritten i32)
      (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param $code i32)))

  ;; 0: one iovec, the address and the length of the text; 8: bytes written; 16: the text.
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00" "\18\00\00\00")
  (data (i32.const 16) "Hello from WebAssembly!\n")

  (func (export "_start")
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
      (then (call $proc_exit (i32.const 1))))
    ;; A short write is a failure too.
    (if (i32.ne (i32.load (i32.const 8)) (i32.load (i32.const 4)))
      (then (call $proc_exit (i32.const 2))))))
