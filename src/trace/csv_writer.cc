#include "flexmig/trace/csv_writer.h"

#include <algorithm>

#include "flexmig/base/strings.h"

#include "decimal.h"

namespace flexmig::trace {

namespace {

constexpr int64_t kMillion = 1'000'000;

// Millionths of a GiB, rounded; exact for what came from six decimals.
int64_t MicroGib(Bytes memory) {
  const int64_t whole = memory.count() >> 30;
  const int64_t rest = memory.count() & ((int64_t{1} << 30) - 1);
  return whole * kMillion + (rest * kMillion + (int64_t{1} << 29)) / (int64_t{1} << 30);
}

bool InBounds(const JobRecord& record) {
  const auto seconds = [](int64_t micros) {
    return micros >= 0 && micros <= kMaxSeconds * kMillion;
  };
  return record.id.value() >= 0 && seconds(record.submit_time.time_since_epoch().count()) &&
         seconds(record.duration.count()) && record.demand_micro_gpus > 0 &&
         record.num_gpus <= kMaxGpus && record.num_gpus * kMillion >= record.demand_micro_gpus &&
         (!record.memory ||
          (*record.memory >= Bytes() && *record.memory <= Bytes::GiB(kMaxMemoryGib)));
}

}  // namespace

bool IsCsvText(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == ',' || c == '"';
  });
}

Result<std::string> WriteCsv(std::span<const JobRecord> records) {
  std::string out = StrCat(kCsvHeader, "\n");
  const JobRecord* last = nullptr;
  for (const JobRecord& record : records) {
    const int64_t id = record.id.value();
    for (const std::string* text : {&record.user, &record.vc, &record.status}) {
      if (!IsCsvText(*text)) {
        return InvalidArgumentError(
            StrCat("job ", id, ": the text '", *text, "' cannot stand in a trace"));
      }
    }
    if (!InBounds(record)) {
      return InvalidArgumentError(StrCat("job ", id, " has a number that a trace cannot hold"));
    }
    if (last != nullptr &&
        std::pair(last->submit_time, last->id) >= std::pair(record.submit_time, record.id)) {
      return InvalidArgumentError(
          StrCat("job ", id, " is not behind job ", last->id.value(), " in order"));
    }
    last = &record;
    out += StrCat(id, ",", FormatMillionths(record.submit_time.time_since_epoch().count()), ",",
                  FormatMillionths(record.duration.count()), ",",
                  FormatMillionths(record.demand_micro_gpus), ",", record.num_gpus, ",",
                  record.memory ? FormatMillionths(MicroGib(*record.memory)) : "", ",", record.user,
                  ",", record.vc, ",", record.status, "\n");
  }
  return out;
}

}  // namespace flexmig::trace
