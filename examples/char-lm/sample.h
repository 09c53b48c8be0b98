#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "model.h"
#include "text.h"

namespace flexmig::char_lm {

// `count` characters that the model writes, behind a context taken from a random place of the
// text. Each probability p is raised to 1 / 0.7 before the draw, which favours likely characters:
// samples read better than the model's loss. Equal arguments give equal text.
// Control characters other than newline come out as '.', so that a sample cannot steer a terminal.
// REQUIRES: model.shape() fits `text`, which is longer than the context.
[[nodiscard]] std::string WriteSample(const Model& model, const Text& text, size_t count,
                                      uint64_t seed);

}  // namespace flexmig::char_lm
