#include "report.h"

#include <algorithm>
#include <numbers>
#include <numeric>

#include "flexmig/base/strings.h"
#include "flexmig/base/units.h"

#include "hash.h"

namespace flexmig::char_lm {
namespace {

double Mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double Bits(double nats) { return nats / std::numbers::ln2; }

std::string Cell(const std::string& text, size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

// Examples a second; 0 if no time has passed.
double Speed(size_t examples, std::chrono::duration<double> time) {
  return time.count() > 0 ? static_cast<double>(examples) / time.count() : 0;
}

void PrintRow(std::ostream& out, const std::string& step, const std::string& loss,
              const std::string& bits, const std::string& speed) {
  out << Cell(step, 6) << Cell(loss, 13) << Cell(bits, 12) << Cell(speed, 10) << std::endl;
}

}  // namespace

void PrintHeader(std::ostream& out, const std::string& text_path, const Text& text,
                 const TrainerOptions& options, const Model& model, int world_size,
                 const std::vector<std::string>& leaves) {
  const size_t count = model.parameters().size();
  out << "text   " << text_path << ": " << text.symbols.size() << " characters, "
      << text.alphabet.size() << " different\n"
      << "model  " << options.context << " characters x " << options.embedding << " -> "
      << options.hidden << " tanh -> " << text.alphabet.size() << " softmax, " << count
      << " parameters\n";
  if (world_size == 1) {
    out << "batch  " << options.batch << " characters a step on 1 rank\n";
  } else {
    const auto bytes = Bytes::Of(static_cast<int64_t>((count + 1) * sizeof(float)));
    out << "batch  " << options.batch << " characters a step, "
        << options.batch / static_cast<size_t>(world_size) << " on each of " << world_size
        << " ranks; one all-reduce of " << FormatBytes(bytes) << " a step\n";
  }
  for (size_t rank = 0; rank < leaves.size(); ++rank) {
    out << "rank " << rank << "  " << leaves[rank] << "\n";
  }
  out << std::endl;
}

ProgressTable::ProgressTable(std::ostream& out, int interval, size_t batch)
    : out_(out), interval_(interval), batch_(batch) {
  PrintRow(out_, "step", "loss [nats]", "bits/char", "chars/s");
}

void ProgressTable::Add(std::span<const double> losses, std::chrono::duration<double> elapsed) {
  const size_t steps = losses.size();
  if (steps != 1 && steps % static_cast<size_t>(interval_) != 0) return;
  const double loss = Mean(losses.subspan(printed_steps_));
  const double speed = Speed((steps - printed_steps_) * batch_, elapsed - printed_at_);
  PrintRow(out_, StrCat(steps), FormatFixed(loss, 3), FormatFixed(Bits(loss), 3),
           FormatFixed(speed, 0));
  printed_steps_ = steps;
  printed_at_ = elapsed;
}

Summary Summarize(std::span<const double> losses, const TrainerOptions& options,
                  std::chrono::duration<double> elapsed, const Trainer& trainer, int world_size) {
  const size_t tail = std::max<size_t>(1, losses.size() / 10);
  return {.initial_loss = losses.front(),
          .final_loss = Mean(losses.last(tail)),
          .steps = static_cast<int>(losses.size()),
          .batch = options.batch,
          .elapsed = elapsed,
          .world_size = world_size,
          .parameters = trainer.model().parameters().size(),
          .checksum = trainer.Checksum()};
}

void PrintSummary(std::ostream& out, const Summary& s) {
  out << "loss " << FormatFixed(s.initial_loss, 3) << " -> " << FormatFixed(s.final_loss, 3)
      << " nats/char (" << FormatFixed(Bits(s.final_loss), 3) << " bits) in " << s.steps
      << " steps, " << FormatFixed(s.elapsed.count(), 2) << " s, "
      << FormatFixed(Speed(s.batch * static_cast<size_t>(s.steps), s.elapsed), 0) << " chars/s\n"
      << "parameters equal on " << s.world_size << (s.world_size == 1 ? " rank" : " ranks")
      << ", checksum " << ToHex(s.checksum) << std::endl;
}

std::string ToJson(const Summary& s) {
  return StrCat("{\"initial_loss_nats\": ", s.initial_loss, ", \"final_loss_nats\": ", s.final_loss,
                ", \"final_loss_bits\": ", Bits(s.final_loss), ", \"steps\": ", s.steps,
                ", \"batch\": ", s.batch, ", \"elapsed_s\": ", s.elapsed.count(),
                ", \"world_size\": ", s.world_size, ", \"parameters\": ", s.parameters,
                ", \"parameter_checksum\": \"", ToHex(s.checksum), "\"}\n");
}

}  // namespace flexmig::char_lm
