#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/trace/job_record.h"

namespace flexmig::sim {

// What a seed varies: a recorded trace is one outcome of the process behind it, and a result from
// one trace says nothing about its spread.
struct Resampling {
  enum class Kind {
    kNone,  // the trace as recorded, whatever the seed
    // The same jobs at the same submission times, which job comes when being drawn. Work, load and
    // the pattern of arrivals stay exactly; what a user submits together is torn apart.
    kOrder,
    // Circular block bootstrap: the time from the first to the last submission is cut into equal
    // blocks, and each is filled with what was submitted in a stretch of the same length that
    // begins at a drawn time, the end of the trace being followed by its beginning. Patterns
    // shorter than a block stay; the number of jobs and the work vary as they would.
    kBlocks,
  };
  Kind kind = Kind::kNone;
  int blocks = 0;  // kBlocks
  uint64_t seed = 1;

  // "none", "order" or "blocks:20". Errors: kNotFound for another name, kInvalidArgument for a
  // number of blocks that is not from 1 to 100000.
  static Result<Resampling> Parse(std::string_view text, uint64_t seed);
  // One line, for the reader of a result.
  [[nodiscard]] std::string Describe() const;
};

// A replica of the trace, sorted by submit time. Ids stay under kOrder, and count from 1 under
// kBlocks, which can repeat jobs and can leave none. Equal inputs give equal replicas on every
// platform. REQUIRES: sorted by submit time.
std::vector<trace::JobRecord> Resample(std::span<const trace::JobRecord> records,
                                       const Resampling& resampling);

}  // namespace flexmig::sim
