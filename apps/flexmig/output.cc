#include "output.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::app {

namespace {

using Json = nlohmann::ordered_json;

std::string NameOf(OutputFormat format) {
  switch (format) {
    case OutputFormat::kTable: return "table";
    case OutputFormat::kJson: return "json";
    case OutputFormat::kYaml: return "yaml";
  }
  FLEXMIG_CHECK(false && "an OutputFormat outside its enumeration");
}

std::string Dump(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// A scalar, or an empty or flat list, in one line.
bool IsInline(const Json& value) {
  if (!value.is_structured() || value.empty()) return true;
  return value.is_array() &&
         std::ranges::none_of(value, [](const Json& element) { return element.is_structured(); });
}

// Strings are always in quotes, so that none is taken for something else; JSON's are YAML's.
std::string InlineYaml(const Json& value) {
  if (!value.is_array()) return Dump(value, -1);
  std::vector<std::string> elements;
  for (const Json& element : value) elements.push_back(Dump(element, -1));
  return StrCat("[", StrJoin(elements, ", "), "]");
}

void AppendYaml(const Json& value, const std::string& indent, std::string& out) {
  const std::string deeper = indent + "  ";
  if (value.is_object()) {
    for (const auto& [key, element] : value.items()) {
      out += StrCat(indent, key, ":");
      if (IsInline(element)) {
        out += StrCat(" ", InlineYaml(element), "\n");
      } else {
        out += "\n";
        AppendYaml(element, element.is_array() ? indent : deeper, out);
      }
    }
    return;
  }
  for (const Json& element : value) {
    if (IsInline(element)) {
      out += StrCat(indent, "- ", InlineYaml(element), "\n");
      continue;
    }
    const size_t begin = out.size();
    AppendYaml(element, deeper, out);
    out[begin + indent.size()] = '-';
  }
}

}  // namespace

void AddOutputOption(CLI::App& command, OutputFormat& format,
                     const std::vector<OutputFormat>& values) {
  std::vector<std::string> names;
  for (const OutputFormat value : values) names.push_back(NameOf(value));
  std::string text = names[0];
  for (size_t i = 1; i < names.size(); ++i) {
    text += (i + 1 == names.size() ? " or " : ", ") + names[i];
  }
  command
      .add_option_function<std::string>(
          "-o,--output",
          [&format, values](const std::string& name) {
            for (const OutputFormat value : values) {
              if (NameOf(value) == name) format = value;
            }
          },
          text)
      ->check(CLI::IsMember(names))
      ->option_text("FORMAT");
}

std::string FormatDocument(const nlohmann::ordered_json& document, OutputFormat format) {
  FLEXMIG_CHECK(format != OutputFormat::kTable);
  if (format == OutputFormat::kJson) return Dump(document, 2) + "\n";
  if (IsInline(document)) return InlineYaml(document) + "\n";
  std::string text;
  AppendYaml(document, "", text);
  return text;
}

Table::Table(std::vector<std::string> header) {
  for (std::string& cell : header) {
    right_aligned_.push_back(cell.starts_with('>'));
    if (right_aligned_.back()) cell.erase(0, 1);
  }
  rows_.push_back(std::move(header));
}

void Table::AddRow(std::vector<std::string> cells) {
  FLEXMIG_CHECK(cells.size() == right_aligned_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::Text() const {
  std::vector<size_t> widths(right_aligned_.size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      line += right_aligned_[i] ? padding + row[i] : row[i] + padding;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string FormatOptional(const std::optional<int>& value) { return value ? StrCat(*value) : "?"; }

std::string FormatOptional(const std::optional<Bytes>& value) {
  return value ? FormatBytes(*value) : "?";
}

Status WriteOut(std::string_view text) {
  errno = 0;
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0) return OkStatus();
  return ErrnoError(errno, "cannot write to stdout");
}

}  // namespace flexmig::app
