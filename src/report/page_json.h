#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "flexmig/sim/summary.h"

namespace flexmig::report {

using Json = nlohmann::ordered_json;

// The fields of summary_fields.h.
Json SummaryJson(const sim::Summary& summary);

// As text; bytes that are not UTF-8 become U+FFFD.
std::string Dump(const Json& json, int indent, bool ascii);

// As text that can stand inside a script element, whatever strings it holds: ASCII without '<',
// '>',
// '&' and line ends.
std::string DumpForPage(const Json& json);

}  // namespace flexmig::report
