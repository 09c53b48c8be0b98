#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace flexmig {

// An identifier that does not convert to any other. Tag makes the type distinct, Rep holds the
// value: `using GpuIndex = StrongId<struct GpuIndexTag, int>;`. Ordered and hashable.
template <typename Tag, typename Rep>
class StrongId {
 public:
  constexpr StrongId() = default;
  explicit constexpr StrongId(Rep value) : value_(std::move(value)) {}

  [[nodiscard]] constexpr const Rep& value() const { return value_; }

  friend bool operator==(const StrongId&, const StrongId&) = default;
  friend auto operator<=>(const StrongId&, const StrongId&) = default;

 private:
  Rep value_{};
};

// Rank of a process in its job, 0 .. world_size - 1.
using Rank = StrongId<struct RankTag, int>;
// A job, as the user sees it; unique on a node.
using JobId = StrongId<struct JobIdTag, std::string>;

}  // namespace flexmig

template <typename Tag, typename Rep>
struct std::hash<flexmig::StrongId<Tag, Rep>> {
  size_t operator()(const flexmig::StrongId<Tag, Rep>& id) const {
    return std::hash<Rep>{}(id.value());
  }
};
