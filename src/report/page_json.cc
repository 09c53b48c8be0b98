#include "page_json.h"

#include "flexmig/report/summary_fields.h"

namespace flexmig::report {

Json SummaryJson(const sim::Summary& summary) {
  Json json;
  for (const SummaryField& field : SummaryFields(summary)) {
    std::visit([&](const auto& value) { json[std::string(field.name)] = value; }, field.value);
  }
  return json;
}

std::string Dump(const Json& json, int indent, bool ascii) {
  return json.dump(indent, ' ', ascii, Json::error_handler_t::replace);
}

std::string DumpForPage(const Json& json) {
  const std::string plain = Dump(json, -1, true);
  std::string text;
  text.reserve(plain.size());
  for (const char c : plain) {
    switch (c) {
      case '<': text += "\\u003c"; break;
      case '>': text += "\\u003e"; break;
      case '&': text += "\\u0026"; break;
      default: text += c;
    }
  }
  return text;
}

}  // namespace flexmig::report
