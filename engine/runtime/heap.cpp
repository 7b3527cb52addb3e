// SPDX-License-Identifier: Apache-2.0
#include "engine/runtime/heap.h"

#include "engine/base/check.h"
#include "engine/runtime/operations.h"
#include "engine/runtime/page_watch.h"
#include "engine/runtime/pieces.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <sys/mman.h>

namespace wsb::runtime {

namespace {

constexpr size_t block_bytes = size_t{32} << 10;
constexpr size_t granule_bytes = 16;
constexpr size_t mark_words = block_bytes / granule_bytes / 64;

/// Cells of the size classes: steps of an eighth to a quarter, so that little is wasted.
constexpr std::array<uint32_t, 32> cell_sizes{16,   32,   48,   64,   80,   96,   112,  128,  144,  160, 192,
                                              224,  256,  288,  320,  384,  448,  512,  576,  640,  768, 896,
                                              1024, 1152, 1280, 1536, 1792, 2048, 2560, 3072, 4096, 5376};
constexpr uint32_t largest_cell_bytes = cell_sizes.back();

/// Elements of an array that are marked at once.
constexpr uint64_t array_piece = 64;

/// By size in granules.
constexpr auto class_of_granules = [] {
    std::array<uint8_t, largest_cell_bytes / granule_bytes + 1> table{};
    size_t at = 0;
    for (size_t granules = 0; granules < table.size(); ++granules) {
        while (cell_sizes[at] < granules * granule_bytes)
            ++at;
        table[granules] = static_cast<uint8_t>(at);
    }
    return table;
}();

[[nodiscard]] uint8_t class_of(uint64_t size_bytes) noexcept {
    return size_bytes > largest_cell_bytes
               ? no_size_class
               : class_of_granules[(size_bytes + granule_bytes - 1) / granule_bytes];
}

}  // namespace

/// The head of a block; its cells follow.
struct Heap::Block {
    uint64_t size_bytes = 0;  ///< the whole block
    uint32_t cell_bytes = 0;  ///< 0: one large object
    uint64_t epoch = 0;       ///< the collection that the marks are of; those of earlier ones are none
    uint64_t marks[mark_words] = {};  ///< by granule of the first 32 KiB

    static constexpr size_t first_cell_bytes = 288;

    [[nodiscard]] uint8_t* bytes() noexcept { return reinterpret_cast<uint8_t*>(this); }
    [[nodiscard]] static Block& of(const Object* object) noexcept {
        return *reinterpret_cast<Block*>(reinterpret_cast<uintptr_t>(object) & ~(block_bytes - 1));
    }
    [[nodiscard]] bool is_marked(size_t offset_bytes) const noexcept {
        const size_t granule = offset_bytes / granule_bytes;
        return (marks[granule / 64] >> (granule % 64) & 1) != 0;
    }
    void forget_marks(uint64_t of_epoch) noexcept {
        std::ranges::fill(marks, 0);
        epoch = of_epoch;
    }
    /// @return whether it was not marked before in this collection.
    [[nodiscard]] bool mark(const Object* object, uint64_t of_epoch) noexcept {
        if (epoch != of_epoch)
            forget_marks(of_epoch);
        const size_t granule = (reinterpret_cast<uintptr_t>(object) & (block_bytes - 1)) / granule_bytes;
        uint64_t& word = marks[granule / 64];
        const uint64_t bit = uint64_t{1} << (granule % 64);
        const bool is_new = (word & bit) == 0;
        word |= bit;
        return is_new;
    }
    /// Only a mark begins an epoch.
    [[nodiscard]] bool has_marks(uint64_t of_epoch) const noexcept { return epoch == of_epoch; }
    [[nodiscard]] uint64_t object_bytes() const noexcept { return cell_bytes != 0 ? cell_bytes : size_bytes; }
    template <class Function>
    void for_each_marked(Function function) noexcept {
        const size_t step = cell_bytes != 0 ? cell_bytes : block_bytes;
        for (size_t at = first_cell_bytes; at + cell_bytes <= block_bytes; at += step)
            if (is_marked(at))
                function(reinterpret_cast<Object*>(bytes() + at));
    }
};

Heap::Heap(Store& store) noexcept : m_store(store) {
    for (size_t i = 0; i < size_classes; ++i)
        m_classes[i].cell_bytes = cell_sizes[i];
}

Heap::~Heap() {
    static_assert(sizeof(Block) <= Block::first_cell_bytes && Block::first_cell_bytes % granule_bytes == 0);
    static_assert(size_classes == cell_sizes.size());
    clear();
}

void Heap::clear() noexcept {
    if (m_capacity_bytes == 0)
        return;
    for_each_block([&](Block* block) { free_block(block); });
    for (Block* block : m_empty)
        free_block(block);
    for (size_t i = 0; i < size_classes; ++i) {
        m_classes[i] = SizeClass();
        m_classes[i].cell_bytes = cell_sizes[i];
    }
    m_empty.clear();
    m_large.clear();
    std::vector<Object*>().swap(m_mark_stack);
    std::vector<PendingArray>().swap(m_array_stack);
    m_live_bytes = 0;
    m_since_collection_bytes = 0;
    m_threshold_bytes = min_threshold_bytes;
}

const TypeInfo& Heap::type_info(CanonId id) {
    std::unique_ptr<TypeInfo>& known = m_types[id];
    if (known != nullptr)
        return *known;
    const TypeRegistry& registry = m_store.registry();
    auto info = std::make_unique<TypeInfo>();
    info->id = id;
    if (const ArrayType* array = registry.type(id).array()) {
        info->kind = TypeInfo::Kind::array;
        info->element_bytes = storage_bytes(array->field.storage);
        info->elements_are_traced = is_traced(registry, array->field.storage.type);
    } else {
        const StructType& structure = *registry.type(id).structure();
        const auto type_at = [&](TypeIdx type) -> const SubType& { return registry.type(type.value); };
        const StructLayout layout =
            struct_layout(structure, fields_before_descriptor(registry.type(id), type_at));
        info->size_bytes = layout.size_bytes;
        info->size_class = class_of(layout.size_bytes);
        for (size_t i = 0; i < structure.fields.size(); ++i) {
            const StorageType& storage = structure.fields[i].storage;
            info->fields.push_back({layout.offsets_bytes[i], storage_bytes(storage)});
            if (is_traced(registry, storage.type))
                info->traced_offsets.push_back(layout.offsets_bytes[i]);
        }
        info->descriptor_offset_bytes = layout.descriptor_offset_bytes;
        if (layout.descriptor_offset_bytes != 0) {
            info->fields.push_back({layout.descriptor_offset_bytes, sizeof(Slot)});
            info->traced_offsets.push_back(layout.descriptor_offset_bytes);
        }
    }
    known = std::move(info);
    return *known;
}

Object* Heap::allocate(const TypeInfo& type, uint64_t size_bytes) noexcept {
    const uint8_t size_class = class_of(size_bytes);
    if (size_class == no_size_class) [[unlikely]]
        return allocate_large(type, size_bytes);
    SizeClass& cells = m_classes[size_class];
    if (cells.cursor == cells.limit && !refill(size_class)) [[unlikely]]
        return nullptr;
    Object* object = begin_object(cells.cursor, type);
    cells.cursor += cells.cell_bytes;
    return object;
}

Object* Heap::allocate_large(const TypeInfo& type, uint64_t size_bytes) noexcept {
    try {
        if (m_large.size() == m_large.capacity())
            m_large.reserve(2 * m_large.size() + 1);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
    Block* block = new_block(Block::first_cell_bytes + size_bytes);
    if (block == nullptr)
        return nullptr;
    const auto clear_bytes = [&](uint64_t offset, uint64_t piece) noexcept {
        std::memset(block->bytes() + Block::first_cell_bytes + offset, 0, piece);
    };
    const bool is_clear = in_pieces(m_store, size_bytes, piece_bytes, false, clear_bytes);
    // If interrupted it is left to the next collection: unmapping its pages now would outlast the deadline.
    m_large.push_back(block);
    m_since_collection_bytes += size_bytes;
    if (!is_clear)
        return nullptr;
    return begin_object(block->bytes() + Block::first_cell_bytes, type);
}

/// Finds free cells: in the current block, in blocks not yet swept, in an empty block, in a new one.
bool Heap::refill(size_t size_class) noexcept {
    SizeClass& cells = m_classes[size_class];
    while (!next_run(cells)) {
        if (cells.next < cells.blocks.size()) {
            cells.current = cells.blocks[cells.next++];
            cells.scan_bytes = Block::first_cell_bytes;
            continue;
        }
        try {
            cells.blocks.reserve(cells.blocks.size() + 1);
        } catch (const std::bad_alloc&) {
            return false;
        }
        Block* block = nullptr;
        if (!m_empty.empty()) {
            block = m_empty.back();
            m_empty.pop_back();
        } else {
            block = new_block(block_bytes);
        }
        if (block == nullptr)
            return false;
        block->cell_bytes = cell_sizes[size_class];
        cells.blocks.push_back(block);
    }
    return true;
}

/// The next run of free cells of the current block.
bool Heap::next_run(SizeClass& cells) noexcept {
    if (cells.current == nullptr)
        return false;
    Block& block = *cells.current;
    if (!block.has_marks(m_epoch))
        block.forget_marks(m_epoch);
    const size_t step = block.cell_bytes;
    size_t at = cells.scan_bytes;
    while (at + step <= block_bytes && block.is_marked(at))
        at += step;
    size_t end = at;
    while (end + step <= block_bytes && !block.is_marked(end) && !(m_collects_always && end != at))
        end += step;
    cells.scan_bytes = end;
    if (end == at)
        return false;
    cells.cursor = block.bytes() + at;
    cells.limit = block.bytes() + end;
    std::memset(cells.cursor, 0, end - at);
    m_since_collection_bytes += end - at;
    return true;
}

Heap::Block* Heap::new_block(uint64_t size_bytes) noexcept {
    if (!m_store.charge_memory(size_bytes, 0))
        return nullptr;
    void* room = ::operator new(size_bytes, std::align_val_t{block_bytes}, std::nothrow);
    if (room == nullptr) {
        m_store.release_memory(size_bytes, 0);
        return nullptr;
    }
    m_capacity_bytes += size_bytes;
    return new (room) Block{.size_bytes = size_bytes};
}

void Heap::free_block(Block* block) noexcept {
    m_store.release_memory(block->size_bytes, 0);
    m_capacity_bytes -= block->size_bytes;
    ::operator delete(block, std::align_val_t{block_bytes});
}

template <class Function>
void Heap::for_each_block(Function function) noexcept {
    for (SizeClass& cells : m_classes)
        for (Block* block : cells.blocks)
            function(block);
    for (Block* block : m_large)
        function(block);
}

/// Takes no time: each block forgets its marks when it gets the first new one.
void Heap::begin_marking() noexcept {
    ++m_epoch;
    m_found_bytes = m_capacity_bytes;
    m_live_bytes = 0;
    m_mark_stack_overflowed = false;
    m_is_time_over = false;
}

bool Heap::is_time_over() noexcept {
    constexpr uint32_t objects_per_poll = 4096;
    return ++m_marked % objects_per_poll == 0 ? is_time_over_now() : m_is_time_over;
}

bool Heap::is_time_over_now() noexcept {
    m_is_time_over = m_is_time_over || m_store.is_interrupted();
    return m_is_time_over;
}

void Heap::mark(Slot reference) noexcept {
    if (!is_object(reference))
        return;
    Object* object = object_at(reference);
    Block& block = Block::of(object);
    if (!block.mark(object, m_epoch))
        return;
    m_live_bytes += block.object_bytes();
    push(m_mark_stack, object);
}

template <class Entry>
void Heap::push(std::vector<Entry>& stack, const Entry& entry) noexcept {
    if (stack.size() < m_mark_stack_limit) {
        try {
            stack.push_back(entry);
            return;
        } catch (const std::bad_alloc&) {
        }
    }
    m_mark_stack_overflowed = true;
}

void Heap::mark_children(Object* object) noexcept {
    const TypeInfo& type = *object->type;
    switch (type.kind) {
        case TypeInfo::Kind::structure:
            for (const uint32_t offset : type.traced_offsets) {
                Slot field = 0;
                std::memcpy(&field, reinterpret_cast<const uint8_t*>(object) + offset, sizeof field);
                mark(field);
            }
            return;
        case TypeInfo::Kind::array: {
            auto& array = static_cast<Array&>(*object);
            if (type.elements_are_traced && array.length <= array_piece)
                mark_elements(array, 0, array.length);
            else if (type.elements_are_traced)
                push(m_array_stack, {&array, 0});
            return;
        }
        case TypeInfo::Kind::exception: {
            auto& exception = static_cast<Exception&>(*object);
            const Slot* value = exception.values();
            for (const ValType param : m_store.registry().type(exception.tag->type()).func()->params) {
                if (is_traced(m_store.registry(), param))
                    mark(*value);
                value += slot_count(param);
            }
            return;
        }
    }
}

void Heap::mark_elements(Array& array, uint64_t from, uint64_t to) noexcept {
    for (uint64_t i = from; i < to; ++i) {
        Slot element = 0;
        std::memcpy(&element, array.element(i), sizeof element);
        mark(element);
    }
}

/// Long arrays are followed piece by piece, so that what waits stays little.
void Heap::mark_next_piece() noexcept {
    const PendingArray pending = m_array_stack.back();
    const uint64_t to = std::min<uint64_t>(pending.array->length, pending.element + array_piece);
    if (to < pending.array->length)
        m_array_stack.back().element = to;
    else
        m_array_stack.pop_back();
    mark_elements(*pending.array, pending.element, to);
}

void Heap::drain() noexcept {
    while (true) {
        while (!m_mark_stack.empty()) {
            if (is_time_over()) [[unlikely]]
                return;
            Object* object = m_mark_stack.back();
            m_mark_stack.pop_back();
            mark_children(object);
        }
        if (m_array_stack.empty() || is_time_over())
            return;
        mark_next_piece();
    }
}

/// What did not fit on the mark stack is marked, but its children need not be: looks at every marked
/// object again. Each further round means that the stack was filled with objects not marked before.
void Heap::mark_again() noexcept {
    while (m_mark_stack_overflowed && !m_is_time_over) {
        m_mark_stack_overflowed = false;
        for_each_block([&](Block* block) {
            if (!block->has_marks(m_epoch) || is_time_over())
                return;
            block->for_each_marked([&](Object* object) {
                mark_children(object);
                drain();
            });
        });
    }
}

void Heap::finish_marking() noexcept {
    drain();
    mark_again();
    if (m_is_time_over)
        return give_up_marking();
    sweep_large();
    sweep_small();
    m_since_collection_bytes = 0;
    m_threshold_bytes = std::max(min_threshold_bytes, m_live_bytes);
    // Empty blocks beyond what the next collection's allocations can use go back.
    while (m_empty.size() * block_bytes > m_threshold_bytes && !is_time_over_now()) {
        free_block(m_empty.back());
        m_empty.pop_back();
    }
}

/// No cell of the blocks that there are is taken for free until the next collection.
void Heap::give_up_marking() noexcept {
    m_mark_stack.clear();
    m_array_stack.clear();
    for (SizeClass& cells : m_classes) {
        begin_sweeping(cells);
        cells.next = cells.blocks.size();
    }
    m_since_collection_bytes = 0;
    m_live_bytes = m_capacity_bytes;
}

void Heap::sweep_large() noexcept {
    std::erase_if(m_large, [&](Block* block) {
        if (block->has_marks(m_epoch) || is_time_over_now() || !give_back_pages(*block))
            return false;
        free_block(block);
        return true;
    });
}

/// Of what nobody refers to, piece by piece: to the system it is as much work as making them was.
/// @return false if the store was interrupted; the block stays then, with zeros in it.
bool Heap::give_back_pages(Block& block) noexcept {
    constexpr uint64_t piece = uint64_t{8} << 20;
    uint8_t* const first = block.bytes() + block_bytes;
    uint8_t* const last = block.bytes() + block.size_bytes / system_page_bytes() * system_page_bytes();
    if (block.size_bytes <= piece || last <= first)
        return true;
    return in_pieces(
        m_store, static_cast<uint64_t>(last - first), piece, true,
        [&](uint64_t offset, uint64_t count) noexcept { ::madvise(first + offset, count, MADV_DONTNEED); });
}

void Heap::begin_sweeping(SizeClass& cells) noexcept {
    cells.next = 0;
    cells.current = nullptr;
    cells.cursor = cells.limit = nullptr;
}

/// Takes empty blocks out of their classes, as long as there is time; the others are swept when their cells
/// are needed.
void Heap::sweep_small() noexcept {
    for (SizeClass& cells : m_classes) {
        std::erase_if(cells.blocks, [&](Block* block) {
            if (block->has_marks(m_epoch) || is_time_over())
                return false;
            try {
                m_empty.push_back(block);
            } catch (const std::bad_alloc&) {
                free_block(block);
            }
            return true;
        });
        begin_sweeping(cells);
    }
}

}  // namespace wsb::runtime
