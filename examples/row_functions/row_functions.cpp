// SPDX-License-Identifier: Apache-2.0
// Functions of users, run on each row of a table as a database would: the signature is checked once, rows are
// cheap, a row that fails fails alone, and the query as a whole has a budget.
#include <cstdio>
#include <vector>
#include <wsb/sandbox.hpp>

namespace {

using namespace std::chrono_literals;

struct Row {
    int64_t id;
    double price;
    int64_t count;
};

// value = price * count, less a tenth from 100 on; refuses rows without any
constexpr const char* user_function =
    R"((func (export "value") (param $price f64) (param $count i64) (result f64)
    (local $value f64)
    (if (i64.eqz (local.get $count)) (then unreachable))
    (local.set $value (f64.mul (local.get $price) (f64.convert_i64_s (local.get $count))))
    (if (result f64) (f64.ge (local.get $value) (f64.const 100))
        (then (f64.mul (local.get $value) (f64.const 0.9)))
        (else (local.get $value)))))";

}  // namespace

int main() {
    auto sandbox = wsb::Sandbox::builder()
                       .module_text(user_function)
                       .limits({.fuel = 10'000, .total_fuel = 100'000'000, .total_time = 10s})
                       .build();
    if (!sandbox) {
        std::fprintf(stderr, "%s\n", sandbox.error().message().c_str());
        return 1;
    }
    auto value = sandbox->typed_function<double(double, int64_t)>("value");
    if (!value) {
        std::fprintf(stderr, "%s\n", value.error().message().c_str());
        return 1;
    }
    std::vector<Row> rows;
    for (int64_t id = 0; id < 100'000; ++id)
        rows.push_back({id, static_cast<double>(id % 50) + 0.5, id % 7});
    double sum = 0;
    size_t failed = 0;
    for (const Row& row : rows) {
        if (const auto result = (*value)(row.price, row.count))
            sum += *result;
        else if (result.error().limit())
            break;  // the query's budget
        else
            ++failed;
    }
    std::printf("rows: %zu, failed: %zu, sum: %.1f\n", rows.size(), failed, sum);
}
