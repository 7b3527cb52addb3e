// SPDX-License-Identifier: Apache-2.0
// Instructions that share a cell do what they do alone. The stepping form, which a run with little fuel is in
// from its first instruction on, has a cell for each instruction; so both forms must agree on results, on the
// place and the fuel of traps, and on what was written.
#include "tests/unit/api/api_fixture.h"

#include <fmt/format.h>

#include <bit>
#include <string>
#include <vector>

namespace wsb::testing {
namespace {

using SharedCells = ApiTest;

constexpr int32_t numbers[] = {0, 1, -1, 31, 65'532, 65'535, 0x12345678, INT32_MIN};

/// What one run did.
struct Run {
    std::string outcome;  ///< the result, or the trap with its place
    uint64_t fuel = 0;
    int32_t written = 0;  ///< the global, and what memory has where stores go

    bool operator==(const Run&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Run& run) {
        return out << run.outcome << ", fuel " << run.fuel << ", written " << run.written;
    }
};

/// One function "f" of two i32, beside a memory of one page and a global.
std::string module_of(const std::string& result, const std::string& body) {
    return fmt::format(R"((memory 1) (data (i32.const 0) "\01\82\03\f4\05\06\07\c8\c0\0a\f0\3f")
        (data (i32.const 65528) "\11\92\13\04\05\06\f7\08") (global $g (export "g") (mut i32) (i32.const 0))
        (func (export "f") (param $x i32) (param $y i32) (result {0}) (local $d f64) (local $e f64)
            (local.set $d (f64.convert_i32_s (local.get $x))) (local.set $e (f64.const 0.37))
            {1})
        (table 1 funcref) (elem (i32.const 0) $twice)
        (func $twice (param $z i32) (result i32) (i32.mul (local.get $z) (i32.const 2)))
        (func (export "sum") (result i32) (local $i i32) (local $s i32)
            (loop (local.set $s (i32.add (i32.mul (local.get $s) (i32.const 31))
                                         (i32.load8_u (local.get $i))))
                (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 128))))
            (local.get $s)))",
                       result, body);
}

Run run(Store& store, const Instance& instance, int32_t x, int32_t y, uint64_t fuel) {
    store.set_fuel(fuel);
    const auto outcome = instance.func("f").value().call({x, y});
    Run run;
    run.fuel = fuel - store.fuel_left().value();
    if (outcome) {
        const Value value = outcome->front();
        run.outcome = value.type() == ValType(ValType::i32)
                          ? fmt::to_string(value.i32())
                          : fmt::to_string(std::bit_cast<uint64_t>(value.f64()));
    } else {
        const Trap* const trap = outcome.error().trap();
        run.outcome = fmt::format("{} at {}", outcome.error().message(), trap->frames.at(0).offset_bytes);
    }
    store.set_fuel(1'000'000);
    run.written = instance.typed_function<int32_t()>("sum").value()().value() ^
                  instance.global("g").value().get().i32();
    return run;
}

struct SharedCellsTest : SharedCells {
    /// Runs the body in both forms on fresh instances.
    void expect_same(const std::string& result, const std::string& body) {
        SCOPED_TRACE(body);
        const Module compiled = module(module_of(result, body));
        Store own = Store::create(engine).value();
        for (const int32_t x : numbers) {
            for (const int32_t y : {3, -4}) {
                const auto fast = linker.instantiate(own, compiled);
                const auto stepping = linker.instantiate(own, compiled);
                ASSERT_TRUE(fast && stepping);
                ASSERT_EQ(run(own, *fast, x, y, 1'000'000), run(own, *stepping, x, y, 1000)) << x << " " << y;
            }
        }
    }
    /// How many bytes of cells a body takes.
    uint64_t size_bytes(const std::string& result, const std::string& body) {
        return module(module_of(result, body)).code_statistics().translated_bytes;
    }
};

const std::string i32_operations[] = {"add", "sub", "mul",   "and",   "or",
                                      "xor", "shl", "shr_s", "shr_u", "rotl"};
const std::string f64_operations[] = {"add", "sub", "mul"};

/// Operands of a first instruction in all shapes: slots, immediates, the accumulator.
const std::string i32_pairs[] = {
    "(local.get $x) (local.get $y)",
    "(local.get $x) (i32.const 5)",
    "(i32.clz (local.get $x)) (local.get $y)",
    "(i32.clz (local.get $x)) (i32.const 70001)",
    "(local.get $x) (i32.popcnt (local.get $y))",
    "(i32.const -9) (local.get $y)",
};

TEST_F(SharedCellsTest, NumericPairs) {
    for (const std::string& first : i32_operations) {
        for (const std::string& second : i32_operations) {
            for (const std::string& operands : i32_pairs) {
                const std::string between = fmt::format("(i32.{} {})", first, operands);
                expect_same("i32", fmt::format("(i32.{} {} (local.get $y))", second, between));
                expect_same("i32", fmt::format("(i32.{} (local.get $x) {})", second, between));
                expect_same("i32", fmt::format("(i32.{} {} (i32.const -3)) (local.tee $x)", second, between));
            }
        }
    }
    for (const std::string& first : f64_operations) {
        for (const std::string& second : f64_operations) {
            for (const char* operands :
                 {"(local.get $d) (local.get $e)", "(f64.sqrt (local.get $d)) (local.get $e)",
                  "(local.get $d) (f64.neg (local.get $e))"}) {
                const std::string between = fmt::format("(f64.{} {})", first, operands);
                expect_same("f64", fmt::format("(f64.{} {} (local.get $e))", second, between));
                expect_same("f64", fmt::format("(f64.{} (local.get $d) {})", second, between));
            }
        }
    }
}

/// Addresses in all shapes, of which some are outside.
const std::string addresses[] = {
    "(local.get $x)",
    "(i32.and (local.get $x) (i32.const 65535))",
    "(i32.add (local.get $x) (local.get $y))",
    "(i32.add (local.get $x) (i32.const -2))",
    "(i32.add (i32.popcnt (local.get $x)) (local.get $y))",
    "(i32.const 65529)",
};

TEST_F(SharedCellsTest, LoadsAndTheirUse) {
    for (const std::string& address : addresses) {
        for (const char* offset : {"", "offset=3", "offset=65528", "offset=65536", "offset=4294967295"}) {
            for (const char* load : {"i32.load", "i32.load8_u"}) {
                const std::string loaded = fmt::format("({} {} {})", load, offset, address);
                for (const std::string& second : i32_operations) {
                    expect_same("i32", fmt::format("(i32.{} {} (local.get $y))", second, loaded));
                    expect_same("i32",
                                fmt::format("(i32.{} {} (i32.const 70001)) (local.tee $x)", second, loaded));
                }
            }
            const std::string loaded = fmt::format("(f64.load {} {})", offset, address);
            for (const std::string& second : f64_operations) {
                expect_same("f64", fmt::format("(f64.{} {} (local.get $e))", second, loaded));
                expect_same("f64", fmt::format("(f64.{} (local.get $d) {})", second, loaded));
            }
        }
    }
}

TEST_F(SharedCellsTest, StoresToSums) {
    for (const std::string& address : addresses) {
        for (const char* offset : {"", "offset=5", "offset=65536"}) {
            expect_same("i32",
                        fmt::format("(i32.store {} {} (local.get $y)) (local.get $x)", offset, address));
            expect_same("i32",
                        fmt::format("(i32.store16 {} {} (i32.const 777)) (local.get $x)", offset, address));
            expect_same("i32",
                        fmt::format("(f64.store {} {} (local.get $d)) (local.get $x)", offset, address));
            expect_same("i32",
                        fmt::format("(i64.store {} {} (i64.const -7)) (local.get $x)", offset, address));
        }
    }
}

/// What shares the cell of anything that comes next: it changes a local.
const std::string prefixes[] = {
    "(local.set $x (i32.add (local.get $x) (i32.const 3)))",
    "(local.set $x (local.get $y))",
    "(local.set $x (i32.const 65530))",
    "(local.set $x (local.get $y)) (local.set $x (i32.add (local.get $x) (i32.const -1)))",
    "(local.set $x (i32.const 7)) (local.set $y (local.get $x)) (local.set $y (i32.const -2))",
};

/// Then something that uses the local or does not, and may trap.
TEST_F(SharedCellsTest, PrefixesAndWhatFollows) {
    const std::string followers[] = {
        "(i32.sub (local.get $y) (local.get $x))",
        "(i32.xor (i32.mul (local.get $x) (i32.const 5)) (local.get $y))",
        "(i32.load (local.get $x))",
        "(i32.load (local.get $y))",
        "(i32.load8_s offset=2 (i32.add (local.get $x) (local.get $y)))",
        "(i32.and (i32.load (local.get $x)) (local.get $y))",
        "(i32.store (local.get $x) (local.get $x)) (local.get $y)",
        "(i32.store8 (i32.const 9) (local.get $x)) (local.get $y)",
        "(i32.store (i32.add (local.get $x) (local.get $y)) (local.get $y)) (local.get $x)",
        "(if (i32.gt_s (local.get $x) (i32.const 40)) (then (global.set $g (i32.const 6)))) (local.get $x)",
        "(block (br_if 0 (i32.lt_u (local.get $y) (local.get $x))) (global.set $g (i32.const 7))) (local.get "
        "$y)",
        "(i32.lt_s (local.get $x) (local.get $y))",
        "(local.set $x (i32.add (local.get $x) (i32.const 4))) (i32.load (local.get $x))",
        "(local.set $y (i32.add (local.get $y) (i32.const 4))) (local.set $y (i32.add (local.get $y)"
        " (i32.const 5))) (i32.mul (local.get $x) (local.get $y))",
        "(i32.add (local.get $x) (i32.add (local.get $x) (i32.const 1))) (local.tee $y)",
        "(i32.div_s (local.get $y) (local.get $x))",
        "(loop (if (i32.eq (local.tee $y (i32.add (local.get $y) (i32.const 1))) (local.get $x)) (then "
        "(return "
        "(i32.const 5)))) (local.set $x (local.get $y)) (br_if 0 (i32.lt_s (local.tee $y (i32.add (local.get "
        "$y) (i32.const 1))) (i32.const 20)))) (local.get $x)",
        "(block (block (block (br_table 0 1 2 (local.get $x))) (return (local.get $y))) (global.set $g "
        "(i32.const "
        "8))) (local.get $x)",
        "(block $out (loop $again (br_if $out (i32.gt_s (local.get $y) (i32.const 9))) (local.set $y "
        "(i32.add "
        "(local.get $y) (i32.const 2))) (local.set $x (local.get $y)) (br $again))) (local.get $x)",
        "(call $twice (local.get $x))",
        "(call $twice (local.get $y)) (local.get $x) (i32.add)",
        "(call_indirect (param i32) (result i32) (i32.const 1) (local.get $x))",
        "(i32.sub (call $twice (i32.const 5)) (local.get $x))",
        "(select (local.get $x) (local.get $y) (i32.const 1))",
    };
    for (const std::string& follower : followers) {
        for (const std::string& prefix : prefixes)
            expect_same("i32", prefix + follower);
        // A sum on the operand stack, which may still lose its store.
        expect_same("i32", fmt::format("(i32.add (local.get $x) (i32.const 3)) {} (i32.add)", follower));
    }
}

/// A first instruction, a comparison of its result, and branches on it both ways.
TEST_F(SharedCellsTest, BranchesOnComparisons) {
    std::vector<std::string> firsts;
    for (const char* first : {"and", "add", "sub"}) {
        for (const std::string& operands : i32_pairs)
            firsts.push_back(fmt::format("(i32.{} {})", first, operands));
    }
    for (const std::string& address : addresses) {
        firsts.push_back(fmt::format("(i32.load offset=2 {})", address));
        firsts.push_back(fmt::format("(i32.load8_u {})", address));
    }
    const std::vector<std::string> all_comparisons = {"eq",   "ne",   "lt_s", "lt_u", "gt_s",
                                                      "gt_u", "le_s", "le_u", "ge_s", "ge_u"};
    const std::vector<std::string> some_comparisons = {"ne", "lt_s"};
    for (const std::string& first : firsts) {
        std::vector<std::string> conditions{first, fmt::format("(i32.eqz {})", first)};
        const bool has_all = first == firsts.front() || first == firsts.back();
        for (const std::string& compare : has_all ? all_comparisons : some_comparisons) {
            conditions.push_back(fmt::format("(i32.{} {} (local.get $y))", compare, first));
            conditions.push_back(fmt::format("(i32.{} {} (i32.const 3))", compare, first));
        }
        for (const std::string& condition : conditions) {
            expect_same("i32", fmt::format("(if (result i32) {} (then (i32.const 1)) (else (i32.const 2)))",
                                           condition));
            expect_same(
                "i32",
                fmt::format("(block (br_if 0 {}) (global.set $g (i32.const 5))) (local.get $x)", condition));
            // Values below the branch stay, in the accumulator or not.
            expect_same("i32", fmt::format("(i32.mul (local.get $x) (i32.const 7)) (block (result i32)"
                                           " (i32.const 8) (br_if 0 {}) (i32.xor (local.get $y))) (i32.add)",
                                           condition));
            // Back, at most some times.
            expect_same("i32", fmt::format("(loop (local.set $e (f64.add (local.get $e) (f64.const 1)))"
                                           " (if (f64.lt (local.get $e) (f64.const 9)) (then (br_if 1 {}))))"
                                           " (i32.trunc_sat_f64_s (local.get $e))",
                                           condition));
            expect_same("i32",
                        fmt::format("(block (loop (br_if 1 (i32.gt_u (local.tee $x (i32.add (local.get $x)"
                                    " (i32.const 7))) (i32.const 80))) (br_if 0 {}))) (local.get $x)",
                                    condition));
        }
    }
}

/// If nothing were shared all of the above would pass.
TEST_F(SharedCellsTest, SharingSavesRoom) {
    const auto expect_smaller = [&](const std::string& shared, const std::string& apart) {
        EXPECT_LT(size_bytes("i32", shared), size_bytes("i32", apart)) << shared;
    };
    // The same instructions with a block end in between, over which nothing reaches back.
    const std::string label = "(block (br_if 0 (f64.lt (local.get $d) (local.get $e))))";
    const std::string sum = "(i32.add (i32.add (local.get $x) (local.get $y)) (local.get $x))";
    expect_smaller(label + sum,
                   "(i32.add (local.get $x) (local.get $y))" + label + "(local.get $x) (i32.add)");
    expect_smaller(label + "(i32.xor (i32.load (local.get $x)) (local.get $y))",
                   "(i32.load (local.get $x))" + label + "(local.get $y) (i32.xor)");
    for (const std::string& prefix : {prefixes[0], prefixes[1], prefixes[2]})
        expect_smaller(label + prefix + "(i32.load (local.get $y))",
                       prefix + label + "(i32.load (local.get $y))");
    expect_smaller(
        label + "(i32.store (i32.add (local.get $x) (local.get $y)) (local.get $y)) (local.get $x)",
        "(i32.add (local.get $x) (local.get $y))" + label + "(local.get $y) (i32.store) (local.get $x)");
}

/// A call does not get into or out of a catch block by sharing the cell of a neighbour across its border.
TEST_F(SharedCellsTest, CatchBlocksKeepTheirBorders) {
    const std::string copy = "(local.set $y (local.get $x))", call = "(call $throws)";
    const auto ends_with = [&](const std::string& inside, const std::string& behind) {
        const Module compiled = module(fmt::format(
            R"((tag $t) (func $throws (throw $t))
               (func (export "f") (param $x i32) (result i32) (local $y i32)
                   (block $caught (try_table (catch_all $caught) {}) {} (return (i32.const 1))) (i32.const 2)))",
            inside, behind));
        Store own = Store::create(engine).value();
        const Instance instance = linker.instantiate(own, compiled).value();
        const auto outcome = instance.typed_function<int32_t(int32_t)>("f").value()(7);
        return outcome ? *outcome : 0;
    };
    EXPECT_EQ(ends_with(copy + call, ""), 2);
    EXPECT_EQ(ends_with(copy, call), 0);
    EXPECT_EQ(ends_with(call, copy), 2);
    EXPECT_EQ(ends_with("", copy + call), 0);
    EXPECT_EQ(ends_with("", copy), 1);
}

}  // namespace
}  // namespace wsb::testing
