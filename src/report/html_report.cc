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

// What stands for {{name}} on the page.
std::string Part(std::string_view name, const ReportData& data) {
  if (name == "title") return EscapeHtml(data.title);
  if (name == "style") return std::string(kPageStyle);
  if (name == "data") return RenderPageJson(data);
  if (name == "d3") return std::string(kD3Script);
  if (name == "script") return std::string(kPageScript);
  if (name == "licence") return EscapeHtml(kD3Licence);
  FLEXMIG_CHECK(false);
}

}  // namespace

bool CanRenderHtml() { return !kD3Script.empty(); }

Result<std::string> RenderHtml(const ReportData& data) {
  if (!CanRenderHtml()) {
    return UnimplementedError(
        "this flexmig was built without the plotting library d3, so it cannot write pages: install "
        "it (Debian: apt-get install node-d3, or scripts/install_deps.sh build), configure with "
        "-U 'FLEXMIG_D3_*' and build again");
  }
  if (data.runs.size() > kMaxRuns) {
    return InvalidArgumentError(StrCat("a page shows at most ", kMaxRuns, " runs, not ",
                                       data.runs.size(), ": compare fewer at once"));
  }
  // One pass over the template: what is put in is not looked at again.
  std::string page;
  std::string_view rest = kPageHtml;
  while (true) {
    const size_t open = rest.find("{{");
    page += rest.substr(0, open);
    if (open == std::string_view::npos) return page;
    const size_t close = rest.find("}}", open);
    page += Part(rest.substr(open + 2, close - open - 2), data);
    rest.remove_prefix(close + 2);
  }
}

}  // namespace flexmig::report
