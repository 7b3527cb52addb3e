// SPDX-License-Identifier: Apache-2.0
#include "engine/isa/canon.h"

#include "engine/isa/limits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>

namespace wsb {
namespace {

ValType ref(uint32_t index, bool nullable = false) {
    return ValType::reference(HeapType(TypeIdx(index)), nullable);
}
ValType abstract(HeapType::Abstract heap, bool nullable = true) {
    return ValType::reference(heap, nullable);
}

SubType func(ResultType params, ResultType results = {}) {
    return {.is_final = true, .super = {}, .composite = FuncType{std::move(params), std::move(results)}};
}
SubType structure(std::vector<ValType> fields, bool is_mutable = false) {
    StructType type;
    for (const ValType field : fields)
        type.fields.push_back({{field, StorageType::unpacked}, is_mutable});
    return {.is_final = true, .super = {}, .composite = type};
}
SubType array(StorageType storage, bool is_mutable = true) {
    return {.is_final = true, .super = {}, .composite = ArrayType{{storage, is_mutable}}};
}
SubType open(SubType type, std::optional<uint32_t> super = {}) {
    type.is_final = false;
    if (super)
        type.super = TypeIdx(*super);
    return type;
}

using Group = std::vector<SubType>;

/// One module's types.
struct Space {
    TypeRegistry* registry;
    std::vector<CanonId> ids;

    explicit Space(TypeRegistry& owner) : registry(&owner) {}
    Space& add(const Group& group) {
        EXPECT_TRUE(registry->intern(group, ids).has_value());
        return *this;
    }
};

TEST(TypeRegistry, EqualTypesOfTwoModulesHaveOneId) {
    TypeRegistry registry;
    const Space a = Space(registry).add({func({ValType::i32})}).add({func({}, {ValType::i64})});
    const Space b = Space(registry).add({func({}, {ValType::i64})}).add({func({ValType::i32})});
    EXPECT_EQ(a.ids[0], b.ids[1]);
    EXPECT_EQ(a.ids[1], b.ids[0]);
    EXPECT_NE(a.ids[0], a.ids[1]);
}

TEST(TypeRegistry, ParamsAndResultsAreNotConfused) {
    TypeRegistry registry;
    const Space a = Space(registry)
                        .add({func({ValType::i32, ValType::i32})})
                        .add({func({ValType::i32}, {ValType::i32})})
                        .add({func({}, {ValType::i32, ValType::i32})})
                        .add({structure({ValType::i32})})
                        .add({structure({ValType::i32}, true)})
                        .add({array({ValType::i32, StorageType::unpacked})})
                        .add({array({ValType::i32, StorageType::i8})})
                        .add({array({ValType::i32, StorageType::i16})})
                        .add({open(func({ValType::i32, ValType::i32}))})
                        .add({func({abstract(HeapType::any)})})
                        .add({func({abstract(HeapType::any, false)})})
                        .add({func({abstract(HeapType::eq)})});
    for (size_t i = 0; i < a.ids.size(); ++i)
        for (size_t j = 0; j < i; ++j)
            EXPECT_NE(a.ids[i], a.ids[j]) << i << ' ' << j;
}

TEST(TypeRegistry, RecursiveTypesAreEqualByStructure) {
    TypeRegistry registry;
    // A list node, at different indices of two modules.
    const Space a = Space(registry).add({structure({ref(0, true)})});
    const Space b = Space(registry).add({func({})}).add({structure({ref(1, true)})});
    EXPECT_EQ(a.ids[0], b.ids[1]);
    EXPECT_EQ(registry.type(a.ids[0]).structure()->fields[0].storage.type, ref(a.ids[0], true));
}

TEST(TypeRegistry, EqualityIsIsoRecursive) {
    TypeRegistry registry;
    // One unrolling further is another type.
    const Space a = Space(registry).add({structure({ref(0)})}).add({structure({ref(0)})});
    EXPECT_NE(a.ids[0], a.ids[1]);
    // The same member in a group of two is another type than alone.
    const Space b = Space(registry).add({func({}), structure({})});
    const Space c = Space(registry).add({func({})}).add({structure({})});
    EXPECT_NE(b.ids[0], c.ids[0]);
    EXPECT_NE(b.ids[1], c.ids[1]);
    // Members in another order too.
    const Space d = Space(registry).add({structure({}), func({})});
    EXPECT_NE(b.ids[0], d.ids[1]);
}

TEST(TypeRegistry, GroupsReferToEarlierGroupsByIdentity) {
    TypeRegistry registry;
    const Group pair{structure({ref(1, true)}), structure({ref(0, true)})};
    const Space a = Space(registry).add(pair).add({func({ref(0), ref(1)})});
    const Group moved_pair{structure({ref(2, true)}), structure({ref(1, true)})};
    const Space b = Space(registry).add({func({})}).add(moved_pair).add({func({ref(1), ref(2)})});
    EXPECT_EQ(a.ids[0], b.ids[1]);
    EXPECT_EQ(a.ids[1], b.ids[2]);
    EXPECT_EQ(a.ids[2], b.ids[3]);
    // Both members have one structure, but they are two types.
    EXPECT_NE(a.ids[0], a.ids[1]);
    const Space c = Space(registry).add(pair).add({func({ref(1), ref(0)})});
    EXPECT_NE(a.ids[2], c.ids[2]);
}

TEST(TypeRegistry, StandaloneFunctionTypesAreCanonical) {
    TypeRegistry registry;
    const Space a = Space(registry).add({structure({})}).add({func({ref(0)}, {ValType::f32})});
    const auto id = registry.intern_function({{ref(a.ids[0])}, {ValType::f32}});
    EXPECT_EQ(id, a.ids[1]);
    const auto fresh = registry.intern_function({{ValType::f64}, {}});
    ASSERT_TRUE(fresh.has_value());
    const Space b = Space(registry).add({func({ValType::f64})});
    EXPECT_EQ(*fresh, b.ids[0]);
    EXPECT_EQ(to_canonical(ref(1), a.ids), ref(a.ids[1]));
    EXPECT_EQ(to_canonical(ValType::i32, a.ids), ValType(ValType::i32));
    EXPECT_EQ(to_canonical(ValType::funcref(), a.ids), ValType::funcref());
}

TEST(TypeRegistry, DeclaredSubtypesFollowTheirChains) {
    TypeRegistry registry;
    Space a(registry);
    a.add({open(structure({}))});                               // 0
    a.add({open(structure({ValType::i32}), 0)});                // 1 < 0
    a.add({open(structure({ValType::i32, ValType::i32}), 1)});  // 2 < 1
    a.add({open(structure({ValType::i32, ValType::f32}), 1)});  // 3 < 1
    a.add({open(structure({ValType::i64}))});                   // 4
    const auto below = [&](size_t sub, size_t super) {
        return registry.is_subtype(a.ids[sub], a.ids[super]);
    };
    constexpr bool expected[5][5] = {{true, false, false, false, false},
                                     {true, true, false, false, false},
                                     {true, true, true, false, false},
                                     {true, true, false, true, false},
                                     {false, false, false, false, true}};
    for (size_t sub = 0; sub < 5; ++sub)
        for (size_t super = 0; super < 5; ++super)
            EXPECT_EQ(below(sub, super), expected[sub][super]) << sub << ' ' << super;
}

TEST(TypeRegistry, SupertypesMayBeInTheSameGroup) {
    TypeRegistry registry;
    const Space a = Space(registry).add(
        {open(structure({ref(1, true)})), open(structure({ref(1, true), ValType::i32}), 0)});
    EXPECT_TRUE(registry.is_subtype(a.ids[1], a.ids[0]));
    EXPECT_FALSE(registry.is_subtype(a.ids[0], a.ids[1]));
    EXPECT_EQ(registry.type(a.ids[1]).super, TypeIdx(a.ids[0]));
}

TEST(TypeRegistry, RefusesChainsThatAreTooLong) {
    TypeRegistry registry;
    Space a(registry);
    a.add({open(structure({}))});
    for (uint32_t depth = 1; depth <= limits::subtype_depth; ++depth)
        a.add({open(structure({}), depth - 1)});
    EXPECT_TRUE(registry.is_subtype(a.ids.back(), a.ids.front()));
    const Group deeper{open(structure({}), limits::subtype_depth)};
    const auto refused = registry.intern(deeper, a.ids);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::limit_exceeded);
    EXPECT_EQ(a.ids.size(), limits::subtype_depth + 1);
}

/// Deadlines look at the clock for each 256 questions: here while the key is made, there while types are
/// added.
TEST(TypeRegistry, AGroupThatIsNotDoneInTimeLeavesNothing) {
    for (const uint32_t count : {300u, 200u}) {
        TypeRegistry registry;
        std::vector<CanonId> ids;
        const Group group(count, structure({ValType::i32}));
        const auto late = registry.intern(group, ids, Deadline(Deadline::Clock::now()));
        ASSERT_FALSE(late.has_value()) << count;
        EXPECT_EQ(late.error().code, ErrorCode::limit_exceeded);
        EXPECT_TRUE(ids.empty());
        const Space other = Space(registry).add({func({ValType::i64})});
        EXPECT_EQ(other.ids[0], 0u);
        const Space again = Space(registry).add(group);
        EXPECT_EQ(again.ids[0], 1u);
        EXPECT_NE(registry.type(again.ids.back()).structure(), nullptr);
    }
}

TEST(TypeRegistry, AbstractHeapTypesFormFourHierarchies) {
    const TypeRegistry registry;
    const std::vector<HeapType::Abstract> all{HeapType::func,     HeapType::nofunc,  HeapType::extern_,
                                              HeapType::noextern, HeapType::any,     HeapType::eq,
                                              HeapType::i31,      HeapType::struct_, HeapType::array,
                                              HeapType::none,     HeapType::exn,     HeapType::noexn};
    const auto expected = [](HeapType::Abstract sub, HeapType::Abstract super) {
        const std::vector<std::pair<HeapType::Abstract, HeapType::Abstract>> below{
            {HeapType::nofunc, HeapType::func}, {HeapType::noextern, HeapType::extern_},
            {HeapType::noexn, HeapType::exn},   {HeapType::eq, HeapType::any},
            {HeapType::i31, HeapType::any},     {HeapType::struct_, HeapType::any},
            {HeapType::array, HeapType::any},   {HeapType::none, HeapType::any},
            {HeapType::i31, HeapType::eq},      {HeapType::struct_, HeapType::eq},
            {HeapType::array, HeapType::eq},    {HeapType::none, HeapType::eq},
            {HeapType::none, HeapType::i31},    {HeapType::none, HeapType::struct_},
            {HeapType::none, HeapType::array}};
        return sub == super || std::ranges::find(below, std::pair{sub, super}) != below.end();
    };
    for (const auto sub : all)
        for (const auto super : all)
            EXPECT_EQ(registry.matches(HeapType(sub), HeapType(super)), expected(sub, super))
                << to_string(HeapType(sub)) << " <= " << to_string(HeapType(super));
}

TEST(TypeRegistry, DefinedTypesLieBetweenAbstractOnes) {
    TypeRegistry registry;
    const Space a =
        Space(registry).add({func({})}).add({structure({})}).add({array({ValType::i32, StorageType::i8})});
    struct Case {
        size_t type;
        std::vector<HeapType::Abstract> above;
        HeapType::Abstract bottom;
    };
    const std::vector<Case> cases{
        {0, {HeapType::func}, HeapType::nofunc},
        {1, {HeapType::struct_, HeapType::eq, HeapType::any}, HeapType::none},
        {2, {HeapType::array, HeapType::eq, HeapType::any}, HeapType::none},
    };
    for (const Case& entry : cases) {
        const HeapType type{TypeIdx(a.ids[entry.type])};
        for (uint32_t i = 0; i <= HeapType::noexn; ++i) {
            const auto other = static_cast<HeapType::Abstract>(i);
            const bool is_above = std::ranges::find(entry.above, other) != entry.above.end();
            EXPECT_EQ(registry.matches(type, HeapType(other)), is_above) << entry.type << ' ' << i;
            EXPECT_EQ(registry.matches(HeapType(other), type), other == entry.bottom)
                << entry.type << ' ' << i;
        }
    }
}

TEST(TypeRegistry, ValueTypesMatchByKindAndNullability) {
    const TypeRegistry registry;
    const ValType bottom;
    EXPECT_TRUE(registry.matches(ValType::i32, ValType::i32));
    EXPECT_FALSE(registry.matches(ValType::i32, ValType::i64));
    EXPECT_TRUE(registry.matches(bottom, ValType::v128));
    EXPECT_TRUE(registry.matches(bottom, abstract(HeapType::any, false)));
    EXPECT_FALSE(registry.matches(ValType::i32, abstract(HeapType::any)));
    EXPECT_FALSE(registry.matches(abstract(HeapType::any), ValType::i32));
    EXPECT_TRUE(registry.matches(abstract(HeapType::i31, false), abstract(HeapType::eq, true)));
    EXPECT_TRUE(registry.matches(abstract(HeapType::i31, true), abstract(HeapType::eq, true)));
    EXPECT_FALSE(registry.matches(abstract(HeapType::i31, true), abstract(HeapType::eq, false)));
    EXPECT_FALSE(registry.matches(abstract(HeapType::func), abstract(HeapType::any)));
}

TEST(TypeRegistry, MayBeReadWhileItGrows) {
    TypeRegistry registry;
    const Space shared = Space(registry).add({open(structure({}))}).add({open(structure({ValType::i32}), 0)});
    const auto grow = [&registry](uint32_t seed) {
        Space space(registry);
        for (uint32_t i = 0; i < 2000; ++i) {
            ResultType params;
            for (unsigned bit = 0; bit < 12; ++bit)
                params.push_back(((i >> bit) & 1) != 0 ? ValType::i32 : ValType::i64);
            if (seed % 2 == 0)
                params.push_back(ValType::f32);
            space.add({func(std::move(params))});
        }
    };
    std::vector<std::thread> threads;
    for (uint32_t seed = 0; seed < 3; ++seed)
        threads.emplace_back(grow, seed);
    size_t hits = 0;
    for (int i = 0; i < 20000; ++i)
        hits += registry.is_subtype(shared.ids[1], shared.ids[0]) ? 1 : 0;
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(hits, 20000U);
    // Two of the three entered the same types.
    EXPECT_EQ(*registry.intern_function({{ValType::v128}, {}}), 2U + 4000U);
}

SubType described(SubType type, std::optional<uint32_t> describes, std::optional<uint32_t> descriptor) {
    if (describes)
        type.describes = TypeIdx(*describes);
    if (descriptor)
        type.descriptor = TypeIdx(*descriptor);
    return type;
}

TEST(TypeRegistry, ExactnessIsPartOfAType) {
    TypeRegistry registry;
    const ValType exact = ValType::reference(HeapType::exact(TypeIdx(0U)), false);
    const Space a = Space(registry).add({structure({})}).add({structure({ref(0)})}).add({structure({exact})});
    EXPECT_NE(a.ids[1], a.ids[2]);
    const ValType field = registry.type(a.ids[2]).structure()->fields[0].storage.type;
    EXPECT_EQ(field, ValType::reference(HeapType::exact(TypeIdx(a.ids[0])), false));
    EXPECT_EQ(to_canonical(exact, a.ids), field);
}

TEST(TypeRegistry, ExactTypesHaveNoOthersBelowButTheBottom) {
    TypeRegistry registry;
    const Space a = Space(registry).add({open(structure({}))}).add({open(structure({}), 0)});
    const HeapType super(TypeIdx(a.ids[0])), sub(TypeIdx(a.ids[1]));
    const HeapType exact_super = HeapType::exact(super.type_index());
    const HeapType exact_sub = HeapType::exact(sub.type_index());
    EXPECT_TRUE(registry.matches(exact_sub, sub));
    EXPECT_TRUE(registry.matches(exact_sub, super));
    EXPECT_TRUE(registry.matches(exact_sub, exact_sub));
    EXPECT_TRUE(registry.matches(exact_sub, HeapType::struct_));
    EXPECT_TRUE(registry.matches(HeapType::none, exact_super));
    EXPECT_FALSE(registry.matches(HeapType::nofunc, exact_super));
    EXPECT_FALSE(registry.matches(sub, exact_sub));
    EXPECT_FALSE(registry.matches(sub, exact_super));
    EXPECT_FALSE(registry.matches(exact_sub, exact_super));
    EXPECT_FALSE(registry.matches(HeapType::struct_, exact_super));
}

TEST(TypeRegistry, DescriptorsArePartOfAType) {
    TypeRegistry registry;
    const Group pair{described(structure({}), {}, 1), described(structure({}), 0, {})};
    const Group shifted{described(structure({}), {}, 2), described(structure({}), 1, {})};
    const Space a = Space(registry).add(pair);
    const Space b = Space(registry).add({func({})}).add(shifted);
    const Space plain = Space(registry).add({structure({}), structure({})});
    EXPECT_EQ(a.ids[0], b.ids[1]);
    EXPECT_EQ(a.ids[1], b.ids[2]);
    EXPECT_NE(a.ids[0], plain.ids[0]);
    EXPECT_NE(a.ids[1], plain.ids[1]);
    EXPECT_EQ(registry.type(a.ids[0]).descriptor, TypeIdx(a.ids[1]));
    EXPECT_EQ(registry.type(a.ids[1]).describes, TypeIdx(a.ids[0]));
}

}  // namespace
}  // namespace wsb
