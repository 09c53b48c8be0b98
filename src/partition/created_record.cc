#include "flexmig/partition/created_record.h"

#include <algorithm>
#include <utility>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::partition {
namespace {

constexpr std::string_view kHeader = "flexmig.created-instances/v1";
// No board comes near; keeps sums of start and size far from overflow.
constexpr int64_t kMaxNumber = 1'000'000;

}  // namespace

Result<CreatedRecord> CreatedRecord::Parse(std::string_view text, std::string_view file) {
  const auto error = [&](size_t line, std::string_view line_text, std::string_view word,
                         std::string_view problem) {
    // `word` is a piece of `line_text`, or empty behind its end.
    const auto column = word.data() == nullptr
                            ? line_text.size()
                            : static_cast<size_t>(word.data() - line_text.data());
    return DataLossError(StrCat(file, ":", line, ":", column + 1, ": ", problem));
  };
  const auto lines = StrSplit(text, '\n');
  if (lines.front() != kHeader) {
    return error(1, lines.front(), lines.front(), StrCat("the file does not begin with ", kHeader));
  }
  if (lines.size() < 2 || !lines.back().empty()) {
    return error(lines.size(), lines.back(), {}, "the last line has no end");
  }
  CreatedRecord record;
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    const auto words = StrSplit(lines[i], ' ');
    if (words.size() != 4) {
      return error(i + 1, lines[i], lines[i], "not '<GPU UUID> <profile id> <start> <size>'");
    }
    int numbers[3];
    for (size_t n = 0; n < 3; ++n) {
      const auto number = ParseInt(words[n + 1], 0, kMaxNumber);
      if (!number.ok()) return error(i + 1, lines[i], words[n + 1], number.status().message());
      numbers[n] = static_cast<int>(*number);
    }
    const mig::PlacedProfile placed{mig::ProfileId(numbers[0]), {numbers[1], numbers[2]}};
    if (!words[0].starts_with("GPU-")) {
      return error(i + 1, lines[i], words[0], "not a GPU UUID");
    }
    if (!record.instances_[mig::GpuUuid(std::string(words[0]))].insert(placed).second) {
      return error(i + 1, lines[i], lines[i], "the line is repeated");
    }
  }
  return record;
}

Result<CreatedRecord> CreatedRecord::Load(const std::filesystem::path& file) {
  CreatedRecord record;
  const auto text = ReadFile(file);
  if (text.ok()) {
    FLEXMIG_ASSIGN_OR_RETURN(record, Parse(*text, file.native()));
  } else if (text.status().code() != StatusCode::kNotFound) {
    return text.status();
  }
  record.file_ = file;
  return record;
}

bool CreatedRecord::Contains(const mig::GpuUuid& gpu, const mig::PlacedProfile& placed) const {
  const auto found = instances_.find(gpu);
  return found != instances_.end() && found->second.contains(placed);
}

Status CreatedRecord::Add(const mig::GpuUuid& gpu, const mig::MigLayout& created) {
  Instances changed = instances_;
  changed[gpu].insert(created.begin(), created.end());
  return Store(std::move(changed));
}

Status CreatedRecord::Keep(const mig::GpuUuid& gpu, const mig::MigLayout& present) {
  Instances changed = instances_;
  std::erase_if(changed[gpu], [&](const mig::PlacedProfile& placed) {
    return std::ranges::find(present, placed) == present.end();
  });
  return Store(std::move(changed));
}

std::string CreatedRecord::Format() const {
  std::string text = StrCat(kHeader, "\n");
  for (const auto& [gpu, placed_profiles] : instances_) {
    for (const mig::PlacedProfile& placed : placed_profiles) {
      text += StrCat(gpu.value(), " ", placed.profile.value(), " ", placed.placement.start, " ",
                     placed.placement.size, "\n");
    }
  }
  return text;
}

Status CreatedRecord::Store(Instances changed) {
  std::erase_if(changed, [](const auto& entry) { return entry.second.empty(); });
  if (changed == instances_) return OkStatus();
  std::swap(changed, instances_);
  if (file_.empty()) return OkStatus();
  Status written = WriteFileAtomically(file_, Format());
  if (!written.ok()) std::swap(changed, instances_);
  return written;
}

}  // namespace flexmig::partition
