#include "flexmig/agent/lease_store.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>
#include <set>
#include <thread>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "flexmig/base/io.h"
#include "flexmig/base/strings.h"

namespace flexmig::agent {

namespace {

constexpr const char* kLeaves = "leaves";
constexpr const char* kQueue = "queue";

// Short beside the start of any job, long beside the fraction of a millisecond that one look takes.
constexpr auto kQueuePoll = std::chrono::milliseconds(25);

// Enough to recognise a command by; the file stays within one disk block.
constexpr size_t kMaxCommandBytes = 1000;

std::string UserName() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? std::string(entry->pw_name) : StrCat(::geteuid());
}

std::string UtcNow() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string ToJson(const LeaseHolder& holder) {
  const nlohmann::json json = {{"job", holder.job.value()},
                               {"pid", holder.pid},
                               {"user", holder.user},
                               {"since", holder.since},
                               {"rank", holder.rank.value()},
                               {"command", holder.command},
                               {"comm", alloc::CommName(holder.comm)}};
  // A command line may hold any bytes; those that are not UTF-8 become U+FFFD.
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// A holder killed between taking and describing its leaf leaves text that does not parse, which is
// no reason to hide the lease while a process of its gang still holds it.
LeaseHolder FromJson(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  LeaseHolder holder;
  if (!json.is_object()) return holder;
  const auto string = [&](const char* key) {
    const auto at = json.find(key);
    return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  const auto integer = [&](const char* key) {
    const auto at = json.find(key);
    return at != json.end() && at->is_number_integer() ? at->get<int>() : 0;
  };
  holder.job = JobId(string("job"));
  holder.pid = integer("pid");
  holder.user = string("user");
  holder.since = string("since");
  holder.rank = Rank(integer("rank"));
  holder.command = string("command");
  if (const auto comm = alloc::ParseComm(string("comm")); comm.ok()) holder.comm = *comm;
  return holder;
}

bool IsFileName(const std::string& text) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return !text.empty() && text.size() <= NAME_MAX && text[0] != '.' &&
         text.find_first_not_of(kAllowed) == std::string::npos;
}

// Takes the lock of `path`, creating the file. A lease is removed by its holder without the store's
// lock, so the file may have lost its name between being opened and being locked; then it is not
// the file that the next one would find there.
Result<FileLock> LockNamedFile(const std::filesystem::path& path) {
  while (true) {
    auto lock = FileLock::TryAcquire(path);
    if (!lock.ok()) return lock;
    struct stat info {};
    if (::fstat(lock->fd(), &info) != 0) return ErrnoError(errno, path.native());
    if (info.st_nlink > 0) return lock;
  }
}

// Whether somebody holds the file's lock; removes the file if not.
Result<bool> IsHeldElseRemove(const std::filesystem::path& path) {
  const auto lock = LockNamedFile(path);
  if (lock.ok()) {
    ::unlink(path.c_str());
    return false;
  }
  if (lock.status().code() == StatusCode::kUnavailable) return true;
  return lock.status();
}

Result<std::vector<std::string>> NamesIn(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto at = std::filesystem::directory_iterator(folder, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    names.push_back(at->path().filename());
  }
  if (error) return ErrnoError(error.value(), folder.native());
  std::sort(names.begin(), names.end());
  return names;
}

// Stopped by a signal or a debugger (proc(5), state T or t).
bool IsStopped(pid_t pid) {
  const auto stat = ReadFile(StrCat("/proc/", pid, "/stat"));
  if (!stat.ok()) return false;
  const size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= stat->size()) return false;
  const char state = (*stat)[name_end + 2];
  return state == 'T' || state == 't';
}

LeaseWaiter ReadTicket(const std::filesystem::path& path) {
  LeaseWaiter waiter;
  const auto text = ReadFile(path);
  // A ticket is described before the lock is given up, so only a full disk leaves it nameless.
  if (!text.ok()) return waiter;
  const auto lines = StrSplit(*text, '\n');
  const auto pid = ParseInt(lines[0], 1, INT32_MAX);
  if (pid.ok()) waiter.pid = static_cast<pid_t>(*pid);
  if (lines.size() > 1) waiter.job = JobId(std::string(lines[1]));
  waiter.stopped = IsStopped(waiter.pid);
  return waiter;
}

// Twelve digits, so that the order of names is the order of numbers.
std::string TicketName(int64_t number) {
  std::string digits = StrCat(number);
  return std::string(digits.size() < 12 ? 12 - digits.size() : 0, '0') + digits;
}

}  // namespace

Lease::Lease(std::filesystem::path folder) : folder_(std::move(folder)), owner_(::getpid()) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    Release();
    folder_ = std::move(other.folder_);
    owner_ = other.owner_;
    leaves_ = std::exchange(other.leaves_, {});
    locks_ = std::exchange(other.locks_, {});
  }
  return *this;
}

void Lease::Release() {
  // The name goes first: while the lock is held, nobody else can have made a new file of that name.
  if (owner_ == ::getpid()) {
    for (const auto& leaf : leaves_) ::unlink((folder_ / leaf.value()).c_str());
  }
  locks_.clear();
  leaves_.clear();
}

Result<LeaseStore> LeaseStore::Open(const std::filesystem::path& folder,
                                    std::chrono::milliseconds lock_timeout) {
  FLEXMIG_RETURN_IF_ERROR(MakePrivateDirectory(folder));
  FLEXMIG_RETURN_IF_ERROR(MakePrivateDirectory(folder / kLeaves));
  FLEXMIG_RETURN_IF_ERROR(MakePrivateDirectory(folder / kQueue));
  return LeaseStore(folder, lock_timeout);
}

Result<FileLock> LeaseStore::Lock() const {
  auto lock = FileLock::Acquire(folder_ / "lock", Deadline::After(lock_timeout_));
  if (!lock.ok() && lock.status().code() == StatusCode::kDeadlineExceeded) {
    return DeadlineExceededError(StrCat(lock.status().message(), " for more than ",
                                        lock_timeout_.count(),
                                        " ms; continue or end that process"));
  }
  return lock;
}

Result<BusyLeaves> LeaseStore::Snapshot() const {
  FLEXMIG_ASSIGN_OR_RETURN(const FileLock lock, Lock());
  return ReadLeases();
}

Result<BusyLeaves> LeaseStore::ReadLeases() const {
  BusyLeaves busy;
  FLEXMIG_ASSIGN_OR_RETURN(const auto names, NamesIn(folder_ / kLeaves));
  for (const auto& name : names) {
    const auto path = folder_ / kLeaves / name;
    FLEXMIG_ASSIGN_OR_RETURN(const bool held, IsHeldElseRemove(path));
    if (!held) continue;
    const auto text = ReadFile(path);
    // Released this moment: its holder said that nothing runs there any more.
    if (!text.ok() && text.status().code() == StatusCode::kNotFound) continue;
    if (!text.ok()) return text.status();
    busy.emplace(name, FromJson(*text));
  }
  return busy;
}

Result<std::optional<pid_t>> LeaseStore::FirstWaiterBefore(int64_t number) const {
  FLEXMIG_ASSIGN_OR_RETURN(const auto names, NamesIn(folder_ / kQueue));
  for (const auto& name : names) {
    const auto ticket = ParseInt(name, 0, INT64_MAX);
    if (!ticket.ok()) continue;
    if (*ticket >= number) break;
    const auto path = folder_ / kQueue / name;
    FLEXMIG_ASSIGN_OR_RETURN(const bool living, IsHeldElseRemove(path));
    if (!living) continue;
    const LeaseWaiter waiter = ReadTicket(path);
    if (!waiter.stopped) return std::optional<pid_t>(waiter.pid);
  }
  return std::optional<pid_t>();
}

Result<std::optional<pid_t>> LeaseStore::ReadWaiters(int64_t number, LeaseSight& sight) const {
  FLEXMIG_ASSIGN_OR_RETURN(const auto names, NamesIn(folder_ / kQueue));
  std::optional<pid_t> ahead;
  for (const auto& name : names) {
    const auto ticket = ParseInt(name, 0, INT64_MAX);
    if (!ticket.ok()) continue;
    const auto path = folder_ / kQueue / name;
    FLEXMIG_ASSIGN_OR_RETURN(const bool living, IsHeldElseRemove(path));
    if (!living) continue;
    const LeaseWaiter& waiter = sight.waiters.emplace_back(ReadTicket(path));
    if (!ahead && *ticket < number && !waiter.stopped) ahead = waiter.pid;
  }
  sight.first = !ahead;
  return ahead;
}

Result<LeaseStore::Ticket> LeaseStore::TakeTicket(const JobId& job) const {
  FLEXMIG_ASSIGN_OR_RETURN(const auto names, NamesIn(folder_ / kQueue));
  int64_t last = 0;
  for (const auto& name : names) {
    const auto number = ParseInt(name, 0, INT64_MAX - 1);
    if (number.ok()) last = std::max(last, *number);
  }
  FLEXMIG_ASSIGN_OR_RETURN(FileLock lock, LockNamedFile(folder_ / kQueue / TicketName(last + 1)));
  const std::string text = StrCat(::getpid(), "\n", job.value(), "\n");
  if (::ftruncate(lock.fd(), 0) != 0) return ErrnoError(errno, "ftruncate of a ticket");
  if (::lseek(lock.fd(), 0, SEEK_SET) != 0) return ErrnoError(errno, "lseek of a ticket");
  FLEXMIG_RETURN_IF_ERROR(WriteAll(lock.fd(), text.data(), text.size()).WithContext("ticket"));
  return Ticket{last + 1, std::move(lock)};
}

void LeaseStore::DropTicket(const Ticket& ticket) const {
  // Still locked, and numbers are only given out above the existing ones: nobody else's file.
  ::unlink((folder_ / kQueue / TicketName(ticket.number)).c_str());
}

Result<Lease> LeaseStore::TakeLeaves(const LeaseRequest& request,
                                     std::vector<mig::MigUuid> wanted) const {
  if (wanted.empty()) return InvalidArgumentError("a lease of no leaves");
  std::set<mig::MigUuid> seen;
  for (const auto& leaf : wanted) {
    if (!IsFileName(leaf.value())) {
      return InvalidArgumentError(StrCat("'", leaf.value(), "' is not the UUID of a leaf"));
    }
    if (!seen.insert(leaf).second) {
      return InvalidArgumentError(StrCat("leaf ", leaf.value(), " is named twice"));
    }
  }
  Lease lease(folder_ / kLeaves);
  LeaseHolder holder{.job = request.job,
                     .pid = ::getpid(),
                     .user = UserName(),
                     .since = UtcNow(),
                     .rank = Rank(0),
                     .command = request.command.substr(0, kMaxCommandBytes),
                     .comm = request.comm};
  for (size_t i = 0; i < wanted.size(); ++i) {
    auto lock = LockNamedFile(lease.folder_ / wanted[i].value());
    if (!lock.ok()) {
      if (lock.status().code() != StatusCode::kUnavailable) return lock.status();
      return FailedPreconditionError(StrCat("leaf ", wanted[i].value(), " is leased"));
    }
    holder.rank = Rank(static_cast<int>(i));
    const std::string text = ToJson(holder);
    const int fd = lock->fd();
    lease.leaves_.push_back(wanted[i]);
    lease.locks_.push_back(std::move(*lock));
    if (::ftruncate(fd, 0) != 0) return ErrnoError(errno, "ftruncate of a lease");
    FLEXMIG_RETURN_IF_ERROR(WriteAll(fd, text.data(), text.size()).WithContext("lease"));
  }
  return lease;
}

// One attempt under the lock. On kResourceExhausted `wait` says why; and if the request may wait,
// `ticket` holds its place.
Result<Lease> LeaseStore::AcquireOnce(const LeaseRequest& request, std::optional<Ticket>& ticket,
                                      LeaseWait& wait) const {
  FLEXMIG_ASSIGN_OR_RETURN(const FileLock lock, Lock());
  const int64_t number = ticket ? ticket->number : INT64_MAX;
  LeaseSight sight;
  wait.behind.reset();
  if (request.decide) {
    FLEXMIG_ASSIGN_OR_RETURN(wait.behind, ReadWaiters(number, sight));
  } else if (!request.pass_the_queue) {
    FLEXMIG_ASSIGN_OR_RETURN(wait.behind, FirstWaiterBefore(number));
  }
  wait.busy.clear();
  Result<std::vector<mig::MigUuid>> wanted = ResourceExhaustedError("");
  if (request.decide) {
    FLEXMIG_ASSIGN_OR_RETURN(sight.busy, ReadLeases());
    wanted = request.decide(sight);
    wait.busy = std::move(sight.busy);
  } else if (!wait.behind) {
    FLEXMIG_ASSIGN_OR_RETURN(wait.busy, ReadLeases());
    wanted = request.choose(wait.busy);
  }
  if (!wanted.ok() && wanted.status().code() != StatusCode::kResourceExhausted) {
    return wanted.status();
  }
  if (wait.behind) {
    wait.busy.clear();
    wait.reason = ResourceExhaustedError(
        StrCat("process ", *wait.behind, " is ahead in the queue for leaves"));
  } else if (wanted.ok()) {
    return TakeLeaves(request, *std::move(wanted));
  } else {
    wait.reason = wanted.status();
  }
  if (request.wait_until && !ticket) {
    FLEXMIG_ASSIGN_OR_RETURN(ticket, TakeTicket(request.job));
  }
  return wait.reason;
}

Result<Lease> LeaseStore::Acquire(const LeaseRequest& request) const {
  std::optional<Ticket> ticket;
  LeaseWait wait;
  while (true) {
    auto lease = AcquireOnce(request, ticket, wait);
    const bool not_now =
        !lease.ok() && ticket && lease.status().code() == StatusCode::kResourceExhausted;
    if (not_now && request.on_wait) {
      const Status answer = request.on_wait(wait);
      if (!answer.ok()) lease = answer;
    }
    if (not_now && lease.status() == wait.reason) {
      if (!request.wait_until->HasPassed()) {
        std::this_thread::sleep_for(request.wait_until->Remaining(kQueuePoll));
        continue;
      }
      lease = DeadlineExceededError(wait.reason.message());
    }
    if (ticket) DropTicket(*ticket);
    return lease;
  }
}

}  // namespace flexmig::agent
