// Runs a fuzz target without libFuzzer:
//
//   <name>_fuzz CORPUS_FOLDER_OR_FILE [MUTATIONS [SEED]]
//
// First every file of the corpus in the order of the names, then MUTATIONS (default 20000) inputs
// near them, or as many as one second allows. However the process dies, the input that killed it
// is in the file <name>_fuzz.<process id>.input of the working folder; given as the first argument
// it is run alone. A finished run removes the file.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "flexmig/base/deadline.h"
#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/unique_fd.h"

#include "mutator.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace flexmig::fuzz {
namespace {

constexpr auto kMutationTime = std::chrono::seconds(1);

// Keeps the input that is being run in a file, so that it outlives any kind of death.
class Keeper {
 public:
  static Result<Keeper> Create(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const int error = errno;
    if (!fd.valid()) return ErrnoError(error, path);
    return Keeper(path, std::move(fd));
  }

  Status Run(const std::string& input) const {
    const ssize_t written = ::pwrite(fd_.get(), input.data(), input.size(), 0);
    if (written != static_cast<ssize_t>(input.size()) ||
        ::ftruncate(fd_.get(), static_cast<off_t>(input.size())) != 0) {
      return ErrnoError(errno, path_);
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
    return OkStatus();
  }

  void Remove() const { ::unlink(path_.c_str()); }

 private:
  Keeper(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  UniqueFd fd_;
};

Result<std::vector<std::string>> ReadCorpus(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
      files.push_back(entry.path());
    }
    if (error) return ErrnoError(error.value(), path.string());
  } else {
    files.push_back(path);
  }
  std::ranges::sort(files);
  std::vector<std::string> corpus;
  for (const auto& file : files) {
    FLEXMIG_ASSIGN_OR_RETURN(auto input, ReadFile(file));
    corpus.push_back(std::move(input));
  }
  if (corpus.empty()) return NotFoundError(StrCat(path.string(), ": no file in it"));
  return corpus;
}

Status Replay(const std::vector<std::string>& args) {
  if (args.size() < 2 || args.size() > 4) {
    return InvalidArgumentError("usage: <name>_fuzz CORPUS_FOLDER_OR_FILE [MUTATIONS [SEED]]");
  }
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  FLEXMIG_ASSIGN_OR_RETURN(const auto corpus, ReadCorpus(args[1]));
  const bool is_single = !std::filesystem::is_directory(args[1]);
  FLEXMIG_ASSIGN_OR_RETURN(
      const int64_t mutations,
      ParseInt(args.size() > 2 ? args[2] : (is_single ? "0" : "20000"), 0, kMax));
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t seed, ParseInt(args.size() > 3 ? args[3] : "1", 0, kMax));

  const std::string name = std::filesystem::path(args[0]).filename().string();
  FLEXMIG_ASSIGN_OR_RETURN(const Keeper keeper,
                           Keeper::Create(StrCat(name, ".", ::getpid(), ".input")));
  for (const std::string& input : corpus) FLEXMIG_RETURN_IF_ERROR(keeper.Run(input));
  Mutator mutator(corpus, static_cast<uint64_t>(seed));
  const Deadline deadline = Deadline::After(kMutationTime);
  int64_t done = 0;
  for (; done < mutations && !deadline.HasPassed(); ++done) {
    FLEXMIG_RETURN_IF_ERROR(keeper.Run(mutator.Next()));
  }
  keeper.Remove();
  std::cout << name << ": " << corpus.size() << " inputs of the corpus and " << done
            << " mutations of them, seed " << seed << std::endl;
  return OkStatus();
}

}  // namespace
}  // namespace flexmig::fuzz

int main(int argc, char** argv) {
  const flexmig::Status status = flexmig::fuzz::Replay({argv, argv + argc});
  if (status.ok()) return 0;
  std::cerr << argv[0] << ": " << status.message() << std::endl;
  return status.code() == flexmig::StatusCode::kInvalidArgument ? 2 : 1;
}
