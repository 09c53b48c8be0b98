#include <algorithm>

#include "flexmig/base/strings.h"
#include "flexmig/mig/layout.h"

namespace flexmig::mig {

namespace {

// No board holds more than 8 instances; the bound only keeps numbers sane.
constexpr int kMaxCount = 64;

// "<profile>", "<count>x<profile>" or "<profile>:<count>" into `counts`.
Status ParsePart(const GpuModel& model, std::string_view part, ProfileCounts& counts) {
  std::string_view name = part;
  int64_t count = 1;
  if (const size_t colon = part.rfind(':'); colon != std::string_view::npos) {
    FLEXMIG_ASSIGN_OR_RETURN(count, ParseInt(part.substr(colon + 1), 1, kMaxCount));
    name = part.substr(0, colon);
  } else if (const size_t cross = part.find('x');
             cross != std::string_view::npos &&
             ParseInt(part.substr(0, cross), 1, kMaxCount).ok()) {
    count = *ParseInt(part.substr(0, cross), 1, kMaxCount);
    name = part.substr(cross + 1);
  }
  FLEXMIG_ASSIGN_OR_RETURN(const Profile* profile, model.FindProfile(name));
  if (!counts.emplace(profile->name, static_cast<int>(count)).second) {
    return InvalidArgumentError(StrCat(name, " stands in the layout twice"));
  }
  return OkStatus();
}

}  // namespace

Result<MigLayout> ParseLayout(const GpuModel& model, std::string_view text) {
  std::string_view uniform = text;
  if (uniform.starts_with("all-")) uniform.remove_prefix(4);
  if (model.FindProfile(uniform).ok()) return UniformLayout(model, uniform);
  ProfileCounts counts;
  std::string normalized(text);
  // "a+b" reads well on a command line and "a,b" in a file; but '+' also begins a suffix (+me,
  // +me.all, +gfx), which never begins with a digit as a count or a profile does.
  for (size_t i = 0; i + 1 < normalized.size(); ++i) {
    const bool digit_follows = normalized[i + 1] >= '0' && normalized[i + 1] <= '9';
    if (normalized[i] == '+' && digit_follows) normalized[i] = ',';
  }
  for (const std::string_view part : StrSplit(normalized, ',')) {
    const Status status = ParsePart(model, part, counts);
    if (!status.ok()) return status.WithContext(StrCat("layout '", text, "'"));
  }
  return PlaceCounts(model, counts);
}

std::string DescribeLayout(const GpuModel& model, std::span<const PlacedProfile> layout) {
  std::map<ProfileId, int> counts;
  for (const PlacedProfile& placed : layout) ++counts[placed.profile];
  std::vector<std::string> parts;
  // The board's own order is by size.
  for (const Profile& profile : model.profiles) {
    if (const auto count = counts.find(profile.id); count != counts.end()) {
      parts.push_back(StrCat(count->second, " x ", profile.name));
    }
  }
  return parts.empty() ? "no instances" : StrJoin(parts, " + ");
}

}  // namespace flexmig::mig
