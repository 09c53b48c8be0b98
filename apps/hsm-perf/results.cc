#include "results.h"

#include <algorithm>

#include "flexmig/base/strings.h"

#include "machine.h"

namespace flexmig::perf {

Status Results::Add(const nlohmann::json& file) {
  if (!file.is_object() || file.value("format", "") != kFileFormat) {
    return InvalidArgumentError(StrCat("not a file of the format ", kFileFormat));
  }
  try {
    nlohmann::json machine = file.at("machine");
    nlohmann::json known = machine_;
    for (nlohmann::json* const one : {&machine, &known}) {
      if (!one->is_null()) one->erase("date");
    }
    if (machine_.is_null()) {
      machine_ = file.at("machine");
    } else if (machine != known) {
      return InvalidArgumentError(
          StrCat("of another machine or build: ", machine.dump(), " instead of ", known.dump()));
    }
    if (file.contains("limits")) {
      FLEXMIG_ASSIGN_OR_RETURN(limits_, LimitsFromJson(file.at("limits")));
    }
    if (!file.contains("points")) return OkStatus();
    for (const auto& point : file.at("points")) {
      FLEXMIG_ASSIGN_OR_RETURN(const Record record, RecordFromJson(point));
      AddRecord(record);
    }
    for (const std::string version : file.at("versions")) {
      if (!version.empty()) versions_.insert(version);
    }
    for (const std::string failure : file.at("failures")) failures_.push_back(failure);
  } catch (const nlohmann::json::exception& error) {
    return InvalidArgumentError(error.what());
  }
  return OkStatus();
}

void Results::AddRecord(const Record& record) {
  const SeriesKey key{record.ranks,          record.collective,   record.type,
                      record.point.in_place, record.back_to_back, record.fresh};
  const std::string library = record.registered ? kRegistered : record.library;
  const double us = record.point.median_us;
  const auto [at, is_new] = series_[key][record.point.bytes].try_emplace(library, Best{us, us});
  if (!is_new) {
    at->second.best_us = std::min(at->second.best_us, us);
    at->second.worst_us = std::max(at->second.worst_us, us);
  }
  wrong_ += record.point.wrong;
}

std::vector<SeriesKey> Results::keys() const {
  std::vector<SeriesKey> keys;
  for (const auto& [key, sizes] : series_) keys.push_back(key);
  return keys;
}

std::vector<uint64_t> Results::SizesOf(const SeriesKey& key) const {
  std::vector<uint64_t> sizes;
  const auto series = series_.find(key);
  if (series == series_.end()) return sizes;
  for (const auto& [bytes, libraries] : series->second) sizes.push_back(bytes);
  return sizes;
}

std::optional<Best> Results::Find(const SeriesKey& key, const std::string& library,
                                  uint64_t bytes) const {
  const auto series = series_.find(key);
  if (series == series_.end()) return std::nullopt;
  const auto size = series->second.find(bytes);
  if (size == series->second.end()) return std::nullopt;
  const auto best = size->second.find(library);
  if (best == size->second.end()) return std::nullopt;
  return best->second;
}

std::optional<double> Results::BestPeerUs(const SeriesKey& key, uint64_t bytes,
                                          const std::vector<std::string>& peers) const {
  std::optional<double> best_us;
  for (const std::string& peer : peers) {
    const auto found = Find(key, peer, bytes);
    if (found) best_us = std::min(best_us.value_or(found->best_us), found->best_us);
  }
  return best_us;
}

std::vector<std::string> Results::peers() const {
  std::set<std::string> names;
  for (const auto& [key, sizes] : series_) {
    for (const auto& [bytes, libraries] : sizes) {
      for (const auto& [name, best] : libraries) names.insert(name);
    }
  }
  names.erase(kOurs);
  names.erase(kRegistered);
  return {names.begin(), names.end()};
}

}  // namespace flexmig::perf
