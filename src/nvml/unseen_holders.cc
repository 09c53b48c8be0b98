#include "unseen_holders.h"

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::nvml {
namespace {

// Seen in issues of NVIDIA/DCGM (#95, #276) and in the MIG guide's list of what to stop first. The
// kernel keeps 15 bytes of a name.
constexpr std::string_view kKnown[] = {
    "nv-hostengine", "dcgm-exporter",   "dcgmi",           "nvidia-persiste", "nv-fabricmanage",
    "nvsm",          "nvidia-cuda-mps", "nvidia-device-p", "gpu-feature-dis", "nvtop"};

}  // namespace

std::string DescribeLikelyHolders(const std::filesystem::path& proc) {
  std::vector<std::pair<int64_t, std::string>> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(proc, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto pid = ParseInt(entry->path().filename().native(), 1, INT32_MAX);
    if (!pid.ok()) continue;
    const auto comm = ReadFile(entry->path() / "comm");
    if (!comm.ok()) continue;
    const std::string_view name = StripWhitespace(*comm);
    if (std::ranges::find(kKnown, name) == std::end(kKnown)) continue;
    found.emplace_back(*pid, StrCat(name, " (process ", *pid, ")"));
  }
  std::ranges::sort(found);
  std::vector<std::string> texts;
  texts.reserve(found.size());
  for (auto& [pid, text] : found) texts.push_back(std::move(text));
  return StrJoin(texts, ", ");
}

}  // namespace flexmig::nvml
