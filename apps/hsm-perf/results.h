#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "flexmig/base/status.h"

#include "machine_limits.h"
#include "records.h"

namespace flexmig::perf {

// Points that are compared with each other: all but the library and the size.
struct SeriesKey {
  int ranks = 0;
  std::string collective;
  std::string type;
  bool in_place = false;
  bool back_to_back = false;
  bool fresh = false;
  friend auto operator<=>(const SeriesKey&, const SeriesKey&) = default;
};

// The medians of all passes.
struct Best {
  double best_us = 0;
  double worst_us = 0;
};

// Several JSON files as one: what was measured, by whom, where.
class Results {
 public:
  // The name of ours with registered buffers, which count as another library.
  static constexpr const char* kRegistered = "flexmig registered";
  static constexpr const char* kOurs = "flexmig";

  // Errors: kInvalidArgument for a file of another format.
  Status Add(const nlohmann::json& file);
  void AddRecord(const Record& record);

  [[nodiscard]] std::vector<SeriesKey> keys() const;
  [[nodiscard]] std::vector<uint64_t> SizesOf(const SeriesKey& key) const;
  [[nodiscard]] std::optional<Best> Find(const SeriesKey& key, const std::string& library,
                                         uint64_t bytes) const;
  // The peer with the shortest time among `peers`; nullopt if none was measured.
  [[nodiscard]] std::optional<double> BestPeerUs(const SeriesKey& key, uint64_t bytes,
                                                 const std::vector<std::string>& peers) const;

  // All libraries but ours, in alphabetical order.
  [[nodiscard]] std::vector<std::string> peers() const;
  [[nodiscard]] const std::set<std::string>& versions() const { return versions_; }
  [[nodiscard]] const std::vector<std::string>& failures() const { return failures_; }
  [[nodiscard]] const std::optional<Limits>& limits() const { return limits_; }
  // Of the first file; equal but for "date" in all that were added.
  [[nodiscard]] const nlohmann::json& machine() const { return machine_; }
  [[nodiscard]] uint64_t wrong() const { return wrong_; }

 private:
  std::map<SeriesKey, std::map<uint64_t, std::map<std::string, Best>>> series_;
  std::set<std::string> versions_;
  std::vector<std::string> failures_;
  std::optional<Limits> limits_;
  nlohmann::json machine_;
  uint64_t wrong_ = 0;
};

}  // namespace flexmig::perf
