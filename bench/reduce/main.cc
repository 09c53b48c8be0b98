// reduce-bench: what the kernels of src/reduce read per second on one core.
//
// Usage: reduce-bench [MILLISECONDS [MISALIGNMENT]]
// One row per type, number of inputs and place: bytes of input (10^9 bytes/s) of a sum, by the
// median and the fastest call in MILLISECONDS (default 50) after one call that warms up. Sizes are
// per input and a power of two; each place holds all inputs and the output; buffers are aligned to
// MISALIGNMENT (default 0) bytes behind a multiple of 64.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <span>
#include <string_view>
#include <vector>

#include "flexmig/reduce/reduce.h"

namespace {

using Clock = std::chrono::steady_clock;
namespace reduce = flexmig::reduce;

// Integers of 32 and 64 bits are as fast as floats of that size.
constexpr reduce::DataType kTypes[] = {reduce::DataType::kFloat32,    reduce::DataType::kFloat64,
                                       reduce::DataType::kBfloat16,   reduce::DataType::kFloat16,
                                       reduce::DataType::kFloat8E4m3, reduce::DataType::kFloat8E5m2,
                                       reduce::DataType::kUint8};

struct Place {
  const char* name;
  size_t bytes;  // of all buffers together, at most
};
constexpr Place kPlaces[] = {{"L1", size_t{24} << 10},
                             {"L2", size_t{512} << 10},
                             {"L3", size_t{8} << 20},
                             {"DRAM", size_t{1} << 30}};

struct Speed {
  double median_gb_per_s;
  double best_gb_per_s;
};

// Each sample is at least 20 us, so that the clock's 30 ns do not count.
template <typename Call>
Speed Measure(std::chrono::milliseconds duration, size_t bytes, Call call) {
  call();
  const size_t repeats = std::max<size_t>(1, (size_t{512} << 10) / std::max<size_t>(bytes, 1));
  std::vector<double> speeds;
  const Clock::time_point end = Clock::now() + duration;
  for (Clock::time_point start = Clock::now(); start < end || speeds.size() < 5;) {
    for (size_t i = 0; i < repeats; ++i) call();
    const Clock::time_point stop = Clock::now();
    const std::chrono::duration<double> taken = stop - start;
    speeds.push_back(static_cast<double>(repeats * bytes) / taken.count() / 1e9);
    start = stop;
  }
  std::sort(speeds.begin(), speeds.end());
  return {speeds[speeds.size() / 2], speeds.back()};
}

void MeasureSums(std::chrono::milliseconds duration, std::span<std::byte> memory) {
  std::printf("%-12s %6s %5s %9s %8s %8s  GB/s of input\n", "type", "inputs", "place", "bytes",
              "median", "best");
  for (const reduce::DataType type : kTypes) {
    for (const size_t inputs : {2u, 4u, 7u}) {
      for (const Place& place : kPlaces) {
        size_t bytes = 64;
        while (bytes * 2 * (inputs + 1) <= place.bytes) bytes *= 2;
        // 4160 bytes apart from a power of two: at equal distances all would share cache sets.
        const size_t stride = bytes + 4160;
        std::vector<const void*> pointers;
        for (size_t r = 0; r < inputs; ++r) pointers.push_back(memory.data() + (r + 1) * stride);
        const Speed speed = Measure(duration, inputs * bytes, [&] {
          reduce::ReduceInputs(type, reduce::ReduceOp::kSum, pointers, memory.data(),
                               bytes / reduce::ElementBytes(type));
        });
        std::printf("%-12.*s %6zu %5s %9zu %8.1f %8.1f\n",
                    static_cast<int>(reduce::DataTypeName(type).size()),
                    reduce::DataTypeName(type).data(), inputs, place.name, bytes,
                    speed.median_gb_per_s, speed.best_gb_per_s);
      }
    }
  }
}

// -1 for what is no number from `low` to `high`.
int ParseNumber(std::string_view text, int low, int high) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  const bool good = error == std::errc() && end == text.end() && number >= low && number <= high;
  return good ? number : -1;
}

}  // namespace

int main(int argc, char** argv) {
  const int milliseconds = argc > 1 ? ParseNumber(argv[1], 1, 60'000) : 50;
  const int misalignment = argc > 2 ? ParseNumber(argv[2], 0, 63) : 0;
  if (argc > 3 || milliseconds < 0 || misalignment < 0) {
    std::fprintf(stderr, "usage: reduce-bench [MILLISECONDS per row [MISALIGNMENT, 0 to 63]]\n");
    return 2;
  }
  // 0x11 in every byte is a number of every type, and no subnormal one. Each page differs, lest a
  // hypervisor keeps equal ones once.
  constexpr size_t kBytes = (size_t{1} << 30) + (size_t{64} << 10);
  std::vector<std::byte> storage(kBytes + 128, std::byte{0x11});
  for (size_t page = 0; page < kBytes / 4096; ++page) {
    for (size_t digit = 0; digit < 8; ++digit) {
      storage[page * 4096 + digit] = static_cast<std::byte>(0x11 + (page >> (3 * digit)) % 8);
    }
  }
  const size_t aligned = 64 - reinterpret_cast<uintptr_t>(storage.data()) % 64;
  const std::span<std::byte> memory(storage.data() + aligned + static_cast<size_t>(misalignment),
                                    kBytes);
  const std::chrono::milliseconds duration(milliseconds);
  MeasureSums(duration, memory);
}
