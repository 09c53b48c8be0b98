#include "rank.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "flexmig/base/strings.h"
#include "flexmig/cuda/driver.h"

#include "busy.h"
#include "device_data.h"
#include "link_limit.h"
#include "statistics.h"
#include "table.h"
#include "waiting.h"

namespace flexmig::nccl_perf {
namespace {

using Clock = std::chrono::steady_clock;

// However slow a library is.
constexpr int kFewestSamples = 3;

// Calls in one sample: so many that reading the clock and waiting are small beside them, as
// nccl-tests does with 20 for every size.
int CallsPerSample(size_t size) {
  if (size <= 64 << 10) return 20;
  return size <= 4 << 20 ? 5 : 1;
}

class Rank {
 public:
  Rank(const Options& options, coll::Communicator& host, const cuda::Driver& driver)
      : options_(options), host_(host), driver_(driver), table_(options, host.world_size()) {}

  Result<size_t> Run();

 private:
  bool speaks() const { return host_.rank() == 0; }
  Status Open();
  Status Announce();
  Status MeasureCollective(perf::Collective collective, reduce::DataType type);
  // One sample: microseconds of a call, of the slowest rank.
  Result<double> Sample(const NcclLibrary& library, const perf::Call& call, int calls);
  Result<Side> MeasureSide(DeviceData& data, size_t size, bool in_place, size_t library,
                           std::vector<double>& samples);
  Status MeasureSize(DeviceData& data, size_t size);

  const Options& options_;
  coll::Communicator& host_;
  const cuda::Driver& driver_;
  Table table_;
  std::vector<NcclLibrary> libraries_;
  cuda::Stream stream_{};
  cuda::Event event_{};
  perf::GroupConfig config_;  // of the collective being measured
  size_t wrong_ = 0;          // of all ranks
};

Status Rank::Open() {
  FLEXMIG_RETURN_IF_ERROR(driver_.Primary(0).status());
  FLEXMIG_ASSIGN_OR_RETURN(stream_, driver_.CreateStream());
  FLEXMIG_ASSIGN_OR_RETURN(event_, driver_.CreateEvent());
  for (const LibrarySpec& spec : options_.libraries) {
    FLEXMIG_ASSIGN_OR_RETURN(auto library, NcclLibrary::Open(spec, host_));
    libraries_.push_back(std::move(library));
  }
  return OkStatus();
}

// The heading: what the numbers below it are about.
Status Rank::Announce() {
  FLEXMIG_ASSIGN_OR_RETURN(const cuda::DeviceFacts facts, driver_.Facts());
  constexpr size_t kUuidBytes = 16;
  std::vector<uint8_t> uuids(static_cast<size_t>(host_.world_size()) * kUuidBytes);
  FLEXMIG_RETURN_IF_ERROR(
      host_.AllGather(facts.uuid.data(), uuids.data(), kUuidBytes, reduce::DataType::kUint8));
  std::set<std::vector<uint8_t>> devices;
  for (size_t at = 0; at < uuids.size(); at += kUuidBytes) {
    const auto begin = uuids.begin() + static_cast<std::ptrdiff_t>(at);
    devices.emplace(begin, begin + kUuidBytes);
  }
  if (!speaks()) return OkStatus();
  table_.Announce(facts, devices.size());
  for (size_t i = 0; i < libraries_.size(); ++i) {
    table_.AnnounceLibrary(options_.libraries[i], libraries_[i].Version());
  }
  return OkStatus();
}

Result<double> Rank::Sample(const NcclLibrary& library, const perf::Call& call, int calls) {
  FLEXMIG_RETURN_IF_ERROR(host_.Barrier());
  const auto begin = Clock::now();
  for (int i = 0; i < calls; ++i) FLEXMIG_RETURN_IF_ERROR(library.Run(call, stream_));
  FLEXMIG_RETURN_IF_ERROR(WaitForStream(driver_, stream_, event_));
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count() / calls;
}

// What is left of a library's samples, and whether its results are right.
Result<Side> Rank::MeasureSide(DeviceData& data, size_t size, bool in_place, size_t library,
                               std::vector<double>& samples) {
  FLEXMIG_RETURN_IF_ERROR(host_.AllReduce(std::span(samples), coll::ReduceOp::kMax));
  Side side;
  side.time = perf::Summarize(samples);
  if (!options_.check) return side;
  FLEXMIG_RETURN_IF_ERROR(data.Fill(size, in_place));
  libraries_[library].Enter();
  FLEXMIG_RETURN_IF_ERROR(libraries_[library].Run(data.MakeCall(size, in_place), stream_));
  FLEXMIG_RETURN_IF_ERROR(WaitForStream(driver_, stream_, event_));
  FLEXMIG_RETURN_IF_ERROR(libraries_[library].AsyncError());
  libraries_[library].Leave();
  FLEXMIG_ASSIGN_OR_RETURN(const size_t own, data.CountWrong(size, in_place));
  uint64_t wrong = own;
  FLEXMIG_RETURN_IF_ERROR(host_.AllReduce(std::span(&wrong, 1), coll::ReduceOp::kSum));
  side.wrong = wrong;
  wrong_ += wrong;
  return side;
}

Status Rank::MeasureSize(DeviceData& data, size_t size) {
  const int calls = CallsPerSample(size);
  std::vector<Row> rows(libraries_.size());
  for (const bool in_place : {false, true}) {
    if (in_place && !perf::CanBeInPlace(config_.collective)) continue;
    const perf::Call call = data.MakeCall(size, in_place);
    std::vector<std::vector<double>> samples(libraries_.size());
    const auto begin = Clock::now();
    double elapsed = 0;
    // The libraries in turn, so that a change of the machine's state meets all alike.
    for (int round = -options_.warmup; round < options_.samples; ++round) {
      if (round >= kFewestSamples && elapsed > options_.seconds) break;
      for (size_t i = 0; i < libraries_.size(); ++i) {
        libraries_[i].Enter();
        FLEXMIG_ASSIGN_OR_RETURN(const double time, Sample(libraries_[i], call, calls));
        libraries_[i].Leave();
        if (round >= 0) samples[i].push_back(time);
      }
      // All ranks go by the slowest one's clock, so that they stop together.
      elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
      FLEXMIG_RETURN_IF_ERROR(host_.AllReduce(std::span(&elapsed, 1), coll::ReduceOp::kMax));
    }
    for (size_t i = 0; i < libraries_.size(); ++i) {
      FLEXMIG_ASSIGN_OR_RETURN(const Side side, MeasureSide(data, size, in_place, i, samples[i]));
      (in_place ? rows[i].in_place : rows[i].out_of_place) = side;
    }
  }
  if (speaks()) table_.AddSize(config_, size, rows);
  return OkStatus();
}

Status Rank::MeasureCollective(perf::Collective collective, reduce::DataType type) {
  config_.ranks = host_.world_size();
  config_.collective = collective;
  config_.type = type;
  config_.op = options_.op;
  config_.max_bytes = options_.max_bytes;
  FLEXMIG_ASSIGN_OR_RETURN(const auto data,
                           DeviceData::Create(driver_, config_, host_.rank(), stream_));
  if (speaks()) table_.Begin(config_);
  for (size_t size = options_.min_bytes; size <= options_.max_bytes; size *= options_.factor) {
    FLEXMIG_RETURN_IF_ERROR(MeasureSize(*data, size));
    if (options_.factor < 2) break;
  }
  return OkStatus();
}

Result<size_t> Rank::Run() {
  FLEXMIG_RETURN_IF_ERROR(Open());
  FLEXMIG_RETURN_IF_ERROR(Announce());
  if (options_.link) {
    const size_t bytes = std::min<size_t>(options_.max_bytes, 64 << 20);
    FLEXMIG_ASSIGN_OR_RETURN(const LinkLimit limit, MeasureLink(driver_, host_, bytes));
    if (speaks()) table_.AnnounceLink(limit);
  }
  for (const auto collective : options_.collectives) {
    for (const auto type : options_.types) {
      FLEXMIG_RETURN_IF_ERROR(MeasureCollective(collective, type));
    }
  }
  if (options_.busy) {
    for (const NcclLibrary& library : libraries_) {
      library.Enter();
      const auto beside = MeasureBusy(driver_, host_, library, options_.max_bytes);
      library.Leave();
      FLEXMIG_RETURN_IF_ERROR(beside.status());
      if (speaks()) table_.AddBusy(library.name(), *beside);
    }
  }
  for (const NcclLibrary& library : libraries_) FLEXMIG_RETURN_IF_ERROR(library.Finish());
  if (speaks()) table_.End(wrong_);
  return wrong_;
}

}  // namespace

Result<size_t> RunRank(const Options& options, coll::Communicator& host) {
  FLEXMIG_ASSIGN_OR_RETURN(const cuda::Driver* driver, cuda::Driver::Load());
  return Rank(options, host, *driver).Run();
}

}  // namespace flexmig::nccl_perf
