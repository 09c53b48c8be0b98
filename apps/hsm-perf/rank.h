#pragma once

#include <functional>
#include <memory>

#include "flexmig/base/status.h"

#include "backend.h"
#include "board.h"

namespace flexmig::perf {

// Joins the group of `membership` as a library's rank.
using MakeBackend = std::function<Result<std::unique_ptr<Backend>>(const Membership& membership,
                                                                   const GroupConfig& config)>;

// What every rank does, whatever the library: pins itself, meets the others, measures all sizes of
// board.config() and leaves the points and, if it fails, its error on the board. Returns the exit
// code for the process: 0 or 1. A wrong result is no failure of the rank: the point tells.
[[nodiscard]] int RunRank(Board& board, int rank, const MakeBackend& make_backend);

}  // namespace flexmig::perf
