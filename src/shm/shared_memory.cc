#include "flexmig/shm/shared_memory.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"
#include "flexmig/shm/available_memory.h"

namespace flexmig::shm {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

std::string Need(Bytes bytes) { return StrCat("shared segment of ", FormatBytes(bytes)); }

// Beyond RLIMIT_FSIZE fallocate would not only fail but send SIGXFSZ, which kills.
Status CheckFileSizeLimit(Bytes bytes) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return OkStatus();
  if (limit.rlim_cur >= static_cast<rlim_t>(bytes.count())) return OkStatus();
  return ResourceExhaustedError(StrCat(Need(bytes),
                                       ": the file size limit of this process (ulimit -f) is ",
                                       limit.rlim_cur, " bytes"));
}

Status CheckMemoryLimit(Bytes bytes) {
  const AvailableMemory available = QueryAvailableMemory();
  if (bytes <= available.bytes) return OkStatus();
  return ResourceExhaustedError(StrCat(Need(bytes), ": only ", FormatBytes(available.bytes),
                                       " are available (", available.limited_by, ")"));
}

Status Allocate(int fd, Bytes bytes) {
  int result = 0;
  do {
    // Makes the pages exist now: with ftruncate alone a lack of memory would be a SIGBUS later.
    result = ::fallocate(fd, 0, 0, bytes.count());
  } while (result != 0 && errno == EINTR);
  if (result != 0) return ErrnoError(errno, StrCat(Need(bytes), ": fallocate"));
  return OkStatus();
}

}  // namespace

Result<SharedMemory> SharedMemory::Create(Bytes bytes) {
  FLEXMIG_CHECK(bytes.count() > 0);
  FLEXMIG_RETURN_IF_ERROR(CheckMemoryLimit(bytes));
  FLEXMIG_RETURN_IF_ERROR(CheckFileSizeLimit(bytes));
  UniqueFd fd(::memfd_create("flexmig-segment", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return ErrnoError(errno, StrCat(Need(bytes), ": memfd_create"));
  FLEXMIG_RETURN_IF_ERROR(Allocate(fd.get(), bytes));
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) {
    return ErrnoError(errno, StrCat(Need(bytes), ": sealing its size"));
  }
  return Map(std::move(fd), bytes);
}

Result<SharedMemory> SharedMemory::Attach(UniqueFd fd) {
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  struct stat status {};
  if (seals < 0 || (seals & kSeals) != kSeals || ::fstat(fd.get(), &status) != 0 ||
      status.st_size <= 0) {
    return DataLossError("the descriptor received is not a sealed memfd");
  }
  return Map(std::move(fd), Bytes::Of(status.st_size));
}

Result<SharedMemory> SharedMemory::Map(UniqueFd fd, Bytes size) {
  const auto length = static_cast<size_t>(size.count());
  // Populate: a first touch costs about 1 us a page, better paid here than in the first collective.
  void* address =
      ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd.get(), 0);
  if (address == MAP_FAILED) return ErrnoError(errno, StrCat(Need(size), ": mmap"));
  SharedMemory memory;
  memory.fd_ = std::move(fd);
  memory.data_ = static_cast<std::byte*>(address);
  memory.size_ = size;
  memory.owner_process_ = ::getpid();
  // A forked helper of the user's program (a data loader) would keep the memory alive.
  if (::madvise(address, length, MADV_DONTFORK) != 0) {
    return ErrnoError(errno, StrCat(Need(size), ": madvise"));
  }
  return memory;
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, Bytes())),
      keep_mapped_(other.keep_mapped_),
      owner_process_(other.owner_process_) {}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(keep_mapped_, other.keep_mapped_);
  std::swap(owner_process_, other.owner_process_);
  return *this;
}

SharedMemory::~SharedMemory() {
  if (data_ == nullptr || keep_mapped_ || ::getpid() != owner_process_) return;
  ::munmap(data_, static_cast<size_t>(size_.count()));
}

}  // namespace flexmig::shm
