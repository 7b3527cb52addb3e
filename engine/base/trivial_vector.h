// SPDX-License-Identifier: Apache-2.0
// A vector for the translator's innermost loops. What std::vector's push_back does when there is no more room
// is inlined into its callers, which then save registers each time; here it is a call. Nor does it touch room
// before there are elements.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
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
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

public:
    TrivialVector() noexcept = default;
    TrivialVector(const TrivialVector&) = delete;
    TrivialVector& operator=(const TrivialVector&) = delete;
    ~TrivialVector() { ::operator delete(m_begin); }

    [[nodiscard]] size_t size() const noexcept { return static_cast<size_t>(m_end - data()); }
    [[nodiscard]] bool empty() const noexcept { return m_end == data(); }
    [[nodiscard]] T* data() noexcept { return m_begin; }
    [[nodiscard]] const T* data() const noexcept { return m_begin; }
    [[nodiscard]] T* begin() noexcept { return data(); }
    [[nodiscard]] T* end() noexcept { return m_end; }
    [[nodiscard]] const T* begin() const noexcept { return data(); }
    [[nodiscard]] const T* end() const noexcept { return m_end; }
    [[nodiscard]] T& operator[](size_t i) noexcept { return data()[i]; }
    [[nodiscard]] const T& operator[](size_t i) const noexcept { return data()[i]; }
    [[nodiscard]] T& back() noexcept { return m_end[-1]; }
    [[nodiscard]] const T& back() const noexcept { return m_end[-1]; }

    T& push_back(T value) {
        if (m_end == m_limit) [[unlikely]]
            grow(size() + 1);
        return *std::construct_at(m_end++, value);
    }
    /// An element as T's constructor leaves it, for the caller to fill in.
    T& add() {
        if (m_end == m_limit) [[unlikely]]
            grow(size() + 1);
        return *std::construct_at(m_end++);
    }
    void pop_back() noexcept { --m_end; }
    void clear() noexcept { m_end = data(); }
    /// For those who write elements themselves: where the next ones go, with room for `count`. What was
    /// written counts once end_at was told of its end.
    [[nodiscard]] T* room_for(size_t count) {
        if (static_cast<size_t>(m_limit - m_end) < count) [[unlikely]]
            grow(size() + count);
        return m_end;
    }
    void end_at(T* end) noexcept { m_end = end; }
    /// New elements are as T's constructor leaves them.
    void resize(size_t size) {
        if (size > static_cast<size_t>(m_limit - data())) [[unlikely]]
            grow(size);
        T* const end = data() + size;
        for (; m_end < end; ++m_end)
            std::construct_at(m_end);
        m_end = end;
    }

private:
    /// Throws std::bad_alloc, and has not changed then.
    [[gnu::noinline, gnu::cold, WSB_PRESERVE_MOST]] void grow(size_t needed) {
        const size_t count = size();
        const size_t capacity = std::max({needed, 2 * static_cast<size_t>(m_limit - data()), size_t{16}});
        // SAFETY: elements are trivial, and begin to live where they are copied or constructed.
        T* const room = static_cast<T*>(::operator new(capacity * sizeof(T)));
        std::uninitialized_copy_n(m_begin, count, room);
        ::operator delete(m_begin);
        m_begin = room;
        m_end = m_begin + count;
        m_limit = m_begin + capacity;
    }

    T* m_begin = nullptr;
    T* m_end = nullptr;
    T* m_limit = nullptr;
};

}  // namespace wsb
