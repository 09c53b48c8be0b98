#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "flexmig/base/status.h"

namespace flexmig::partition {

// Reads values out of a YAML document (of which JSON is a part), strictly. Every error is
// kInvalidArgument "<file>:<line>:<column>: ...", with the place of the node it is about.
class DocumentReader {
 public:
  using Entries = std::vector<std::pair<std::string, YAML::Node>>;

  explicit DocumentReader(std::string_view file) : file_(file) {}

  [[nodiscard]] std::string Place(const YAML::Mark& mark) const;
  [[nodiscard]] Status Error(const YAML::Node& node, std::string_view problem) const;

  // The entries of a map with only these keys, or with any if `keys` is empty, each once. Keys are
  // words of at most 128 bytes.
  [[nodiscard]] Result<Entries> Map(const YAML::Node& node, const std::vector<std::string>& keys,
                                    std::string_view what) const;
  [[nodiscard]] static std::optional<YAML::Node> Find(const Entries& entries, std::string_view key);
  [[nodiscard]] Result<YAML::Node> Required(const Entries& entries, std::string_view key,
                                            const YAML::Node& parent) const;

  // A plain number; "7" in quotes is a string.
  [[nodiscard]] Result<int64_t> Int(const YAML::Node& node, int64_t min, int64_t max) const;
  [[nodiscard]] Result<bool> Bool(const YAML::Node& node) const;
  // In quotes, as what looks like a number or a bool has to be.
  [[nodiscard]] Result<std::string> QuotedText(const YAML::Node& node, std::string_view what) const;

  // Calls `read` with the root of the only document in `text`; no exception of the library escapes.
  // Errors: those of `read`, and those of a text that is none or larger than 4 MiB.
  [[nodiscard]] Status Read(std::string_view text,
                            const std::function<Status(const YAML::Node&)>& read) const;

 private:
  const std::string file_;
};

}  // namespace flexmig::partition
