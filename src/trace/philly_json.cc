#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "flexmig/base/strings.h"
#include "flexmig/trace/csv_writer.h"
#include "flexmig/trace/line_reader.h"

#include "calendar.h"
#include "json_array.h"
#include "readers.h"

namespace flexmig::trace {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kTime = "a time such as 2017-10-07 01:11:39";

// All errors of one job are reported at its beginning, naming the member.
class PhillyRows final : public RowReader {
 public:
  PhillyRows(std::unique_ptr<ByteSource> source, std::string name)
      : jobs_(std::move(source), std::move(name)) {}

  Result<std::optional<Row>> Next() override {
    FLEXMIG_ASSIGN_OR_RETURN(const auto text, jobs_.Next());
    if (!text) return std::optional<Row>();
    auto row = Parse(*text, position_++);
    if (!row.ok()) return std::optional<Row>(BadRow{row.status()});
    return std::optional<Row>(*std::move(row));
  }

 private:
  // The attempts' run times together, and the GPUs of the last that names any.
  struct Work {
    sched::Duration run_time{};
    int64_t gpus = 0;
    bool timed = false;  // any attempt has both times
    bool ended = false;  // the last attempt has an end
  };

  [[nodiscard]] Status Wrong(std::string_view what) const { return jobs_.ErrorAt(0, what); }

  [[nodiscard]] Result<Row> Parse(std::string_view text, int64_t position) const {
    Json json;
    try {
      json = Json::parse(text);
    } catch (const Json::parse_error& error) {
      return jobs_.ErrorAt(error.byte == 0 ? 0 : error.byte - 1, "JSON");
    } catch (const Json::exception&) {
      return Wrong("JSON with numbers in the range of a double");
    }
    JobRecord job;
    job.id = TraceJobId(position);
    FLEXMIG_ASSIGN_OR_RETURN(job.status, Text(json, "status"));
    FLEXMIG_ASSIGN_OR_RETURN(job.vc, Text(json, "vc"));
    FLEXMIG_ASSIGN_OR_RETURN(job.user, Text(json, "user"));
    FLEXMIG_ASSIGN_OR_RETURN(const auto submitted, Time(json, "submitted_time"));
    if (!submitted) return Wrong(StrCat("'submitted_time' as ", kTime));
    job.submit_time = *submitted;
    FLEXMIG_ASSIGN_OR_RETURN(const Work work, ReadAttempts(json));
    if (!work.timed) return Row(LeftOutRow{"has no recorded run"});
    if (!work.ended) return Row(LeftOutRow{"was still running"});
    if (work.gpus == 0) return Row(LeftOutRow{"asks for no GPU"});
    if (work.gpus > kMaxGpus) return Wrong(StrCat("at most ", kMaxGpus, " GPUs"));
    if (work.run_time > std::chrono::seconds(kMaxSeconds)) return Wrong("at most 10^9 s");
    job.duration = work.run_time;
    job.num_gpus = static_cast<int>(work.gpus);
    job.demand_micro_gpus = work.gpus * 1'000'000;
    return Row(std::move(job));
  }

  [[nodiscard]] Result<Work> ReadAttempts(const Json& job) const {
    const auto attempts = job.find("attempts");
    if (attempts == job.end() || !attempts->is_array()) return Wrong("an array 'attempts'");
    Work work;
    std::optional<sched::TimePoint> last_end;
    for (const Json& attempt : *attempts) {
      if (!attempt.is_object()) return Wrong("objects in 'attempts'");
      FLEXMIG_ASSIGN_OR_RETURN(const auto start, Time(attempt, "start_time"));
      FLEXMIG_ASSIGN_OR_RETURN(const auto end, Time(attempt, "end_time"));
      FLEXMIG_ASSIGN_OR_RETURN(const int64_t gpus, CountGpus(attempt));
      if (gpus > 0) work.gpus = gpus;
      work.ended = end.has_value();
      if (!start || !end) continue;
      if (*end < *start) return Wrong("attempts that end after they start");
      if (last_end && *start < *last_end) {
        return Wrong("attempts one after the other, each start behind the end before");
      }
      last_end = end;
      work.run_time += *end - *start;
      work.timed = true;
    }
    return work;
  }

  [[nodiscard]] Result<int64_t> CountGpus(const Json& attempt) const {
    const auto detail = attempt.find("detail");
    if (detail == attempt.end() || !detail->is_array()) return Wrong("an array 'detail'");
    int64_t gpus = 0;
    for (const Json& server : *detail) {
      const auto list = server.is_object() ? server.find("gpus") : server.end();
      if (list == server.end() || !list->is_array()) {
        return Wrong("objects with an array 'gpus' in 'detail'");
      }
      gpus += static_cast<int64_t>(list->size());
    }
    return gpus;
  }

  [[nodiscard]] Result<std::string> Text(const Json& object, const char* member) const {
    const auto value = object.find(member);
    if (value == object.end() || !value->is_string() ||
        !IsCsvText(value->get_ref<const std::string&>())) {
      return Wrong(StrCat("'", member, "' as text without commas, quotes and control characters"));
    }
    return value->get<std::string>();
  }

  [[nodiscard]] Result<std::optional<sched::TimePoint>> Time(const Json& object,
                                                             const char* member) const {
    using OptionalTime = std::optional<sched::TimePoint>;
    const auto value = object.find(member);
    if (value == object.end()) return Wrong(StrCat("a member '", member, "'"));
    if (value->is_null()) return OptionalTime();
    if (!value->is_string()) return Wrong(StrCat("'", member, "' as ", kTime, " or null"));
    const std::string& text = value->get_ref<const std::string&>();
    if (IsNoTime(text)) return OptionalTime();
    const OptionalTime time = ParseLocalTime(text);
    if (!time) {
      return Wrong(StrCat("'", member, "' as ", kTime, ", found ", QuotedForMessage(text)));
    }
    return time;
  }

  JsonArrayReader jobs_;
  int64_t position_ = 0;
};

}  // namespace

Result<std::unique_ptr<RowReader>> OpenPhillyJson(std::unique_ptr<ByteSource> source,
                                                  std::string name) {
  return std::unique_ptr<RowReader>(
      std::make_unique<PhillyRows>(std::move(source), std::move(name)));
}

}  // namespace flexmig::trace
