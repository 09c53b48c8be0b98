// The only file of the benchmark that knows the library's interface.

#include "flexmig_backend.h"

#include "flexmig/base/strings.h"
#include "flexmig/base/version.h"
#include "flexmig/coll/communicator.h"

namespace flexmig::perf {

namespace {

class FlexmigBackend final : public Backend {
 public:
  explicit FlexmigBackend(std::unique_ptr<coll::Communicator> communicator)
      : communicator_(std::move(communicator)) {}

  std::string Version() const override { return StrCat("Flex-MIG ", flexmig::Version()); }

  Status Offers(const Call& /*call*/) const override { return OkStatus(); }

  Result<std::byte*> Allocate(size_t bytes, bool registered) override {
    if (!registered) return memory_.Allocate(bytes);
    FLEXMIG_ASSIGN_OR_RETURN(const auto shared, communicator_->AllocateShared(bytes));
    return shared.data();
  }

  Status Run(const Call& call) override {
    switch (call.collective) {
      case Collective::kAllReduce:
        return communicator_->AllReduce(call.send, call.receive, call.count, call.type, call.op);
      case Collective::kReduce:
        return communicator_->Reduce(call.send, call.receive, call.count, call.type, call.op,
                                     call.root);
      case Collective::kReduceScatter:
        return communicator_->ReduceScatter(call.send, call.receive, call.count, call.type,
                                            call.op);
      case Collective::kAllGather:
        return communicator_->AllGather(call.send, call.receive, call.count, call.type);
      case Collective::kGather:
        return communicator_->Gather(call.send, call.receive, call.count, call.type, call.root);
      case Collective::kBroadcast:
        return communicator_->Broadcast(call.send, call.receive, call.count, call.type, call.root);
      case Collective::kScatter:
        return communicator_->Scatter(call.send, call.receive, call.count, call.type, call.root);
      case Collective::kAllToAll:
        return communicator_->AllToAll(call.send, call.receive, call.count, call.type);
      case Collective::kBarrier: return communicator_->Barrier();
    }
    return InternalError("no such collective");
  }

 private:
  PlainMemory memory_;
  std::unique_ptr<coll::Communicator> communicator_;
};

}  // namespace

Result<std::unique_ptr<Backend>> MakeFlexmigBackend(const Membership& membership,
                                                    const GroupConfig& config) {
  coll::CommunicatorOptions options;
  options.rendezvous = membership.rendezvous;
  options.rank = Rank(membership.rank);
  options.world_size = membership.ranks;
  options.connect_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(config.patience);
  options.timeout = options.connect_timeout;
  FLEXMIG_ASSIGN_OR_RETURN(auto communicator, coll::Communicator::Create(options));
  return std::unique_ptr<Backend>(std::make_unique<FlexmigBackend>(std::move(communicator)));
}

}  // namespace flexmig::perf
