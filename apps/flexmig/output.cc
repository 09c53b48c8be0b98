#include "output.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::app {

void AddOutputOption(CLI::App& command, OutputFormat& format) {
  command
      .add_option_function<std::string>(
          "-o,--output",
          [&format](const std::string& name) {
            format = name == "json" ? OutputFormat::kJson : OutputFormat::kTable;
          },
          "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->option_text("FORMAT");
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
