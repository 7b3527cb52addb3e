// SPDX-License-Identifier: Apache-2.0
// primes: finds primes, their gaps and how numbers factor; shows C++ with its standard library
// (containers, strings, algorithms, virtual functions) running as a WASI command.

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

constexpr uint32_t limit_max = 50'000'000;

std::vector<uint32_t> primes_up_to(uint32_t limit) {
    std::vector<bool> composite(limit + 1);
    std::vector<uint32_t> primes;
    for (uint32_t candidate = 2; candidate <= limit; ++candidate) {
        if (composite[candidate])
            continue;
        primes.push_back(candidate);
        for (uint64_t multiple = uint64_t{candidate} * candidate; multiple <= limit; multiple += candidate)
            composite[multiple] = true;
    }
    return primes;
}

std::string factorisation(uint32_t number, const std::vector<uint32_t>& primes) {
    std::string text = std::to_string(number) + " =";
    const char* separator = " ";
    for (const uint32_t prime : primes) {
        if (uint64_t{prime} * prime > number)
            break;
        unsigned power = 0;
        for (; number % prime == 0; number /= prime)
            ++power;
        if (power == 0)
            continue;
        text += separator + std::to_string(prime);
        if (power > 1)
            text += '^' + std::to_string(power);
        separator = " * ";
    }
    if (number > 1)
        text += separator + std::to_string(number);
    return text;
}

/// One question about the list of primes. The questions are asked through the base class.
class Question {
public:
    virtual ~Question() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;
    [[nodiscard]] virtual std::string answer(const std::vector<uint32_t>& primes) const = 0;
};

class Twins final : public Question {
public:
    [[nodiscard]] std::string_view name() const override { return "twin pairs"; }
    [[nodiscard]] std::string answer(const std::vector<uint32_t>& primes) const override {
        size_t pairs = 0;
        for (size_t i = 1; i < primes.size(); ++i)
            pairs += primes[i] - primes[i - 1] == 2;
        return std::to_string(pairs);
    }
};

class CommonGaps final : public Question {
public:
    [[nodiscard]] std::string_view name() const override { return "common gaps"; }
    [[nodiscard]] std::string answer(const std::vector<uint32_t>& primes) const override {
        std::unordered_map<uint32_t, uint32_t> gaps;
        for (size_t i = 1; i < primes.size(); ++i)
            ++gaps[primes[i] - primes[i - 1]];
        std::vector<std::pair<uint32_t, uint32_t>> ordered(gaps.begin(), gaps.end());
        std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
            return a.second != b.second ? a.second > b.second : a.first < b.first;
        });
        std::string text;
        for (size_t i = 0; i < std::min<size_t>(5, ordered.size()); ++i) {
            if (i > 0)
                text += ", ";
            text += std::to_string(ordered[i].first) + " (" + std::to_string(ordered[i].second) + " times)";
        }
        return text;
    }
};

class Reversible final : public Question {
public:
    [[nodiscard]] std::string_view name() const override { return "reversible"; }
    [[nodiscard]] std::string answer(const std::vector<uint32_t>& primes) const override {
        size_t found = 0;
        for (const uint32_t prime : primes) {
            std::string digits = std::to_string(prime);
            std::reverse(digits.begin(), digits.end());
            const auto mirrored = static_cast<uint32_t>(std::strtoul(digits.c_str(), nullptr, 10));
            found += std::binary_search(primes.begin(), primes.end(), mirrored);
        }
        return std::to_string(found);
    }
};

}  // namespace

int main(int argc, char** argv) {
    uint32_t limit = 200'000;
    if (argc > 1) {
        char* end = nullptr;
        const unsigned long long value = std::strtoull(argv[1], &end, 10);
        if (end == argv[1] || *end != '\0' || value < 2 || value > limit_max) {
            std::fprintf(stderr, "usage: primes [LIMIT from 2 to %" PRIu32 "]\n", limit_max);
            return 2;
        }
        limit = static_cast<uint32_t>(value);
    }
    const std::vector<uint32_t> primes = primes_up_to(limit);
    std::printf("primes up to %" PRIu32 ": %zu, the last is %" PRIu32 "\n", limit, primes.size(),
                primes.back());

    std::vector<std::unique_ptr<Question>> questions;
    questions.push_back(std::make_unique<Twins>());
    questions.push_back(std::make_unique<CommonGaps>());
    questions.push_back(std::make_unique<Reversible>());
    for (const auto& question : questions) {
        const std::string answer = question->answer(primes);
        std::printf("%-12s %s\n", std::string(question->name()).c_str(), answer.c_str());
    }
    const uint32_t first = limit > 6 ? limit - 5 : 2;
    for (uint32_t number = first; number <= limit; ++number)
        std::puts(factorisation(number, primes).c_str());
    return 0;
}
