// SPDX-License-Identifier: Apache-2.0
// Programs of every control shape, and what each costs, counted by hand.
#pragma once

#include "wsb/engine.hpp"

#include <cstdint>
#include <ostream>
#include <string>

namespace wsb::testing {

/// A module whose export "f" takes an i32, and what calling it costs.
struct Shape {
    const char* name;
    const char* wat;
    int32_t argument;
    uint64_t cost;  ///< counted by hand: the comments name the terms
    TrapCode trap = TrapCode::none;
};

inline std::ostream& operator<<(std::ostream& out, const Shape& shape) {
    return out << shape.name;
}

inline const std::string many_locals = [] {
    std::string text = "(func $g (local";
    for (int i = 0; i < 640; ++i)
        text += " i64";
    return text + R"()) (func (export "f") (param i32)
        (loop (call $g) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))";
}();

inline const Shape shapes[] = {
    {"straight", R"((func (export "f") (param i32) (result i32)
        (i32.add (local.get 0) (i32.mul (local.get 0) (i32.const 3)))))",
     5, 5},
    {"free_instructions", R"((func (export "f") (param i32)
        nop (block (nop)) (drop (local.get 0)) return))",
     5, 1},
    // per iteration: get const sub tee br_if = 5
    {"loop", R"((func (export "f") (param i32)
        (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))",
     100, 500},
    // outer: const set (2) + inner 4 * 5 + get const sub tee br_if (5) = 27, three times
    {"nested_loops", R"((func (export "f") (param i32) (local i32)
        (loop (local.set 1 (i32.const 4))
            (loop (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))",
     3, 81},
    // get if, then: const; else: const const add; const add after the join
    {"if_then", R"((func (export "f") (param i32) (result i32) (i32.add (i32.const 7)
        (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.add (i32.const 1) (i32.const 2)))))))",
     1, 5},
    {"if_else", R"((func (export "f") (param i32) (result i32) (i32.add (i32.const 7)
        (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.add (i32.const 1) (i32.const 2)))))))",
     0, 7},
    {"if_without_else", R"((func (export "f") (param i32) (result i32)
        (if (local.get 0) (then (local.set 0 (i32.const 9)) (local.set 0 (i32.const 8)))) (local.get 0)))",
     0, 3},
    // get br_table, then the part of the case
    {"br_table_0", R"((func (export "f") (param i32) (result i32)
        (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 10)))
            (return (i32.add (i32.const 1) (i32.const 2)))) (i32.clz (i32.const 3))))",
     0, 3},
    {"br_table_1", R"((func (export "f") (param i32) (result i32)
        (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 10)))
            (return (i32.add (i32.const 1) (i32.const 2)))) (i32.clz (i32.const 3))))",
     1, 5},
    {"br_table_default", R"((func (export "f") (param i32) (result i32)
        (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 10)))
            (return (i32.add (i32.const 1) (i32.const 2)))) (i32.clz (i32.const 3))))",
     -1, 4},
    // while the argument is not 0: get const sub tee, br_table to the loop; then br_table out
    {"br_table_to_loop", R"((func (export "f") (param i32)
        (block (loop (br_table 1 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))))",
     6, 30},
    {"br_with_values", R"((func (export "f") (param i32) (result i32)
        (block (result i32 i32 i32) (br_if 0 (i32.const 1) (i32.const 2) (i32.const 3) (local.get 0))
            (drop) (drop) (drop) (i32.const 4) (i32.const 5) (i32.const 6))
        (i32.add) (i32.add)))",
     1, 7},
    // caller: get call const add; callee: get get add
    {"call", R"((func $g (param i32) (result i32) (i32.add (local.get 0) (local.get 0)))
        (func (export "f") (param i32) (result i32) (i32.add (call $g (local.get 0)) (i32.const 1))))",
     5, 7},
    // n > 0: get eqz if get get const sub call mul = 9; n = 0: get eqz if const = 4
    {"recursion", R"((func $f (export "f") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1))
            (else (i32.mul (local.get 0) (call $f (i32.sub (local.get 0) (i32.const 1))))))))",
     10, 94},
    // n > 0: get eqz br_if get const sub return_call = 7; n = 0: 3
    {"tail_call", R"((func $f (export "f") (param i32)
        (block (br_if 0 (i32.eqz (local.get 0)))
            (return_call $f (i32.sub (local.get 0) (i32.const 1))))))",
     20, 143},
    {"call_indirect", R"((type $t (func (param i32) (result i32))) (table funcref (elem $g))
        (func $g (type $t) (i32.add (local.get 0) (i32.const 1)))
        (func (export "f") (param i32) (result i32)
            (call_indirect (type $t) (local.get 0) (i32.const 0))))",
     1, 6},
    // get host-call get add; the host function itself costs nothing
    {"host_call", R"((import "host" "twice" (func $twice (param i32) (result i32)))
        (func (export "f") (param i32) (result i32)
            (i32.add (call $twice (local.get 0)) (local.get 0))))",
     4, 4},
    // const const const, memory.fill: 1 + ceil(130 / 64) = 4, get after it
    {"bulk", R"((memory 1) (func (export "f") (param i32) (result i32)
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 130)) (local.get 0)))",
     1, 8},
    {"bulk_loop", R"((memory 1) (func (export "f") (param i32)
        (loop (memory.copy (i32.const 0) (i32.const 8) (i32.const 64))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))",
     3, 30},
    // get splat set; n times: get const shl const add set, get const sub tee br_if; then get extract
    {"vectors", R"((func (export "f") (param i32) (result i32) (local v128)
        (local.set 1 (i32x4.splat (local.get 0)))
        (loop (local.set 1 (i32x4.add (i32x4.shl (local.get 1) (i32.const 1)) (v128.const i64x2 1 2)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (i32x4.extract_lane 2 (local.get 1))))",
     3, 38},
    // get const load store
    {"trap_of_vector", R"((memory 1) (func (export "f") (param i32) (result i32)
        (v128.store (local.get 0) (v128.load (i32.const 65520))) (i32.const 1)))",
     65521, 4, TrapCode::memory_out_of_bounds},
    // try_table, get, throw of a value, then at the label: const add
    {"exception", R"((tag $e (param i32)) (func (export "f") (param i32) (result i32)
        (i32.add (i32.const 1) (block (result i32)
            (try_table (catch $e 0) (throw $e (local.get 0))) (i32.const 9)))))",
     5, 5},
    // try_table, get if call, callee: const throw; then const; or without a throw: get if, const
    {"exception_from_callee", R"((tag $e) (func $g (drop (i32.const 1)) (throw $e))
        (func (export "f") (param i32) (result i32)
            (block (try_table (catch_all 0) (if (local.get 0) (then (call $g)))) (return (i32.const 7)))
            (i32.const 8)))",
     1, 7},
    // try, get, throw of a value, then in the catch block: const add; add after the block
    {"legacy_catch", R"((tag $e (param i32)) (func (export "f") (param i32) (result i32)
        (i32.add (i32.const 1) (try (result i32) (do (throw $e (local.get 0)))
            (catch $e (i32.add (i32.const 2)))))))",
     5, 7},
    // try, get, const, over the catch block; add, const
    {"legacy_no_throw", R"((tag $e (param i32)) (func (export "f") (param i32) (result i32)
        (i32.add (i32.const 1) (try (result i32) (do (local.get 0)) (catch $e (i32.add (i32.const 2)))
            (catch_all (unreachable))))))",
     5, 4},
    // n > 0: try try const, call, callee: get throw; outer catch: drop(const), rethrow, then get const sub
    // tee br_if
    {"legacy_rethrow_in_loop", R"((tag $e (param i32)) (func $g (param i32) (throw $e (local.get 0)))
        (func (export "f") (param i32)
            (loop (try (do (try (do (call $g (i32.const 7)))
                               (catch $e (drop) (drop (i32.const 1)) (rethrow 0))))
                       (catch_all (nop)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))",
     4, 52},
    // three tries, get if call, callee: const throw, the catch of the delegate's target: const
    {"legacy_delegate", R"((tag $e) (func $g (drop (i32.const 1)) (throw $e))
        (func (export "f") (param i32) (result i32)
            (try $t (result i32) (do
                (try (do (try (do (if (local.get 0) (then (call $g)))) (delegate $t)))
                    (catch_all (unreachable)))
                (i32.const 7))
                (catch $e (i32.const 8)))))",
     1, 9},
    {"legacy_uncaught_rethrow", R"((tag $e) (func (export "f") (param i32)
        (try (do (throw $e)) (catch_all (drop (local.get 0)) (rethrow 0)))))",
     1, 4, TrapCode::uncaught_exception},
    {"uncaught_exception", R"((tag $e) (func $g (throw $e)) (func (export "f") (param i32) (call $g)))", 1, 2,
     TrapCode::uncaught_exception},
    // const const get extend const, add128, mul_wide_s, then drop and wrap
    {"wide", R"((func (export "f") (param i32) (result i32)
        (i64.mul_wide_s (i64.add128 (i64.const 1) (i64.const 2)
            (i64.extend_i32_u (local.get 0)) (i64.const 3)))
        (drop) (i32.wrap_i64)))",
     5, 8},
    // Traps: what came before, and the instruction itself.
    {"trap_in_block", R"((memory 1) (func (export "f") (param i32) (result i32)
        (drop (i32.add (local.get 0) (i32.const 1)))
        (i32.load (i32.const 65536)) (drop) (i32.const 1)))",
     1, 5, TrapCode::memory_out_of_bounds},
    {"trap_divide", R"((func (export "f") (param i32) (result i32)
        (i32.add (i32.const 1) (i32.div_u (i32.const 1) (local.get 0)))))",
     0, 4, TrapCode::integer_divide_by_zero},
    // third iteration: get const sub tee, const get div
    {"trap_in_loop", R"((func (export "f") (param i32)
        (loop (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (drop (i32.div_s (i32.const 8) (local.get 0))) (br 0))))",
     3, 23, TrapCode::integer_divide_by_zero},
    {"trap_in_callee", R"((func $g (param i32) (i32.const 1) (drop) (unreachable))
        (func (export "f") (param i32) (call $g (local.get 0)) (i32.const 1) (drop)))",
     1, 3, TrapCode::unreachable},
    {"trap_of_fused_load", R"((memory 1) (func (export "f") (param i32) (result i32)
        (i32.load (i32.add (local.get 0) (local.get 0)))))",
     0x7ffffff0, 4, TrapCode::memory_out_of_bounds},
    {"trap_of_bulk", R"((memory 1) (func (export "f") (param i32)
        (memory.fill (i32.const 65000) (i32.const 1) (i32.const 640))))",
     1, 14, TrapCode::memory_out_of_bounds},
    // call, entering 640 locals: 10, twice over a loop: get const sub tee br_if
    {"many_locals", many_locals.c_str(), 2, 32},
    // get const new get
    {"structure", R"((type $s (struct (field i32 i64)))
        (func (export "f") (param i32) (result i32)
            (struct.get $s 0 (struct.new $s (local.get 0) (i64.const 1)))))",
     1, 4},
    // const new_default get; 8 + 32 * 16 bytes are 520: 8 more units
    {"large_structure", R"((type $s (struct (field v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128
            v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128
            v128 v128)))
        (func (export "f") (param i32) (drop (struct.new_default $s))))",
     1, 9},
    // get const new (100 * 8 bytes: 13 units) get const get add; set of a local between
    {"array", R"((type $a (array (mut i64))) (func (export "f") (param i32) (result i32) (local (ref null $a))
        (local.set 1 (array.new $a (i64.const 3) (i32.const 100)))
        (array.len (local.get 1))))",
     1, 19},
    // const new_default(1 + 2) set, get const get const const copy (1 + 1)
    {"array_copy", R"((type $a (array (mut i8))) (func (export "f") (param i32) (local (ref null $a))
        (local.set 1 (array.new_default $a (i32.const 128)))
        (array.copy $a $a (local.get 1) (i32.const 1) (local.get 1) (i32.const 0) (i32.const 64))))",
     1, 12},
    {"trap_array", R"((type $a (array (mut i8))) (func (export "f") (param i32)
        (array.fill $a (array.new_fixed $a 2 (i32.const 1) (i32.const 2)) (i32.const 1) (i32.const 7)
            (i32.const 64))))",
     1, 9, TrapCode::array_out_of_bounds},
    // get ref.i31 br_on_cast get_s
    {"casts", R"((func (export "f") (param i32) (result i32)
        (i31.get_s (block (result (ref i31)) (br_on_cast 0 anyref (ref i31) (ref.i31 (local.get 0)))
            (unreachable)))))",
     1, 4},
    {"trap_cast", R"((func (export "f") (param i32)
        (drop (ref.cast (ref struct) (ref.i31 (local.get 0))))))",
     1, 3, TrapCode::cast_failure},
    // get const new new_desc set; const new new_default_desc; get get_desc
    {"descriptors", R"((rec (type $a (descriptor $b) (struct (field i32)))
            (type $b (describes $a) (struct (field i32))))
        (func (export "f") (param i32) (local (ref null $a))
            (local.set 1 (struct.new_desc $a (local.get 0) (struct.new $b (i32.const 1))))
            (drop (struct.new_default_desc $a (struct.new $b (i32.const 1))))
            (drop (ref.get_desc $a (local.get 1)))))",
     1, 10},
    // new set; get new_desc get br_on_cast; null get cast
    {"descriptor_casts", R"((rec (type $a (descriptor $b) (struct)) (type $b (describes $a) (struct)))
        (func (export "f") (param i32) (local (ref null (exact $b)))
            (local.set 1 (struct.new $b))
            (block (result anyref)
                (br_on_cast_desc_eq 0 anyref (ref $a) (struct.new_desc $a (local.get 1)) (local.get 1))
                (unreachable))
            (drop)
            (drop (ref.cast_desc_eq (ref null $a) (ref.null none) (local.get 1)))))",
     1, 9},
    // new new_default_desc; 8 + 8 + 32 * 16 bytes are 528: 8 more units
    {"large_described",
     R"((rec (type $s (descriptor $d) (struct (field v128 v128 v128 v128 v128 v128 v128 v128
            v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128
            v128 v128 v128 v128))) (type $d (describes $s) (struct)))
        (func (export "f") (param i32) (drop (struct.new_default_desc $s (struct.new $d)))))",
     1, 10},
    {"trap_null_descriptor", R"((rec (type $a (descriptor $b) (struct)) (type $b (describes $a) (struct)))
        (func (export "f") (param i32) (drop (struct.new_desc $a (ref.null none)))))",
     1, 2, TrapCode::null_descriptor},
    {"trap_descriptor_cast", R"((rec (type $a (descriptor $b) (struct)) (type $b (describes $a) (struct)))
        (func (export "f") (param i32)
            (drop (ref.cast_desc_eq (ref $a) (ref.i31 (local.get 0)) (struct.new $b)))))",
     1, 4, TrapCode::descriptor_cast_failure},
    {"trap_get_descriptor", R"((rec (type $a (descriptor $b) (struct)) (type $b (describes $a) (struct)))
        (func (export "f") (param i32) (drop (ref.get_desc $a (ref.null $a)))))",
     1, 2, TrapCode::null_reference},
    {"trap_of_host", R"((import "host" "fail" (func $fail))
        (func (export "f") (param i32) (local.set 0 (i32.const 1)) (call $fail) (local.set 0 (i32.const 1))))",
     1, 3, TrapCode::host_error},
    {"trap_indirect", R"((table 1 funcref) (func (export "f") (param i32)
        (call_indirect (i32.const 7))))",
     1, 2, TrapCode::undefined_element},
};

}  // namespace wsb::testing
