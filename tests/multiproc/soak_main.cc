// coll-soak: random collectives between forked ranks, each compared with what the oracle says.
//
// All ranks make the same row of calls, which the seed fixes: collective, size (log-uniform up to
// 2 MiB), type, reduction, root, communicator, and where the buffers lie. Each rank delays itself
// at random. A difference is printed with the seed and the number of the call; exit code 1.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "soak.h"

namespace flexmig::coll {
namespace {

bool RunRank(int rank, int ranks, const std::string& rendezvous, const SoakOptions& options,
             SoakCounters& counters) {
  CommunicatorOptions of_rank;
  of_rank.rendezvous = rendezvous;
  of_rank.rank = Rank(rank);
  of_rank.world_size = ranks;
  of_rank.timeout = std::chrono::seconds(60);
  if (options.seed % 2 == 1) of_rank.chunk_bytes = 256 << 10;
  auto communicator = Communicator::Create(of_rank);
  if (!communicator.ok()) {
    std::printf("coll-soak: rank %d: %s\n", rank, communicator.status().ToString().c_str());
    return false;
  }
  return Soak(**communicator, options, counters);
}

// Exit code 0 if every rank found everything right.
int Run(const SoakOptions& options) {
  const int ranks =
      options.ranks != 0
          ? options.ranks
          : kMinSoakRanks + static_cast<int>(options.seed % (kMaxSoakRanks - kMinSoakRanks + 1));
  auto* counters = static_cast<SoakCounters*>(::mmap(
      nullptr, sizeof(SoakCounters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (counters == MAP_FAILED) {
    std::perror("coll-soak: mmap");
    return 3;
  }
  std::printf("coll-soak: seed %llu, %d ranks, %lld s\n",
              static_cast<unsigned long long>(options.seed), ranks,
              static_cast<long long>(options.seconds));
  std::fflush(nullptr);  // else the children print it again
  const std::string rendezvous = RandomHex(16);
  std::vector<pid_t> processes;
  bool good = true;
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t process = ::fork();
    if (process == 0) {
      ::alarm(static_cast<unsigned>(options.seconds) + 120);
      const bool right = RunRank(rank, ranks, rendezvous, options, *counters);
      std::fflush(nullptr);
      ::_exit(right ? 0 : 1);
    }
    if (process < 0) {
      std::perror("coll-soak: fork");
      good = false;
      break;
    }
    processes.push_back(process);
  }
  for (size_t rank = 0; rank < processes.size(); ++rank) {
    int status = 0;
    ::waitpid(processes[rank], &status, 0);
    if (WIFSIGNALED(status)) {
      std::printf("coll-soak: seed %llu: rank %zu was ended by signal %d\n",
                  static_cast<unsigned long long>(options.seed), rank, WTERMSIG(status));
    }
    good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  std::printf(
      "rank 0 made %llu calls of %llu bytes, %llu exchanges, %llu all-to-all-v, "
      "%llu splits; %llu calls through a mover\n",
      static_cast<unsigned long long>(counters->calls),
      static_cast<unsigned long long>(counters->bytes),
      static_cast<unsigned long long>(counters->exchanges),
      static_cast<unsigned long long>(counters->all_to_all_vs),
      static_cast<unsigned long long>(counters->splits),
      static_cast<unsigned long long>(counters->moved));
  for (size_t i = 0; i < counters->by_collective.size(); ++i) {
    if (counters->by_collective[i] == 0) continue;
    const std::string call = Describe({.collective = static_cast<Collective>(i)});
    std::printf("  %-14s %llu\n", call.substr(0, call.find('(')).c_str(),
                static_cast<unsigned long long>(counters->by_collective[i]));
  }
  std::printf("%s\n", good ? "everything was right" : "SOMETHING WAS WRONG");
  return good ? 0 : 1;
}

int Usage() {
  std::fprintf(stderr,
               "usage: coll-soak [--seconds N] [--seed N] [--ranks N]\n"
               "  --seconds  how long; default 30, at most 86400\n"
               "  --seed     what the row of calls is made from; default at random\n"
               "  --ranks    %d .. %d; default from the seed\n",
               kMinSoakRanks, kMaxSoakRanks);
  return 2;
}

}  // namespace
}  // namespace flexmig::coll

int main(int count, char** arguments) {
  using flexmig::ParseInt;
  flexmig::coll::SoakOptions options;
  options.seed = std::hash<std::string>{}(flexmig::RandomHex(16)) >> 33;
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = arguments[i];
    if (i + 1 == count) return flexmig::coll::Usage();
    const char* const text = arguments[i + 1];
    const auto value = name == "--seconds" ? ParseInt(text, 1, 86'400)
                       : name == "--seed"  ? ParseInt(text, 0, INT64_MAX)
                       : name == "--ranks" ? ParseInt(text, flexmig::coll::kMinSoakRanks,
                                                      flexmig::coll::kMaxSoakRanks)
                                           : flexmig::InvalidArgumentError("unknown option");
    if (!value.ok()) {
      std::fprintf(stderr, "coll-soak: %s: %s\n", arguments[i], value.status().message().c_str());
      return flexmig::coll::Usage();
    }
    if (name == "--seconds") options.seconds = *value;
    if (name == "--seed") options.seed = static_cast<uint64_t>(*value);
    if (name == "--ranks") options.ranks = static_cast<int>(*value);
  }
  return flexmig::coll::Run(options);
}
