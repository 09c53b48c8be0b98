#include "selection_file.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "flexmig/base/env.h"
#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/shm/segment_layout.h"

namespace flexmig::coll {
namespace {

constexpr std::string_view kFirstLine = "flexmig-selection 1";
constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

// By Collective.
constexpr std::array<std::string_view, SelectionTable::kRows> kNames = {
    "all_reduce", "broadcast", "all_gather", "reduce_scatter", "barrier",
    "reduce",     "gather",    "scatter",    "all_to_all"};

std::vector<std::string_view> Fields(std::string_view line) {
  std::vector<std::string_view> fields;
  constexpr std::string_view kBlanks = " \t\r";
  line = line.substr(0, line.find('#'));
  for (size_t at = line.find_first_not_of(kBlanks); at != std::string_view::npos;) {
    const size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    fields.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(kBlanks, end);
  }
  return fields;
}

Result<uint64_t> ParseBytes(std::string_view field) {
  if (field == "-") return kNever;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t bytes, ParseInt(field, 0, kMax));
  return static_cast<uint64_t>(bytes);
}

// Which rows have had their line, in each table.
struct Seen {
  std::bitset<SelectionTable::kRows> roomy;
  std::bitset<SelectionTable::kRows> crowded;
};

// One line that is not blank.
Status ApplyLine(const std::vector<std::string_view>& fields, int world_size, Seen& seen,
                 Selection& selection) {
  constexpr size_t kFields = 7;
  if (fields.size() != kFields) {
    return InvalidArgumentError(StrCat(fields.size(), " fields where ", kFields,
                                       " belong: collective ranks processors small_end "
                                       "pulled_begin pulled_end shared_begin"));
  }
  size_t row = 0;
  while (row < kNames.size() && kNames[row] != fields[0]) ++row;
  if (row == kNames.size()) return InvalidArgumentError(StrCat("no collective '", fields[0], "'"));
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t ranks, ParseInt(fields[1], 2, shm::kMaxWorldSize));
  const bool roomy = fields[2] == "roomy";
  if (!roomy && fields[2] != "crowded") {
    return InvalidArgumentError(StrCat("'", fields[2], "' is neither roomy nor crowded"));
  }
  std::array<uint64_t, 4> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    FLEXMIG_ASSIGN_OR_RETURN(bytes[i], ParseBytes(fields[i + 3]));
  }
  if (bytes[0] == kNever) return InvalidArgumentError("small_end needs a number");
  if ((bytes[1] == kNever) != (bytes[2] == kNever) || bytes[1] > bytes[2]) {
    return InvalidArgumentError("pulled_begin and pulled_end are no range");
  }
  if (ranks != world_size) return OkStatus();
  auto& rows = roomy ? seen.roomy : seen.crowded;
  if (rows[row]) return InvalidArgumentError(StrCat("a second line for ", fields[0]));
  rows.set(row);
  Thresholds& thresholds = (roomy ? selection.roomy : selection.crowded).rows[row];
  thresholds = {bytes[0], bytes[1], bytes[2], bytes[3]};
  if (bytes[1] == kNever) thresholds.pulled_end = 0;
  return OkStatus();
}

Status Force(std::string_view algorithm, SelectionTable& table) {
  Thresholds forced;
  if (algorithm == "small") {
    forced = {kNever, kNever, 0, kNever};
  } else if (algorithm == "staged") {
    forced = {0, kNever, 0, kNever};
  } else if (algorithm == "pulled") {
    forced = {0, 0, kNever, kNever};
  } else if (algorithm == "shared") {
    forced = {0, kNever, 0, 0};
  } else {
    return InvalidArgumentError(StrCat("FLEXMIG_ALGORITHM='", algorithm,
                                       "' is none of auto, small, staged, pulled, shared"));
  }
  table.rows.fill(forced);
  return OkStatus();
}

}  // namespace

Status ApplySelectionFile(std::string_view text, std::string_view name, int world_size,
                          Selection& selection) {
  Seen seen;
  bool begun = false;
  size_t number = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    ++number;
    const std::string at = StrCat(name, ":", number);
    if (!begun) {
      if (line != kFirstLine) {
        return InvalidArgumentError(StrCat(at, ": the first line is not '", kFirstLine, "'"));
      }
      begun = true;
      continue;
    }
    const std::vector<std::string_view> fields = Fields(line);
    if (fields.empty()) continue;
    FLEXMIG_RETURN_IF_ERROR(ApplyLine(fields, world_size, seen, selection).WithContext(at));
  }
  if (!begun) return InvalidArgumentError(StrCat(name, ":1: the file is empty"));
  return OkStatus();
}

Result<Selection> SelectionFromEnvironment(int world_size) {
  Selection selection = DefaultSelection(world_size);
  if (const auto path = GetEnv("FLEXMIG_SELECTION")) {
    FLEXMIG_ASSIGN_OR_RETURN(const std::string text, ReadFile(*path));
    FLEXMIG_RETURN_IF_ERROR(ApplySelectionFile(text, *path, world_size, selection));
  }
  const std::string forced = GetEnv("FLEXMIG_ALGORITHM").value_or("auto");
  if (forced == "auto") return selection;
  FLEXMIG_RETURN_IF_ERROR(Force(forced, selection.roomy));
  FLEXMIG_RETURN_IF_ERROR(Force(forced, selection.crowded));
  return selection;
}

}  // namespace flexmig::coll
