// SPDX-License-Identifier: Apache-2.0
// Objects and exceptions of the guest in the host's hands.
#include "tests/unit/api/api_fixture.h"

#include <string>

namespace wsb::testing {
namespace {

struct ReferenceTest : ApiTest {
    const Instance objects = instance(R"((type $box (struct (field i32))) (type $list (array i8))
        (func (export "box") (param i32) (result anyref) (struct.new $box (local.get 0)))
        (func (export "list") (result anyref) (array.new_default $list (i32.const 3)))
        (func (export "small") (result anyref) (ref.i31 (i32.const 5)))
        (func (export "none") (result anyref) (ref.null any))
        (func (export "as_extern") (param anyref) (result externref) (extern.convert_any (local.get 0)))
        (func (export "read") (param anyref) (result i32)
            (struct.get $box 0 (ref.cast (ref $box) (local.get 0))))
        (func (export "read_extern") (param externref) (result i32)
            (struct.get $box 0 (ref.cast (ref $box) (any.convert_extern (local.get 0)))))
        (func (export "take_struct") (param structref))
        (table (export "t") 2 anyref)
        (global (export "g") (mut anyref) (ref.null any)))");

    Value call(std::string_view name, std::vector<Value> args = {}) {
        auto results = objects.func(name).value().call(args);
        EXPECT_TRUE(results) << results.error().message();
        return results->empty() ? Value() : results->front();
    }
};

constexpr ValType reference(HeapType::Abstract heap) {
    return ValType::reference(heap, false);
}

TEST_F(ReferenceTest, AreKeptWhileTheHostHasThem) {
    const Value box = call("box", {Value(42)});
    store.collect_garbage();
    EXPECT_EQ(call("read", {box}).i32(), 42);
    ASSERT_TRUE(objects.global("g").value().set(box));
    EXPECT_EQ(objects.global("g").value().get(), box);
}

TEST_F(ReferenceTest, AreRefusedAfterTheirScope) {
    std::optional<Value> box;
    {
        const RootScope scope(store);
        box = call("box", {Value(42)});
        EXPECT_TRUE(box->has_type(store, reference(HeapType::struct_)));
    }
    EXPECT_FALSE(box->has_type(store, reference(HeapType::any)));
    EXPECT_EQ(objects.func("read").value().call({*box}).error().error()->code, ErrorCode::signature_mismatch);
    EXPECT_FALSE(objects.table("t").value().set(0, *box));
    EXPECT_FALSE(objects.global("g").value().set(*box));
    store.collect_garbage();
    EXPECT_EQ(call("read", {call("box", {Value(1)})}).i32(), 1);
}

TEST_F(ReferenceTest, HaveTheTypesOfWhatTheyReferTo) {
    const Value box = call("box", {Value(1)});
    const Value list = call("list");
    const Value small = call("small");
    const Value none = call("none");
    EXPECT_TRUE(box.has_type(store, reference(HeapType::eq)));
    EXPECT_FALSE(box.has_type(store, reference(HeapType::array)));
    EXPECT_TRUE(list.has_type(store, reference(HeapType::array)));
    EXPECT_TRUE(small.has_type(store, reference(HeapType::i31)));
    EXPECT_FALSE(small.has_type(store, reference(HeapType::struct_)));
    EXPECT_FALSE(small.has_type(store, reference(HeapType::extern_)));
    EXPECT_TRUE(none.has_type(store, ValType::reference(HeapType::struct_, true)));
    EXPECT_FALSE(none.has_type(store, reference(HeapType::struct_)));
    // An anyref goes where a structure is wanted, if it is one.
    EXPECT_TRUE(objects.func("take_struct").value().call({box}));
    EXPECT_FALSE(objects.func("take_struct").value().call({list}));
    EXPECT_EQ(small, Value::from_raw(small.type(), small.raw()[0]));
}

TEST_F(ReferenceTest, ObjectsTravelAsExternrefs) {
    const auto read = objects.typed_function<int32_t(ExternRef)>("read_extern").value();
    const Value converted = call("as_extern", {call("box", {Value(9)})});
    store.collect_garbage();
    EXPECT_EQ(read(converted.externref()).value(), 9);
    EXPECT_EQ(converted.externref().object(store), nullptr);
    // A host object is no structure.
    const ExternRef host = ExternRef::create(store, std::string("host")).value();
    EXPECT_TRUE(read(host).error().is_trap(TrapCode::cast_failure));
    EXPECT_EQ(std::any_cast<std::string>(*host.object(store)), "host");
}

TEST_F(ReferenceTest, TypedCallsRefuseWhatWasLetGo) {
    const auto read = objects.typed_function<int32_t(ExternRef)>("read_extern").value();
    std::optional<ExternRef> old;
    {
        const RootScope scope(store);
        old = call("as_extern", {call("box", {Value(9)})}).externref();
        EXPECT_EQ(read(*old).value(), 9);
    }
    EXPECT_FALSE(read(*old));
    ASSERT_TRUE(linker.function("host", "old", [&] { return *old; }));
    const Instance i = instance(R"((import "host" "old" (func $old (result externref)))
        (func (export "f") (result externref) (call $old)))");
    EXPECT_TRUE(i.typed_function<ExternRef()>("f").value()().error().is_trap(TrapCode::host_error));
}

TEST_F(ReferenceTest, HostFunctionsAreScopes) {
    std::optional<Value> seen;
    const FuncType type{{ValType::reference(HeapType::any, true)}, {ValType::reference(HeapType::any, true)}};
    ASSERT_TRUE(linker.function(
        "host", "same", type,
        [&](Caller& caller, std::span<const Value> args, std::span<Value> results) -> CallResult<void> {
            caller.store().collect_garbage();
            seen = args[0];
            EXPECT_TRUE(seen->has_type(store, reference(HeapType::struct_)));
            results[0] = args[0];
            return {};
        }));
    const Instance i = instance(R"((import "host" "same" (func $same (param anyref) (result anyref)))
        (type $box (struct (field i32)))
        (func (export "f") (result i32) (local anyref)
            (local.set 0 (call $same (struct.new $box (i32.const 3))))
            (struct.get $box 0 (ref.cast (ref $box) (local.get 0)))))");
    EXPECT_EQ(i.typed_function<int32_t()>("f").value()().value(), 3);
    EXPECT_FALSE(seen->has_type(store, reference(HeapType::struct_)));
}

// Exceptions

struct ExceptionTest : ApiTest {
    const Instance thrower =
        instance(R"((tag $t (export "t") (param i32 f64)) (tag $u (export "u") (param i32 f64))
        (func (export "f") (param i32) (throw $t (local.get 0) (f64.const 0.5))))");
    const Tag tag = std::get<Tag>(thrower.get("t").value());
};

TEST_F(ExceptionTest, UncaughtOnesReachTheHostWithTagAndValues) {
    const auto outcome = thrower.typed_function<void(int32_t)>("f").value()(7);
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().is_trap(TrapCode::uncaught_exception));
    store.collect_garbage();
    const auto exception = Exception::of(store, outcome.error());
    ASSERT_TRUE(exception);
    EXPECT_EQ(exception->tag(), tag);
    EXPECT_NE(exception->tag(), std::get<Tag>(thrower.get("u").value()));
    EXPECT_EQ(exception->values(), (std::vector<Value>{Value(7), Value(0.5)}));
    EXPECT_EQ(outcome.error().trap()->frames.size(), 1u);
    const Failure other(Trap{TrapCode::unreachable, {}, {}});
    EXPECT_FALSE(Exception::of(store, other));
}

TEST_F(ExceptionTest, AreMadeOfValuesThatFit) {
    const Value good[] = {Value(1), Value(2.0)};
    const Value bad[] = {Value(1), Value(2)};
    EXPECT_TRUE(Exception::create(tag, good));
    EXPECT_EQ(Exception::create(tag, bad).error().message(),
              "signature does not match: value 2: expected f64, found i32");
    EXPECT_EQ(Exception::create(tag, std::span(good).first(1)).error().message(),
              "signature does not match: 1 values for a tag of 2");
}

/// A host function that throws, and guests that catch it below calls of each kind.
TEST_F(ExceptionTest, HostFunctionsThrow) {
    int calls = 0;
    ASSERT_TRUE(linker.function("host", "throw", [&](int32_t x) -> CallResult<int32_t> {
        ++calls;
        const Value values[] = {Value(x), Value(1.5)};
        return Exception::create(tag, values).value().thrown();
    }));
    ASSERT_TRUE(linker.define("m", "t", tag));
    const Instance i = instance(R"((import "host" "throw" (func $throw (param i32) (result i32)))
        (import "m" "t" (tag $t (param i32 f64)))
        (func $tail (param i32) (result i32) (return_call $throw (local.get 0)))
        (func $catch (param i32) (result i32)
            (block $h (result i32 f64)
                (try_table (result i32) (catch $t $h) (call $throw (local.get 0))) (return))
            (drop))
        (func $catch_tail (param i32) (result i32)
            (block $h (result i32 f64)
                (try_table (result i32) (catch $t $h) (call $tail (local.get 0))) (return))
            (drop))
        (func (export "f") (param i32) (result i32)
            (i32.add (i32.mul (i32.const 100) (call $catch (local.get 0)))
                (call $catch_tail (i32.add (local.get 0) (i32.const 1)))))
        (func (export "uncaught") (param i32) (result i32) (call $tail (local.get 0))))");
    const auto f = i.typed_function<int32_t(int32_t)>("f").value();
    EXPECT_EQ(f(7).value(), 708);
    EXPECT_EQ(calls, 2);
    const uint64_t cost = [&] {
        const uint64_t before = store.fuel_consumed();
        EXPECT_EQ(f(7).value(), 708);
        return store.fuel_consumed() - before;
    }();
    for (uint64_t budget = 0; budget <= cost; ++budget) {
        store.set_fuel(budget);
        EXPECT_EQ(f(7).has_value(), budget == cost);
        EXPECT_EQ(store.fuel_left(), 0u) << budget;
    }
    store.set_fuel(std::nullopt);
    const auto outcome = i.typed_function<int32_t(int32_t)>("uncaught").value()(3);
    const auto exception = Exception::of(store, outcome.error());
    ASSERT_TRUE(exception);
    EXPECT_EQ(exception->values()[0].i32(), 3);
}

/// Guest, host, guest: what the inner one throws, the outer one catches.
TEST_F(ExceptionTest, PassThroughAHostFunction) {
    const auto inner = thrower.typed_function<void(int32_t)>("f").value();
    ASSERT_TRUE(linker.function("host", "call", [&](int32_t x) -> CallResult<void> { return inner(x); }));
    ASSERT_TRUE(linker.define("m", "t", tag));
    const Instance i = instance(R"((import "host" "call" (func $call (param i32)))
        (import "m" "t" (tag $t (param i32 f64)))
        (func (export "f") (param i32) (result i32)
            (block $h (result i32 f64) (try_table (catch $t $h) (call $call (local.get 0))) (return (i32.const 0)))
            (drop)))");
    EXPECT_EQ(i.typed_function<int32_t(int32_t)>("f").value()(11).value(), 11);
}

struct ExactReferenceTest : ApiTest {
    ExactReferenceTest() : ApiTest(Features::up_to(4)) {}
};

/// What the host passes where an exact type is wanted may not be of a type below.
TEST_F(ExactReferenceTest, AreCheckedWhenTheHostPassesThem) {
    const Instance i =
        instance(R"((type $a (sub (struct (field i32)))) (type $b (sub $a (struct (field i32))))
        (type $f (sub (func))) (type $g (sub $f (func))) (func $f (type $f)) (func $g (type $g))
        (export "ff" (func $f)) (export "gg" (func $g))
        (func (export "a") (result anyref) (struct.new $a (i32.const 1)))
        (func (export "b") (result anyref) (struct.new $b (i32.const 2)))
        (func (export "read") (param (ref (exact $a))) (result i32) (struct.get $a 0 (local.get 0)))
        (func (export "take") (param (ref null (exact $f))))
        (global (export "global") (mut (ref null (exact $a))) (ref.null (exact $a))))");
    const auto made = [&](const char* name) { return i.func(name).value().call({}).value().front(); };
    const Func read = i.func("read").value(), take = i.func("take").value();
    EXPECT_EQ(read.call({made("a")}).value().front().i32(), 1);
    EXPECT_EQ(read.call({made("b")}).error().error()->code, ErrorCode::signature_mismatch);
    EXPECT_TRUE(i.global("global").value().set(made("a")));
    EXPECT_FALSE(i.global("global").value().set(made("b")));
    EXPECT_TRUE(take.call({Value(i.func("ff").value())}));
    EXPECT_EQ(take.call({Value(i.func("gg").value())}).error().error()->code, ErrorCode::signature_mismatch);
}

}  // namespace
}  // namespace wsb::testing
