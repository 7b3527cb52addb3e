// SPDX-License-Identifier: Apache-2.0
// A vector for the translator's innermost loops. What std::vector's push_back does when there is no more room
// is inlined into its callers, which then save registers each time; here it is a call.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>

/// Of what is called seldom from where it is hot: callers keep all their registers.
#if __has_cpp_attribute(clang::preserve_most)
#define WSB_PRESERVE_MOST clang::preserve_most
#else
#define WSB_PRESERVE_MOST gnu::cold
#endif

namespace wsb {

template <class T>
class TrivialVector {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

public:
    TrivialVector() noexcept = default;
    TrivialVector(const TrivialVector&) = delete;
    TrivialVector& operator=(const TrivialVector&) = delete;

    [[nodiscard]] size_t size() const noexcept { return m_size; }
    [[nodiscard]] bool empty() const noexcept { return m_size == 0; }
    [[nodiscard]] T* data() noexcept { return m_room.get(); }
    [[nodiscard]] const T* data() const noexcept { return m_room.get(); }
    [[nodiscard]] T* begin() noexcept { return data(); }
    [[nodiscard]] T* end() noexcept { return data() + m_size; }
    [[nodiscard]] const T* begin() const noexcept { return data(); }
    [[nodiscard]] const T* end() const noexcept { return data() + m_size; }
    [[nodiscard]] T& operator[](size_t i) noexcept { return data()[i]; }
    [[nodiscard]] const T& operator[](size_t i) const noexcept { return data()[i]; }
    [[nodiscard]] T& back() noexcept { return data()[m_size - 1]; }
    [[nodiscard]] const T& back() const noexcept { return data()[m_size - 1]; }

    T& push_back(T value) {
        if (m_size == m_capacity) [[unlikely]]
            grow(m_size + 1);
        return *std::construct_at(data() + m_size++, value);
    }
    void pop_back() noexcept { --m_size; }
    void clear() noexcept { m_size = 0; }
    /// For those who write elements themselves: where the next ones go, with room for `count`. What was
    /// written counts once end_at was told of its end.
    [[nodiscard]] T* room_for(size_t count) {
        if (m_capacity - m_size < count) [[unlikely]]
            grow(m_size + count);
        return end();
    }
    void end_at(const T* end) noexcept { m_size = static_cast<size_t>(end - data()); }
    /// New elements are as T's constructor leaves them.
    void resize(size_t size) {
        if (size > m_capacity) [[unlikely]]
            grow(size);
        for (; m_size < size; ++m_size)
            std::construct_at(data() + m_size);
        m_size = size;
    }

private:
    /// Throws std::bad_alloc, and has not changed then.
    [[gnu::noinline, gnu::cold, WSB_PRESERVE_MOST]] void grow(size_t needed) {
        const size_t capacity = std::max({needed, 2 * m_capacity, size_t{16}});
        auto room = std::make_unique_for_overwrite<T[]>(capacity);
        std::copy_n(data(), m_size, room.get());
        m_room = std::move(room);
        m_capacity = capacity;
    }

    std::unique_ptr<T[]> m_room;
    size_t m_size = 0;
    size_t m_capacity = 0;
};

}  // namespace wsb
