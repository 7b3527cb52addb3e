// SPDX-License-Identifier: Apache-2.0
// The text format: to bytes and back. Text is assembled to the binary format, so that there is one
// decoder and one validator. Spec: text
#pragma once

#include "engine/base/result.h"
#include "engine/isa/features.h"
#include "engine/module/module.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace wsb::text {

/// Assembles one module (with or without the enclosing `(module …)`) to the binary format, name section
/// included for `$names`. Sizes of memories and tables are 32-bit numbers if there is no memory64; all else
/// that `features` forbid is left to the decoder. @return malformed errors with line and column (1-based),
/// and invalid_branch_hint.
[[nodiscard]] Result<std::vector<uint8_t>> assemble(std::string_view source,
                                                    Features features = Features::up_to(4));

struct PrintOptions {
    bool use_names = true;  ///< names of the name section as $identifiers
    /// The text of a small hostile module can be huge (a long name at each use, 50,000 locals in each
    /// function). What is longer is cut off, and ends with a comment that never closes.
    size_t size_limit_bytes = size_t{1} << 30;
};

/// Prints a module in the text format. If it is valid, assembling the text again gives an equal module, names
/// and custom sections included. Others are printed as far as they can be read: see the comments in the text.
[[nodiscard]] std::string print(const Module& module, const PrintOptions& options = {});

/// An instruction of a body, in the text format.
struct InstrText {
    uint64_t offset_bytes = 0;  ///< in the module
    size_t depth = 0;           ///< blocks around it
    std::string text;
};

class Printer;

/// Prints bodies one by one. The module must outlive it.
class BodyPrinter {
public:
    explicit BodyPrinter(const Module& module, const PrintOptions& options = {});
    ~BodyPrinter();

    /// All instructions of a function of the module's own, its `end` included. The limit of size holds for
    /// each; what cannot be read, or is too long, is missing at the end.
    [[nodiscard]] std::vector<InstrText> print(FuncIdx func);

private:
    std::unique_ptr<Printer> m_printer;
};

}  // namespace wsb::text
