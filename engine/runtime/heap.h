// SPDX-License-Identifier: Apache-2.0
// The heap of a store: objects of fixed places, in blocks of equal cells, reclaimed by marking and lazy
// sweeping. Whoever collects names every root; the heap itself never decides to collect.
//
// Blocks are 32 KiB and aligned to that, so an object's block is found by masking its address; larger
// objects have a block each. All blocks are charged to the store's memory limit.
#pragma once

#include "engine/runtime/object.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace wsb::runtime {

class Store;

class Heap {
public:
    explicit Heap(Store& store) noexcept;
    Heap(const Heap&) = delete;
    Heap& operator=(const Heap&) = delete;
    ~Heap();

    /// Of a structure or array type; made at its first use. Throws std::bad_alloc.
    [[nodiscard]] const TypeInfo& type_info(CanonId id);
    /// That of all exceptions.
    [[nodiscard]] const TypeInfo& exception_info() const noexcept { return m_exception_info; }

    /// A new object, zeroed behind its header. Never collects.
    /// @return null if the store's memory limit or the system refuses.
    [[nodiscard]] Object* allocate(const TypeInfo& type, uint64_t size_bytes) noexcept;

    /// A new structure, if the class of its size has a free cell at hand; else null.
    [[nodiscard]] Object* allocate_at_hand(const TypeInfo& type) noexcept {
        if (type.size_class == no_size_class)
            return nullptr;
        SizeClass& cells = m_classes[type.size_class];
        if (cells.cursor == cells.limit)
            return nullptr;
        uint8_t* const at = cells.cursor;
        cells.cursor += cells.cell_bytes;
        return begin_object(at, type);
    }

    /// Every allocation finds that a collection is due.
    void collect_always() noexcept { m_collects_always = true; }
    /// Whether so much was allocated since the last collection that the next one pays.
    [[nodiscard]] bool is_due() const noexcept {
        return m_since_collection_bytes >= m_threshold_bytes || m_collects_always;
    }
    /// Whether less than an eighth of the heap that the last collection found is free after it, what it gave
    /// back included: to go on would mean to collect again and again for little.
    [[nodiscard]] bool is_nearly_full() const noexcept {
        return m_found_bytes - m_live_bytes < m_found_bytes / 8;
    }

    // One collection: begin, mark each root, then finish or give up.
    void begin_marking() noexcept;
    void mark(Slot reference) noexcept;
    /// To be asked for each object or element that is looked at. Once it is, marking is given up.
    [[nodiscard]] bool is_time_over() noexcept;
    /// The same before something that takes long by itself.
    [[nodiscard]] bool is_time_over_now() noexcept;
    /// Follows what was marked, and frees the rest; or gives up when the store is interrupted.
    void finish_marking() noexcept;
    /// Some root could not be named: keeps everything.
    void give_up_marking() noexcept;

    /// Frees every object, whatever refers to it.
    void clear() noexcept;

    [[nodiscard]] uint64_t capacity_bytes() const noexcept { return m_capacity_bytes; }
    /// As of the last collection.
    [[nodiscard]] uint64_t live_bytes() const noexcept { return m_live_bytes; }

    /// Entries that the mark stack may hold; more are found again by scanning. For tests.
    void limit_mark_stack(size_t entries) noexcept { m_mark_stack_limit = entries; }

private:
    struct Block;
    /// Blocks of cells of one size. Cells in [cursor, limit) are free and zeroed; blocks from `next` on
    /// have not been swept since the last collection.
    struct SizeClass {
        std::vector<Block*> blocks;
        size_t next = 0;
        Block* current = nullptr;
        uint32_t cell_bytes = 0;
        size_t scan_bytes = 0;  ///< where the search in `current` goes on
        uint8_t* cursor = nullptr;
        uint8_t* limit = nullptr;
    };
    static constexpr size_t size_classes = 32;
    /// A marked array of references, of which those from an element on are to be marked.
    struct PendingArray {
        Array* array = nullptr;
        uint64_t element = 0;
    };
    /// 1.5 MiB together, which no limit counts. More entries than that need as many objects that wait at
    /// once.
    static constexpr size_t max_mark_stack = size_t{1} << 16;

    /// Writes the header. Copying bytes begins the life of whichever object the type says.
    [[nodiscard]] static Object* begin_object(uint8_t* at, const TypeInfo& type) noexcept {
        const TypeInfo* const header = &type;
        std::memcpy(at, &header, sizeof header);
        return reinterpret_cast<Object*>(at);
    }
    [[nodiscard]] Object* allocate_large(const TypeInfo& type, uint64_t size_bytes) noexcept;
    [[nodiscard]] bool refill(size_t size_class) noexcept;
    [[nodiscard]] bool next_run(SizeClass& cells) noexcept;
    [[nodiscard]] Block* new_block(uint64_t size_bytes) noexcept;
    void free_block(Block* block) noexcept;
    static void begin_sweeping(SizeClass& cells) noexcept;
    void sweep_small() noexcept;
    void sweep_large() noexcept;
    [[nodiscard]] bool give_back_pages(Block& block) noexcept;
    void drain() noexcept;
    void mark_children(Object* object) noexcept;
    void mark_elements(Array& array, uint64_t from, uint64_t to) noexcept;
    void mark_next_piece() noexcept;
    template <class Entry>
    void push(std::vector<Entry>& stack, const Entry& entry) noexcept;
    void mark_again() noexcept;
    template <class Function>
    void for_each_block(Function function) noexcept;

    Store& m_store;
    TypeInfo m_exception_info{.kind = TypeInfo::Kind::exception};
    std::unordered_map<CanonId, std::unique_ptr<TypeInfo>> m_types;
    std::array<SizeClass, size_classes> m_classes;
    std::vector<Block*> m_empty;  ///< of no class
    std::vector<Block*> m_large;
    std::vector<Object*> m_mark_stack;        ///< marked objects whose children are to be marked
    std::vector<PendingArray> m_array_stack;  ///< long arrays among them
    size_t m_mark_stack_limit = max_mark_stack;
    bool m_mark_stack_overflowed = false;
    bool m_collects_always = false;
    uint64_t m_epoch = 0;   ///< collections begun
    uint32_t m_marked = 0;  ///< since the last time that somebody asked for the time
    bool m_is_time_over = false;
    uint64_t m_capacity_bytes = 0;
    uint64_t m_found_bytes = 0;  ///< the capacity when the last collection began
    uint64_t m_live_bytes = 0;
    uint64_t m_since_collection_bytes = 0;
    uint64_t m_threshold_bytes = min_threshold_bytes;

    static constexpr uint64_t min_threshold_bytes = uint64_t{4} << 20;
};

}  // namespace wsb::runtime
