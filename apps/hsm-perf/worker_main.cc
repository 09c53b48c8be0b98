// hsm-perf-<peer> BOARD [RANK]: one rank of a library that hsm-perf compares with. Started by
// hsm-perf alone, or through the library's launcher, which then gives the rank.

#include <csignal>
#include <cstdio>

#include <sys/prctl.h>

#include "cpus.h"
#include "peer_backend.h"

int main(int argc, char** argv) {
  namespace perf = flexmig::perf;
  if (argc < 2) {
    std::fputs("This program is started by `hsm-perf --peers`.\n", stderr);
    return 2;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  static_cast<void>(perf::AllowedCpuCount());  // before a library can narrow the mask
  auto board = perf::Board::Attach(argv[1]);
  if (!board.ok()) {
    std::fprintf(stderr, "%s\n", board.status().message().c_str());
    return 1;
  }
  const auto rank = perf::RankOfThisProcess(argc, argv);
  if (!rank.ok()) {
    std::fprintf(stderr, "%s\n", rank.status().message().c_str());
    return 1;
  }
  return perf::RunRank(*board, *rank, perf::MakePeerBackend);
}
