#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "flexmig/base/strings.h"

#include "decimal.h"
#include "delimited.h"
#include "readers.h"
#include "unique_ids.h"

namespace flexmig::trace {

namespace {

constexpr size_t kFields = 18;
constexpr std::string_view kBlanks = " \t\r";
constexpr int64_t kMillion = 1'000'000;

std::string_view StatusName(std::string_view status) {
  if (status == "0") return "failed";
  if (status == "1") return "completed";
  if (status == "5") return "cancelled";
  return {};
}

class SwfRows final : public RowReader {
 public:
  SwfRows(std::unique_ptr<ByteSource> source, std::string name)
      : lines_(std::move(source), std::move(name)) {}

  Result<std::optional<Row>> Next() override {
    while (true) {
      const auto line = lines_.Next();
      if (!line.ok()) return BadOrFatal(line.status());
      if (!*line) return std::optional<Row>();
      const size_t first = (*line)->find_first_not_of(kBlanks);
      if (first == std::string_view::npos || (**line)[first] == ';') continue;
      auto row = Parse(**line);
      if (!row.ok()) return std::optional<Row>(BadRow{row.status()});
      return std::optional<Row>(*std::move(row));
    }
  }

 private:
  using Fields = std::array<Field, kFields>;

  Result<Fields> Split(std::string_view line) const {
    Fields fields;
    size_t count = 0;
    size_t at = line.find_first_not_of(kBlanks);
    while (at != std::string_view::npos) {
      const size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
      if (count == kFields) {
        return lines_.ErrorAt(at + 1, StrCat("the end of the line after ", kFields, " numbers"));
      }
      fields[count++] = {line.substr(at, end - at), at + 1};
      at = line.find_first_not_of(kBlanks, end);
    }
    if (count < kFields) {
      return lines_.ErrorAt(line.size() + 1, StrCat(kFields, " numbers, found ", count));
    }
    return fields;
  }

  [[nodiscard]] Status Wrong(const Field& field, std::string_view what) const {
    return lines_.ErrorAt(field.column, StrCat(what, ", found ", QuotedForMessage(field.text)));
  }

  // A number in millionths; -1 for unknown.
  [[nodiscard]] Result<int64_t> NumberOrUnknown(const Field& field, int64_t max,
                                                std::string_view what) const {
    if (field.text == "-1") return int64_t{-1};
    const auto value = ParseMillionths(field.text, max);
    if (!value) return Wrong(field, what);
    return *value;
  }

  [[nodiscard]] Result<int64_t> Processors(const Field& field) const {
    constexpr std::string_view kWhat = "processors: -1 or a whole number from 0 to 1000000";
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t millionths, NumberOrUnknown(field, kMaxGpus, kWhat));
    if (millionths > 0 && millionths % kMillion != 0) return Wrong(field, kWhat);
    return millionths;
  }

  Result<Row> Parse(std::string_view line) {
    FLEXMIG_ASSIGN_OR_RETURN(const Fields f, Split(line));
    for (const Field& field : f) {
      const std::string_view digits = field.text.substr(field.text.starts_with('-') ? 1 : 0);
      if (!ParseMillionths(digits, kMaxSeconds * 1000)) return Wrong(field, "a number");
    }
    const Field& run_time = f[3];
    const Field& status = f[10];
    JobRecord job;
    const auto id = ParseInt(f[0].text, 0, std::numeric_limits<int64_t>::max());
    if (!id.ok()) return Wrong(f[0], "a job number: a whole number from 0");
    job.id = TraceJobId(*id);
    const auto submit = ParseMillionths(f[1].text, kMaxSeconds);
    if (!submit) return Wrong(f[1], "seconds: a number from 0 to 1000000000");
    job.submit_time = sched::TimePoint(sched::Duration(*submit));
    FLEXMIG_ASSIGN_OR_RETURN(
        const int64_t duration,
        NumberOrUnknown(run_time, kMaxSeconds, "seconds: -1 or a number from 0 to 1000000000"));
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t allocated, Processors(f[4]));
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t requested, Processors(f[7]));
    if (status.text == "2" || status.text == "3" || status.text == "4") {
      return Row(LeftOutRow{"is a part of another job"});
    }
    job.demand_micro_gpus = requested > 0 ? requested : allocated;
    if (job.demand_micro_gpus <= 0) return Row(LeftOutRow{"asks for no processor"});
    if (duration < 0) return Row(LeftOutRow{"never ran"});
    if (!ids_.Add(job.id)) return lines_.ErrorAt(f[0].column, UniqueIds::Expected(job.id));
    job.duration = sched::Duration(duration);
    job.num_gpus = static_cast<int>(job.demand_micro_gpus / kMillion);
    if (f[11].text != "-1") job.user = f[11].text;
    if (f[14].text != "-1") job.vc = f[14].text;
    job.status = StatusName(status.text);
    return Row(std::move(job));
  }

  LineReader lines_;
  UniqueIds ids_;
};

}  // namespace

Result<std::unique_ptr<RowReader>> OpenSwf(std::unique_ptr<ByteSource> source, std::string name) {
  return std::unique_ptr<RowReader>(std::make_unique<SwfRows>(std::move(source), std::move(name)));
}

}  // namespace flexmig::trace
