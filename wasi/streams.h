// SPDX-License-Identifier: Apache-2.0
// Streams that are no file of the host: for stdin, stdout and stderr of a guest inside a program.
//
//     auto output = std::make_shared<BufferOutput>(1 << 20);
//     streams = {std::make_shared<BufferInput>("text"), output, nullptr};   // Policy::standard_streams
#pragma once

#include "wasi/descriptor.h"

#include <functional>
#include <string>

namespace wsb::wasi {

/// What all streams have in common: they look like pipes.
class VirtualStream : public Descriptor {
public:
    [[nodiscard]] FileType type() const noexcept override { return FileType::unknown; }
    [[nodiscard]] Outcome<uint32_t> flags() override { return m_flags; }
    [[nodiscard]] Outcome<void> set_flags(uint32_t flags) override;

private:
    uint32_t m_flags = 0;
};

/// Gives a text, then the end.
class BufferInput final : public VirtualStream {
public:
    explicit BufferInput(std::string text) noexcept : m_text(std::move(text)) {}
    [[nodiscard]] Outcome<size_t> read(std::span<const iovec> targets) override;
    [[nodiscard]] uint64_t bytes_ready() override { return m_text.size() - m_position; }

private:
    std::string m_text;
    size_t m_position = 0;
};

/// Collects what is written; beyond the bound `nospc`.
class BufferOutput final : public VirtualStream {
public:
    explicit BufferOutput(size_t max_bytes) noexcept : m_max_bytes(max_bytes) {}
    [[nodiscard]] Outcome<size_t> write(std::span<const iovec> sources) override;
    [[nodiscard]] const std::string& text() const noexcept { return m_text; }
    [[nodiscard]] std::string take() noexcept { return std::exchange(m_text, {}); }

private:
    size_t m_max_bytes;
    std::string m_text;
};

/// Asks a function for bytes. It returns how many it gave, 0 at the end; it must not wait for long.
class CallbackInput final : public VirtualStream {
public:
    using Callback = std::function<Outcome<size_t>(std::span<uint8_t> target)>;
    explicit CallbackInput(Callback callback) noexcept : m_callback(std::move(callback)) {}
    /// A callback that claims more than it was asked for is an error (`io`).
    [[nodiscard]] Outcome<size_t> read(std::span<const iovec> targets) override;

private:
    Callback m_callback;
};

/// Gives what is written to a function. It returns how many bytes it took.
class CallbackOutput final : public VirtualStream {
public:
    using Callback = std::function<Outcome<size_t>(std::span<const uint8_t> source)>;
    explicit CallbackOutput(Callback callback) noexcept : m_callback(std::move(callback)) {}
    [[nodiscard]] Outcome<size_t> write(std::span<const iovec> sources) override;

private:
    Callback m_callback;
};

}  // namespace wsb::wasi
