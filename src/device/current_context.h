#pragma once

#include "flexmig/base/status.h"
#include "flexmig/cuda/driver.h"

namespace flexmig::device {

// Makes a context current in this thread, and at its end again what was so before: calls of a
// communicator work in its device's context, whatever device the caller is busy with.
class CurrentContext {
 public:
  static Result<CurrentContext> Set(const cuda::Driver& driver, cuda::Context context) {
    FLEXMIG_ASSIGN_OR_RETURN(const cuda::Context before, driver.CurrentOrPrimary());
    if (before != context) FLEXMIG_RETURN_IF_ERROR(driver.SetCurrent(context));
    return CurrentContext(driver, before, before != context);
  }
  ~CurrentContext() {
    if (changed_) static_cast<void>(driver_->SetCurrent(before_));
  }
  CurrentContext(CurrentContext&& other) noexcept
      : driver_(other.driver_), before_(other.before_), changed_(other.changed_) {
    other.changed_ = false;
  }
  CurrentContext& operator=(CurrentContext&&) = delete;
  CurrentContext(const CurrentContext&) = delete;
  CurrentContext& operator=(const CurrentContext&) = delete;

 private:
  CurrentContext(const cuda::Driver& driver, cuda::Context before, bool changed)
      : driver_(&driver), before_(before), changed_(changed) {}

  const cuda::Driver* driver_;
  cuda::Context before_;
  bool changed_;
};

}  // namespace flexmig::device
