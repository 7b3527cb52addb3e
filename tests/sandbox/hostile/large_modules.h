// SPDX-License-Identifier: Apache-2.0
// Modules that are all declarations: what takes long before the first body is reached.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace wsb::testing {

using Bytes = std::vector<uint8_t>;

inline void add_number(Bytes& bytes, uint32_t number) {
    do {
        bytes.push_back(static_cast<uint8_t>((number & 0x7f) | (number > 0x7f ? 0x80 : 0)));
        number >>= 7;
    } while (number != 0);
}
inline void add_section(Bytes& module, uint8_t id, const Bytes& content) {
    module.push_back(id);
    add_number(module, static_cast<uint32_t>(content.size()));
    module.insert(module.end(), content.begin(), content.end());
}
/// A section of `count` times what `add` adds.
template <class Add>
void add_section(Bytes& module, uint8_t id, uint32_t count, Add add) {
    Bytes content;
    add_number(content, count);
    for (uint32_t i = 0; i < count; ++i)
        add(content, i);
    add_section(module, id, content);
}
inline void add_bytes(Bytes& to, std::initializer_list<uint8_t> bytes) {
    to.insert(to.end(), bytes);
}
inline void add_name(Bytes& to, uint32_t i) {
    add_bytes(to, {5, 'n'});
    for (int digit = 0; digit < 4; ++digit, i /= 64)
        to.push_back(static_cast<uint8_t>('0' + i % 64));
}
inline Bytes begin_module() {
    return {0, 'a', 's', 'm', 1, 0, 0, 0};
}
constexpr uint32_t many_items = 900'000;

/// Structures that all differ, each a group of its own.
inline void add_structure(Bytes& to, uint32_t i) {
    add_bytes(to, {0x5f, 20});
    for (int bit = 0; bit < 20; ++bit)
        add_bytes(to, {static_cast<uint8_t>((i >> bit & 1) != 0 ? 0x7f : 0x7e), 0});
}
inline Bytes module_of_types() {
    Bytes module = begin_module();
    add_section(module, 1, many_items, add_structure);
    return module;
}
inline Bytes module_of_one_group() {
    Bytes module = begin_module();
    Bytes content{1, 0x4e};
    add_number(content, many_items);
    for (uint32_t i = 0; i < many_items; ++i)
        add_structure(content, i);
    add_section(module, 1, content);
    return module;
}
inline Bytes module_of_exports() {
    Bytes module = begin_module();
    add_section(module, 5, {1, 0, 1});
    add_section(module, 7, many_items, [](Bytes& to, uint32_t i) {
        add_name(to, i);
        add_bytes(to, {2, 0});
    });
    return module;
}
inline Bytes module_of_imports() {
    Bytes module = begin_module();
    add_section(module, 1, {1, 0x60, 0, 0});
    add_section(module, 2, many_items, [](Bytes& to, uint32_t i) {
        add_bytes(to, {1, 'm'});
        add_name(to, i);
        add_bytes(to, {0, 0});
    });
    return module;
}
inline Bytes module_of_elements() {
    Bytes module = begin_module();
    add_section(module, 1, {1, 0x60, 0, 0});
    add_section(module, 3, {1, 0});
    add_section(module, 9, many_items * 3, [](Bytes& to, uint32_t) { add_bytes(to, {1, 0, 2, 0, 0}); });
    add_section(module, 10, {1, 2, 0, 0x0b});
    return module;
}
inline Bytes module_of_globals() {
    Bytes module = begin_module();
    add_section(module, 6, many_items,
                [](Bytes& to, uint32_t) { add_bytes(to, {0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b}); });
    return module;
}
inline Bytes module_of_names() {
    Bytes module = begin_module();
    add_section(module, 1, {1, 0x60, 0, 0});
    add_section(module, 3, many_items, [](Bytes& to, uint32_t) { to.push_back(0); });
    add_section(module, 10, many_items, [](Bytes& to, uint32_t) { add_bytes(to, {2, 0, 0x0b}); });
    Bytes names;
    add_number(names, many_items);
    for (uint32_t i = 0; i < many_items; ++i) {
        add_number(names, i);
        add_name(names, i);
    }
    Bytes custom{4, 'n', 'a', 'm', 'e', 1};
    add_number(custom, static_cast<uint32_t>(names.size()));
    custom.insert(custom.end(), names.begin(), names.end());
    add_section(module, 0, custom);
    return module;
}
/// Each of two instructions: deadlines are asked for between bodies.
inline Bytes module_of_bodies() {
    Bytes module = begin_module();
    add_section(module, 1, {1, 0x60, 0, 0});
    add_section(module, 3, many_items, [](Bytes& to, uint32_t) { to.push_back(0); });
    add_section(module, 10, many_items,
                [](Bytes& to, uint32_t) { add_bytes(to, {5, 0, 0x41, 1, 0x1a, 0x0b}); });
    return module;
}
/// An endless loop of 600,000 additions, as "f".
inline Bytes module_of_one_body() {
    Bytes module = begin_module();
    add_section(module, 1, {1, 0x60, 0, 0});
    add_section(module, 3, {1, 0});
    add_section(module, 7, {1, 1, 'f', 0, 0});
    Bytes body{1, 1, 0x7f, 0x03, 0x40};
    for (uint32_t i = 0; i < 600'000; ++i)
        add_bytes(body, {0x20, 0, 0x41, 1, 0x6a, 0x21, 0});
    add_bytes(body, {0x0c, 0, 0x0b, 0x0b});
    Bytes content{1};
    add_number(content, static_cast<uint32_t>(body.size()));
    content.insert(content.end(), body.begin(), body.end());
    add_section(module, 10, content);
    return module;
}

}  // namespace wsb::testing
