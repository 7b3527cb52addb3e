// SPDX-License-Identifier: Apache-2.0
// A tier without code, so that the runtime is tested alone: every call does what the test says.
#pragma once

#include "engine/runtime/engine_state.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/store.h"
#include "engine/text/wat.h"

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace wsb::runtime::testing {

class FakeTier final : public Tier {
public:
    Result<void> compile(CompiledModule& compiled, const CompileOptions&) const override {
        compiled.codes = std::make_unique<lower::Code[]>(compiled.module.bodies.size());
        return {};
    }
    HostOutcome invoke(VmContext& context, const VmFunc& func, Slot* slots) const noexcept override {
        called.push_back(&func);
        return on_call ? on_call(context, func, slots) : HostOutcome::returned;
    }
    std::vector<GuestFrame> backtrace(const VmContext&, size_t) const override { return frames; }

    bool mark_roots(const VmContext&, RootMaps&, Heap& heap) const noexcept override {
        for (const Slot root : roots)
            heap.mark(root);
        return knows_roots;
    }

    std::vector<Slot> roots;  ///< as if in guest frames
    bool knows_roots = true;
    std::function<HostOutcome(VmContext&, const VmFunc&, Slot*)> on_call;
    std::vector<GuestFrame> frames;
    mutable std::vector<const VmFunc*> called;
};

/// An engine around a FakeTier, with one store.
struct World {
    explicit World(const StoreLimits& limits = {}, const Config& config = {}) {
        state = std::make_shared<EngineState>();
        state->config = config;
        state->registry = std::make_shared<TypeRegistry>();
        state->tier = &tier;
        store = Store::create(state, limits).value();
    }

    /// A module from its text; the test ends if it is not valid.
    std::shared_ptr<const CompiledModule> module(std::string_view wat) const {
        return load_module(*state, text::assemble(wat).value()).value();
    }
    CallResult<Instance*> instantiate(std::string_view wat, std::vector<ExternItem> imports = {}) {
        return runtime::instantiate(*store, module(wat), imports);
    }

    FakeTier tier;
    std::shared_ptr<EngineState> state;
    std::unique_ptr<Store> store;
};

}  // namespace wsb::runtime::testing
