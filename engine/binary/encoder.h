// SPDX-License-Identifier: Apache-2.0
// Writes the binary format: primitive values, types and instructions. The text assembler and the
// module encoder are built on it.
#pragma once

#include "engine/binary/instr_reader.h"
#include "engine/module/module.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace wsb::binary {

/// Appends to a growing byte buffer.
class Encoder {
public:
    void u8(uint8_t byte) { m_bytes.push_back(byte); }
    void u32(uint32_t value) { u64(value); }
    void u64(uint64_t value);  ///< unsigned LEB128, shortest form
    void s32(int32_t value) { s64(value); }
    void s64(int64_t value);  ///< signed LEB128, shortest form (also for s33)
    void fixed32(uint32_t value);
    void fixed64(uint64_t value);
    void raw(std::span<const uint8_t> bytes) { m_bytes.insert(m_bytes.end(), bytes.begin(), bytes.end()); }
    void name(std::string_view text);  ///< length and bytes

    void val_type(ValType type);
    void heap_type(HeapType type);
    void storage_type(StorageType type);
    void field_type(FieldType type);
    void sub_type(const SubType& type);
    void table_type(const TableType& type);
    void memory_type(const MemoryType& type);
    void global_type(const GlobalType& type);
    void block_type(const BlockType& type);
    void memarg(const MemArg& arg);
    /// Opcode and immediates.
    void instr(const Instr& instr);
    /// A section: id, size, content.
    void section(uint8_t id, std::span<const uint8_t> content);

    [[nodiscard]] std::span<const uint8_t> bytes() const noexcept { return m_bytes; }
    [[nodiscard]] size_t size() const noexcept { return m_bytes.size(); }
    [[nodiscard]] std::vector<uint8_t> take() noexcept { return std::move(m_bytes); }

private:
    std::vector<uint8_t> m_bytes;
};

/// Encodes a decoded module again: identity on modules in canonical form (shortest LEB128s).
[[nodiscard]] std::vector<uint8_t> encode(const Module& module);

}  // namespace wsb::binary
