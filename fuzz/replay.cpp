// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over files, and over damaged copies of them, without libFuzzer: what CI does in every
// build. The same arguments give the same inputs on every machine.
#include "fuzz/fuzz_target.h"
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace wsb::fuzz {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr const char* usage =
    "usage: replay [--mutate N SEED] [--keep FILE] PATH...\n"
    "  PATH            a file, or a directory with files, which are all run\n"
    "  --mutate N SEED runs also N damaged copies of each file\n"
    "  --keep FILE     writes each input there before it is run: after a crash, that is the one\n";

struct Options {
    uint64_t mutations = 0;
    uint64_t seed = 0;
    std::string keep;
    std::vector<std::filesystem::path> files;  ///< sorted, so that the order is that of no file system
};

/// splitmix64: https://prng.di.unimi.it/splitmix64.c (public domain)
class Random {
public:
    explicit Random(uint64_t seed) noexcept : m_state(seed) {}
    [[nodiscard]] uint64_t next() noexcept {
        uint64_t z = m_state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    /// 0 … bound - 1; bound is not 0.
    [[nodiscard]] size_t below(size_t bound) noexcept { return static_cast<size_t>(next() % bound); }

private:
    uint64_t m_state;
};

[[nodiscard]] auto at(Bytes& bytes, size_t index) {
    return bytes.begin() + static_cast<std::ptrdiff_t>(index);
}

/// A part of `other`, at most 64 bytes.
[[nodiscard]] std::span<const uint8_t> piece_of(const Bytes& other, Random& random) {
    if (other.empty())
        return {};
    const size_t begin = random.below(other.size());
    return std::span(other).subspan(begin, std::min<size_t>(other.size() - begin, 1 + random.below(64)));
}

void damage_once(Bytes& bytes, const Bytes& other, Random& random) {
    constexpr uint8_t extremes[] = {0x00, 0x01, 0x7f, 0x80, 0xff, '(', ')', '"'};
    if (bytes.empty())
        bytes.push_back(0);
    const size_t place = random.below(bytes.size());
    switch (random.below(6)) {
        case 0: bytes[place] = static_cast<uint8_t>(bytes[place] ^ (1u << random.below(8))); break;
        case 1: bytes[place] = extremes[random.below(std::size(extremes))]; break;
        case 2: bytes.resize(place); break;
        case 3: {
            const size_t size = std::min<size_t>(bytes.size() - place, 1 + random.below(16));
            bytes.erase(at(bytes, place), at(bytes, place + size));
            break;
        }
        case 4: {
            const auto piece = piece_of(other, random);
            bytes.insert(at(bytes, place), piece.begin(), piece.end());
            break;
        }
        default: {
            const auto piece = piece_of(other, random);
            std::copy_n(piece.begin(), std::min(piece.size(), bytes.size() - place), at(bytes, place));
            break;
        }
    }
}

[[nodiscard]] Bytes read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    Bytes bytes{std::istreambuf_iterator<char>(file), {}};
    require(file.good() || file.eof(), "a file can be read: " + path.string());
    return bytes;
}

void run_one(const Bytes& bytes, const std::string& keep) {
    if (!keep.empty())
        std::ofstream(keep, std::ios::binary)
            .write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

[[nodiscard]] bool parse_number(std::string_view text, uint64_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

[[nodiscard]] bool add_files(const std::filesystem::path& path, std::vector<std::filesystem::path>& files) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
        files.push_back(path);
        return std::filesystem::is_regular_file(path, error);
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error)) {
        if (entry.is_regular_file(error))
            files.push_back(entry.path());
    }
    return !error;
}

[[nodiscard]] bool parse(std::span<char*> arguments, Options& options) {
    for (size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        const size_t left = arguments.size() - i - 1;
        if (argument == "--mutate" && left >= 2) {
            if (!parse_number(arguments[i + 1], options.mutations) ||
                !parse_number(arguments[i + 2], options.seed))
                return false;
            i += 2;
        } else if (argument == "--keep" && left >= 1) {
            options.keep = arguments[++i];
        } else if (!add_files(argument, options.files)) {
            return false;
        }
    }
    std::ranges::sort(options.files);
    return !options.files.empty();
}

[[nodiscard]] uint64_t replay(const Options& options) {
    std::vector<Bytes> corpus;
    for (const auto& file : options.files)
        corpus.push_back(read(file));
    uint64_t runs = 0;
    Random random(options.seed);
    for (const Bytes& original : corpus) {
        run_one(original, options.keep);
        for (uint64_t i = 0; i < options.mutations; ++i, ++runs) {
            Bytes bytes = original;
            for (size_t changes = 1 + random.below(3); changes != 0; --changes)
                damage_once(bytes, corpus[random.below(corpus.size())], random);
            run_one(bytes, options.keep);
        }
        ++runs;
    }
    return runs;
}

}  // namespace
}  // namespace wsb::fuzz

int main(int count, char** arguments) {
    wsb::fuzz::Options options;
    if (!wsb::fuzz::parse(std::span(arguments, static_cast<size_t>(count)).subspan(1), options)) {
        std::fputs(wsb::fuzz::usage, stderr);
        return 2;
    }
    const uint64_t runs = wsb::fuzz::replay(options);
    std::printf("%llu inputs from %zu files\n", static_cast<unsigned long long>(runs), options.files.size());
    return 0;
}
