#include "debug_log.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "flexmig/base/env.h"
#include "flexmig/base/io.h"
#include "flexmig/base/unique_fd.h"
#include "flexmig/base/version.h"
#include "flexmig/nccl_abi/types.h"

namespace flexmig::nccl {
namespace {

constexpr uint32_t kAll = ~uint32_t{0};

struct SubsystemName {
  std::string_view name;
  uint32_t bits;
};

constexpr uint32_t Bit(Subsystem subsystem) { return static_cast<uint32_t>(subsystem); }

constexpr SubsystemName kSubsystems[] = {
    {"INIT", Bit(Subsystem::kInit)},
    {"COLL", Bit(Subsystem::kCollective)},
    {"P2P", Bit(Subsystem::kPointToPoint)},
    {"ENV", Bit(Subsystem::kEnvironment)},
    {"BOOTSTRAP", Bit(Subsystem::kBootstrap)},
    {"CALL", Bit(Subsystem::kCall)},
    {"REG", Bit(Subsystem::kRegistration)},
    {"ALLOC", Bit(Subsystem::kAllocation)},
    {"SHM", Bit(Subsystem::kOther)},
    {"NET", Bit(Subsystem::kOther)},
    {"GRAPH", Bit(Subsystem::kOther)},
    {"TUNING", Bit(Subsystem::kOther)},
    {"PROXY", Bit(Subsystem::kOther)},
    {"NVLS", Bit(Subsystem::kOther)},
    {"PROFILE", Bit(Subsystem::kOther)},
    {"RAS", Bit(Subsystem::kOther)},
    {"ALL", kAll},
};

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

LogLevel ParseLevel(std::string_view value) {
  const std::string level = Upper(value);
  if (level == "VERSION") return LogLevel::kVersion;
  if (level == "WARN") return LogLevel::kWarn;
  // NCCL's ABORT is its INFO for errors that end the process, of which there are none here.
  if (level == "INFO" || level == "ABORT") return LogLevel::kInfo;
  if (level == "TRACE") return LogLevel::kTrace;
  return LogLevel::kNone;
}

std::string HostName() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "unknown";
  const std::string_view whole(name);
  return std::string(whole.substr(0, whole.find('.')));
}

// What the environment said at one moment; never changed.
struct LogSettings {
  LogLevel level = LogLevel::kNone;
  uint32_t subsystems = 0;
  std::string host;
  UniqueFd file;  // invalid: standard output
};

std::shared_ptr<const LogSettings> ReadSettings() {
  auto settings = std::make_shared<LogSettings>();
  settings->level = ParseLevel(GetEnv("NCCL_DEBUG").value_or(""));
  settings->subsystems = SubsystemsOf(GetEnv("NCCL_DEBUG_SUBSYS").value_or(""));
  settings->host = HostName();
  const auto pattern = GetEnv("NCCL_DEBUG_FILE");
  if (settings->level != LogLevel::kNone && pattern.has_value()) {
    const std::string name = LogFileName(*pattern, settings->host, ::getpid());
    // NCCL's own modes. What cannot be opened goes to standard output instead, as with NCCL.
    settings->file.Reset(
        ::open(name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644));
  }
  return settings;
}

// Never destroyed: threads may still log when the process ends.
struct LogState {
  std::mutex mutex;
  std::shared_ptr<const LogSettings> settings;
  // The level alone, for the question that every call asks; -1 before the first.
  std::atomic<int> level{-1};
};

LogState& State() {
  static LogState& state = *new LogState;
  return state;
}

std::shared_ptr<const LogSettings> Settings() {
  LogState& state = State();
  const std::lock_guard lock(state.mutex);
  if (state.settings == nullptr) {
    state.settings = ReadSettings();
    state.level.store(static_cast<int>(state.settings->level), std::memory_order_relaxed);
  }
  return state.settings;
}

void Write(const LogSettings& settings, std::string_view line) {
  const int file = settings.file.valid() ? settings.file.get() : STDOUT_FILENO;
  // A log that cannot be written is no reason to fail a collective.
  static_cast<void>(WriteAll(file, line.data(), line.size()));
}

void Print(std::string_view level, int device, std::string_view text) {
  const auto settings = Settings();
  const std::string where = device < 0 ? " " : StrCat(" [", device, "] ");
  Write(*settings, StrCat(settings->host, ":", int64_t{::getpid()}, ":", int64_t{::gettid()}, where,
                          "NCCL ", level, " ", text, "\n"));
}

}  // namespace

uint32_t SubsystemsOf(std::string_view value) {
  if (value.empty()) {
    return Bit(Subsystem::kInit) | Bit(Subsystem::kBootstrap) | Bit(Subsystem::kEnvironment);
  }
  const bool excludes = value.front() == '^';
  if (excludes) value.remove_prefix(1);
  uint32_t bits = 0;
  for (const std::string_view name : StrSplit(value, ',')) {
    const auto* const found =
        std::find_if(std::begin(kSubsystems), std::end(kSubsystems),
                     [&](const SubsystemName& one) { return one.name == Upper(name); });
    if (found != std::end(kSubsystems)) bits |= found->bits;
  }
  return excludes ? ~bits : bits;
}

std::string LogFileName(std::string_view pattern, std::string_view host, int64_t process) {
  std::string name;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char next = pattern[i] == '%' && i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (next == 'h') name += host;
    if (next == 'p') name += StrCat(process);
    if (next == '%') name += '%';
    if (next == 'h' || next == 'p' || next == '%') {
      ++i;
    } else {
      name += pattern[i];
    }
  }
  return name;
}

LogLevel LevelOfLog() {
  const int level = State().level.load(std::memory_order_relaxed);
  return level >= 0 ? static_cast<LogLevel>(level) : Settings()->level;
}

void ReloadLog() {
  auto settings = ReadSettings();
  LogState& state = State();
  const std::lock_guard lock(state.mutex);
  state.level.store(static_cast<int>(settings->level), std::memory_order_relaxed);
  state.settings = std::move(settings);
}

bool LogsInfo(Subsystem subsystem) {
  return LevelOfLog() >= LogLevel::kInfo && (Settings()->subsystems & Bit(subsystem)) != 0;
}

void LogVersion() {
  if (LevelOfLog() < LogLevel::kVersion) return;
  Write(*Settings(), StrCat("NCCL version ", NCCL_MAJOR, ".", NCCL_MINOR, ".", NCCL_PATCH,
                            " (its interface, by Flex-MIG ", Version(), ")\n"));
}

void LogWarn(int device, std::string_view text) {
  if (LevelOfLog() >= LogLevel::kWarn) Print("WARN", device, text);
}

void LogInfo(Subsystem subsystem, int device, std::string_view text) {
  if (LogsInfo(subsystem)) Print("INFO", device, text);
}

void LogTrace(Subsystem subsystem, int device, std::string_view text) {
  if (LevelOfLog() >= LogLevel::kTrace && LogsInfo(subsystem)) Print("TRACE", device, text);
}

}  // namespace flexmig::nccl
