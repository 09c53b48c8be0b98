#include "table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "flexmig/base/strings.h"
#include "flexmig/reduce/types.h"

namespace flexmig::nccl_perf {
namespace {

constexpr size_t kSmall = 64 << 10;
constexpr size_t kLarge = 1 << 20;

std::string HalfRow(const std::optional<Side>& side, size_t bytes, double factor) {
  char text[128];
  if (!side) {
    std::snprintf(text, sizeof text, " %9s %9s %9s %7s %7s %6s", "N/A", "N/A", "N/A", "N/A", "N/A",
                  "N/A");
    return text;
  }
  const double algorithm = perf::AlgorithmBandwidth(bytes, side->time.median);
  std::snprintf(text, sizeof text, " %9.2f %9.2f %9.2f %7.2f %7.2f %6s", side->time.median,
                side->time.min, side->time.p99, algorithm, algorithm * factor,
                side->wrong ? StrCat(*side->wrong).c_str() : "N/A");
  return text;
}

}  // namespace

void Table::Announce(const cuda::DeviceFacts& facts, size_t devices) const {
  std::printf("# nccl-perf: %d ranks, a process each; rank 0 on %s\n", ranks_, facts.name.c_str());
  if (devices < static_cast<size_t>(ranks_)) {
    std::printf(
        "# NOT LEAVES: %d processes share %zu device%s without MIG as a stand-in for "
        "leaves.\n# They take turns on its SMs, which leaves do not.\n",
        ranks_, devices, devices == 1 ? "" : "s");
  }
  std::printf(
      "# a sample is the slowest rank's time for a call; time: median of up to %d samples, "
      "min and p99 of the same; the libraries take turns\n",
      options_.samples);
}

void Table::AnnounceLibrary(const LibrarySpec& library, const std::string& version) const {
  std::printf("# library %s: %s, version %s", library.name.c_str(), library.path.c_str(),
              version.c_str());
  for (const auto& [name, value] : library.variables) {
    std::printf(", %s=%s", name.c_str(), value.c_str());
  }
  std::printf("\n");
}

void Table::AnnounceLink(const LinkLimit& limit) {
  link_ = limit;
  std::printf(
      "# link, all ranks copying at once [GB/s]: up alone %.2f, down alone %.2f, both at "
      "once %.2f each way\n",
      limit.up, limit.down, limit.up_of_both);
  // Every byte that goes up has to come down again, so the slower direction counts.
  const double b = std::min(limit.up_of_both, limit.down_of_both);
  std::printf(
      "# so all-reduce can have, as algbw: B/N = %.2f where the host reduces, B/(2(N-1)) = "
      "%.2f as a ring through host memory; B = %.2f\n",
      b / ranks_, ranks_ > 1 ? b / (2 * (ranks_ - 1)) : b, b);
}

void Table::Begin(const perf::GroupConfig& config) const {
  const char* const half = "     time       min       p99   algbw   busbw #wrong";
  const char* const units = "     (us)      (us)      (us)  (GB/s)  (GB/s)       ";
  std::printf("#\n# %s\n", std::string(perf::CollectiveName(config.collective)).c_str());
  std::printf("#%9s %12s %12s %9s %6s %5s %-53s %s\n", "", "", "", "", "", "", "out of place",
              "in place");
  std::printf("#%9s %12s %12s %9s %6s %5s %s  %s\n", "library", "size", "count", "type", "redop",
              "root", half, half);
  std::printf("#%9s %12s %12s %9s %6s %5s %s  %s\n", "", "(B)", "(elements)", "", "", "", units,
              units);
  std::fflush(stdout);
}

void Table::AddSize(const perf::GroupConfig& config, size_t size, const std::vector<Row>& rows) {
  const perf::CallShape shape =
      perf::ShapeOf(config.collective, size, reduce::ElementBytes(config.type), config.ranks);
  const double factor = perf::BusFactor(config.collective, config.ranks);
  for (size_t i = 0; i < rows.size(); ++i) {
    std::printf(
        " %9s %12zu %12zu %9s %6s %5d %s %s\n", options_.libraries[i].name.c_str(),
        shape.total_bytes, shape.count, std::string(reduce::DataTypeName(config.type)).c_str(),
        perf::Reduces(config.collective) ? std::string(reduce::ReduceOpName(config.op)).c_str()
                                         : "none",
        perf::HasRoot(config.collective) ? config.root : -1,
        HalfRow(rows[i].out_of_place, shape.total_bytes, factor).c_str(),
        HalfRow(rows[i].in_place, shape.total_bytes, factor).c_str());
    const double own = rows[i].out_of_place->time.median;
    const double first = rows[0].out_of_place->time.median;
    if (i == 0 || own <= 0 || first <= 0) continue;
    for (auto* const ratios :
         {size <= kSmall ? &small_ : nullptr, size >= kLarge ? &large_ : nullptr}) {
      if (ratios == nullptr) continue;
      Ratio& ratio = (*ratios)[options_.libraries[i].name];
      ratio.product *= own / first;
      ++ratio.count;
    }
  }
  std::fflush(stdout);
}

void Table::AddBusy(const std::string& library, const BusyResult& result) const {
  std::printf(
      "# kernel on all SMs beside all-reduces of %s: %.2f ms alone, %.2f ms beside %d "
      "calls (x %.3f); the calls alone %.2f ms, beside it %.2f ms\n",
      library.c_str(), result.kernel_alone_ms, result.kernel_beside_ms, result.calls,
      result.kernel_beside_ms / result.kernel_alone_ms, result.calls_alone_ms,
      result.calls_beside_ms);
}

void Table::End(size_t wrong) const {
  std::printf("#\n");
  for (const auto& [range, ratios] :
       {std::pair{"up to 64 KiB", &small_}, std::pair{"from 1 MiB on", &large_}}) {
    for (const auto& [library, ratio] : *ratios) {
      std::printf("# time of %s over that of %s, %s, geometric mean of %d medians: %.3f\n",
                  library.c_str(), options_.libraries[0].name.c_str(), range, ratio.count,
                  std::pow(ratio.product, 1.0 / ratio.count));
    }
  }
  if (options_.check) {
    std::printf("# Out of bounds values : %zu %s\n", wrong, wrong == 0 ? "OK" : "FAILED");
  }
  std::fflush(stdout);
}

}  // namespace flexmig::nccl_perf
