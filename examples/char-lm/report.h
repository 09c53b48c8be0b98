#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "text.h"
#include "trainer.h"

namespace flexmig::char_lm {

// What rank 0 says before the first step: text, model, split of the batch, and, one line a rank,
// `leaves` (empty outside `flexmig run`).
void PrintHeader(std::ostream& out, const std::string& text_path, const Text& text,
                 const TrainerOptions& options, const Model& model, int world_size,
                 const std::vector<std::string>& leaves);

// The table that grows during training. Losses and speeds are means over the steps since the line
// before, so one unlucky batch does not show as a bump.
class ProgressTable {
 public:
  // A line every `interval` steps, and after the first. `batch` is the characters a step.
  ProgressTable(std::ostream& out, int interval, size_t batch);

  // To be called after every step with the losses so far and the time since training began.
  void Add(std::span<const double> losses, std::chrono::duration<double> elapsed);

 private:
  std::ostream& out_;
  int interval_;
  size_t batch_;
  size_t printed_steps_ = 0;
  std::chrono::duration<double> printed_at_{0};
};

// What a run came to.
struct Summary {
  double initial_loss = 0;  // of the first step, nats per character
  double final_loss = 0;    // mean over the last tenth of the steps, nats per character
  int steps = 0;
  size_t batch = 0;
  std::chrono::duration<double> elapsed{0};
  int world_size = 1;
  size_t parameters = 0;
  uint64_t checksum = 0;
};

// REQUIRES: `losses` is not empty.
[[nodiscard]] Summary Summarize(std::span<const double> losses, const TrainerOptions& options,
                                std::chrono::duration<double> elapsed, const Trainer& trainer,
                                int world_size);

// Two lines: what was reached at which speed, and that the parameters are equal.
void PrintSummary(std::ostream& out, const Summary& summary);

// One JSON object with the fields of Summary in snake_case, the unit in the name (`_nats`,
// `_bits`, `_s`), the checksum as hex digits; ends in a newline.
[[nodiscard]] std::string ToJson(const Summary& summary);

}  // namespace flexmig::char_lm
