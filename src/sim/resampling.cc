#include "flexmig/sim/resampling.h"

#include <algorithm>
#include <utility>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::sim {

namespace {

constexpr int kMaxBlocks = 100'000;
using Records = std::vector<trace::JobRecord>;

Records InAnotherOrder(std::span<const trace::JobRecord> records, SplitMix64& random) {
  Records replica(records.begin(), records.end());
  for (size_t i = replica.size(); i > 1; --i) {
    std::swap(replica[i - 1], replica[random.NextBelow(i)]);
  }
  for (size_t i = 0; i < replica.size(); ++i) replica[i].submit_time = records[i].submit_time;
  return replica;
}

Records FromBlocks(std::span<const trace::JobRecord> records, int blocks, SplitMix64& random) {
  if (records.empty()) return {};
  const sched::TimePoint first = records.front().submit_time;
  // In microseconds; the last submission belongs to it.
  const int64_t span = (records.back().submit_time - first).count() + 1;
  const int64_t length = (span + blocks - 1) / blocks;
  Records replica;
  // Copies what was submitted in [from, to) to the time `at` and on.
  const auto copy = [&](int64_t from, int64_t to, int64_t at) {
    const auto begin = std::partition_point(
        records.begin(), records.end(),
        [&](const auto& record) { return (record.submit_time - first).count() < from; });
    for (auto it = begin; it != records.end() && (it->submit_time - first).count() < to; ++it) {
      trace::JobRecord& job = replica.emplace_back(*it);
      job.submit_time += sched::Duration(at - from);
      job.id = trace::TraceJobId(static_cast<int64_t>(replica.size()));
    }
  };
  for (int64_t at = 0; at < span; at += length) {
    const auto start = static_cast<int64_t>(random.NextBelow(static_cast<uint64_t>(span)));
    const int64_t end = start + std::min(length, span - at);
    copy(start, std::min(end, span), at);
    if (end > span) copy(0, end - span, at + span - start);
  }
  return replica;
}

}  // namespace

Result<Resampling> Resampling::Parse(std::string_view text, uint64_t seed) {
  constexpr std::string_view kBlocksPrefix = "blocks:";
  Resampling resampling;
  resampling.seed = seed;
  if (text == "none") return resampling;
  if (text == "order") {
    resampling.kind = Kind::kOrder;
    return resampling;
  }
  if (!text.starts_with(kBlocksPrefix)) {
    return NotFoundError(
        StrCat("no resampling '", text, "'; there are none, order, blocks:<number>"));
  }
  resampling.kind = Kind::kBlocks;
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t blocks,
                           ParseInt(text.substr(kBlocksPrefix.size()), 1, kMaxBlocks));
  resampling.blocks = static_cast<int>(blocks);
  return resampling;
}

std::string Resampling::Describe() const {
  switch (kind) {
    case Kind::kNone: return "none, the trace as recorded";
    case Kind::kOrder:
      return StrCat("order: the recorded submission times, jobs dealt to them by seed ", seed);
    case Kind::kBlocks:
      return StrCat("blocks: ", blocks, " stretches of the trace drawn by seed ", seed);
  }
  FLEXMIG_CHECK(false);
}

std::vector<trace::JobRecord> Resample(std::span<const trace::JobRecord> records,
                                       const Resampling& resampling) {
  SplitMix64 random(resampling.seed);
  switch (resampling.kind) {
    case Resampling::Kind::kNone: return {records.begin(), records.end()};
    case Resampling::Kind::kOrder: return InAnotherOrder(records, random);
    case Resampling::Kind::kBlocks: return FromBlocks(records, resampling.blocks, random);
  }
  FLEXMIG_CHECK(false);
}

}  // namespace flexmig::sim
