#include "trainer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>

#include "flexmig/base/strings.h"

#include "hash.h"

namespace flexmig::char_lm {
namespace {

// The batches come from a stream of their own, so that the model's size does not change them.
constexpr uint64_t kPlacesStream = 0x9d1a7c3b52e8f604ULL;

uint64_t Fingerprint(const Text& text, const TrainerOptions& options) {
  Hash hash;
  hash.Add(std::string_view(text.alphabet));
  hash.Add(std::span(text.symbols));
  for (const uint64_t value :
       {uint64_t{options.context}, uint64_t{options.embedding}, uint64_t{options.hidden},
        uint64_t{options.batch}, std::bit_cast<uint64_t>(options.learning_rate), options.seed}) {
    hash.Add(std::span(&value, 1));
  }
  return hash.value();
}

// The first rank whose value differs from rank 0's, or 0 if none does.
size_t FirstDifferent(const std::vector<uint64_t>& values) {
  const auto found = std::ranges::find_if(values, [&](uint64_t v) { return v != values[0]; });
  return found == values.end() ? 0 : static_cast<size_t>(found - values.begin());
}

}  // namespace

Result<std::unique_ptr<Trainer>> Trainer::Create(const Text& text, const TrainerOptions& options,
                                                 Peers& peers) {
  const auto ranks = static_cast<size_t>(peers.world_size());
  if (options.batch == 0 || options.batch % ranks != 0) {
    return InvalidArgumentError(StrCat("a batch of ", options.batch,
                                       " examples does not divide by ", ranks,
                                       " ranks; give a positive multiple of ", ranks));
  }
  if (text.symbols.size() <= options.context) {
    return InvalidArgumentError(StrCat("the text has ", text.symbols.size(),
                                       " characters, not more than the context of ",
                                       options.context));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto fingerprints, peers.Gather(Fingerprint(text, options)));
  if (const size_t other = FirstDifferent(fingerprints); other != 0) {
    return InvalidArgumentError(
        StrCat("ranks 0 and ", other, " were given different texts or options"));
  }
  return std::unique_ptr<Trainer>(new Trainer(text, options, peers));
}

Trainer::Trainer(const Text& text, const TrainerOptions& options, Peers& peers)
    : text_(text),
      options_(options),
      peers_(peers),
      model_({.symbols = text.alphabet.size(),
              .context = options.context,
              .embedding = options.embedding,
              .hidden = options.hidden},
             options.seed),
      adam_(model_.parameters().size()),
      places_(options.seed ^ kPlacesStream),
      positions_(options.batch),
      sums_(model_.parameters().size() + 1) {}

Result<double> Trainer::Step() {
  const size_t count = model_.parameters().size();
  for (size_t& position : positions_) {
    position = places_.NextBelow(text_.symbols.size() - options_.context);
  }
  const size_t part = options_.batch / static_cast<size_t>(peers_.world_size());
  const auto mine =
      std::span<const size_t>(positions_).subspan(static_cast<size_t>(peers_.rank()) * part, part);
  std::ranges::fill(sums_, 0.0F);
  const auto gradient = std::span(sums_).first(count);
  sums_[count] = static_cast<float>(model_.AddGradient(text_.symbols, mine, gradient));

  FLEXMIG_RETURN_IF_ERROR(peers_.Sum(sums_));

  ++steps_;
  const double loss = static_cast<double>(sums_[count]) / static_cast<double>(options_.batch);
  if (!std::isfinite(loss)) {
    return FailedPreconditionError(StrCat("the loss of step ", steps_, " is not a finite number; ",
                                          "a learning rate below ", options_.learning_rate,
                                          " is needed"));
  }
  const auto share = 1 / static_cast<float>(options_.batch);
  for (float& value : gradient) value *= share;
  adam_.Step(model_.parameters(), gradient, options_.learning_rate);
  return loss;
}

uint64_t Trainer::Checksum() const {
  Hash hash;
  hash.Add(model_.parameters());
  return hash.value();
}

Status Trainer::VerifyEqualParameters() {
  FLEXMIG_ASSIGN_OR_RETURN(const auto checksums, peers_.Gather(Checksum()));
  if (const size_t other = FirstDifferent(checksums); other != 0) {
    return InternalError(StrCat("the parameters of ranks 0 and ", other, " differ: checksums ",
                                ToHex(checksums[0]), " and ", ToHex(checksums[other])));
  }
  return OkStatus();
}

}  // namespace flexmig::char_lm
