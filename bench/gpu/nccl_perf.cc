// nccl-perf: measures collectives on GPU memory through the NCCL interface of any number of
// libraries, side by side in one run, in the manner of nccl-tests.

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "options.h"
#include "rank.h"

namespace flexmig::nccl_perf {
namespace {

// As typed.
struct Flags {
  int ranks = 0;
  std::vector<std::string> libraries;
  std::vector<std::string> collectives = {"all_reduce"};
  std::vector<std::string> types = {"float32"};
  std::string op = "sum";
  std::string min_bytes = "8";
  std::string max_bytes = "128M";
  size_t factor = 4;
  int warmup = 3;
  int samples = 20;
  double seconds = 2;
  bool no_check = false;
  bool link = false;
  bool busy = false;
};

// "8", "64K", "128M", "1G", as nccl-tests writes sizes.
Result<size_t> ParseSize(std::string_view text) {
  size_t unit = 1;
  if (!text.empty()) {
    const size_t at = std::string_view("KMG").find(text.back());
    if (at != std::string_view::npos) {
      unit = size_t{1} << (10 * (at + 1));
      text.remove_suffix(1);
    }
  }
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t count, ParseInt(text, 1, int64_t{1} << 30));
  return static_cast<size_t>(count) * unit;
}

Result<Options> ToOptions(const Flags& flags) {
  Options options;
  options.ranks = flags.ranks;
  for (const auto& text : flags.libraries) {
    FLEXMIG_ASSIGN_OR_RETURN(LibrarySpec spec, ParseLibrarySpec(text));
    options.libraries.push_back(std::move(spec));
  }
  options.collectives.clear();
  for (const auto& name : flags.collectives) {
    FLEXMIG_ASSIGN_OR_RETURN(const auto collective, perf::ParseCollective(name));
    options.collectives.push_back(collective);
  }
  options.types.clear();
  for (const auto& name : flags.types) {
    FLEXMIG_ASSIGN_OR_RETURN(const auto type, perf::ParseDataType(name));
    options.types.push_back(type);
  }
  FLEXMIG_ASSIGN_OR_RETURN(options.op, perf::ParseReduceOp(flags.op));
  FLEXMIG_ASSIGN_OR_RETURN(options.min_bytes, ParseSize(flags.min_bytes));
  FLEXMIG_ASSIGN_OR_RETURN(options.max_bytes, ParseSize(flags.max_bytes));
  options.factor = flags.factor;
  options.warmup = flags.warmup;
  options.samples = flags.samples;
  options.seconds = flags.seconds;
  options.check = !flags.no_check;
  options.link = flags.link;
  options.busy = flags.busy;
  return options;
}

int Report(const Result<size_t>& wrong, int rank) {
  if (!wrong.ok()) {
    std::fprintf(stderr, "nccl-perf: rank %d: %s\n", rank, wrong.status().message().c_str());
    return 1;
  }
  return *wrong == 0 ? 0 : 1;
}

int RunAs(const Options& options, Result<std::unique_ptr<coll::Communicator>> host, int rank) {
  if (!host.ok()) return Report(host.status(), rank);
  const auto wrong = RunRank(options, **host);
  // Peers wait for this rank otherwise.
  if (!wrong.ok()) (*host)->Abort(wrong.status().message());
  const int exit_code = Report(wrong, rank);
  std::fflush(stdout);
  // Without the destructors of libraries whose peers may be gone.
  if (!wrong.ok()) ::_exit(exit_code);
  return exit_code;
}

// Starts the ranks as processes of this machine, all on its first device.
int RunForked(const Options& options) {
  const std::string rendezvous = RandomHex(16);
  const pid_t parent = ::getpid();
  std::vector<pid_t> ranks;
  for (int rank = 0; rank < options.ranks; ++rank) {
    const pid_t pid = ::fork();
    if (pid < 0) {
      std::fprintf(stderr, "nccl-perf: cannot start rank %d\n", rank);
      for (const pid_t started : ranks) ::kill(started, SIGKILL);
      return 1;
    }
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(1);
      coll::CommunicatorOptions membership;
      membership.rendezvous = rendezvous;
      membership.rank = Rank(rank);
      membership.world_size = options.ranks;
      membership.timeout = std::chrono::minutes(2);
      std::exit(RunAs(options, coll::Communicator::Create(membership), rank));
    }
    ranks.push_back(pid);
  }
  int exit_code = 0;
  for (size_t left = ranks.size(); left > 0; --left) {
    int status = 0;
    while (::waitpid(-1, &status, 0) < 0 && errno == EINTR) {
    }
    const bool failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (failed && exit_code == 0) {
      exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      // The others have 5 s to say what they saw; a library may wait for its peer for ever.
      ::alarm(5);
      static std::vector<pid_t> to_kill;
      to_kill = ranks;
      std::signal(SIGALRM, [](int) {
        for (const pid_t pid : to_kill) ::kill(pid, SIGKILL);
      });
    }
  }
  return exit_code;
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Measures collectives through the NCCL interface of libraries, side by side.",
               "nccl-perf");
  app.footer(
      "Under `flexmig run` every rank measures on its leaf. With -n, as many processes share this\n"
      "machine's first device. Exit codes: 0, 1 if something failed or an element was wrong, 2.");
  app.add_option("-n,--ranks", flags.ranks, "Start so many ranks; not under flexmig run")
      ->check(CLI::Range(1, 64));
  app.add_option("-l,--library", flags.libraries,
                 "NAME=FILE[,VARIABLE=VALUE...]: a libnccl.so.2 and what is in the environment "
                 "while it is used; %r is the rank. May be repeated; the first is compared with")
      ->required();
  app.add_option("-c,--collective", flags.collectives,
                 "all_reduce, reduce, reduce_scatter, all_gather, broadcast, all_to_all")
      ->delimiter(',');
  app.add_option("-d,--type", flags.types, "float32, bfloat16, int8 ...")->delimiter(',');
  app.add_option("-o,--op", flags.op, "sum, prod, min, max, avg");
  app.add_option("-b,--min-bytes", flags.min_bytes, "The first size: 8, 64K, 1M ...");
  app.add_option("-e,--max-bytes", flags.max_bytes, "The last size");
  app.add_option("-f,--factor", flags.factor, "From size to size")->check(CLI::Range(2, 1024));
  app.add_option("-w,--warmup", flags.warmup, "Samples to throw away for each size")
      ->check(CLI::Range(0, 1000));
  app.add_option("-s,--samples", flags.samples, "Samples for each size")
      ->check(CLI::Range(1, 100000));
  app.add_option("-t,--seconds", flags.seconds,
                 "Take fewer samples, but three, if a size takes longer [2]")
      ->check(CLI::Range(0.0, 3600.0));
  app.add_flag("--no-check", flags.no_check, "Do not look at the results");
  app.add_flag("--link", flags.link, "Measure the link between GPU and host first");
  app.add_flag("--busy", flags.busy, "Measure a computing kernel beside all-reduces at the end");
  CLI11_PARSE(app, argc, argv);
  const auto options = ToOptions(flags);
  if (!options.ok()) {
    std::fprintf(stderr, "nccl-perf: %s\n", options.status().message().c_str());
    return 2;
  }
  if (options->ranks > 0) return RunForked(*options);
  const char* const rank = std::getenv("RANK");
  return RunAs(*options, coll::Communicator::FromEnvironment("nccl-perf"),
               rank != nullptr ? std::atoi(rank) : 0);
}

}  // namespace
}  // namespace flexmig::nccl_perf

int main(int argc, char** argv) { return flexmig::nccl_perf::Main(argc, argv); }
