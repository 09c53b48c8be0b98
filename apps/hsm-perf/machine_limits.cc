#include "machine_limits.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <immintrin.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/deadline.h"

#include "backend.h"
#include "cpus.h"

namespace flexmig::perf {

namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Two counters on lines of their own (128: prefetchers pull pairs), each written by one process.
struct PingPong {
  alignas(128) std::atomic<uint64_t> there;
  alignas(128) std::atomic<uint64_t> back;
};

// Until `word` is `value`; false after `patience`.
bool WaitFor(const std::atomic<uint64_t>& word, uint64_t value, Clock::duration patience) {
  Deadline deadline = Deadline::Never();
  for (uint32_t turn = 1; word.load(std::memory_order_acquire) != value; ++turn) {
    _mm_pause();
    if (turn % 4096 != 0) continue;
    if (deadline.is_never()) deadline = Deadline::After(patience);
    if (deadline.HasPassed()) return false;
  }
  return true;
}

constexpr auto kPatience = std::chrono::seconds(10);
constexpr uint64_t kStop = ~uint64_t{0};

// The other process: sends every number back until kStop.
[[noreturn]] void Echo(PingPong& lines) {
  if (!PinToCpuOf(1).ok()) ::_exit(1);
  for (uint64_t next = 1;; ++next) {
    Deadline deadline = Deadline::Never();
    uint64_t seen = 0;
    for (uint32_t turn = 1; (seen = lines.there.load(std::memory_order_acquire)) < next; ++turn) {
      _mm_pause();
      if (turn % 4096 != 0) continue;
      if (deadline.is_never()) deadline = Deadline::After(kPatience);
      if (deadline.HasPassed()) ::_exit(1);
    }
    if (seen == kStop) ::_exit(0);
    lines.back.store(next, std::memory_order_release);
  }
}

// The best of several runs, half of a round trip.
Result<double> TimeOneWay(PingPong& lines, std::chrono::nanoseconds time) {
  constexpr uint64_t kTrips = 10'000;
  double best_us = 0;
  uint64_t trip = 0;
  for (const auto begin = Clock::now(); Clock::now() - begin < time || best_us == 0;) {
    const auto start = Clock::now();
    for (const uint64_t end = trip + kTrips; trip < end;) {
      lines.there.store(++trip, std::memory_order_release);
      if (!WaitFor(lines.back, trip, kPatience)) {
        return AbortedError("the other process of the cache-line measurement gave no answer");
      }
    }
    const double us = SecondsSince(start) * 1e6 / kTrips / 2;
    best_us = best_us == 0 ? us : std::min(best_us, us);
  }
  return best_us;
}

Result<double> MeasureLine(std::chrono::nanoseconds time) {
  void* const memory =
      ::mmap(nullptr, sizeof(PingPong), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    const int error = errno;
    return ErrnoError(error, "memory for the cache-line measurement");
  }
  auto& lines = *static_cast<PingPong*>(memory);
  const pid_t child = ::fork();
  if (child < 0) {
    const int error = errno;
    ::munmap(memory, sizeof(PingPong));
    return ErrnoError(error, "fork");
  }
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    Echo(lines);
  }
  Result<double> result = InternalError("not measured");
  std::thread timer([&] {  // a thread, since binding should end with the measurement
    const Status pinned = PinToCpuOf(0);
    result = pinned.ok() ? TimeOneWay(lines, time) : Result<double>(pinned);
  });
  timer.join();
  lines.there.store(kStop, std::memory_order_release);
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  ::munmap(memory, sizeof(PingPong));
  return result;
}

// In 32-byte pieces, asking for what comes 512 bytes later: where cores wait for memory rather
// than exhaust it, this beats memcpy's stores around the cache (5.8 to 5.3 * 10^9 bytes/s on a
// two-core Sapphire Rapids machine).
__attribute__((target("avx"))) void CopyAhead(std::byte* to, const std::byte* from, size_t bytes) {
  for (size_t at = 0; at + 128 <= bytes; at += 128) {
    _mm_prefetch(reinterpret_cast<const char*>(from + at + 512), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(from + at + 576), _MM_HINT_T0);
    for (size_t piece = at; piece < at + 128; piece += 32) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + piece),
                          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + piece)));
    }
  }
}

void CopyPlain(std::byte* to, const std::byte* from, size_t bytes) { std::memcpy(to, from, bytes); }

using Copy = void (*)(std::byte*, const std::byte*, size_t);

// All threads together, each with buffers of its own, from when the last has begun: the sum of
// what each has reached in the same `time`.
Result<double> MeasureCopy(Copy copy, size_t bytes, int threads, std::chrono::nanoseconds time) {
  PlainMemory memory;
  std::vector<std::byte*> buffers;
  for (int i = 0; i < 2 * threads; ++i) {
    FLEXMIG_ASSIGN_OR_RETURN(std::byte* const buffer, memory.Allocate(bytes));
    buffers.push_back(buffer);
  }
  std::atomic<int> ready{0};
  std::vector<double> speeds(static_cast<size_t>(threads));
  std::vector<std::thread> workers;
  for (int thread = 0; thread < threads; ++thread) {
    workers.emplace_back([&, thread] {
      const auto index = static_cast<size_t>(thread);
      static_cast<void>(PinToCpuOf(thread).ok());
      std::byte* const from = buffers[2 * index];
      std::byte* const to = buffers[2 * index + 1];
      copy(to, from, bytes);
      ready.fetch_add(1);
      while (ready.load() < threads) std::this_thread::yield();
      const auto start = Clock::now();
      double copied = 0;
      do {
        copy(to, from, bytes);
        copied += static_cast<double>(bytes);
      } while (Clock::now() - start < time);
      speeds[index] = copied / SecondsSince(start) / 1e9;
    });
  }
  for (std::thread& worker : workers) worker.join();
  double sum = 0;
  for (const double speed : speeds) sum += speed;
  return sum;
}

Status MeasureCopies(size_t bytes, std::chrono::nanoseconds time, double (&speeds)[2]) {
  std::vector<Copy> copies = {CopyPlain};
  if (__builtin_cpu_supports("avx")) copies.push_back(CopyAhead);
  // Three turns: others' use of the machine can only make a turn slower.
  const auto turn_time = time / static_cast<int>(3 * copies.size());
  for (int turn = 0; turn < 3; ++turn) {
    for (const Copy copy : copies) {
      for (int threads = 1; threads <= std::min(2, AllowedCpuCount()); ++threads) {
        FLEXMIG_ASSIGN_OR_RETURN(const double speed, MeasureCopy(copy, bytes, threads, turn_time));
        double& best = speeds[threads - 1];
        best = std::max(best, speed);
      }
    }
  }
  return OkStatus();
}

}  // namespace

Result<Limits> MeasureLimits(std::chrono::nanoseconds time) {
  Limits limits;
  if (AllowedCpuCount() > 1) {
    FLEXMIG_ASSIGN_OR_RETURN(limits.line_one_way_us, MeasureLine(time));
  }
  FLEXMIG_RETURN_IF_ERROR(MeasureCopies(256 << 10, time, limits.copy_l2_gb_per_s));
  FLEXMIG_RETURN_IF_ERROR(MeasureCopies(4 << 20, time, limits.copy_l3_gb_per_s));
  FLEXMIG_RETURN_IF_ERROR(MeasureCopies(64 << 20, time, limits.copy_dram_gb_per_s));
  return limits;
}

std::string LimitsText(const Limits& limits) {
  std::string text =
      fmt::format("cache line, one way, process to process  {:.3f} us\n", limits.line_one_way_us);
  const auto add = [&](const char* name, const double(&speeds)[2]) {
    text += fmt::format("{:<41}{:.1f} GB/s by one thread, {:.1f} GB/s by two\n", name, speeds[0],
                        speeds[1]);
  };
  add("copy within L2 (256 KiB)", limits.copy_l2_gb_per_s);
  add("copy within L3 (4 MiB)", limits.copy_l3_gb_per_s);
  add("copy in DRAM (64 MiB)", limits.copy_dram_gb_per_s);
  return text;
}

nlohmann::json ToJson(const Limits& limits) {
  return {{"line_one_way_us", limits.line_one_way_us},
          {"copy_l2_gb_per_s", limits.copy_l2_gb_per_s},
          {"copy_l3_gb_per_s", limits.copy_l3_gb_per_s},
          {"copy_dram_gb_per_s", limits.copy_dram_gb_per_s}};
}

Result<Limits> LimitsFromJson(const nlohmann::json& json) {
  Limits limits;
  try {
    json.at("line_one_way_us").get_to(limits.line_one_way_us);
    json.at("copy_l2_gb_per_s").get_to(limits.copy_l2_gb_per_s);
    json.at("copy_l3_gb_per_s").get_to(limits.copy_l3_gb_per_s);
    json.at("copy_dram_gb_per_s").get_to(limits.copy_dram_gb_per_s);
  } catch (const nlohmann::json::exception& error) {
    return InvalidArgumentError(error.what());
  }
  return limits;
}

}  // namespace flexmig::perf
