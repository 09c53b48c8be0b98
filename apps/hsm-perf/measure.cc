#include "measure.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "group.h"

namespace flexmig::perf {

namespace {

size_t SizesOf(const GroupConfig& config) {
  size_t sizes = 0;
  for (uint64_t size = config.min_bytes; size <= config.max_bytes; size *= config.factor) ++sizes;
  return sizes;
}

// A library with ordinary or with registered buffers.
struct Entrant {
  const Library* library;
  bool registered;
};

class Runner {
 public:
  Runner(const Options& options, const std::vector<Library>& libraries)
      : options_(options), libraries_(libraries) {
    const bool compares = libraries.size() > 1;
    for (const Library& library : libraries_) {
      const bool is_first = &library == &libraries_.front();
      if (compares || !options.group.registered) entrants_.push_back({&library, false});
      if (options.group.registered && is_first) entrants_.push_back({&library, true});
    }
    found_.versions.resize(libraries.size());
  }

  Status Run(const GroupConfig& config, const Entrant& entrant, int pass);
  [[nodiscard]] const std::vector<Entrant>& entrants() const { return entrants_; }
  Measurements TakeFound() { return std::move(found_); }

 private:
  const Options& options_;
  const std::vector<Library>& libraries_;
  std::vector<Entrant> entrants_;
  Measurements found_;
};

Status Runner::Run(const GroupConfig& config, const Entrant& entrant, int pass) {
  const Library& library = *entrant.library;
  const std::string what =
      fmt::format("{} {} {}, {} ranks, {}{}", library.name, CollectiveName(config.collective),
                  reduce::DataTypeName(config.type), config.ranks,
                  config.back_to_back ? "back to back"
                  : config.fresh      ? "each call on fresh data after a barrier"
                                      : "each call after a barrier",
                  config.registered ? ", registered buffers" : "");
  const std::string turn =
      options_.passes > 1 ? fmt::format(", pass {} of {}", pass + 1, options_.passes) : "";
  GroupResult result = RunGroup(config, library, DeadlineFor(options_, config));
  const auto index = static_cast<size_t>(&library - libraries_.data());
  if (!result.version.empty()) found_.versions[index] = result.version;
  if (!result.points.empty()) {
    std::fputs(fmt::format("# {}{}\n{}", what, turn, TableHeader()).c_str(), stdout);
  }
  for (const Point& point : result.points) {
    found_.records.push_back(MakeRecord(library.name, config, pass, point));
    std::fputs(TableLine(found_.records.back()).c_str(), stdout);
  }
  std::fflush(stdout);
  if (result.status.ok()) return OkStatus();
  const bool is_ours = &library == &libraries_.front();
  const bool is_missing = result.status.code() == StatusCode::kUnimplemented;
  if (is_ours && !(is_missing && (options_.all_collectives || libraries_.size() > 1))) {
    return result.status;
  }
  const std::string failure = fmt::format("{}: {}", what, result.status.message());
  if (std::find(found_.failures.begin(), found_.failures.end(), failure) == found_.failures.end()) {
    std::fputs(fmt::format("# {}\n", failure).c_str(), stderr);
    found_.failures.push_back(failure);
  }
  return OkStatus();
}

}  // namespace

// Time for one group: to start and to make buffers, for the timed calls (warm-up may take twice as
// long), and for one call and check of each size at 0.2 GB/s, in place and out of place.
// A library that needs far longer than others loses its largest sizes.
Deadline DeadlineFor(const Options& options, const GroupConfig& config) {
  if (options.deadline.count() > 0) return Deadline::After(options.deadline);
  const auto moved = std::chrono::milliseconds(config.max_bytes / 200'000);
  return Deadline::After(std::chrono::seconds(20) + 4 * moved +
                         4 * config.time * static_cast<int64_t>(SizesOf(config)));
}

Result<Measurements> Measure(const Options& options, const std::vector<Library>& libraries) {
  if (SizesOf(options.group) * 2 > Board::kMaxPoints) {
    return InvalidArgumentError("--stepfactor makes too many sizes");
  }
  Runner runner(options, libraries);
  for (const Collective collective : options.collectives) {
    for (const reduce::DataType type : options.types) {
      // A barrier has no type: once is enough.
      if (collective == Collective::kBarrier && type != options.types.front()) continue;
      for (int pass = 0; pass < options.passes; ++pass) {
        for (const Entrant& entrant : runner.entrants()) {
          if (collective == Collective::kBarrier && entrant.registered) continue;
          GroupConfig config = options.group;
          config.collective = collective;
          config.type = type;
          config.registered = entrant.registered;
          if (collective == Collective::kBarrier) config.out_of_place = true;
          FLEXMIG_RETURN_IF_ERROR(runner.Run(config, entrant, pass));
        }
      }
    }
  }
  return runner.TakeFound();
}

bool HasWrongResults(const Measurements& measurements) {
  return std::any_of(measurements.records.begin(), measurements.records.end(),
                     [](const Record& record) { return record.point.wrong > 0; });
}

}  // namespace flexmig::perf
