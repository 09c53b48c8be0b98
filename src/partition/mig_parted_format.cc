// The form is that of mig-parted's own `export`: a list stands at the column of its key, short
// lists in one line, texts that look like numbers in quotes.

#include <algorithm>
#include <cctype>

#include "flexmig/base/strings.h"
#include "flexmig/partition/mig_parted.h"

namespace flexmig::partition {
namespace {

bool IsOf(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || more.find(c) != more.npos;
  });
}

// Whether YAML reads the bare word as this text. Words of YAML 1.1 count as well, because
// mig-parted's reader knows them.
bool IsPlain(std::string_view text) {
  std::string lower;
  for (const char c : text) {
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  for (const std::string_view word :
       {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}) {
    if (lower == word) return false;
  }
  if (text.empty() || !IsOf(text, "._+-")) return false;
  if (std::isalpha(static_cast<unsigned char>(text[0])) != 0) return true;
  // "1g.5gb", "7g.80gb+me": a digit, then a letter that no number has.
  const size_t g = text.find_first_not_of("0123456789");
  return g > 0 && g != std::string_view::npos && text[g] == 'g';
}

std::string Quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += "\\x";
      quoted += kHex[byte >> 4];
      quoted += kHex[byte & 0xF];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string Word(std::string_view text) { return IsPlain(text) ? std::string(text) : Quoted(text); }

std::string FormatRule(const MigPartedRule& rule) {
  std::string text = "  - ";
  const auto& filters = rule.device_filter;
  if (filters.size() == 1) {
    text += StrCat("device-filter: \"", filters[0].ToString(), "\"\n    ");
  } else if (!filters.empty()) {
    std::vector<std::string> ids;
    for (const DeviceFilter& filter : filters) ids.push_back(Quoted(filter.ToString()));
    text += StrCat("device-filter: [", StrJoin(ids, ", "), "]\n    ");
  }
  std::vector<std::string> gpus;
  gpus.reserve(rule.gpus.size());
  for (const int gpu : rule.gpus) gpus.push_back(StrCat(gpu));
  text += StrCat("devices: ", rule.all_gpus ? "all" : StrCat("[", StrJoin(gpus, ", "), "]"), "\n");
  text += StrCat("    mig-enabled: ", rule.mig_enabled, "\n");
  text += rule.instances.empty() ? "    mig-devices: {}\n" : "    mig-devices:\n";
  for (const auto& [profile, count] : rule.instances) {
    text += StrCat("      ", Word(profile), ": ", count, "\n");
  }
  return text;
}

}  // namespace

std::string FormatMigParted(const MigPartedFile& file) {
  std::string text = "version: v1\nmig-configs:\n";
  for (const auto& [name, rules] : file.configs) {
    text += StrCat("  ", Word(name), ":\n");
    for (const MigPartedRule& rule : rules) text += FormatRule(rule);
  }
  return text;
}

}  // namespace flexmig::partition
