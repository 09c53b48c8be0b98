#include "flexmig/alloc/policy.h"

#include "flexmig/base/strings.h"

#include "policies.h"

namespace flexmig::alloc {

namespace {

struct NamedPolicy {
  const char* name;
  std::unique_ptr<AllocationPolicy> (*make)();
};
constexpr NamedPolicy kPolicies[] = {
    {"first-fit", MakeFirstFit}, {"pack", MakePack}, {"spread", MakeSpread}};

}  // namespace

const std::vector<std::string>& PolicyNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const NamedPolicy& policy : kPolicies) all.emplace_back(policy.name);
    return all;
  }();
  return names;
}

Result<std::unique_ptr<AllocationPolicy>> MakePolicy(std::string_view name) {
  for (const NamedPolicy& policy : kPolicies) {
    if (policy.name == name) return policy.make();
  }
  return NotFoundError(
      StrCat("no allocation policy '", name, "'; there are ", StrJoin(PolicyNames(), ", ")));
}

}  // namespace flexmig::alloc
