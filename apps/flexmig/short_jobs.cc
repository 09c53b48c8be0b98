#include "short_jobs.h"

#include <chrono>
#include <csignal>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kElements = 16'384;  // 64 KiB of float, the size of a gradient bucket's small end
constexpr std::chrono::milliseconds kPoll(1);

// One process that has been started; killed with all that it started if it is not waited for.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);  // its keeper ends the rest
    ::waitpid(pid_, nullptr, 0);
  }
  // Its status, once it has ended.
  std::optional<int> Poll() {
    int status = 0;
    if (pid_ < 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

Result<int> WaitFor(Child& child, Deadline deadline) {
  for (;;) {
    if (const auto status = child.Poll()) return *status;
    if (deadline.HasPassed()) return DeadlineExceededError("a command did not end in time");
    std::this_thread::sleep_for(kPoll);
  }
}

Result<std::filesystem::path> Sibling(const char* name) {
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto path = own.parent_path() / name;
  if (error || ::access(path.c_str(), X_OK) != 0) {
    return NotFoundError(StrCat("no program ", path.string(), "; it comes with this one"));
  }
  return path;
}

// The time of "<mark> <nanoseconds>" in `text`.
Result<Clock::time_point> MarkIn(const std::string& text, std::string_view mark) {
  for (const std::string_view line : StrSplit(text, '\n')) {
    if (!line.starts_with(mark) || line.size() <= mark.size() || line[mark.size()] != ' ') continue;
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t nanoseconds,
                             ParseInt(line.substr(mark.size() + 1), 0, INT64_MAX));
    return Clock::time_point(std::chrono::nanoseconds(nanoseconds));
  }
  return AbortedError(StrCat("the job did not say '", mark, "': ", text));
}

sched::Duration Since(Clock::time_point first, Clock::time_point time) {
  return std::chrono::duration_cast<sched::Duration>(time - first);
}

}  // namespace

Result<ShortJobNode> ShortJobNode::Create(const std::string& node) {
  FLEXMIG_RETURN_IF_ERROR(Sibling("flexmig-step-job").status());
  std::string name = (std::filesystem::temp_directory_path() / "flexmig-validate-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return ErrnoError(errno, StrCat("mkdtemp ", name));
  ShortJobNode made{std::filesystem::path(name)};
  made.node_ = StrCat("sim:", node);
  FLEXMIG_ASSIGN_OR_RETURN(
      const pid_t pid,
      made.Start({"apply", "--backend", made.node_, "--layout", "all-1g.5gb"}, "apply"));
  Child apply(pid);
  FLEXMIG_ASSIGN_OR_RETURN(const int status,
                           WaitFor(apply, Deadline::After(std::chrono::seconds(60))));
  if (status != 0) return AbortedError(StrCat("flexmig apply: ", made.WordsOf("apply")));
  return made;
}

ShortJobNode::~ShortJobNode() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Result<pid_t> ShortJobNode::Start(const std::vector<std::string>& arguments,
                                  const std::string& output) const {
  std::vector<std::string> texts{"flexmig"};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(texts.size() + 1);
  for (std::string& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);
  std::string state = StrCat("FLEXMIG_STATE_DIR=", folder_.string());
  std::vector<char*> environment{state.data()};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("FLEXMIG_")) environment.push_back(*variable);
  }
  environment.push_back(nullptr);
  const std::string file = (folder_ / output).string();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return ErrnoError(error, "starting flexmig");
  return pid;
}

std::string ShortJobNode::WordsOf(const std::string& output) const {
  auto words = ReadFile(folder_ / output);
  return words.ok() ? *words : "";
}

Result<std::vector<sim::RunTimes>> ShortJobNode::Run(std::span<const sim::ShortJob> jobs,
                                                     Deadline deadline) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto program, Sibling("flexmig-step-job"));
  const Clock::time_point first = Clock::now();
  const auto name_of = [](size_t job) { return StrCat("job-", job + 1); };
  std::vector<Child> children;
  for (size_t i = 0; i < jobs.size(); ++i) {
    std::this_thread::sleep_until(first + jobs[i].submit);
    FLEXMIG_ASSIGN_OR_RETURN(
        const pid_t pid,
        Start({"run", "--backend", node_, "-n", StrCat(jobs[i].leaves), "--job-id", name_of(i),
               "--no-prefix", "--", program.string(), StrCat(jobs[i].steps),
               StrCat(jobs[i].step.count()), StrCat(kElements)},
              name_of(i)));
    children.emplace_back(pid);
  }
  std::vector<sim::RunTimes> times;
  for (size_t i = 0; i < jobs.size(); ++i) {
    FLEXMIG_ASSIGN_OR_RETURN(const int status, WaitFor(children[i], deadline));
    const std::string words = WordsOf(name_of(i));
    if (status != 0) return AbortedError(StrCat(name_of(i), " failed: ", words));
    FLEXMIG_ASSIGN_OR_RETURN(const auto begin, MarkIn(words, "begin"));
    FLEXMIG_ASSIGN_OR_RETURN(const auto end, MarkIn(words, "end"));
    times.push_back({Since(first, begin), Since(first, end)});
  }
  return times;
}

}  // namespace flexmig::app
