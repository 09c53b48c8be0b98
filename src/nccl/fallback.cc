#include "fallback.h"

#include <array>
#include <cstring>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "flexmig/base/strings.h"

#include "debug_log.h"
#include "real_nccl.h"

namespace flexmig::nccl {
namespace {

// What each rank tells the others.
struct Offer {
  std::array<uint8_t, 16> uuid{};
  int32_t version = 0;  // of the NCCL that it has; 0: it has none
  uint32_t is_mig = 0;
};
static_assert(sizeof(Offer) == 24);

// Why these ranks cannot use it, "" if they can.
std::string WhyNot(std::span<const Offer> offers) {
  std::map<std::array<uint8_t, 16>, size_t> gpus;
  for (size_t rank = 0; rank < offers.size(); ++rank) {
    const Offer& offer = offers[rank];
    if (offer.version == 0) return StrCat("rank ", rank, " could not load it");
    if (offer.version != offers[0].version) {
      return StrCat("rank ", rank, " has version ", offer.version, " of it, rank 0 version ",
                    offers[0].version);
    }
    if (offer.is_mig != 0) return StrCat("rank ", rank, " runs on a MIG device");
    const auto [other, is_new] = gpus.emplace(offer.uuid, rank);
    if (!is_new) return StrCat("ranks ", other->second, " and ", rank, " share a GPU");
  }
  return "";
}

}  // namespace

Result<std::unique_ptr<Transport>> MakeFallbackTransport(const std::string& path,
                                                         const cuda::DeviceFacts& own,
                                                         const coll::CommunicatorOptions& options) {
  const auto real = RealNccl::Load(path);
  Offer offer;
  offer.uuid = own.uuid;
  offer.is_mig = own.is_mig ? 1 : 0;
  if (real.ok()) {
    offer.version = (*real)->version();
  } else {
    LogWarn(own.ordinal, StrCat("FLEXMIG_NCCL_FALLBACK: ", real.status().message()));
  }
  coll::CommunicatorOptions meeting = options;
  meeting.rendezvous += "-f";
  FLEXMIG_ASSIGN_OR_RETURN(const auto ranks, coll::Communicator::Create(meeting));
  std::vector<Offer> offers(static_cast<size_t>(ranks->world_size()));
  FLEXMIG_RETURN_IF_ERROR(
      ranks->AllGather(&offer, offers.data(), sizeof offer, coll::DataType::kUint8));
  const std::string why_not = WhyNot(offers);
  if (!why_not.empty()) {
    LogInfo(Subsystem::kInit, own.ordinal,
            StrCat("not handed to the NCCL at ", path, ": ", why_not));
    return std::unique_ptr<Transport>();
  }
  // The id's making may fail on rank 0, which the others would wait for.
  struct {
    ncclUniqueId id;
    uint32_t result = ncclSuccess;
  } made;
  if (ranks->rank() == 0) made.result = (*real)->functions().get_unique_id(&made.id);
  FLEXMIG_RETURN_IF_ERROR(
      ranks->Broadcast(&made, &made, sizeof made, coll::DataType::kUint8, /*root=*/0));
  FLEXMIG_RETURN_IF_ERROR(
      (*real)->ToStatus(static_cast<ncclResult_t>(made.result), "ncclGetUniqueId on rank 0"));
  LogInfo(Subsystem::kInit, own.ordinal,
          StrCat("handed to the NCCL at ", path, ", version ", (*real)->version(),
                 ": every rank has a whole GPU"));
  return MakeRealTransport(**real, made.id, ranks->rank(), ranks->world_size(),
                           options.interrupted);
}

}  // namespace flexmig::nccl
