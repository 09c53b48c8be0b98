#include <string>
#include <string_view>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"
#include "flexmig/report/render.h"

#include "page_text.h"
#include "report_json.h"

namespace flexmig::report {

namespace {

std::string EscapeHtml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

// What one kind of page has that others have not.
struct Content {
  std::string_view title;
  std::string data;                 // JSON
  std::string_view script;          // draws it
  std::string_view without_script;  // where the numbers are for those who run no scripts
};

// What stands for {{name}} on the page.
std::string Part(std::string_view name, const Content& content) {
  if (name == "title") return EscapeHtml(content.title);
  if (name == "style") return std::string(kPageStyle);
  if (name == "data") return content.data;
  if (name == "d3") return std::string(kD3Script);
  if (name == "script") return StrCat(kSharedScript, content.script);
  if (name == "without_script") return std::string(content.without_script);
  if (name == "licence") return EscapeHtml(kD3Licence);
  FLEXMIG_CHECK(false);
}

// One pass over the template: what is put in is not looked at again.
std::string Fill(const Content& content) {
  std::string page;
  std::string_view rest = kPageHtml;
  while (true) {
    const size_t open = rest.find("{{");
    page += rest.substr(0, open);
    if (open == std::string_view::npos) return page;
    const size_t close = rest.find("}}", open);
    page += Part(rest.substr(open + 2, close - open - 2), content);
    rest.remove_prefix(close + 2);
  }
}

Status CheckSize(size_t runs) {
  if (runs <= kMaxRuns) return OkStatus();
  return InvalidArgumentError(
      StrCat("a page shows at most ", kMaxRuns, " runs, not ", runs, ": compare fewer at once"));
}

}  // namespace

bool CanRenderHtml() { return CheckCanRenderHtml().ok(); }

Status CheckCanRenderHtml() {
  if (!kD3Script.empty()) return OkStatus();
  return UnimplementedError(
      "this flexmig was built without the plotting library d3, so it cannot write pages: install "
      "it (Debian: apt-get install node-d3, or scripts/install_deps.sh build), configure with "
      "-U 'FLEXMIG_D3_*' and build again");
}

Result<std::string> RenderHtml(const ReportData& data) {
  FLEXMIG_RETURN_IF_ERROR(CheckCanRenderHtml());
  FLEXMIG_RETURN_IF_ERROR(CheckSize(data.runs.size()));
  return Fill({data.title, RenderPageJson(data), kSimulationScript,
               "The numbers are in summary.json, jobs.csv and timeseries.csv beside it."});
}

Result<std::string> RenderHtml(const ComparisonData& data) {
  FLEXMIG_RETURN_IF_ERROR(CheckCanRenderHtml());
  FLEXMIG_RETURN_IF_ERROR(CheckSize(data.runs.size()));
  return Fill({data.title, RenderPageJson(data), kComparisonScript,
               "flexmig simulate compare -o csv prints the numbers."});
}

}  // namespace flexmig::report
