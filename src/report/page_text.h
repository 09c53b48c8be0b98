#pragma once

#include <string_view>

// What a page is made of; the files under page/ and the plotting library, put here by the build
// (cmake/EmbedText.cmake).
namespace flexmig::report {

extern const std::string_view kPageHtml;
extern const std::string_view kPageStyle;
extern const std::string_view kSharedScript;      // read first, by every page
extern const std::string_view kSimulationScript;  // of ReportData
extern const std::string_view kComparisonScript;  // of ComparisonData
extern const std::string_view kD3Script;          // empty if the build did not find d3
extern const std::string_view kD3Licence;         // what has to go with it

}  // namespace flexmig::report
