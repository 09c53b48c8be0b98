#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace flexmig::char_lm {

// The losses over the steps, drawn with characters: at most `columns` x `rows` of them, beside and
// below them the axes with their units. A column shows the mean of its steps; the rows span from
// the smallest to the largest of these means. Ends in a newline.
// REQUIRES: `losses` is not empty and finite; columns >= 20, rows >= 2.
[[nodiscard]] std::string DrawCurve(std::span<const double> losses, size_t columns, size_t rows);

}  // namespace flexmig::char_lm
