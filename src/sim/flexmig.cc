// flexmig and its kin: one-to-many. Every GPU is flattened once to the board's smallest instances;
// a job gets as many as it asks for slices, anywhere, one process on each. A moldable job gets more
// or fewer, as many as are good when it starts; a rounded one as many as one instance would have.

#include <algorithm>
#include <cmath>
#include <utility>

#include "flexmig/base/strings.h"

#include "schemes.h"

namespace flexmig::sim {

namespace {

enum class Size {
  kExact,    // as many slices as asked for
  kRounded,  // as many as the smallest instance that is large enough
};

class Flexmig : public Scheme {
 public:
  Flexmig(std::string name, const SchemeContext& context, mig::MigLayout layout, Size size)
      : Scheme(std::move(name), context),
        layout_(std::move(layout)),
        leaf_slices_(mig::DefaultLeafProfile(*context.model).compute_slices),
        size_(size),
        profiles_(ProfilesBySlices(*context.model)) {}

  Role role() const override { return Role::kFlexmig; }
  std::string Describe() const override {
    return StrCat("one job on many leaves; every GPU ",
                  mig::DescribeLayout(*context().model, layout_), ", chosen by ",
                  context().flexmig_allocation,
                  size_ == Size::kRounded ? "; sizes rounded up to those of instances" : "");
  }
  mig::NodeInventory Inventory() const override {
    const ClusterShape& cluster = context().cluster;
    return mig::NodeInventory::Cluster(*context().model, {cluster.nodes, cluster.gpus_per_node, 0},
                                       layout_);
  }
  Result<std::unique_ptr<alloc::AllocationPolicy>> AllocationPolicy() const override {
    return alloc::MakePolicy(context().flexmig_allocation);
  }
  alloc::AllocationRequest RequestFor(const WorkloadJob& job) const override {
    alloc::AllocationRequest request;
    request.leaf_count = LeavesFor(job.slices);
    if (size_ == Size::kRounded && job.slices <= context().model->compute_slices) {
      request.leaf_count = LeavesFor(SizeFor(profiles_, job.slices));
    }
    // Where links cost nothing, no choice of leaves makes a job faster.
    if (context().communication.kind != Communication::Kind::kLinks) {
      request.comm = alloc::Comm::kLight;
    }
    request.max_nodes =
        MaxNodes(context().span_nodes, context().cluster, request.leaf_count, LeavesANode());
    return request;
  }
  JobRun Start(sched::TimePoint /*now*/, const WorkloadJob& job,
               const alloc::Allocation& allocation, const alloc::LeafPool& /*pool*/) override {
    const auto leaves = static_cast<int>(allocation.leaves.size());
    JobRun run;
    run.reference = job.reference_speed;
    run.speed = SpeedOn(job, leaves);
    run.communicates = leaves > 1;
    return run;
  }

 protected:
  // Before communication.
  [[nodiscard]] int64_t SpeedOn(const WorkloadJob& job, int leaves) const {
    const SpeedModel& speeds = context().speeds;
    if (speeds.options().oversize == Oversize::kSame) {
      leaves = std::min(leaves, LeavesFor(job.slices));
    }
    return speeds.OnLeaves(leaves, leaf_slices_);
  }
  [[nodiscard]] int LeavesAGpu() const { return static_cast<int>(layout_.size()); }
  [[nodiscard]] int LeavesANode() const { return LeavesAGpu() * context().cluster.gpus_per_node; }

 private:
  [[nodiscard]] int LeavesFor(int slices) const {
    return (slices + leaf_slices_ - 1) / leaf_slices_;
  }

  const mig::MigLayout layout_;
  const int leaf_slices_;
  const Size size_;
  const std::vector<const mig::Profile*> profiles_;
};

// Shares of the leaves asked for, in millionths.
struct Range {
  int64_t least;
  int64_t most;
};

class FlexmigMoldable final : public Flexmig {
 public:
  FlexmigMoldable(std::string name, const SchemeContext& context, mig::MigLayout layout,
                  Range range)
      : Flexmig(std::move(name), context, std::move(layout), Size::kExact), range_(range) {}

  std::string Describe() const override {
    const auto share = [](int64_t millionths) {
      return FormatFixed(static_cast<double>(millionths) / 1e6, 2);
    };
    return StrCat(Flexmig::Describe(), "; from ", share(range_.least), " to ", share(range_.most),
                  " times as many as asked for");
  }
  std::optional<sched::MoldableRange> MoldableFor(const WorkloadJob& job) const override {
    const alloc::AllocationRequest request = RequestFor(job);
    const int64_t asked = request.leaf_count;
    const int64_t all = int64_t{request.max_nodes} * LeavesANode();  // where it may run
    if (asked > all) return std::nullopt;  // left out by every policy, so by this one, too
    sched::MoldableRange range;
    range.min_leaves = static_cast<int>((asked * range_.least + 999'999) / 1'000'000);
    range.max_leaves = static_cast<int>(std::min(asked * range_.most / 1'000'000, all));
    for (int leaves = range.min_leaves; leaves <= range.max_leaves; ++leaves) {
      const int64_t speed = ExpectedSpeedOn(job, leaves);
      // Leaves that make a job slower are not taken: for the scheduler they do not help.
      range.speeds.push_back(range.speeds.empty() ? speed : std::max(speed, range.speeds.back()));
    }
    return range;
  }

 private:
  // With links and networks that nobody else uses, and as few GPUs and nodes as hold the job: what
  // can be said before.
  [[nodiscard]] int64_t ExpectedSpeedOn(const WorkloadJob& job, int leaves) const {
    const int64_t speed = SpeedOn(job, leaves);
    if (leaves == 1) return speed;
    const int nodes = (leaves + LeavesANode() - 1) / LeavesANode();
    return context().communication.SpeedUnder(speed,
                                              {int64_t{1'000'000} * std::min(leaves, LeavesAGpu()),
                                               Communication::MicroGradients(nodes)});
  }

  const Range range_;
};

Result<mig::MigLayout> LayoutOf(const SchemeContext& context) {
  return mig::UniformLayout(*context.model, mig::DefaultLeafProfile(*context.model).name);
}

}  // namespace

Result<std::unique_ptr<Scheme>> MakeFlexmig(std::string name, const SchemeContext& context) {
  FLEXMIG_ASSIGN_OR_RETURN(auto layout, LayoutOf(context));
  return std::unique_ptr<Scheme>(
      std::make_unique<Flexmig>(std::move(name), context, std::move(layout), Size::kExact));
}

Result<std::unique_ptr<Scheme>> MakeFlexmigRounded(std::string name, const SchemeContext& context) {
  FLEXMIG_ASSIGN_OR_RETURN(auto layout, LayoutOf(context));
  return std::unique_ptr<Scheme>(
      std::make_unique<Flexmig>(std::move(name), context, std::move(layout), Size::kRounded));
}

Result<std::unique_ptr<Scheme>> MakeFlexmigMoldable(std::string name, const SchemeContext& context,
                                                    std::string_view range) {
  const auto parts = StrSplit(range, '-');
  if (parts.size() != 2) {
    return InvalidArgumentError(
        StrCat("policy '", name, "': '", range, "' is not a range of shares such as 0.5-2"));
  }
  const std::string place = StrCat("policy '", name, "'");
  constexpr double kLeast = 1e-6;
  constexpr double kMost = 16;
  const auto least = ParseDouble(parts[0], kLeast, 1);
  if (!least.ok()) return least.status().WithContext(place);
  const auto most = ParseDouble(parts[1], 1, kMost);
  if (!most.ok()) return most.status().WithContext(place);
  FLEXMIG_ASSIGN_OR_RETURN(auto layout, LayoutOf(context));
  return std::unique_ptr<Scheme>(std::make_unique<FlexmigMoldable>(
      std::move(name), context, std::move(layout),
      Range{std::llround(*least * 1e6), std::llround(*most * 1e6)}));
}

}  // namespace flexmig::sim
