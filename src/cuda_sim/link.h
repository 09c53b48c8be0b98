#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "flexmig/base/status.h"

namespace flexmig::cuda_sim {

// What crosses the link between each GPU of a node and its host, over all processes that simulate
// the node: a small file beside the node's state (docs/formats/sim-node.md), which all of them map.
// Nothing in it is locked, so a process that is killed leaves at most one piece uncounted.
// Threading: thread-safe; any number of processes.
class Links {
 public:
  enum class Direction { kUp, kDown };  // from the GPU to the host; from the host to the GPU

  // Opens or creates `<directory>/links`. `bytes_per_second` is what a link carries in each
  // direction; 0: it takes no time.
  // Errors: those of the file system.
  static Result<std::unique_ptr<Links>> Open(const std::filesystem::path& directory,
                                             double bytes_per_second);
  ~Links();
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  // Of what to hand over at once: what a link carries in 5 ms, so that transfers share it.
  [[nodiscard]] size_t piece_bytes() const { return piece_bytes_; }
  // Counts a piece and, under a limit, waits until the link has carried it.
  void Carry(int gpu, Direction direction, size_t bytes);

  [[nodiscard]] uint64_t Count(int gpu, Direction direction) const;
  void Reset();

 private:
  struct File;
  Links(File* file, double bytes_per_second);

  File* const file_;
  const double bytes_per_second_;
  const size_t piece_bytes_;
};

// "25GB/s": an amount of memory with "/s" behind it. Errors: kInvalidArgument.
Result<double> ParseBandwidth(std::string_view text);

}  // namespace flexmig::cuda_sim
