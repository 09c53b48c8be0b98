#include "busy.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <vector>

#include "statistics.h"
#include "waiting.h"

namespace flexmig::nccl_perf {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

// `rounds` dependent multiply-adds in every thread. The trap, which never happens, keeps the
// compiler from leaving them out. The simulated driver knows the kernel by its name and sleeps
// `rounds` microseconds instead.
constexpr char kPtx[] = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry flexmig_sim_busy(.param .u64 rounds)
{
  .reg .pred %p<3>;
  .reg .u64 %left;
  .reg .f32 %x<3>;
  ld.param.u64 %left, [rounds];
  mov.f32 %x0, 0f3F800000;
  mov.f32 %x1, 0f3F800001;
  mov.f32 %x2, 0f33800000;
next:
  fma.rn.f32 %x0, %x0, %x1, %x2;
  fma.rn.f32 %x0, %x0, %x1, %x2;
  fma.rn.f32 %x0, %x0, %x1, %x2;
  fma.rn.f32 %x0, %x0, %x1, %x2;
  sub.u64 %left, %left, 1;
  setp.ne.u64 %p0, %left, 0;
  @%p0 bra next;
  setp.eq.f32 %p1, %x0, 0f00000000;
  @!%p1 bra done;
  trap;
done:
  ret;
}
)";

// Enough for two blocks on each SM of the largest GPU of today.
constexpr unsigned kBlocks = 320;
constexpr unsigned kThreads = 512;
constexpr int kRepeats = 5;
constexpr double kWantedMs = 50;

class Busy {
 public:
  Busy(const cuda::Driver& driver, coll::Communicator& host, const NcclLibrary& library)
      : driver_(driver), host_(host), library_(library) {}
  ~Busy() {
    // Best effort: the context may be dead.
    if (memory_ != nullptr) static_cast<void>(driver_.Free(memory_));
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

  Status Open(size_t bytes) {
    FLEXMIG_ASSIGN_OR_RETURN(const cuda::Module module, driver_.LoadModule(kPtx));
    FLEXMIG_ASSIGN_OR_RETURN(kernel_, driver_.FindFunction(module, "flexmig_sim_busy"));
    FLEXMIG_ASSIGN_OR_RETURN(memory_, driver_.Allocate(bytes));
    for (Work* const work : {&kernel_work_, &calls_work_}) {
      FLEXMIG_ASSIGN_OR_RETURN(work->stream, driver_.CreateStream());
      FLEXMIG_ASSIGN_OR_RETURN(work->done, driver_.CreateEvent());
    }
    call_.collective = perf::Collective::kAllReduce;
    call_.send = call_.receive = memory_;
    call_.count = bytes / sizeof(float);
    call_.in_place = true;
    return OkStatus();
  }

  Result<BusyResult> Measure() {
    FLEXMIG_RETURN_IF_ERROR(Calibrate());
    BusyResult result;
    result.calls = calls_;
    FLEXMIG_ASSIGN_OR_RETURN(const Times kernel, Median(true, false));
    FLEXMIG_ASSIGN_OR_RETURN(const Times calls, Median(false, true));
    FLEXMIG_ASSIGN_OR_RETURN(const Times both, Median(true, true));
    result.kernel_alone_ms = kernel.kernel;
    result.calls_alone_ms = calls.calls;
    result.kernel_beside_ms = both.kernel;
    result.calls_beside_ms = both.calls;
    return result;
  }

 private:
  struct Work {
    cuda::Stream stream{};
    cuda::Event done{};
  };
  struct Times {
    double kernel = 0;
    double calls = 0;
  };

  // One run of all ranks: how long each kind of work took on the slowest of them.
  Result<Times> RunOnce(bool with_kernel, bool with_calls) {
    FLEXMIG_RETURN_IF_ERROR(host_.Barrier());
    const auto begin = Clock::now();
    if (with_kernel) {
      void* const arguments[] = {&rounds_};
      FLEXMIG_RETURN_IF_ERROR(
          driver_.Launch(kernel_, kBlocks, kThreads, arguments, kernel_work_.stream));
      FLEXMIG_RETURN_IF_ERROR(driver_.Record(kernel_work_.done, kernel_work_.stream));
    }
    for (int i = 0; with_calls && i < calls_; ++i) {
      FLEXMIG_RETURN_IF_ERROR(library_.Run(call_, calls_work_.stream));
    }
    if (with_calls) {
      FLEXMIG_RETURN_IF_ERROR(driver_.Record(calls_work_.done, calls_work_.stream));
    }
    double times[2] = {};
    bool waits_kernel = with_kernel;
    bool waits_calls = with_calls;
    const Deadline deadline = Deadline::After(kPatience);
    while (waits_kernel || waits_calls) {
      const auto look = [&](const Work& work, bool& waits, double& time) -> Status {
        if (!waits) return OkStatus();
        FLEXMIG_ASSIGN_OR_RETURN(const bool done, driver_.IsDone(work.done));
        if (done) time = Milliseconds(Clock::now() - begin).count();
        waits = !done;
        return OkStatus();
      };
      FLEXMIG_RETURN_IF_ERROR(look(kernel_work_, waits_kernel, times[0]));
      FLEXMIG_RETURN_IF_ERROR(look(calls_work_, waits_calls, times[1]));
      if (deadline.HasPassed()) return DeadlineExceededError("the work did not end within 60 s");
    }
    FLEXMIG_RETURN_IF_ERROR(host_.AllReduce(std::span<double>(times), coll::ReduceOp::kMax));
    return Times{times[0], times[1]};
  }

  Result<Times> Median(bool with_kernel, bool with_calls) {
    std::vector<double> kernel;
    std::vector<double> calls;
    for (int i = 0; i < kRepeats; ++i) {
      FLEXMIG_ASSIGN_OR_RETURN(const Times times, RunOnce(with_kernel, with_calls));
      kernel.push_back(times.kernel);
      calls.push_back(times.calls);
    }
    return Times{perf::Summarize(kernel).median, perf::Summarize(calls).median};
  }

  // So many rounds and calls that each takes some kWantedMs alone. Equal on all ranks, since
  // RunOnce's times are.
  Status Calibrate() {
    rounds_ = 1000;
    FLEXMIG_RETURN_IF_ERROR(RunOnce(true, false).status());  // compiles
    for (int i = 0; i < 4; ++i) {
      FLEXMIG_ASSIGN_OR_RETURN(const Times times, RunOnce(true, false));
      const double factor = std::clamp(kWantedMs / std::max(times.kernel, 0.001), 0.1, 100.0);
      rounds_ = std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(rounds_) * factor));
    }
    calls_ = 1;
    FLEXMIG_RETURN_IF_ERROR(RunOnce(false, true).status());
    FLEXMIG_ASSIGN_OR_RETURN(const Times times, RunOnce(false, true));
    calls_ = static_cast<int>(std::clamp(kWantedMs / std::max(times.calls, 0.001), 1.0, 1000.0));
    return OkStatus();
  }

  const cuda::Driver& driver_;
  coll::Communicator& host_;
  const NcclLibrary& library_;
  cuda::Function kernel_{};
  void* memory_ = nullptr;
  Work kernel_work_;
  Work calls_work_;
  perf::Call call_;
  uint64_t rounds_ = 0;
  int calls_ = 0;
};

}  // namespace

Result<BusyResult> MeasureBusy(const cuda::Driver& driver, coll::Communicator& host,
                               const NcclLibrary& library, size_t bytes) {
  Busy busy(driver, host, library);
  FLEXMIG_RETURN_IF_ERROR(busy.Open(bytes));
  return busy.Measure();
}

}  // namespace flexmig::nccl_perf
