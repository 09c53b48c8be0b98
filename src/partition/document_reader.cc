#include "document_reader.h"

#include <algorithm>
#include <exception>
#include <set>
#include <sstream>

#include <yaml-cpp/eventhandler.h>

#include "flexmig/base/strings.h"

namespace flexmig::partition {
namespace {

// NVIDIA's own mig-parted file has 60 kB; the bound keeps hostile input from taking gigabytes.
constexpr size_t kMaxFileBytes = 4 << 20;
// YAML's limit for a key is 1024 with its quotes; no name comes near.
constexpr size_t kMaxKeyBytes = 128;

// Counts documents without building them.
class DocumentCounter final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override { ++count; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  int count = 0;
};

// 0, 1, or 2 for more. YAML::LoadAll would do, but yaml-cpp 0.7 never returns from it for some
// texts of a few bytes, in which it finds one empty document after another.
int CountDocuments(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentCounter counter;
  for (int i = 0; i < 2; ++i) {
    if (!parser.HandleNextDocument(counter)) break;
  }
  return counter.count;
}

}  // namespace

std::string DocumentReader::Place(const YAML::Mark& mark) const {
  if (mark.is_null()) return file_;
  return StrCat(file_, ":", mark.line + 1, ":", mark.column + 1);
}

Status DocumentReader::Error(const YAML::Node& node, std::string_view problem) const {
  return InvalidArgumentError(StrCat(Place(node.Mark()), ": ", problem));
}

Result<DocumentReader::Entries> DocumentReader::Map(const YAML::Node& node,
                                                    const std::vector<std::string>& keys,
                                                    std::string_view what) const {
  if (!node.IsMap()) return Error(node, StrCat(what, " is not a map"));
  Entries entries;
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) return Error(entry.first, "a key is not a word");
    const std::string& key = entry.first.Scalar();
    if (!keys.empty() && std::ranges::find(keys, key) == keys.end()) {
      return Error(entry.first, StrCat("unknown key '", key, "'; there are ", StrJoin(keys, ", ")));
    }
    if (key.size() > kMaxKeyBytes) {
      return Error(entry.first, StrCat("a name is longer than ", kMaxKeyBytes, " bytes"));
    }
    if (!seen.insert(key).second) {
      return Error(entry.first, StrCat("the key '", key, "' is repeated"));
    }
    entries.emplace_back(key, entry.second);
  }
  return entries;
}

std::optional<YAML::Node> DocumentReader::Find(const Entries& entries, std::string_view key) {
  for (const auto& [name, value] : entries) {
    if (name == key) return value;
  }
  return std::nullopt;
}

Result<YAML::Node> DocumentReader::Required(const Entries& entries, std::string_view key,
                                            const YAML::Node& parent) const {
  const auto found = Find(entries, key);
  if (!found) return Error(parent, StrCat("the key '", key, "' is missing"));
  return *found;
}

Result<int64_t> DocumentReader::Int(const YAML::Node& node, int64_t min, int64_t max) const {
  if (!node.IsScalar() || node.Tag() == "!") return Error(node, "not a number");
  const auto value = ParseInt(node.Scalar(), min, max);
  if (!value.ok()) return Error(node, value.status().message());
  return *value;
}

Result<bool> DocumentReader::Bool(const YAML::Node& node) const {
  if (node.IsScalar() && node.Tag() != "!") {
    if (node.Scalar() == "true") return true;
    if (node.Scalar() == "false") return false;
  }
  return Error(node, "neither true nor false");
}

Result<std::string> DocumentReader::QuotedText(const YAML::Node& node,
                                               std::string_view what) const {
  if (!node.IsScalar() || node.Tag() != "!") {
    return Error(node, StrCat(what, " is not a text in quotes"));
  }
  return node.Scalar();
}

Status DocumentReader::Read(std::string_view text,
                            const std::function<Status(const YAML::Node&)>& read) const {
  if (text.size() > kMaxFileBytes) {
    return InvalidArgumentError(StrCat(file_, ": is larger than ", kMaxFileBytes, " bytes"));
  }
  try {
    const std::string owned(text);
    const int documents = CountDocuments(owned);
    if (documents != 1) {
      return InvalidArgumentError(
          StrCat(file_, ":1:1: holds ", documents == 0 ? "no" : "more than one", " YAML document"));
    }
    return read(YAML::Load(owned));
  } catch (const YAML::Exception& error) {
    return InvalidArgumentError(StrCat(Place(error.mark), ": ", error.msg));
  } catch (const std::exception& error) {  // the library's own containers and streams
    return InvalidArgumentError(StrCat(file_, ": ", error.what()));
  }
}

}  // namespace flexmig::partition
