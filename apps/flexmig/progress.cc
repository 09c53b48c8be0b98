#include "progress.h"

#include <algorithm>
#include <cmath>

#include <sys/ioctl.h>
#include <unistd.h>

#include "flexmig/base/io.h"
#include "flexmig/base/strings.h"

namespace flexmig::app {

namespace {

using namespace std::chrono_literals;

// A reading of the clock costs some 25 ns; simulations reach a million jobs a second.
constexpr size_t kJobsAReading = 32;

// "1234567" as "1,234,567".
std::string Grouped(size_t value) {
  std::string text = StrCat(value);
  for (size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string Span(double seconds) {
  const auto whole = static_cast<int64_t>(std::ceil(seconds));
  if (whole < 120) return StrCat(whole, " s");
  if (whole < 7200) return StrCat((whole + 59) / 60, " min");
  return StrCat((whole + 3599) / 3600, " h");
}

int Columns(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string ProgressLine(const std::string& policy, size_t run, size_t runs, size_t done,
                         size_t total, double seconds, int columns) {
  const double share = total == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total);
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  const std::string front = StrCat(run, "/", runs, "  ");
  std::string back =
      StrCat("  ", static_cast<int>(100 * share), " %  ", Grouped(done), " of ", Grouped(total),
             " jobs, ", Grouped(static_cast<size_t>(rate)), " jobs/s");
  if (rate > 0) back += StrCat(", ", Span(static_cast<double>(total - done) / rate), " left");
  constexpr int kLeastBar = 10;
  constexpr int kMostBar = 40;
  // The last column stays free: some terminals wrap when it is written.
  const int room = columns - 1 - static_cast<int>(front.size() + back.size()) - 2;
  const int bar = std::clamp(room, kLeastBar, kMostBar);
  const auto full = static_cast<size_t>(share * bar);
  std::string line =
      StrCat(front, "[", std::string(full, '='), full < static_cast<size_t>(bar) ? ">" : "");
  line.resize(front.size() + 1 + static_cast<size_t>(bar), ' ');
  line += StrCat("]", back);
  const auto most = static_cast<size_t>(std::max(columns - 1, 1));
  if (line.size() + policy.size() + 2 <= most) line.append(2, ' ').append(policy);
  return line.substr(0, most);
}

Progress::Progress(int fd, size_t runs, size_t jobs, Clock clock)
    : fd_(fd),
      is_terminal_(::isatty(fd) == 1),
      runs_(runs),
      jobs_(jobs),
      clock_(std::move(clock)),
      begun_(clock_()),
      drawn_(begun_ + 300ms) {}  // with the pause between two drawings: half a second

Progress::~Progress() {
  // What cannot be written to a terminal that has gone needs no wiping off it.
  if (has_line_) static_cast<void>(WriteAll(fd_, "\r\x1b[K", 4).ok());
}

void Progress::Begin(std::string policy) {
  ++run_;
  policy_ = std::move(policy);
}

Status Progress::OnFinish(sched::TimePoint /*now*/, size_t /*job*/) {
  Count();
  return OkStatus();
}

Status Progress::OnReject(sched::TimePoint /*now*/, size_t /*job*/) {
  Count();
  return OkStatus();
}

void Progress::Count() {
  ++done_;
  if (!is_terminal_ || done_ % kJobsAReading != 0) return;
  const auto now = clock_();
  if (now - drawn_ >= 200ms) Draw(now);
}

void Progress::Draw(std::chrono::steady_clock::time_point now) {
  drawn_ = now;
  const std::string line =
      StrCat("\r",
             ProgressLine(policy_, run_, runs_, done_, runs_ * jobs_,
                          std::chrono::duration<double>(now - begun_).count(), Columns(fd_)),
             "\x1b[K");
  // A terminal that has gone must not end the simulation.
  has_line_ = WriteAll(fd_, line.data(), line.size()).ok();
}

}  // namespace flexmig::app
