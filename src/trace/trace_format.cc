#include <algorithm>
#include <array>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"
#include "flexmig/trace/csv_writer.h"
#include "flexmig/trace/line_reader.h"
#include "flexmig/trace/openb.h"
#include "flexmig/trace/trace_file.h"

#include "decimal.h"
#include "readers.h"

namespace flexmig::trace {

namespace {

// A format is recognised by all of these columns.
struct Signature {
  TraceFormat format;
  std::vector<std::string_view> columns;
};

std::vector<Signature> Signatures() {
  return {
      {TraceFormat::kCsv, StrSplit(kCsvHeader, ',')},
      {TraceFormat::kOpenb, {"gpu_milli", "gpu_spec", "creation_time", "scheduled_time"}},
      {TraceFormat::kHelios, {"gpu_num", "vc", "state", "submit_time", "start_time", "end_time"}},
      {TraceFormat::kAcme, {"gpu_num", "type", "state", "submit_time", "start_time", "end_time"}},
      {TraceFormat::kPai, {"inst_num", "plan_gpu", "start_time", "end_time"}},
      {TraceFormat::kPai, {"user", "num_gpu", "duration", "submit_time"}},
  };
}

std::string NamesOf(std::span<const TraceFormat> formats) {
  std::vector<std::string> names;
  for (const TraceFormat format : formats) names.emplace_back(TraceFormatName(format));
  return StrJoin(names, ", ");
}

bool IsSwfLine(std::string_view line) {
  constexpr size_t kNumbers = 18;
  size_t count = 0;
  for (std::string_view part : StrSplit(line, ' ')) {
    part = StripWhitespace(part);
    if (part.empty()) continue;
    if (part.starts_with('-')) part.remove_prefix(1);
    if (!ParseMillionths(part, kMaxSeconds * 1000)) return false;
    ++count;
  }
  return count == kNumbers;
}

}  // namespace

std::string_view TraceFormatName(TraceFormat format) {
  switch (format) {
    case TraceFormat::kCsv: return "csv";
    case TraceFormat::kPhilly: return "philly";
    case TraceFormat::kHelios: return "helios";
    case TraceFormat::kOpenb: return "openb";
    case TraceFormat::kPai: return "pai";
    case TraceFormat::kAcme: return "acme";
    case TraceFormat::kSwf: return "swf";
  }
  FLEXMIG_CHECK(false);
}

Result<TraceFormat> ParseTraceFormat(std::string_view name) {
  for (const TraceFormat format : kAllTraceFormats) {
    if (TraceFormatName(format) == name) return format;
  }
  return NotFoundError(
      StrCat("no trace format '", name, "'; there are ", NamesOf(kAllTraceFormats)));
}

Result<TraceFormat> DetectTraceFormat(std::string_view head, std::string_view name) {
  const std::string_view text = StripWhitespace(head);
  if (text.starts_with('[')) return TraceFormat::kPhilly;
  const std::string_view line = StripWhitespace(text.substr(0, text.find('\n')));
  if (line.starts_with(';') || IsSwfLine(line)) return TraceFormat::kSwf;
  const std::vector<std::string_view> columns = StrSplit(line, ',');
  std::vector<TraceFormat> found;
  for (const Signature& signature : Signatures()) {
    const bool all = std::all_of(
        signature.columns.begin(), signature.columns.end(), [&](std::string_view column) {
          return std::find(columns.begin(), columns.end(), column) != columns.end();
        });
    if (all && (found.empty() || found.back() != signature.format)) {
      found.push_back(signature.format);
    }
  }
  if (found.size() == 1) return found.front();
  if (found.size() > 1) {
    return InvalidArgumentError(StrCat(name, ":1:1: the header fits several formats (",
                                       NamesOf(found), "); say which with --trace-format"));
  }
  return InvalidArgumentError(StrCat(name, ":1:1: expected a trace in one of the formats ",
                                     NamesOf(kAllTraceFormats), ", found ",
                                     line.empty() ? "an empty file" : QuotedForMessage(line)));
}

Result<std::unique_ptr<RowReader>> OpenRows(TraceFormat format, std::unique_ptr<ByteSource> source,
                                            std::string name) {
  switch (format) {
    case TraceFormat::kCsv: return OpenOwnCsv(std::move(source), std::move(name));
    case TraceFormat::kPhilly: return OpenPhillyJson(std::move(source), std::move(name));
    case TraceFormat::kHelios: return OpenHeliosCsv(std::move(source), std::move(name));
    case TraceFormat::kOpenb: return OpenOpenbPods(std::move(source), std::move(name));
    case TraceFormat::kPai: return OpenPaiCsv(std::move(source), name);
    case TraceFormat::kAcme: return OpenAcmeCsv(std::move(source), std::move(name));
    case TraceFormat::kSwf: return OpenSwf(std::move(source), std::move(name));
  }
  FLEXMIG_CHECK(false);
}

}  // namespace flexmig::trace
