#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "flexmig/base/status.h"
#include "flexmig/base/units.h"

namespace flexmig::app {

enum class OutputFormat { kTable, kJson, kYaml };

// Adds -o, --output with these values; the default is what `format` holds.
void AddOutputOption(CLI::App& command, OutputFormat& format,
                     const std::vector<OutputFormat>& values = {OutputFormat::kTable,
                                                                OutputFormat::kJson});
// All three.
inline const std::vector<OutputFormat> kEveryFormat = {OutputFormat::kTable, OutputFormat::kJson,
                                                       OutputFormat::kYaml};

// The document as kJson or kYaml, both in one layout: keys keep their order.
// REQUIRES: format is not kTable.
std::string FormatDocument(const nlohmann::ordered_json& document, OutputFormat format);

// Rows under a header, in columns two spaces apart, without blanks at the ends of lines.
class Table {
 public:
  // A header that begins with '>' makes its column right-aligned; the '>' is not shown.
  explicit Table(std::vector<std::string> header);

  // REQUIRES: as many cells as the header has.
  void AddRow(std::vector<std::string> cells);

  // Every line ends in "\n".
  [[nodiscard]] std::string Text() const;

 private:
  std::vector<bool> right_aligned_;
  std::vector<std::vector<std::string>> rows_;  // the header first
};

// "14", "4.75 GiB"; "?" if unknown.
std::string FormatOptional(const std::optional<int>& value);
std::string FormatOptional(const std::optional<Bytes>& value);

// Writes data to stdout. Errors: as ErrnoError, e.g. for a full disk or a closed pipe.
Status WriteOut(std::string_view text);

}  // namespace flexmig::app
