// SPDX-License-Identifier: Apache-2.0
// Granted directories that are in memory: what they are made from, each time anew.
#pragma once

#include "engine/base/error.h"
#include "wasi/memory_files.h"
#include "wsb/grants.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace wsb::sandbox {

class MemoryDir {
public:
    /// For a grant whose source is not the host. @return io_error naming what cannot be read.
    [[nodiscard]] static Result<MemoryDir> open(const DirGrant& grant);
    /// As it is at first, instead of what there is. The policy is charged; it must outlive this.
    /// @return io_error, or limit_exceeded if it does not fit.
    [[nodiscard]] Result<void> fill(wasi::Policy& policy);
    /// What the policy was charged for is not refunded.
    void drop() noexcept { m_files.reset(); }
    /// To be granted. After fill.
    [[nodiscard]] std::shared_ptr<wasi::Descriptor> root() const { return m_files->root(); }

private:
    explicit MemoryDir(const DirGrant& grant) : m_grant(grant) {}

    DirGrant m_grant;
    std::shared_ptr<wasi::Descriptor> m_host;  ///< copies and overlays
    std::vector<uint8_t> m_archive;
    std::unique_ptr<wasi::MemoryFileSystem> m_files;
};

}  // namespace wsb::sandbox
