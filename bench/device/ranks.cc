#include "ranks.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/check.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/cuda/driver.h"
#include "flexmig/device/device_communicator.h"

namespace flexmig::device_bench {
namespace {

using device::DeviceCommunicator;
using device::Operation;
using device::Transfer;
using Clock = std::chrono::steady_clock;

constexpr int kMaxRepeats = 64;

// What rank 0 finds, in memory that the parent sees.
struct Report {
  std::atomic<bool> ok;
  double seconds[kMaxRepeats];
  uint64_t up_bytes;
  uint64_t down_bytes;
};

struct LinkBytes {
  uint64_t up = 0;
  uint64_t down = 0;
};

LinkBytes ReadLink() {
  void* const library = ::dlopen(FLEXMIG_CUDA_SIM, RTLD_NOW);
  using Read = int(uint32_t, uint64_t*, uint64_t*);
  auto* const read = reinterpret_cast<Read*>(::dlsym(library, "flexmigSimLinkBytes"));
  FLEXMIG_CHECK(read != nullptr);
  LinkBytes bytes;
  FLEXMIG_CHECK(read(0, &bytes.up, &bytes.down) == 0);
  return bytes;
}

// One all-reduce in the stream.
Status PutAllReduce(DeviceCommunicator& communicator, std::byte* data, size_t bytes,
                    cuda::Stream stream) {
  Operation operation;
  operation.send = operation.receive = data;
  operation.count = bytes / sizeof(float);
  return communicator.Enqueue(operation, stream);
}

// The messages of a ring all-reduce. The additions between them are left out, which take SMs and
// time but nothing of the link: the ring's times are bounds from below.
Status PutRing(DeviceCommunicator& communicator, std::byte* data, std::byte* scratch, size_t bytes,
               cuda::Stream stream) {
  const int ranks = communicator.world_size();
  const int own = communicator.rank();
  const size_t part = bytes / static_cast<size_t>(ranks);
  const auto at = [&](int index) {
    return static_cast<size_t>((index % ranks + ranks) % ranks) * part;
  };
  for (int round = 0; round < 2 * (ranks - 1); ++round) {
    // Reduce-scatter into the scratch buffer, then all-gather in place.
    const bool gathers = round >= ranks - 1;
    Operation operation;
    operation.kind = Operation::Kind::kExchange;
    operation.transfers = {
        Transfer::Send(data + at(own - round), part, coll::DataType::kUint8, (own + 1) % ranks),
        Transfer::Receive(gathers ? data + at(own - round - 1) : scratch, part,
                          coll::DataType::kUint8, (own + ranks - 1) % ranks)};
    FLEXMIG_RETURN_IF_ERROR(communicator.Enqueue(operation, stream));
  }
  return OkStatus();
}

// Everybody waits for everybody: the smallest all-reduce.
Status Meet(DeviceCommunicator& communicator, const cuda::Driver& driver, std::byte* word,
            cuda::Stream stream) {
  FLEXMIG_RETURN_IF_ERROR(PutAllReduce(communicator, word, sizeof(float), stream));
  return driver.Synchronize(stream);
}

Status RunRank(const Run& run, const std::string& rendezvous, int rank, Report& report) {
  ::setenv("CUDA_VISIBLE_DEVICES", run.leaves[static_cast<size_t>(rank)].c_str(), 1);
  FLEXMIG_ASSIGN_OR_RETURN(const cuda::Driver* driver, cuda::Driver::LoadFrom(FLEXMIG_CUDA_SIM));
  device::DeviceOptions options;
  options.communicator.rendezvous = rendezvous;
  options.communicator.rank = Rank(rank);
  options.communicator.world_size = static_cast<int>(run.leaves.size());
  FLEXMIG_ASSIGN_OR_RETURN(auto communicator, DeviceCommunicator::Create(*driver, options));
  FLEXMIG_ASSIGN_OR_RETURN(const cuda::Stream stream, driver->CreateStream());
  FLEXMIG_ASSIGN_OR_RETURN(void* data, driver->Allocate(run.bytes));
  FLEXMIG_ASSIGN_OR_RETURN(void* scratch, driver->Allocate(run.bytes));
  auto* const buffer = static_cast<std::byte*>(data);
  auto* const other = static_cast<std::byte*>(scratch);
  const auto put = [&] {
    return run.scheme == Scheme::kRing ? PutRing(*communicator, buffer, other, run.bytes, stream)
                                       : PutAllReduce(*communicator, buffer, run.bytes, stream);
  };
  FLEXMIG_RETURN_IF_ERROR(put());  // warms up
  for (int i = 0; i < run.repeats; ++i) {
    FLEXMIG_RETURN_IF_ERROR(Meet(*communicator, *driver, other, stream));
    const auto begin = Clock::now();
    FLEXMIG_RETURN_IF_ERROR(put());
    FLEXMIG_RETURN_IF_ERROR(driver->Synchronize(stream));
    // Until the last rank is done.
    FLEXMIG_RETURN_IF_ERROR(Meet(*communicator, *driver, other, stream));
    report.seconds[i] = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  // The bytes of one more, with those of a meeting, a few hundred.
  LinkBytes before;
  if (rank == 0) before = ReadLink();
  FLEXMIG_RETURN_IF_ERROR(Meet(*communicator, *driver, other, stream));
  FLEXMIG_RETURN_IF_ERROR(put());
  FLEXMIG_RETURN_IF_ERROR(driver->Synchronize(stream));
  FLEXMIG_RETURN_IF_ERROR(Meet(*communicator, *driver, other, stream));
  if (rank == 0) {
    const LinkBytes after = ReadLink();
    report.up_bytes = after.up - before.up;
    report.down_bytes = after.down - before.down;
  }
  FLEXMIG_RETURN_IF_ERROR(communicator->status());
  report.ok.store(true);
  return OkStatus();
}

}  // namespace

Result<Measured> Measure(const Run& run) {
  const std::string rendezvous = RandomHex(16);
  const size_t ranks = run.leaves.size();
  FLEXMIG_CHECK(run.repeats > 0 && run.repeats <= kMaxRepeats);
  auto* const reports = static_cast<Report*>(::mmap(
      nullptr, ranks * sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  FLEXMIG_CHECK(reports != MAP_FAILED);
  std::vector<pid_t> processes;
  for (size_t rank = 0; rank < ranks; ++rank) {
    const pid_t process = ::fork();
    FLEXMIG_CHECK(process >= 0);
    if (process == 0) {
      ::alarm(600);
      const Status status = RunRank(run, rendezvous, static_cast<int>(rank), reports[rank]);
      if (!status.ok()) std::fprintf(stderr, "rank %zu: %s\n", rank, status.ToString().c_str());
      std::_Exit(status.ok() ? 0 : 1);
    }
    processes.push_back(process);
  }
  for (const pid_t process : processes) ::waitpid(process, nullptr, 0);
  Measured measured;
  bool ok = true;
  for (size_t rank = 0; rank < ranks; ++rank) ok = ok && reports[rank].ok.load();
  if (ok) {
    std::vector<double> seconds(reports[0].seconds, reports[0].seconds + run.repeats);
    std::sort(seconds.begin(), seconds.end());
    measured.median_seconds = seconds[seconds.size() / 2];
    measured.least_seconds = seconds.front();
    measured.up_bytes = reports[0].up_bytes;
    measured.down_bytes = reports[0].down_bytes;
  }
  ::munmap(reports, ranks * sizeof(Report));
  if (!ok) return InternalError("a rank has failed");
  return measured;
}

}  // namespace flexmig::device_bench
