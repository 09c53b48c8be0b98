#include "records.h"

#include <fmt/format.h>

#include "flexmig/base/strings.h"

namespace flexmig::perf {

double Record::algbw_gb_per_s() const { return AlgorithmBandwidth(point.bytes, point.median_us); }

double Record::busbw_gb_per_s() const {
  const auto parsed = ParseCollective(collective);
  return parsed.ok() ? algbw_gb_per_s() * BusFactor(*parsed, ranks) : 0;
}

Record MakeRecord(const std::string& library, const GroupConfig& config, int pass,
                  const Point& point) {
  return {library,
          std::string(CollectiveName(config.collective)),
          std::string(reduce::DataTypeName(config.type)),
          std::string(Reduces(config.collective) ? reduce::ReduceOpName(config.op) : "none"),
          HasRoot(config.collective) ? config.root : -1,
          config.ranks,
          config.registered,
          config.back_to_back,
          config.fresh,
          pass,
          point};
}

nlohmann::json ToJson(const Record& record) {
  const Point& point = record.point;
  return {{"library", record.library},
          {"collective", record.collective},
          {"type", record.type},
          {"op", record.op},
          {"root", record.root},
          {"ranks", record.ranks},
          {"registered", record.registered},
          {"back_to_back", record.back_to_back},
          {"fresh", record.fresh},
          {"pass", record.pass},
          {"in_place", point.in_place},
          {"bytes", point.bytes},
          {"count", point.count},
          {"calls", point.calls},
          {"wrong", point.wrong},
          {"min_us", point.min_us},
          {"median_us", point.median_us},
          {"p99_us", point.p99_us},
          {"algbw_gb_per_s", record.algbw_gb_per_s()},
          {"busbw_gb_per_s", record.busbw_gb_per_s()}};
}

Result<Record> RecordFromJson(const nlohmann::json& json) {
  Record record;
  Point& point = record.point;
  // nlohmann's errors name the field and the type found.
  try {
    json.at("library").get_to(record.library);
    json.at("collective").get_to(record.collective);
    json.at("type").get_to(record.type);
    json.at("op").get_to(record.op);
    json.at("root").get_to(record.root);
    json.at("ranks").get_to(record.ranks);
    json.at("registered").get_to(record.registered);
    json.at("back_to_back").get_to(record.back_to_back);
    record.fresh = json.value("fresh", false);  // older files have no such field
    json.at("pass").get_to(record.pass);
    json.at("in_place").get_to(point.in_place);
    json.at("bytes").get_to(point.bytes);
    json.at("count").get_to(point.count);
    json.at("calls").get_to(point.calls);
    json.at("wrong").get_to(point.wrong);
    json.at("min_us").get_to(point.min_us);
    json.at("median_us").get_to(point.median_us);
    json.at("p99_us").get_to(point.p99_us);
  } catch (const nlohmann::json::exception& error) {
    return InvalidArgumentError(error.what());
  }
  return record;
}

std::string TableHeader() {
  return fmt::format(
      "{:>12} {:>12} {:>8} {:>6} {:>4} {:>5} {:>10} {:>10} {:>10} {:>7} {:>7} {:>6}\n", "#size(B)",
      "count", "type", "redop", "root", "place", "min(us)", "median(us)", "p99(us)", "algbw",
      "busbw", "#wrong");
}

std::string TableLine(const Record& record) {
  const Point& point = record.point;
  return fmt::format(
      "{:>12} {:>12} {:>8} {:>6} {:>4} {:>5} {:>10.2f} {:>10.2f} {:>10.2f} {:>7.2f} {:>7.2f} "
      "{:>6}\n",
      point.bytes, point.count, record.type, record.op, record.root, point.in_place ? "in" : "out",
      point.min_us, point.median_us, point.p99_us, record.algbw_gb_per_s(), record.busbw_gb_per_s(),
      point.wrong);
}

}  // namespace flexmig::perf
