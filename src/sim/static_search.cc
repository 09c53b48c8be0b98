#include "static_search.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "flexmig/base/strings.h"

#include "schemes.h"

namespace flexmig::sim {
namespace {

constexpr int kMoves = 4;
constexpr int kShare = 8;  // a move is for one in so many GPUs of a layout

using Layouts = std::vector<mig::MigLayout>;  // by GPU
using Counts = std::vector<int>;              // instances by compute slices

class Search {
 public:
  Search(std::string_view name, const Workload& workload, const SchemeContext& context,
         std::string_view queue)
      : name_(name),
        workload_(workload),
        context_(context),
        queue_(queue),
        profiles_(ProfilesBySlices(*context.model)),
        maximal_(MaximalLayouts()) {}

  Result<PolicyRun> Run(const Watch& watch) {
    const auto gpus = static_cast<size_t>(context_.cluster.gpu_count());
    for (const mig::MigLayout& layout : maximal_) {
      FLEXMIG_RETURN_IF_ERROR(Try(Layouts(gpus, layout)).status());
    }
    FLEXMIG_RETURN_IF_ERROR(Try(MixByDemand()).status());
    // With one GPU all moves have been tried.
    for (int move = 0; move < kMoves && gpus > 1; ++move) {
      FLEXMIG_ASSIGN_OR_RETURN(const bool better, TryMoves());
      if (!better) break;
    }
    if (watch) {
      const auto scheme = MakeStatic(std::string(name_), context_, best_layouts_);
      FLEXMIG_ASSIGN_OR_RETURN(best_, RunScheme(*scheme, workload_, queue_, watch(*scheme)));
    }
    best_->description = StrCat("one instance a job; the best of ", tried_,
                                " fixed layouts in hindsight: ", Describe(best_layouts_));
    return *std::move(best_);
  }

 private:
  // One for each set of counts to which no instance can be added.
  [[nodiscard]] std::vector<mig::MigLayout> MaximalLayouts() const {
    const mig::GpuModel& model = *context_.model;
    const auto use = [&](const mig::Profile& profile) {
      return std::find(profiles_.begin(), profiles_.end(), &profile) != profiles_.end();
    };
    std::map<Counts, mig::MigLayout> by_counts;
    mig::EnumerateLayouts(model, use, [&](std::span<const mig::PlacedProfile> layout) {
      by_counts.try_emplace(CountsOf(layout), layout.begin(), layout.end());
    });
    std::vector<mig::MigLayout> maximal;
    for (const auto& [counts, layout] : by_counts) {
      const bool can_grow =
          std::any_of(by_counts.begin(), by_counts.end(), [&, &own = counts](const auto& other) {
            return other.first != own &&
                   std::equal(own.begin(), own.end(), other.first.begin(), std::less_equal<>());
          });
      if (!can_grow) maximal.push_back(layout);
    }
    return maximal;
  }

  [[nodiscard]] Counts CountsOf(std::span<const mig::PlacedProfile> layout) const {
    Counts counts(profiles_.size());
    for (const mig::PlacedProfile& placed : layout) {
      ++counts[static_cast<size_t>(context_.model->FindProfile(placed.profile)->compute_slices)];
    }
    return counts;
  }

  // Whether it is the best so far. Equal layouts are put next to each other, so that nodes are of
  // one layout where they can be: jobs on several GPUs find whole ones on their node.
  Result<bool> Try(Layouts layouts) {
    std::sort(layouts.begin(), layouts.end());
    const auto scheme = MakeStatic(std::string(name_), context_, layouts);
    ++tried_;
    SimulationOptions options;
    if (best_ && best_->summary.jobs_left_out == 0) {
      options.give_up_after = workload_.jobs.front().submit_time + best_->summary.makespan;
    }
    auto result = RunScheme(*scheme, workload_, queue_, options);
    if (result.status().code() == StatusCode::kAborted) return false;  // it is longer
    FLEXMIG_ASSIGN_OR_RETURN(PolicyRun run, std::move(result));
    const auto key = [](const PolicyRun& one) {
      return std::tuple(one.summary.jobs_left_out, one.summary.makespan, one.summary.mean_jct_s);
    };
    if (best_ && key(*best_) <= key(run)) return false;
    best_ = std::move(run);
    best_layouts_ = std::move(layouts);
    return true;
  }

  [[nodiscard]] Layouts MixByDemand() const {
    // Instance-seconds that jobs of a size need, and then those of this size or more.
    std::vector<double> demand(profiles_.size());
    for (const WorkloadJob& job : workload_.jobs) {
      const bool spans = job.slices > context_.model->compute_slices;
      const int size =
          spans ? static_cast<int>(profiles_.size()) - 1 : SizeFor(profiles_, job.slices);
      const int64_t speed =
          spans ? kWholeSpeed : context_.speeds.OnInstanceFor(std::min(job.slices, size), size);
      const int64_t reference = spans ? context_.speeds.mig_off() : job.reference_speed;
      demand[static_cast<size_t>(size)] +=
          (spans ? job.whole_gpus : 1) * static_cast<double>(job.duration.count()) *
          static_cast<double>(reference) / static_cast<double>(speed);
    }
    for (size_t size = demand.size() - 1; size-- > 0;) demand[size] += demand[size + 1];
    Layouts mix;
    Counts have(profiles_.size());
    while (mix.size() < static_cast<size_t>(context_.cluster.gpu_count())) {
      std::optional<std::vector<double>> least;
      const mig::MigLayout* chosen = nullptr;
      for (const mig::MigLayout& layout : maximal_) {
        std::vector<double> busy = BusyTimes(demand, have, CountsOf(layout));
        if (least && *least <= busy) continue;
        least = std::move(busy);
        chosen = &layout;
      }
      const Counts added = CountsOf(*chosen);
      for (size_t size = 0; size < have.size(); ++size) have[size] += added[size];
      mix.push_back(*chosen);
    }
    return mix;
  }

  // How long instances of at least t slices would be busy, for every t, longest first. Half an
  // instance stands for none.
  static std::vector<double> BusyTimes(const std::vector<double>& demand, const Counts& have,
                                       const Counts& added) {
    std::vector<double> busy;
    double instances = 0;
    for (size_t size = demand.size(); size-- > 1;) {
      instances += have[size] + added[size];
      busy.push_back(demand[size] / std::max(instances, 0.5));
    }
    std::sort(busy.begin(), busy.end(), std::greater<>());
    return busy;
  }

  // One round of moves; whether one of them was better.
  Result<bool> TryMoves() {
    const Layouts from = best_layouts_;
    std::map<mig::MigLayout, std::vector<size_t>> users;
    for (size_t gpu = 0; gpu < from.size(); ++gpu) users[from[gpu]].push_back(gpu);
    bool better = false;
    for (const auto& [layout, gpus] : users) {
      for (const mig::MigLayout& other : maximal_) {
        if (other == layout) continue;
        Layouts moved = from;
        const size_t count = (gpus.size() + kShare - 1) / kShare;
        for (size_t i = 0; i < count; ++i) moved[gpus[gpus.size() - 1 - i]] = other;
        FLEXMIG_ASSIGN_OR_RETURN(const bool is_better, Try(moved));
        better |= is_better;
      }
    }
    return better;
  }

  [[nodiscard]] std::string Describe(const Layouts& layouts) const {
    std::map<std::string, int> counts;
    for (const mig::MigLayout& layout : layouts) {
      ++counts[mig::DescribeLayout(*context_.model, layout)];
    }
    std::vector<std::string> texts;
    texts.reserve(counts.size());
    for (const auto& [text, count] : counts) texts.push_back(StrCat(count, " x (", text, ")"));
    return StrJoin(texts, ", ");
  }

  const std::string_view name_;
  const Workload& workload_;
  const SchemeContext& context_;
  const std::string_view queue_;
  const std::vector<const mig::Profile*> profiles_;
  const std::vector<mig::MigLayout> maximal_;
  std::optional<PolicyRun> best_;
  Layouts best_layouts_;
  int tried_ = 0;
};

}  // namespace

Result<PolicyRun> SearchStatic(std::string_view name, const Workload& workload,
                               const SchemeContext& context, std::string_view queue,
                               const Watch& watch) {
  return Search(name, workload, context, queue).Run(watch);
}

}  // namespace flexmig::sim
