#include "rank.h"

#include <algorithm>
#include <chrono>

#include "call_data.h"
#include "cpus.h"
#include "statistics.h"

namespace flexmig::perf {

namespace {

using Clock = std::chrono::steady_clock;

double MicrosecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// Measures the calls of one rank, in step with the others. docs/reference/hsm-perf.md describes to
// its users what is timed here.
class Measurement {
 public:
  Measurement(Board& board, int rank, Backend& backend, const CallData& data)
      : board_(board),
        config_(board.config()),
        rank_(rank),
        backend_(backend),
        data_(data),
        budget_us_(std::chrono::duration<double, std::micro>(config_.time).count()) {}

  // One size; rank 0 puts the point on the board.
  Status Run(size_t size, bool in_place);
  // A call took so long that larger ones are not worth waiting for.
  [[nodiscard]] bool too_slow() const { return too_slow_; }

 private:
  // The time of one call on the slowest rank.
  Result<double> TimeTogether(const Call& call);
  Result<double> WarmUp(const Call& call);
  Status TakeSamples(const Call& call, double estimate_us);
  // One sample: the mean of `calls` calls after a barrier.
  Status TakeSample(const Call& call, size_t calls);
  Summary SummarizeSlowest();

  Board& board_;
  const GroupConfig& config_;
  const int rank_;
  Backend& backend_;
  const CallData& data_;
  const double budget_us_;
  size_t samples_ = 0;
  uint64_t calls_ = 0;
  bool too_slow_ = false;
};

Result<double> Measurement::TimeTogether(const Call& call) {
  if (config_.fresh) data_.Refresh(call);
  FLEXMIG_RETURN_IF_ERROR(board_.Barrier(rank_));
  const auto start = Clock::now();
  FLEXMIG_RETURN_IF_ERROR(backend_.Run(call));
  return board_.Greatest(rank_, MicrosecondsSince(start));
}

// As many calls as asked for, but no more than fit into twice the time for this size. Returns the
// shortest call's time.
Result<double> Measurement::WarmUp(const Call& call) {
  FLEXMIG_ASSIGN_OR_RETURN(double shortest_us, TimeTogether(call));
  // A first call may set up connections; only a call of seconds shows that the library crawls.
  constexpr double kTooSlowUs = 2e6;
  too_slow_ = shortest_us > std::max(kTooSlowUs, 20 * budget_us_);
  double spent_us = shortest_us;
  for (uint32_t i = 1; i < config_.warmup && spent_us < 2 * budget_us_; ++i) {
    FLEXMIG_ASSIGN_OR_RETURN(const double took_us, TimeTogether(call));
    spent_us += took_us;
    shortest_us = std::min(shortest_us, took_us);
  }
  return shortest_us;
}

Status Measurement::TakeSample(const Call& call, size_t calls) {
  if (config_.fresh) data_.Refresh(call);
  FLEXMIG_RETURN_IF_ERROR(board_.Barrier(rank_));
  const auto start = Clock::now();
  for (size_t i = 0; i < calls; ++i) FLEXMIG_RETURN_IF_ERROR(backend_.Run(call));
  board_.SamplesOf(rank_)[samples_++] = MicrosecondsSince(start) / static_cast<double>(calls);
  calls_ += calls;
  return OkStatus();
}

Status Measurement::TakeSamples(const Call& call, double estimate_us) {
  samples_ = 0;
  calls_ = 0;
  estimate_us = std::max(estimate_us, 0.01);
  // Back to back, a sample is a run of calls: ten or more of them in the time there is.
  const size_t run = config_.back_to_back
                         ? static_cast<size_t>(std::clamp(budget_us_ / 10 / estimate_us, 1., 1e4))
                         : 1;
  if (config_.iterations > 0) {
    const size_t runs = std::min((config_.iterations + run - 1) / run, Board::kMaxSamples);
    while (samples_ < runs) {
      FLEXMIG_RETURN_IF_ERROR(TakeSample(call, std::min<size_t>(run, config_.iterations - calls_)));
    }
    return OkStatus();
  }
  // The ranks agree after every eighth of the time whether it is over: an estimate alone can be
  // wrong by much when others use the machine.
  const double sample_us = estimate_us * static_cast<double>(run);
  const auto batch = static_cast<size_t>(std::clamp(budget_us_ / 8 / sample_us, 1., 4096.));
  const size_t least = sample_us > budget_us_ ? 1 : 3;
  const auto start = Clock::now();
  double spent_us = 0;
  while (samples_ + batch <= Board::kMaxSamples && (spent_us < budget_us_ || samples_ < least)) {
    for (size_t i = 0; i < batch; ++i) FLEXMIG_RETURN_IF_ERROR(TakeSample(call, run));
    FLEXMIG_ASSIGN_OR_RETURN(spent_us, board_.Greatest(rank_, MicrosecondsSince(start)));
  }
  return OkStatus();
}

// By rank 0: the slowest rank decides about every sample.
Summary Measurement::SummarizeSlowest() {
  double* const slowest = board_.SamplesOf(0);
  for (int peer = 1; peer < config_.ranks; ++peer) {
    const double* const samples = board_.SamplesOf(peer);
    for (size_t i = 0; i < samples_; ++i) slowest[i] = std::max(slowest[i], samples[i]);
  }
  return Summarize({slowest, samples_});
}

Status Measurement::Run(size_t size, bool in_place) {
  const Call call = data_.MakeCall(size, in_place);
  size_t wrong = 0;
  data_.Fill(call);
  if (config_.check) {
    FLEXMIG_RETURN_IF_ERROR(TimeTogether(call).status());
    wrong = data_.CountWrong(call);
  }
  if (in_place) data_.Zero(call);
  FLEXMIG_ASSIGN_OR_RETURN(const double estimate_us, WarmUp(call));
  FLEXMIG_RETURN_IF_ERROR(TakeSamples(call, estimate_us));
  // The last of the timed calls is checked too; in place it had nothing but zeros.
  if (config_.check && !in_place) wrong = std::max(wrong, data_.CountWrong(call));
  FLEXMIG_ASSIGN_OR_RETURN(const uint64_t all_wrong, board_.Sum(rank_, wrong));
  if (rank_ == 0) {
    const Summary summary = SummarizeSlowest();
    const CallShape shape =
        ShapeOf(config_.collective, size, reduce::ElementBytes(config_.type), config_.ranks);
    FLEXMIG_RETURN_IF_ERROR(board_.AddPoint({shape.total_bytes, shape.count, calls_, all_wrong,
                                             summary.min, summary.median, summary.p99, in_place}));
  }
  return board_.Barrier(rank_);  // the samples are read
}

Status RunAllSizes(Board& board, int rank, Backend& backend) {
  const GroupConfig& config = board.config();
  FLEXMIG_ASSIGN_OR_RETURN(const CallData data, CallData::Create(config, rank, backend));
  Measurement measurement(board, rank, backend, data);
  const bool is_barrier = config.collective == Collective::kBarrier;
  bool measured = false;
  Status offered;
  for (size_t size = config.min_bytes; size <= config.max_bytes && !measurement.too_slow();
       size *= config.factor) {
    for (const bool in_place : {false, true}) {
      if (!(in_place ? config.in_place && CanBeInPlace(config.collective) : config.out_of_place)) {
        continue;
      }
      const Status offers = backend.Offers(data.MakeCall(size, in_place));
      if (!offers.ok()) {
        offered = offers;
        continue;
      }
      FLEXMIG_RETURN_IF_ERROR(measurement.Run(size, in_place));
      measured = true;
    }
    if (is_barrier) break;
  }
  // Nobody leaves while others may still need him.
  FLEXMIG_RETURN_IF_ERROR(board.Barrier(rank));
  return measured ? OkStatus() : offered;
}

}  // namespace

int RunRank(Board& board, int rank, const MakeBackend& make_backend) {
  const GroupConfig& config = board.config();
  Status status = config.pin ? PinToCpuOf(rank) : OkStatus();
  std::unique_ptr<Backend> backend;
  if (status.ok()) {
    auto made = make_backend(board.MembershipOf(rank), config);
    status = made.status();
    if (made.ok()) backend = std::move(made).value();
  }
  if (status.ok()) {
    if (rank == 0) board.SetVersion(backend->Version());
    status = RunAllSizes(board, rank, *backend);
  }
  // Told before the backend goes: leaving some libraries waits for all ranks.
  if (!status.ok()) board.SetError(rank, status);
  return status.ok() ? 0 : 1;
}

}  // namespace flexmig::perf
