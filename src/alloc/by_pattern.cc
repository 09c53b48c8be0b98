#include "by_pattern.h"

#include <algorithm>
#include <optional>

#include "flexmig/base/check.h"

namespace flexmig::alloc {

namespace {

constexpr int kNodesTried = 64;

using Pattern = PatternIndex::Pattern;

class LeafByLeaf {
 public:
  LeafByLeaf(const Problem& problem, ChooseInPattern choose)
      : problem_(problem), patterns_(problem.pool.patterns()), choose_(choose) {
    if (problem.node != Problem::kAnyNode) {
      SetNode(problem.node);
    } else if (problem.leaf_count == 1) {
      end_ = static_cast<int>(problem.index().nodes().node_of.size());
    } else {
      SetNode(problem.index().TightestNode(problem.leaf_count, problem.max_gpus, kNodesTried));
    }
  }

  // The leaves in order of id, which is that of GPUs and placements.
  std::vector<mig::LeafId> Take() {
    for (int id = patterns_.NextPattern(0); id != PatternIndex::kNone;
         id = patterns_.NextPattern(id + 1)) {
      AddFresh(id, first_);
    }
    while (static_cast<int>(taken_.size()) < problem_.leaf_count) {
      if (!TakeOne()) return TakeFewGpus();
    }
    std::sort(taken_.begin(), taken_.end());
    return std::move(taken_);
  }

 private:
  // A GPU of the job, as it is by now.
  struct Used {
    int gpu;
    Pattern pattern;
  };
  // The lowest unused GPU of a pattern; `alone`: no other stands in when it is used.
  struct Fresh {
    int gpu;
    int pattern;
    bool alone = false;
  };

  void SetNode(int node) {
    node_ = node;
    first_ = problem_.FirstGpu(node);
    end_ = problem_.EndGpu(node);
  }

  void AddFresh(int pattern, int from) {
    const int gpu = patterns_.NextGpu(pattern, from);
    if (gpu != PatternIndex::kNone && gpu < end_) fresh_.push_back({gpu, pattern});
  }

  [[nodiscard]] std::optional<PatternChoice> Ask(const Pattern& pattern) const {
    const PatternIndex::Taking& taking = pattern.taking[problem_.profile];
    if (taking.lowest == PatternIndex::kNone) return std::nullopt;
    return choose_(pattern, taking);
  }

  // Says whether a leaf was left under the span rule.
  bool TakeOne() {
    struct Best {
      PatternChoice choice;
      int gpu;
      size_t at;
      bool is_used;
    };
    std::optional<Best> best;
    const auto offer = [&](const Pattern& pattern, int gpu, size_t at, bool is_used) {
      const auto choice = Ask(pattern);
      if (!choice) return;
      if (!best || std::pair(choice->cost, gpu) < std::pair(best->choice.cost, best->gpu)) {
        best = Best{*choice, gpu, at, is_used};
      }
    };
    for (size_t i = 0; i < used_.size(); ++i) offer(used_[i].pattern, used_[i].gpu, i, true);
    if (static_cast<int>(used_.size()) < problem_.max_gpus) {
      for (size_t i = 0; i < fresh_.size(); ++i) {
        offer(patterns_.pattern(fresh_[i].pattern), fresh_[i].gpu, i, false);
      }
    }
    if (!best) return false;
    if (!best->is_used) {
      const Fresh fresh = fresh_[best->at];
      fresh_.erase(fresh_.begin() + static_cast<std::ptrdiff_t>(best->at));
      if (!fresh.alone) AddFresh(fresh.pattern, fresh.gpu + 1);
      used_.push_back({fresh.gpu, patterns_.pattern(fresh.pattern)});
      best->at = used_.size() - 1;
    }
    Used& used = used_[best->at];
    taken_.push_back(problem_.pool.LeafAt(used.gpu, best->choice.leaf));
    if (static_cast<int>(taken_.size()) < problem_.leaf_count) {
      used.pattern = patterns_.Without(used.gpu, used.pattern, best->choice.leaf);
    }
    return true;
  }

  std::vector<mig::LeafId> TakeFewGpus() {
    taken_.clear();
    used_.clear();
    fresh_.clear();
    std::vector<GpuShare> few;
    PackOnNode(problem_, node_, few);
    for (const GpuShare& share : few) {
      fresh_.push_back({share.gpu, patterns_.pattern_of(share.gpu), true});
    }
    while (static_cast<int>(taken_.size()) < problem_.leaf_count) FLEXMIG_CHECK(TakeOne());
    std::sort(taken_.begin(), taken_.end());
    return std::move(taken_);
  }

  const Problem& problem_;
  const PatternIndex& patterns_;
  ChooseInPattern choose_;
  int node_ = 0;
  int first_ = 0;  // GPUs that take part: [first_, end_)
  int end_ = 0;
  std::vector<Used> used_;
  std::vector<Fresh> fresh_;
  std::vector<mig::LeafId> taken_;
};

}  // namespace

void PlaceByPattern(const Problem& problem, ChooseInPattern choose,
                    std::vector<mig::LeafId>& leaves) {
  const auto taken = LeafByLeaf(problem, choose).Take();
  leaves.insert(leaves.end(), taken.begin(), taken.end());
}

}  // namespace flexmig::alloc
