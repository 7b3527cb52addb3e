// SPDX-License-Identifier: Apache-2.0
// Modules built byte by byte for the tests of the binary layer.
#pragma once

#include "engine/binary/encoder.h"
#include "engine/binary/section.h"

#include <initializer_list>
#include <string_view>
#include <vector>

namespace wsb::binary::testing {

using Bytes = std::vector<uint8_t>;

/// A module of whole sections.
class ModuleBytes {
public:
    ModuleBytes() { m_out.raw(module_header); }
    ModuleBytes& section(uint8_t id, const Bytes& content) {
        m_out.section(id, content);
        return *this;
    }
    ModuleBytes& custom(std::string_view name, const Bytes& content) {
        Encoder whole;
        whole.name(name);
        whole.raw(content);
        m_out.section(section_ids::custom, whole.bytes());
        return *this;
    }
    ModuleBytes& raw(const Bytes& bytes) {
        m_out.raw(bytes);
        return *this;
    }
    [[nodiscard]] Bytes bytes() const { return {m_out.bytes().begin(), m_out.bytes().end()}; }

private:
    Encoder m_out;
};

/// One function `[] -> []` with these bytes as its body: locals and expression.
inline Bytes one_function(const Bytes& body) {
    Encoder code;
    code.u32(1);
    code.u64(body.size());
    code.raw(body);
    return ModuleBytes()
        .section(section_ids::type, {0x01, 0x60, 0x00, 0x00})
        .section(section_ids::function, {0x01, 0x00})
        .section(section_ids::code, Bytes(code.bytes().begin(), code.bytes().end()))
        .bytes();
}

/// Every section, every form of type and segment, in canonical form.
inline Bytes everything() {
    const Bytes types{
        0x06,                                                        // six groups
        0x60, 0x02, 0x7f, 0x7e, 0x01, 0x7d,                          // 0: [i32 i64] -> [f32]
        0x60, 0x00, 0x00,                                            // 1: [] -> []
        0x4e, 0x02,                                                  // 2, 3: recursive
        0x50, 0x00, 0x5f, 0x02, 0x63, 0x03, 0x01, 0x78, 0x00,        //   open struct
        0x4f, 0x01, 0x02, 0x5f, 0x03, 0x63, 0x03, 0x01, 0x78, 0x00,  //   final, below it
        0x64, 0x6c, 0x00,                                            //   with one field more
        0x5e, 0x77, 0x01,                                            // 4: array of i16
        0x4e, 0x01, 0x60, 0x01, 0x7b, 0x00,                          // 5: explicit group of one
        0x60, 0x01, 0x7f, 0x00,                                      // 6: [i32] -> []
    };
    const Bytes imports{
        0x05,                                                 //
        0x01, 'm', 0x01, 'f',  0x00, 0x01,                    // function
        0x01, 'm', 0x01, 't',  0x01, 0x70, 0x01, 0x01, 0x0a,  // table
        0x01, 'm', 0x01, 'n',  0x02, 0x04, 0x01,              // 64 bit memory
        0x01, 'm', 0x01, 'g',  0x03, 0x7f, 0x00,              // global
        0x01, 'm', 0x03, 0xe2, 0x82, 0xac, 0x04, 0x00, 0x06,  // tag
    };
    const Bytes tables{
        0x03,                                                  //
        0x6f, 0x00, 0x00,                                      // externref
        0x40, 0x00, 0x64, 0x70, 0x00, 0x01, 0xd2, 0x00, 0x0b,  // with initial value
        0x70, 0x05, 0x02, 0x03,                                // 64 bit
    };
    const Bytes memories{0x02, 0x01, 0x01, 0x02, 0x05, 0x00, 0x80, 0x80, 0x04};
    const Bytes globals{
        0x03,                                            //
        0x7f, 0x01, 0x41, 0x2a, 0x0b,                    // i32
        0x63, 0x02, 0x00, 0xd0, 0x02, 0x0b,              // (ref null 2)
        0x7e, 0x00, 0x42, 0x01, 0x42, 0x02, 0x7c, 0x0b,  // i64.add
    };
    const Bytes exports{0x05, 0x01, 'a',  0x00, 0x01, 0x01, 'b',  0x01, 0x00, 0x01, 'c',
                        0x02, 0x01, 0x01, 'd',  0x03, 0x01, 0x01, 'e',  0x04, 0x01};
    const Bytes elements{
        0x08,                                                              //
        0x00, 0x41, 0x00, 0x0b, 0x02, 0x00, 0x01,                          //
        0x01, 0x00, 0x01, 0x01,                                            //
        0x02, 0x03, 0x42, 0x00, 0x0b, 0x00, 0x01, 0x00,                    //
        0x03, 0x00, 0x01, 0x01,                                            //
        0x04, 0x41, 0x01, 0x0b, 0x01, 0xd2, 0x01, 0x0b,                    //
        0x05, 0x6f, 0x02, 0xd0, 0x6f, 0x0b, 0xd0, 0x6f, 0x0b,              //
        0x06, 0x03, 0x42, 0x00, 0x0b, 0x64, 0x70, 0x01, 0xd2, 0x00, 0x0b,  //
        0x07, 0x70, 0x01, 0xd0, 0x70, 0x0b,                                //
    };
    const Bytes code{
        0x02,                                                  //
        0x0c, 0x02, 0x02, 0x7f, 0x01, 0x7b,                    // locals i32 i32 v128
        0x20, 0x00, 0x1a, 0xfc, 0x09, 0x01, 0x0b,              //   local.get drop data.drop
        0x12, 0x00,                                            //
        0x02, 0x40, 0x41, 0x00, 0x0e, 0x01, 0x00, 0x00, 0x0b,  //   block br_table end
        0x1f, 0x40, 0x01, 0x02, 0x00, 0x01, 0x0b,              //   try_table end
        0x0b,
    };
    const Bytes data{
        0x03,                                          //
        0x00, 0x42, 0x00, 0x0b, 0x03, 'a',  'b', 'c',  //
        0x01, 0x02, 'd',  'e',                         //
        0x02, 0x01, 0x41, 0x00, 0x0b, 0x00,            //
    };
    const Bytes names{
        0x00, 0x02, 0x01, 'M',                                // module
        0x01, 0x07, 0x02, 0x00, 0x01, 'f',  0x01, 0x01, 'g',  // functions
        0x02, 0x06, 0x01, 0x01, 0x01, 0x02, 0x01, 'x',        // local 2 of function 1
        0x0a, 0x06, 0x01, 0x02, 0x01, 0x01, 0x01, 'y',        // field 1 of type 2
    };
    return ModuleBytes()
        .custom("first", {0x01, 0x02})
        .section(section_ids::type, types)
        .section(section_ids::import, imports)
        .custom("middle", {})
        .custom("middle", {0xff})
        .section(section_ids::function, {0x02, 0x01, 0x01})
        .section(section_ids::table, tables)
        .section(section_ids::memory, memories)
        .section(section_ids::tag, {0x01, 0x00, 0x06})
        .section(section_ids::global, globals)
        .section(section_ids::export_, exports)
        .section(section_ids::start, {0x01})
        .section(section_ids::element, elements)
        .section(section_ids::data_count, {0x03})
        .section(section_ids::code, code)
        .section(section_ids::data, data)
        .custom("name", names)
        .bytes();
}

}  // namespace wsb::binary::testing
