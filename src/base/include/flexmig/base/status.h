#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "flexmig/base/check.h"

namespace flexmig {

// What the caller should do next. The message of a Status says what happened; the code never
// repeats it.
enum class StatusCode {
  kOk,
  kInvalidArgument,     // malformed request: fix the call
  kFailedPrecondition,  // MIG off, leaf busy, communicator finalized: fix the state first
  kResourceExhausted,   // no leaves fit now, no memory: queue or shrink
  kNotFound,            // unknown job, leaf, GPU, profile: check names
  kAlreadyExists,       // duplicate job, leaf: check names
  kUnavailable,         // held by somebody else for now: retry the call
  kDeadlineExceeded,    // no answer in time, outcome may be unknown: query, then retry
  kAborted,             // a peer died or aborted: recreate the communicator
  kPermissionDenied,    // the operator has to act
  kUnimplemented,       // recognised but not offered: use another call
  kDataLoss,            // a file or shared header is corrupt: the operator has to act
  kInternal,            // our bug: report it
};

// Every enumerator, for tests that must cover them all.
inline constexpr StatusCode kAllStatusCodes[] = {
    StatusCode::kOk,
    StatusCode::kInvalidArgument,
    StatusCode::kFailedPrecondition,
    StatusCode::kNotFound,
    StatusCode::kResourceExhausted,
    StatusCode::kAlreadyExists,
    StatusCode::kUnavailable,
    StatusCode::kDeadlineExceeded,
    StatusCode::kAborted,
    StatusCode::kUnimplemented,
    StatusCode::kPermissionDenied,
    StatusCode::kDataLoss,
    StatusCode::kInternal,
};

// "kNotFound" for kNotFound.
std::string_view StatusCodeName(StatusCode code);

// Success, or a code with a message. A word, null when ok, because collectives that take 100 ns
// return several of them. Cheap to move; copying copies the message.
class [[nodiscard]] Status {
 public:
  Status() = default;
  // REQUIRES: code != kOk.
  Status(StatusCode code, std::string message);
  Status(const Status& other)
      : error_(other.ok() ? nullptr : std::make_unique<Error>(*other.error_)) {}
  Status& operator=(const Status& other) {
    if (this != &other) error_ = other.ok() ? nullptr : std::make_unique<Error>(*other.error_);
    return *this;
  }
  // A status that was moved from is ok.
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;
  ~Status() = default;

  [[nodiscard]] bool ok() const { return error_ == nullptr; }
  [[nodiscard]] StatusCode code() const { return ok() ? StatusCode::kOk : error_->code; }
  // Empty if ok().
  [[nodiscard]] const std::string& message() const;

  // The same code with "<context>: " in front of the message; an ok status stays as it is.
  [[nodiscard]] Status WithContext(std::string_view context) const;

  // "kNotFound: no GPU 9", or "kOk".
  [[nodiscard]] std::string ToString() const;

  friend bool operator==(const Status& a, const Status& b) {
    return a.code() == b.code() && a.message() == b.message();
  }

 private:
  struct Error {
    StatusCode code;
    std::string message;
  };

  std::unique_ptr<Error> error_;
};

inline Status OkStatus() { return {}; }

// One constructor per code: `return NotFoundError(StrCat("no GPU ", index));`
Status InvalidArgumentError(std::string message);
Status FailedPreconditionError(std::string message);
Status ResourceExhaustedError(std::string message);
Status NotFoundError(std::string message);
Status AlreadyExistsError(std::string message);
Status UnavailableError(std::string message);
Status DeadlineExceededError(std::string message);
Status AbortedError(std::string message);
Status PermissionDeniedError(std::string message);
Status UnimplementedError(std::string message);
Status DataLossError(std::string message);
Status InternalError(std::string message);

// "<what>: <strerror(error_number)>" under the code that fits the errno value: ENOENT kNotFound,
// EEXIST kAlreadyExists, EACCES and EPERM kPermissionDenied, ENOMEM, ENOSPC, EMFILE and ENFILE
// kResourceExhausted, EAGAIN and EBUSY kUnavailable, ETIMEDOUT kDeadlineExceeded, EINVAL
// kInvalidArgument, everything else kInternal.
Status ErrnoError(int error_number, std::string_view what);

// A T, or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  // REQUIRES: !status.ok().
  Result(Status status) : status_(std::move(status)) {  // NOLINT(google-explicit-constructor)
    FLEXMIG_CHECK(!status_.ok());
  }
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return value_.has_value(); }
  [[nodiscard]] const Status& status() const { return status_; }

  // REQUIRES: ok().
  [[nodiscard]] const T& value() const& {
    FLEXMIG_CHECK(ok());
    return *value_;
  }
  [[nodiscard]] T& value() & {
    FLEXMIG_CHECK(ok());
    return *value_;
  }
  [[nodiscard]] T&& value() && {
    FLEXMIG_CHECK(ok());
    return *std::move(value_);
  }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }
  [[nodiscard]] T* operator->() { return &value(); }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace flexmig

#define FLEXMIG_CONCAT_INNER_(a, b) a##b
#define FLEXMIG_CONCAT_(a, b) FLEXMIG_CONCAT_INNER_(a, b)

// Returns the status of `expression` from the enclosing function unless it is ok.
#define FLEXMIG_RETURN_IF_ERROR(expression)            \
  do {                                                 \
    ::flexmig::Status flexmig_status_ = (expression);  \
    if (!flexmig_status_.ok()) return flexmig_status_; \
  } while (false)

// `FLEXMIG_ASSIGN_OR_RETURN(auto x, F());` declares x as F's value, or returns F's status.
#define FLEXMIG_ASSIGN_OR_RETURN(declaration, expression)                                 \
  FLEXMIG_ASSIGN_OR_RETURN_IMPL_(FLEXMIG_CONCAT_(flexmig_result_, __LINE__), declaration, \
                                 expression)
#define FLEXMIG_ASSIGN_OR_RETURN_IMPL_(result, declaration, expression) \
  auto result = (expression);                                           \
  if (!result.ok()) return result.status();                             \
  declaration = std::move(result).value()
