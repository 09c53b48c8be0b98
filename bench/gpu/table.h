#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "flexmig/cuda/driver.h"

#include "board.h"
#include "busy.h"
#include "link_limit.h"
#include "options.h"
#include "statistics.h"

namespace flexmig::nccl_perf {

// One half of a row: in place or not.
struct Side {
  perf::Summary time;  // microseconds of a call
  std::optional<size_t> wrong;
};
struct Row {
  std::optional<Side> out_of_place;
  std::optional<Side> in_place;
};

// What a run prints to stdout: nccl-tests' columns, with the library in front, and behind each time
// its minimum and 99th percentile. Lines of text begin with '#'.
class Table {
 public:
  Table(const Options& options, int ranks) : options_(options), ranks_(ranks) {}

  // `devices`: how many different ones the ranks have.
  void Announce(const cuda::DeviceFacts& facts, size_t devices) const;
  void AnnounceLibrary(const LibrarySpec& library, const std::string& version) const;
  void AnnounceLink(const LinkLimit& limit);
  void Begin(const perf::GroupConfig& config) const;
  // One row for each library.
  void AddSize(const perf::GroupConfig& config, size_t size, const std::vector<Row>& rows);
  void AddBusy(const std::string& library, const BusyResult& result) const;
  // The libraries against the first one, and the count of wrong elements.
  void End(size_t wrong) const;

 private:
  struct Ratio {
    double product = 1;  // of the medians, the first library's over another one's
    int count = 0;
  };

  const Options& options_;
  int ranks_;
  std::optional<LinkLimit> link_;
  std::map<std::string, Ratio> small_;  // by library; up to 64 KiB
  std::map<std::string, Ratio> large_;  // from 1 MiB
};

}  // namespace flexmig::nccl_perf
