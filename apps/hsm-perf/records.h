#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "flexmig/base/status.h"

#include "board.h"

namespace flexmig::perf {

// One point and all that tells it from others; one element of "points" in the JSON file
// (docs/reference/hsm-perf.md lists the fields).
struct Record {
  std::string library;
  std::string collective;
  std::string type;
  std::string op;  // "none" where nothing is reduced
  int root = -1;   // -1 where there is none
  int ranks = 0;
  bool registered = false;
  bool back_to_back = false;
  bool fresh = false;
  int pass = 0;  // from 0
  Point point;

  // In 10^9 bytes/s, of the median.
  [[nodiscard]] double algbw_gb_per_s() const;
  [[nodiscard]] double busbw_gb_per_s() const;
};

[[nodiscard]] Record MakeRecord(const std::string& library, const GroupConfig& config, int pass,
                                const Point& point);

[[nodiscard]] nlohmann::json ToJson(const Record& record);
// Errors: kInvalidArgument naming the field.
Result<Record> RecordFromJson(const nlohmann::json& json);

// nccl-tests' table: a header, then one line a record.
[[nodiscard]] std::string TableHeader();
[[nodiscard]] std::string TableLine(const Record& record);

}  // namespace flexmig::perf
