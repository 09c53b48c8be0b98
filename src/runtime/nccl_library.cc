#include "flexmig/runtime/nccl_library.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <system_error>

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flexmig/base/env.h"
#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/unique_fd.h"
#include "flexmig/runtime/loader_cache.h"

namespace flexmig::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSoname = "libnccl.so.2";
// NCCL's own: "NCCL version 2.28.9+cuda13.0". Other texts of it go on without a digit.
constexpr std::string_view kVersionText = "NCCL version ";
// Longer than any such text; what two blocks of the file share, so that none is cut.
constexpr size_t kTextBytes = 64;
constexpr size_t kBlockBytes = 1 << 20;

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
#error "the ELF machine of this processor is not known here"
#endif

// Up to `size` bytes from `offset`, fewer at the end of the file.
Result<size_t> ReadAt(int fd, off_t offset, char* data, size_t size, const fs::path& path) {
  size_t done = 0;
  while (done < size) {
    const ssize_t count = pread(fd, data + done, size - done, offset + static_cast<off_t>(done));
    if (count == 0) break;
    if (count < 0) {
      const int error = errno;
      if (error == EINTR) continue;
      return ErrnoError(error, path.native());
    }
    done += static_cast<size_t>(count);
  }
  return done;
}

// Reads "2.28.9+cuda13.0" at the start of `text` into `library`.
bool ReadVersion(std::string_view text, NcclLibrary& library) {
  NcclVersion version;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (int* part : {&version.major, &version.minor, &version.patch}) {
    if (part != &version.major && (at == end || *at++ != '.')) return false;
    const auto [next, error] = std::from_chars(at, end, *part);
    if (error != std::errc() || next == at || *part < 0) return false;
    at = next;
  }
  const char* build_end = at;
  const auto is_of_build = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '+' || c == '-' || c == '_';
  };
  while (build_end != end && is_of_build(*build_end)) ++build_end;
  library.version = version;
  library.build.assign(at, build_end);
  return true;
}

// The first version text of the file, block by block from its start: it lies before the kernels,
// which are most of the file.
Status SearchVersion(int fd, NcclLibrary& library) {
  std::string block(kBlockBytes + kTextBytes, '\0');
  for (off_t offset = 0;; offset += static_cast<off_t>(kBlockBytes)) {
    FLEXMIG_ASSIGN_OR_RETURN(const size_t size,
                             ReadAt(fd, offset, block.data(), block.size(), library.path));
    const std::string_view text(block.data(), size);
    for (size_t at = text.find(kVersionText); at != std::string_view::npos;
         at = text.find(kVersionText, at + 1)) {
      const size_t begin = at + kVersionText.size();
      if (ReadVersion(text.substr(begin, kTextBytes - kVersionText.size()), library)) {
        return OkStatus();
      }
    }
    if (size < block.size()) return OkStatus();
  }
}

bool IsSharedLibraryOfThisMachine(const char* data, size_t size) {
  Elf64_Ehdr header;
  if (size < sizeof header) return false;
  std::memcpy(&header, data, sizeof header);
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
         header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_type == ET_DYN &&
         header.e_machine == kMachine;
}

// What is at `path`, which is no folder.
Result<NcclLibrary> ReadFileAt(const fs::path& path) {
  // Not blocking, because a pipe may have the name.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) {
    const int error = errno;
    return ErrnoError(error, path.native());
  }
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) {
    const int error = errno;
    return ErrnoError(error, path.native());
  }
  std::array<char, sizeof(Elf64_Ehdr)> start{};
  size_t size = 0;
  if (S_ISREG(status.st_mode)) {
    FLEXMIG_ASSIGN_OR_RETURN(size, ReadAt(fd.get(), 0, start.data(), start.size(), path));
  }
  if (!IsSharedLibraryOfThisMachine(start.data(), size)) {
    return InvalidArgumentError(StrCat(path.native(), ": is not a shared library of this machine"));
  }
  NcclLibrary library;
  std::error_code error;
  library.path = fs::canonical(path, error);
  if (error) library.path = fs::absolute(path, error);
  FLEXMIG_RETURN_IF_ERROR(SearchVersion(fd.get(), library));
  return library;
}

// Candidates in the order of the search, with what led to each.
struct Candidate {
  fs::path path;
  std::string found_by;
};

std::vector<Candidate> Candidates(const LoaderView& loader) {
  std::vector<Candidate> candidates;
  // ld.so(8): the list is separated by spaces or colons.
  std::string preload = loader.ld_preload.value_or("");
  std::ranges::replace(preload, ' ', ':');
  for (const std::string_view word : StrSplit(preload, ':')) {
    if (fs::path(word).filename().native().starts_with("libnccl.so")) {
      candidates.push_back({fs::path(word), "LD_PRELOAD"});
    }
  }
  if (loader.ld_library_path) {
    std::string folders = *loader.ld_library_path;
    std::ranges::replace(folders, ';', ':');
    for (const std::string_view folder : StrSplit(folders, ':')) {
      // An empty piece is the working folder.
      candidates.push_back({fs::path(folder.empty() ? "." : folder) / kSoname, "LD_LIBRARY_PATH"});
    }
  }
  const auto cache = ReadFile(loader.cache_file);
  if (cache.ok()) {
    const auto paths = PathsInLoaderCache(*cache, kSoname, loader.cache_file.native());
    // A loader without a usable cache goes on to the default folders.
    for (const std::string& path : paths.ok() ? *paths : std::vector<std::string>()) {
      candidates.push_back({path, loader.cache_file.native()});
    }
  }
  for (const fs::path& folder : loader.default_folders) {
    candidates.push_back({folder / kSoname, folder.native()});
  }
  return candidates;
}

}  // namespace

std::string NcclVersion::ToString() const { return StrCat(major, ".", minor, ".", patch); }

LoaderView LoaderView::OfThisProcess() {
  LoaderView view;
  view.ld_preload = GetEnv("LD_PRELOAD");
  view.ld_library_path = GetEnv("LD_LIBRARY_PATH");
  view.cache_file = "/etc/ld.so.cache";
#if defined(__x86_64__)
  view.default_folders = {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"};
#else
  view.default_folders = {"/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"};
#endif
  // Debian's first, then those of distributions that keep 64-bit libraries apart.
  for (const char* folder : {"/lib64", "/usr/lib64", "/lib", "/usr/lib"}) {
    view.default_folders.emplace_back(folder);
  }
  return view;
}

Result<NcclLibrary> ReadNcclLibrary(const std::filesystem::path& path) {
  std::error_code error;
  fs::path file = path;
  if (fs::is_directory(path, error)) {
    file = path / kSoname;
    if (!fs::exists(file, error)) file = path / "libnccl.so";
    if (!fs::exists(file, error)) {
      return NotFoundError(StrCat(path.native(), ": has no ", kSoname));
    }
  }
  FLEXMIG_ASSIGN_OR_RETURN(NcclLibrary library, ReadFileAt(file));
  library.found_by = "--nccl";
  return library;
}

Result<NcclLibrary> FindNcclLibrary(const LoaderView& loader) {
  std::vector<std::string> looked;
  for (const Candidate& candidate : Candidates(loader)) {
    auto library = ReadFileAt(candidate.path);
    if (library.ok()) {
      library->found_by = candidate.found_by;
      return library;
    }
    if (std::ranges::find(looked, candidate.found_by) == looked.end()) {
      looked.push_back(candidate.found_by);
    }
  }
  const bool knows_cache = std::ranges::find(looked, loader.cache_file.native()) != looked.end();
  if (!knows_cache) looked.insert(looked.begin(), loader.cache_file.native());
  return NotFoundError(StrCat("no ", kSoname, " in ", StrJoin(looked, ", ")));
}

}  // namespace flexmig::runtime
