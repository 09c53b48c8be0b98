#include "flexmig/runtime/collectives.h"

#include <algorithm>
#include <set>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::runtime {
namespace {

constexpr NcclVersion kFirstOverMig{2, 31, 0};
constexpr int kFirstDriverForNcclOverMig = 580;  // the first of CUDA 13.0

bool IsMig(const launch::RankLeaf& leaf) { return !leaf.mig_uuid.starts_with("GPU-"); }

// How the ranks lie on the GPUs.
struct Places {
  bool mig = false;     // some rank is on a MIG leaf
  bool shared = false;  // some GPU has several ranks
  size_t gpus = 0;
};

Places PlacesOf(const std::vector<launch::RankLeaf>& ranks) {
  Places places;
  std::set<int> gpus;
  for (const auto& rank : ranks) {
    places.mig = places.mig || IsMig(rank);
    places.shared = !gpus.insert(rank.gpu).second || places.shared;
  }
  places.gpus = gpus.size();
  return places;
}

std::string Describe(const std::vector<launch::RankLeaf>& ranks, const Places& places) {
  return StrCat(ranks.size(), ranks.size() == 1 ? " rank on " : " ranks on ",
                places.mig ? "MIG leaves of " : "", places.gpus,
                places.gpus == 1 ? " GPU" : " GPUs");
}

// The libraries that LD_PRELOAD names; ld.so(8): separated by blanks or colons.
std::vector<std::filesystem::path> Preloaded(const std::string& value) {
  std::string list = value;
  std::ranges::replace(list, ' ', ':');
  std::vector<std::filesystem::path> libraries;
  for (const auto item : StrSplit(list, ':')) {
    if (!item.empty()) libraries.emplace_back(item);
  }
  return libraries;
}

bool IsNccl(const std::filesystem::path& library) {
  return library.filename().native().starts_with("libnccl.so");
}

// The NCCL, other than ours, that the user preloads; empty if none.
std::filesystem::path NcclOfUser(const CollectivesFacts& facts,
                                 const launch::VariableLookup& environment) {
  for (const auto& library : Preloaded(environment("LD_PRELOAD").value_or(""))) {
    if (IsNccl(library) && library != facts.drop_in) return library;
  }
  return {};
}

// Fills in a choice, with the user's variables going first.
class Filler {
 public:
  Filler(const CollectivesFacts& facts, const launch::VariableLookup& environment)
      : facts_(facts), environment_(environment) {
    choice_.variables.resize(facts.ranks.size());
  }

  // The same for all ranks, unless the user has set it.
  void Set(const std::string& name, const std::string& value) {
    const auto own = environment_(name.c_str());
    if (own) {
      if (*own != value) {
        Warn(StrCat(name, "=", *own, " of your environment is kept; for ",
                    Describe(facts_.ranks, PlacesOf(facts_.ranks)), " it would be set to ", value));
      }
      return;
    }
    for (auto& variables : choice_.variables) variables[name] = value;
  }

  // In front of a list that the user may have begun.
  void Prepend(const std::string& name, const std::string& item) {
    const auto own = environment_(name.c_str());
    const std::string value = own ? StrCat(item, ":", *own) : item;
    for (auto& variables : choice_.variables) variables[name] = value;
  }

  void Warn(std::string sentence) { choice_.warnings.push_back(std::move(sentence)); }

  void SetHsm();
  void SetNccl(const Places& places);

  CollectivesChoice Take(Collectives collectives, std::string reason) && {
    choice_.collectives = collectives;
    choice_.reason = std::move(reason);
    return std::move(choice_);
  }

 private:
  void SetHostIds();
  void WarnOfNvls();

  const CollectivesFacts& facts_;
  const launch::VariableLookup& environment_;
  CollectivesChoice choice_;
};

void Filler::SetHsm() {
  const auto preloaded = Preloaded(environment_("LD_PRELOAD").value_or(""));
  // A job in a job has it in its environment already; twice would do no harm, but grow.
  if (preloaded.empty() || preloaded.front() != *facts_.drop_in) {
    Prepend("LD_PRELOAD", facts_.drop_in->native());
  }
  const auto other = NcclOfUser(facts_, environment_);
  if (!other.empty()) {
    Warn(StrCat("LD_PRELOAD holds ", other.native(),
                ", which stays there without effect behind Flex-MIG's; --collectives=nccl takes "
                "it"));
  }
  if (facts_.simulated_node.empty()) return;
  Set("FLEXMIG_SIM_NODE", facts_.simulated_node);
  if (!facts_.simulated_cuda) return;
  Set("FLEXMIG_CUDA_PATH", facts_.simulated_cuda->native());
  // For the program's own calls of the driver.
  Prepend("LD_LIBRARY_PATH", facts_.simulated_cuda->parent_path().native());
}

void Filler::SetHostIds() {
  const auto own = environment_("NCCL_HOSTID");
  if (own) {
    Warn(StrCat("NCCL_HOSTID=", *own,
                " of your environment is kept; NCCL will refuse ranks on one GPU that have one "
                "host id"));
  }
  for (size_t r = 0; !own && r < choice_.variables.size(); ++r) {
    choice_.variables[r]["NCCL_HOSTID"] = StrCat("flexmig-", facts_.job_id, "-", r);
  }
  Set("NCCL_MNNVL_ENABLE", "0");
  if (!facts_.has_network && !environment_("NCCL_SOCKET_IFNAME")) Set("NCCL_SOCKET_IFNAME", "lo");
}

void Filler::WarnOfNvls() {
  if (environment_("NCCL_NVLS_ENABLE") != "1") return;
  Warn(
      "NCCL_NVLS_ENABLE=1 of your environment is kept; NCCL will fail at its start, because "
      "MIG leaves and ranks that share a GPU cannot use NVLS: unset it");
}

void Filler::SetNccl(const Places& places) {
  if (!places.mig && !places.shared) return;
  const bool is_new = facts_.nccl && facts_.nccl->version && *facts_.nccl->version >= kFirstOverMig;
  const bool driver_fits =
      !facts_.driver_branch || *facts_.driver_branch >= kFirstDriverForNcclOverMig;
  if (!is_new || (places.mig && !driver_fits)) {
    SetHostIds();
    return;
  }
  if (places.mig) Set("NCCL_MNNVL_ENABLE", "0");
  if (places.shared) Set("NCCL_MULTI_RANK_GPU_ENABLE", "1");
  WarnOfNvls();
}

// "NCCL 2.28.9 (/usr/lib/libnccl.so.2)".
std::string DescribeNccl(const CollectivesFacts& facts) {
  if (!facts.nccl) return "no libnccl.so.2 is found, so it counts as an old one";
  if (!facts.nccl->version) {
    return StrCat(facts.nccl->path.native(), " does not tell its version, so it counts as old");
  }
  return StrCat("NCCL ", facts.nccl->version->ToString(), " (", facts.nccl->path.native(), ")");
}

// Why kNccl sets what it sets.
std::string NcclReason(const CollectivesFacts& facts, const Places& places) {
  if (!places.mig && !places.shared) return "whole GPUs need no settings";
  const std::string found = DescribeNccl(facts);
  if (!facts.nccl || !facts.nccl->version || *facts.nccl->version < kFirstOverMig) {
    return StrCat(found, "; before 2.31 it takes ranks on one GPU for duplicates, so each gets a ",
                  "host id of its own, and they exchange through sockets");
  }
  if (!places.mig) return StrCat(found, " lets ranks share a GPU when told to");
  if (facts.driver_branch && *facts.driver_branch < kFirstDriverForNcclOverMig) {
    return StrCat(found, " runs over MIG with driver ", kFirstDriverForNcclOverMig,
                  " or later, and this is ", *facts.driver_branch,
                  "; so each rank gets a host id of its own, and they exchange through sockets");
  }
  return StrCat(found, " runs over MIG itself, experimentally");
}

Status CheckDropIn(const CollectivesFacts& facts) {
  if (!facts.drop_in) return NotFoundError(facts.drop_in_missing);
  if (facts.drop_in->native().find_first_of(" :") != std::string::npos) {
    return InvalidArgumentError(
        StrCat(facts.drop_in->native(), ": LD_PRELOAD cannot name a file with a blank or a colon ",
               "in its path; put a copy elsewhere and name it in FLEXMIG_NCCL_DROPIN"));
  }
  return OkStatus();
}

// What kAuto means here, and why.
struct Decision {
  Collectives collectives;
  std::string reason;
};

Decision Decide(const CollectivesFacts& facts, const Places& places,
                const launch::VariableLookup& environment) {
  const Status drop_in = CheckDropIn(facts);
  if (!facts.simulated_node.empty()) {
    if (!drop_in.ok()) return {Collectives::kNone, drop_in.message()};
    return {Collectives::kHsm, "on a simulated node no other NCCL runs"};
  }
  if (facts.ranks.size() == 1) return {Collectives::kNone, "one rank exchanges nothing"};
  const auto own = NcclOfUser(facts, environment);
  if (!own.empty()) {
    return {Collectives::kNccl,
            StrCat("LD_PRELOAD names ", own.native(), "; ", NcclReason(facts, places))};
  }
  if (!places.mig && !places.shared) {
    return {Collectives::kNone, "every rank has a whole GPU, where any NCCL does well"};
  }
  if (drop_in.ok()) {
    return {Collectives::kHsm,
            StrCat(Describe(facts.ranks, places),
                   ": Flex-MIG's library runs with every driver, and large messages take no SM")};
  }
  return {Collectives::kNccl, StrCat(drop_in.message(), "; ", NcclReason(facts, places))};
}

Decision AsAsked(CollectivesMode mode, const CollectivesFacts& facts, const Places& places,
                 const launch::VariableLookup& environment) {
  switch (mode) {
    case CollectivesMode::kAuto: return Decide(facts, places, environment);
    case CollectivesMode::kHsm: return {Collectives::kHsm, "as asked"};
    case CollectivesMode::kNccl:
      return {Collectives::kNccl, StrCat("as asked; ", NcclReason(facts, places))};
    case CollectivesMode::kNone: return {Collectives::kNone, "as asked"};
  }
  return {Collectives::kNone, ""};
}

}  // namespace

Result<CollectivesMode> ParseCollectivesMode(std::string_view text) {
  if (text == "auto") return CollectivesMode::kAuto;
  if (text == "hsm") return CollectivesMode::kHsm;
  if (text == "nccl") return CollectivesMode::kNccl;
  if (text == "none") return CollectivesMode::kNone;
  return InvalidArgumentError(StrCat("'", text, "' is not auto, hsm, nccl or none"));
}

std::string_view CollectivesName(Collectives collectives) {
  switch (collectives) {
    case Collectives::kHsm: return "hsm";
    case Collectives::kNccl: return "nccl";
    case Collectives::kNone: return "none";
  }
  return "";
}

Result<CollectivesChoice> ChooseCollectives(CollectivesMode mode, const CollectivesFacts& facts,
                                            const launch::VariableLookup& environment) {
  FLEXMIG_CHECK(!facts.ranks.empty());
  const Places places = PlacesOf(facts.ranks);
  Decision decision = AsAsked(mode, facts, places, environment);
  Filler filler(facts, environment);
  switch (decision.collectives) {
    case Collectives::kHsm:
      FLEXMIG_RETURN_IF_ERROR(CheckDropIn(facts));
      filler.SetHsm();
      break;
    case Collectives::kNccl: filler.SetNccl(places); break;
    case Collectives::kNone: break;
  }
  return std::move(filler).Take(decision.collectives, std::move(decision.reason));
}

bool DependsOnNccl(CollectivesMode mode, const CollectivesFacts& facts,
                   const launch::VariableLookup& environment) {
  switch (mode) {
    case CollectivesMode::kAuto:
      return facts.simulated_node.empty() &&
             (!CheckDropIn(facts).ok() || !NcclOfUser(facts, environment).empty());
    case CollectivesMode::kNccl: return true;
    case CollectivesMode::kHsm:
    case CollectivesMode::kNone: return false;
  }
  return false;
}

}  // namespace flexmig::runtime
