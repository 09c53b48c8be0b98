#include "flexmig/sweep/results_file.h"

#include <array>
#include <cmath>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::sweep {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kFormat = "flexmig.sweep/v2";

struct TextField {
  const char* name;
  std::string Setting::*field;
};
constexpr TextField kTextFields[] = {
    {"trace", &Setting::trace},        {"model", &Setting::model},
    {"cluster", &Setting::cluster},    {"span_nodes", &Setting::span_nodes},
    {"mapping", &Setting::mapping},    {"multi_gpu", &Setting::multi_gpu},
    {"resample", &Setting::resample},  {"load", &Setting::load},
    {"class", &Setting::speed_class},  {"oversize", &Setting::oversize},
    {"queue", &Setting::queue},        {"alloc", &Setting::allocation},
    {"comm", &Setting::communication}, {"costs", &Setting::costs},
    {"policy", &Setting::policy},
};

// By what the fields before it say.
bool IsAbsent(const TextField& text, const Setting& setting) {
  return text.field == &Setting::span_nodes && !HasNodes(setting.cluster);
}

constexpr std::pair<sim::Role, const char*> kRoles[] = {{sim::Role::kBaseline, "baseline"},
                                                        {sim::Role::kFlexmig, "flexmig"},
                                                        {sim::Role::kReference, "reference"}};

struct CountField {
  const char* name;
  int64_t sim::Summary::*field;
};
constexpr CountField kCounts[] = {{"jobs_done", &sim::Summary::jobs_done},
                                  {"jobs_left_out", &sim::Summary::jobs_left_out},
                                  {"reconfigurations", &sim::Summary::reconfigurations}};

struct TimeField {
  const char* name;  // microseconds
  sched::Duration sim::Summary::*field;
};
constexpr TimeField kTimes[] = {{"makespan_us", &sim::Summary::makespan},
                                {"median_jct_us", &sim::Summary::median_jct},
                                {"p95_jct_us", &sim::Summary::p95_jct},
                                {"reconfiguration_us", &sim::Summary::reconfiguration_time}};

struct NumberField {
  const char* name;
  double sim::Summary::*field;
};
constexpr NumberField kNumbers[] = {{"mean_jct_s", &sim::Summary::mean_jct_s},
                                    {"mean_wait_s", &sim::Summary::mean_wait_s},
                                    {"held_utilisation", &sim::Summary::held_utilisation},
                                    {"asked_utilisation", &sim::Summary::asked_utilisation}};

// Takes the members of one object one by one, so that none is left over or missing.
class Members {
 public:
  explicit Members(const ordered_json& object) : object_(object) {}

  template <typename T>
  Status Take(const char* name, T& value) {
    const auto at = object_.find(name);
    if (at == object_.end()) return InvalidArgumentError(StrCat("'", name, "' is missing"));
    ++taken_;
    bool fits = false;
    if constexpr (std::is_same_v<T, std::string>) {
      fits = at->is_string();
    } else if constexpr (std::is_same_v<T, double>) {
      fits = at->is_number() && std::isfinite(at->template get<double>());
    } else if constexpr (std::is_same_v<T, uint64_t>) {
      fits = at->is_number_unsigned();
    } else {
      fits = at->is_number_integer();
    }
    if (!fits) return InvalidArgumentError(StrCat("'", name, "' is of the wrong kind"));
    value = at->template get<T>();
    return OkStatus();
  }
  [[nodiscard]] Status End() const {
    if (taken_ == object_.size()) return OkStatus();
    return InvalidArgumentError("there are members that are not known");
  }

 private:
  const ordered_json& object_;
  size_t taken_ = 0;
};

Result<Setting> ParseSetting(const ordered_json& object) {
  Setting setting;
  Members members(object);
  for (const TextField& text : kTextFields) {
    if (IsAbsent(text, setting)) continue;
    FLEXMIG_RETURN_IF_ERROR(members.Take(text.name, setting.*text.field));
  }
  FLEXMIG_RETURN_IF_ERROR(members.Take("seed", setting.seed));
  FLEXMIG_RETURN_IF_ERROR(members.End());
  return setting;
}

Result<RunResult> ParseResult(const ordered_json& object) {
  RunResult result;
  Members members(object);
  std::string role;
  FLEXMIG_RETURN_IF_ERROR(members.Take("description", result.description));
  FLEXMIG_RETURN_IF_ERROR(members.Take("offered_load", result.offered_load));
  FLEXMIG_RETURN_IF_ERROR(members.Take("role", role));
  const auto* const known = std::find_if(std::begin(kRoles), std::end(kRoles),
                                         [&](const auto& one) { return one.second == role; });
  if (known == std::end(kRoles)) return InvalidArgumentError(StrCat("no role '", role, "'"));
  result.summary.role = known->first;
  for (const CountField& count : kCounts) {
    FLEXMIG_RETURN_IF_ERROR(members.Take(count.name, result.summary.*count.field));
  }
  for (const TimeField& time : kTimes) {
    int64_t microseconds = 0;
    FLEXMIG_RETURN_IF_ERROR(members.Take(time.name, microseconds));
    result.summary.*time.field = sched::Duration(microseconds);
  }
  for (const NumberField& number : kNumbers) {
    FLEXMIG_RETURN_IF_ERROR(members.Take(number.name, result.summary.*number.field));
  }
  FLEXMIG_RETURN_IF_ERROR(members.Take("first_rejection", result.summary.first_rejection));
  FLEXMIG_RETURN_IF_ERROR(members.End());
  return result;
}

}  // namespace

std::string RenderLine(const Setting& setting, const RunResult& result) {
  ordered_json key;
  for (const TextField& text : kTextFields) {
    if (!IsAbsent(text, setting)) key[text.name] = setting.*text.field;
  }
  key["seed"] = setting.seed;
  ordered_json made;
  made["description"] = result.description;
  made["offered_load"] = result.offered_load;
  for (const auto& [role, name] : kRoles) {
    if (role == result.summary.role) made["role"] = name;
  }
  for (const CountField& count : kCounts) made[count.name] = result.summary.*count.field;
  for (const TimeField& time : kTimes) made[time.name] = (result.summary.*time.field).count();
  for (const NumberField& number : kNumbers) made[number.name] = result.summary.*number.field;
  made["first_rejection"] = result.summary.first_rejection;
  const ordered_json line = {{"format", kFormat}, {"setting", key}, {"result", made}};
  return line.dump(-1, ' ', /*ensure_ascii=*/true, ordered_json::error_handler_t::replace);
}

Result<std::pair<Setting, RunResult>> ParseLine(std::string_view line) {
  ordered_json parsed;
  try {
    parsed = ordered_json::parse(line);
  } catch (const ordered_json::parse_error& error) {
    return InvalidArgumentError(StrCat("column ", error.byte, ": not JSON"));
  } catch (const ordered_json::exception&) {  // a number beyond double
    return InvalidArgumentError("a number is out of range");
  }
  if (!parsed.is_object() || parsed.size() != 3 || !parsed.contains("format") ||
      !parsed.contains("setting") || !parsed.contains("result") || parsed["format"] != kFormat ||
      !parsed["setting"].is_object() || !parsed["result"].is_object()) {
    return InvalidArgumentError(
        StrCat("not an object of format '", kFormat, "' with a setting and a result"));
  }
  FLEXMIG_ASSIGN_OR_RETURN(auto setting, ParseSetting(parsed["setting"]));
  FLEXMIG_ASSIGN_OR_RETURN(auto result, ParseResult(parsed["result"]));
  result.summary.policy = setting.policy;
  return std::pair(std::move(setting), std::move(result));
}

Result<Results> ReadResults(const std::filesystem::path& path) {
  FLEXMIG_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  Results results;
  std::string_view rest = text;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;
    auto line = ParseLine(rest.substr(0, end));
    const std::string place = StrCat(path.string(), ":", number);
    if (!line.ok()) return line.status().WithContext(place);
    if (!results.insert(*std::move(line)).second) {
      return InvalidArgumentError("this setting has a result already").WithContext(place);
    }
    rest.remove_prefix(end + 1);
  }
  return results;
}

Result<ResultsWriter> ResultsWriter::Open(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!fd.valid()) return ErrnoError(errno, path.string());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return UnavailableError(StrCat(path.string(), ": another process writes it"));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const size_t whole = text.rfind('\n') + 1;  // 0 if there is no line
  if (whole != text.size() && ::ftruncate(fd.get(), static_cast<off_t>(whole)) != 0) {
    return ErrnoError(errno, path.string());
  }
  return ResultsWriter(std::move(fd));
}

Status ResultsWriter::Append(const Setting& setting, const RunResult& result) {
  const std::string line = RenderLine(setting, result) + "\n";
  ssize_t written = 0;
  do {
    written = ::write(fd_.get(), line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) return ErrnoError(errno, "writing a result");
  if (static_cast<size_t>(written) != line.size()) {
    return ResourceExhaustedError("a result could be written in part only; is the disk full?");
  }
  return OkStatus();
}

}  // namespace flexmig::sweep
