#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"

#include "results.h"

namespace flexmig::perf {

// How much faster than its peers a collective ought to be over a class of sizes.
struct Goal {
  int ranks = 0;
  bool registered = false;
  bool in_place = false;
  bool back_to_back = false;
  uint64_t min_bytes = 0;
  uint64_t max_bytes = 0;
  std::string collective;
  // Least geometric means, over the class, of a peer's time divided by ours.
  std::optional<double> goal;  // against the best of all peers
  std::optional<double> gate;  // against the better of Debian's Open MPI and MPICH
};

// bench/collectives/goals.csv, which describes its form itself.
// Errors: kInvalidArgument, as "line:column: what is wrong".
Result<std::vector<Goal>> ParseGoals(std::string_view text);

enum class Verdict : uint8_t { kNotMeasured, kPass, kFallsShort };

// "pass", "falls short", "-".
[[nodiscard]] std::string_view VerdictName(Verdict verdict);

// What was measured of one goal, for one type.
struct Outcome {
  size_t sizes = 0;  // that ours and a peer have measured; the means are over these
  std::optional<double> against_best;
  std::optional<double> against_mpi;
  Verdict goal = Verdict::kNotMeasured;  // also if there is no such goal
  Verdict gate = Verdict::kNotMeasured;
};

[[nodiscard]] Outcome Judge(const Goal& goal, const std::string& type, const Results& results);

// "8 to 128 B", "from 8 MiB".
[[nodiscard]] std::string ClassName(const Goal& goal);

}  // namespace flexmig::perf
