#include "flexmig/base/status.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace flexmig {

namespace internal {

void CheckFailed(const char* file, int line, const char* expression) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace internal

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return "kOk";
    case StatusCode::kInvalidArgument: return "kInvalidArgument";
    case StatusCode::kFailedPrecondition: return "kFailedPrecondition";
    case StatusCode::kResourceExhausted: return "kResourceExhausted";
    case StatusCode::kNotFound: return "kNotFound";
    case StatusCode::kAlreadyExists: return "kAlreadyExists";
    case StatusCode::kUnavailable: return "kUnavailable";
    case StatusCode::kDeadlineExceeded: return "kDeadlineExceeded";
    case StatusCode::kAborted: return "kAborted";
    case StatusCode::kPermissionDenied: return "kPermissionDenied";
    case StatusCode::kUnimplemented: return "kUnimplemented";
    case StatusCode::kDataLoss: return "kDataLoss";
    case StatusCode::kInternal: return "kInternal";
  }
  return "an unknown StatusCode";
}

Status::Status(StatusCode code, std::string message)
    : error_(std::make_unique<Error>(Error{code, std::move(message)})) {
  FLEXMIG_CHECK(code != StatusCode::kOk);
}

const std::string& Status::message() const {
  static const std::string kNone;
  return ok() ? kNone : error_->message;
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  return {code(), std::string(context) + ": " + message()};
}

std::string Status::ToString() const {
  std::string text(StatusCodeName(code()));
  if (!ok()) text += ": " + message();
  return text;
}

Status InvalidArgumentError(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message)};
}
Status FailedPreconditionError(std::string message) {
  return {StatusCode::kFailedPrecondition, std::move(message)};
}
Status ResourceExhaustedError(std::string message) {
  return {StatusCode::kResourceExhausted, std::move(message)};
}
Status NotFoundError(std::string message) { return {StatusCode::kNotFound, std::move(message)}; }
Status AlreadyExistsError(std::string message) {
  return {StatusCode::kAlreadyExists, std::move(message)};
}
Status UnavailableError(std::string message) {
  return {StatusCode::kUnavailable, std::move(message)};
}
Status DeadlineExceededError(std::string message) {
  return {StatusCode::kDeadlineExceeded, std::move(message)};
}
Status AbortedError(std::string message) { return {StatusCode::kAborted, std::move(message)}; }
Status PermissionDeniedError(std::string message) {
  return {StatusCode::kPermissionDenied, std::move(message)};
}
Status UnimplementedError(std::string message) {
  return {StatusCode::kUnimplemented, std::move(message)};
}
Status DataLossError(std::string message) { return {StatusCode::kDataLoss, std::move(message)}; }
Status InternalError(std::string message) { return {StatusCode::kInternal, std::move(message)}; }

namespace {

StatusCode CodeOfErrno(int error_number) {
  switch (error_number) {
    case ENOENT: return StatusCode::kNotFound;
    case EEXIST: return StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM: return StatusCode::kPermissionDenied;
    case ENOMEM:
    case ENOSPC:
    case EMFILE:
    case ENFILE: return StatusCode::kResourceExhausted;
    case EAGAIN:
    case EBUSY: return StatusCode::kUnavailable;
    case ETIMEDOUT: return StatusCode::kDeadlineExceeded;
    case EINVAL: return StatusCode::kInvalidArgument;
    default: return StatusCode::kInternal;  // errno is an open set
  }
}

}  // namespace

Status ErrnoError(int error_number, std::string_view what) {
  return {CodeOfErrno(error_number),
          std::string(what) + ": " + std::generic_category().message(error_number)};
}

}  // namespace flexmig
