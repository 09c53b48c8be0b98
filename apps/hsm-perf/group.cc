#include "group.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/process.h"
#include "flexmig/base/strings.h"

#include "scratch_folder.h"

namespace flexmig::perf {

namespace {

struct Child {
  pid_t pid;
  UniqueFd pidfd;
  int rank;  // the launcher of all ranks counts as rank 0
};

[[noreturn]] void ExecProgram(const std::vector<std::string>& arguments,
                              const ScratchFolder& folder) {
  // Some launchers want standard streams; what they say is only of interest if they fail.
  const int out =
      ::open(folder.log_path().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::setenv("TMPDIR", folder.path().c_str(), 1);
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  ::execvp(pointers[0], pointers.data());
  const int error = errno;
  const std::string message = ErrnoError(error, arguments[0]).message();
  static_cast<void>(::write(STDERR_FILENO, message.data(), message.size()) < 0);
  ::_exit(127);
}

// What the ranks of a library cannot do is the same on all of them.
Status ErrorOf(int rank, const Status& error) {
  return error.code() == StatusCode::kUnimplemented ? error
                                                    : error.WithContext(StrCat("rank ", rank));
}

class Group {
 public:
  Group(Board& board, const Library& library, const ScratchFolder& folder)
      : board_(board), library_(library), folder_(folder) {}
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group() { KillAll(); }

  Status Start();
  Status Wait(Deadline deadline);

 private:
  Status StartChild(int rank);
  [[noreturn]] void BeChild(int rank, const std::string& board_path);
  Status StatusOfEnd(const Child& child, int wait_status) const;
  void KillAll();

  Board& board_;
  const Library& library_;
  const ScratchFolder& folder_;
  std::vector<Child> children_;
};

void Group::BeChild(int rank, const std::string& board_path) {
  if (library_.program.empty()) ::_exit(RunRank(board_, rank, library_.make_backend));
  std::vector<std::string> arguments;
  for (const std::string& argument : library_.launcher) {
    arguments.push_back(argument == "{ranks}"    ? StrCat(board_.config().ranks)
                        : argument == "{folder}" ? folder_.path()
                                                 : argument);
  }
  arguments.push_back(library_.program);
  arguments.push_back(board_path);
  if (library_.launcher.empty()) arguments.push_back(StrCat(rank));
  ExecProgram(arguments, folder_);
}

Status Group::StartChild(int rank) {
  const std::string board_path = board_.path();  // names this process, not the child
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    const int error = errno;
    return ErrnoError(error, StrCat("starting rank ", rank));
  }
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    BeChild(rank, board_path);
  }
  children_.push_back({pid, UniqueFd(), rank});
  FLEXMIG_ASSIGN_OR_RETURN(children_.back().pidfd, OpenPidFd(pid));
  return OkStatus();
}

Status Group::Start() {
  const int processes = library_.launcher.empty() ? board_.config().ranks : 1;
  for (int rank = 0; rank < processes; ++rank) FLEXMIG_RETURN_IF_ERROR(StartChild(rank));
  return OkStatus();
}

Status Group::StatusOfEnd(const Child& child, int wait_status) const {
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return OkStatus();
  for (int rank = 0; rank < board_.config().ranks; ++rank) {
    const Status error = board_.error(rank);
    if (!error.ok() && (rank == child.rank || !library_.launcher.empty())) {
      return ErrorOf(rank, error);
    }
  }
  const std::string how = WIFSIGNALED(wait_status)
                              ? StrCat("was ended by signal ", WTERMSIG(wait_status))
                              : StrCat("exited with ", WEXITSTATUS(wait_status));
  const std::string who =
      library_.launcher.empty() ? StrCat("rank ", child.rank) : library_.launcher.front();
  const std::string words = folder_.LastWords();
  return AbortedError(StrCat(who, " ", how, words.empty() ? "" : ": ", words));
}

Status Group::Wait(Deadline deadline) {
  while (!children_.empty()) {
    std::vector<pollfd> polled;
    for (const Child& child : children_) polled.push_back({child.pidfd.get(), POLLIN, 0});
    // 200 ms: a rank that reported an error may hang in its library's farewell.
    const auto wait = deadline.Remaining(std::chrono::milliseconds(200));
    ::poll(polled.data(), polled.size(), static_cast<int>(wait.count()));
    for (auto child = children_.begin(); child != children_.end();) {
      int wait_status = 0;
      if (::waitpid(child->pid, &wait_status, WNOHANG) != child->pid) {
        ++child;
        continue;
      }
      const Status status = StatusOfEnd(*child, wait_status);
      child = children_.erase(child);
      FLEXMIG_RETURN_IF_ERROR(status);
    }
    for (int rank = 0; rank < board_.config().ranks && !children_.empty(); ++rank) {
      const Status error = board_.error(rank);
      if (!error.ok()) return ErrorOf(rank, error);
    }
    if (deadline.HasPassed()) {
      return DeadlineExceededError(
          StrCat(library_.name, " was not done in time, after ", board_.points().size(), " sizes"));
    }
  }
  return OkStatus();
}

void Group::KillAll() {
  if (!library_.launcher.empty()) {
    // A launcher that is asked removes its files; two seconds are ten times what it takes.
    for (const Child& child : children_) ::kill(child.pid, SIGTERM);
    const Deadline grace = Deadline::After(std::chrono::seconds(2));
    for (const Child& child : children_) {
      pollfd polled{child.pidfd.get(), POLLIN, 0};
      ::poll(&polled, 1, static_cast<int>(grace.Remaining(std::chrono::seconds(2)).count()));
    }
  }
  for (const Child& child : children_) {
    for (const pid_t descendant : DescendantsOf(child.pid)) ::kill(descendant, SIGKILL);
    ::kill(child.pid, SIGKILL);
  }
  for (const Child& child : children_) {
    while (::waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  children_.clear();
}

}  // namespace

GroupResult RunGroup(const GroupConfig& config, const Library& library, Deadline deadline) {
  GroupResult result;
  ScratchFolder folder;
  if (!library.program.empty()) {
    result.status = folder.Make();
    if (!result.status.ok()) return result;
  }
  auto board = Board::Create(config, folder.path());
  if (!board.ok()) {
    result.status = board.status();
    return result;
  }
  {
    Group group(*board, library, folder);
    result.status = group.Start();
    if (result.status.ok()) result.status = group.Wait(deadline);
  }
  if (result.status.code() != StatusCode::kUnimplemented) {
    result.status = result.status.WithContext(library.name);
  }
  result.version = board->version();
  result.points = board->points();
  return result;
}

}  // namespace flexmig::perf
