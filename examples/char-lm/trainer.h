#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "flexmig/base/random.h"
#include "flexmig/base/status.h"

#include "adam.h"
#include "model.h"
#include "peers.h"
#include "text.h"

namespace flexmig::char_lm {

struct TrainerOptions {
  size_t context = 8;     // characters that the model sees
  size_t embedding = 16;  // numbers per character
  size_t hidden = 128;    // hidden units
  size_t batch = 256;     // examples a step, over all ranks
  double learning_rate = 0.008;
  uint64_t seed = 1;
};

// The relative difference that is allowed between the losses of two runs that differ only in the
// number of ranks. They add the same 256 gradients in another order, so the gradients differ by
// float rounding, about 1e-7 of their size; training neither damps nor amplifies that much.
// Measured after 600 steps of the default job: below 2e-7 for 1, 2, 4 and 8 ranks. The margin is
// for other compilers and longer runs; a wrong example or a lost gradient is off by 1e-2 or more.
inline constexpr double kLossTolerance = 1e-4;

// Trains one model on one text, each rank on its part of every batch.
//
// A step: all ranks draw the same batch of places in the text from the seed; each computes the
// summed gradient and loss of its part; one all-reduce of one buffer adds these up; every rank
// makes the same move.
//
// Invariant: between steps all ranks hold bitwise equal models.
// Threading: one owner. All ranks make the same calls in the same order.
class Trainer {
 public:
  // `text` and `peers` must outlive the trainer.
  // Errors: kInvalidArgument if the batch does not divide by the number of ranks, if the text is
  // not longer than the context, or if the ranks have different texts or options; Peers'.
  static Result<std::unique_ptr<Trainer>> Create(const Text& text, const TrainerOptions& options,
                                                 Peers& peers);

  // One step. The mean loss over the batch before the move, in nats per character; the same number
  // on all ranks.
  // Errors: kFailedPrecondition if the loss is not finite any more (the learning rate is too
  // high); Peers'. After an error the trainer is of no further use.
  Result<double> Step();

  [[nodiscard]] const Model& model() const { return model_; }

  // A hash of all bits of the parameters.
  [[nodiscard]] uint64_t Checksum() const;

  // That all ranks hold the same bits. Errors: kInternal naming two ranks that differ; Peers'.
  Status VerifyEqualParameters();

 private:
  Trainer(const Text& text, const TrainerOptions& options, Peers& peers);

  const Text& text_;
  const TrainerOptions options_;
  Peers& peers_;
  Model model_;
  Adam adam_;
  SplitMix64 places_;              // draws batches
  std::vector<size_t> positions_;  // of the batch of all ranks
  std::vector<float> sums_;        // the gradient, and behind it the loss
  int steps_ = 0;
};

}  // namespace flexmig::char_lm
