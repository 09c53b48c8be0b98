#include "bounce_memory.h"

#include <algorithm>

namespace flexmig::device {
namespace {

constexpr size_t kLine = 128;
constexpr size_t kPage = 4096;

constexpr size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

Result<BounceRing> BounceRing::Create(const cuda::Driver& driver, size_t bytes) {
  constexpr size_t kWordBytes = RoundUp(kMaxPieces * sizeof(uint64_t), kPage);
  BounceRing ring;
  FLEXMIG_ASSIGN_OR_RETURN(ring.region_,
                           PinnedRegion::Allocate(driver, kWordBytes + RoundUp(bytes, kPage),
                                                  "memory for small operations"));
  ring.data_ = ring.region_.memory().subspan(kWordBytes);
  return ring;
}

std::optional<Bounce> BounceRing::Take(size_t bytes) {
  TakeBack();
  if (pieces_.size() == kMaxPieces) return std::nullopt;
  if (pieces_.empty()) begin_ = end_ = 0;
  const size_t need = std::max(RoundUp(bytes, kLine), kLine);
  // Free is what lies behind the newest piece and, unless that has wrapped already, before the
  // oldest one. `begin_ == end_` means empty, so that one line is never given out.
  size_t at = end_;
  if (end_ >= begin_) {
    if (data_.size() - end_ < need) {
      if (begin_ <= need) return std::nullopt;
      at = 0;
    }
  } else if (begin_ - end_ <= need) {
    return std::nullopt;
  }
  const uint64_t number = ++given_;
  Bounce bounce;
  bounce.memory = data_.data() + at;
  bounce.address = region_.DeviceAddressOf(bounce.memory);
  bounce.released = reinterpret_cast<uint64_t*>(region_.memory().data()) + number % kMaxPieces;
  bounce.released_address = region_.DeviceAddressOf(bounce.released);
  bounce.released_value = number;
  end_ = at + need;
  pieces_.push_back({bounce, end_});
  return bounce;
}

void BounceRing::TakeBack() {
  while (!pieces_.empty() && pieces_.front().bounce.IsReleased()) {
    pieces_.pop_front();
    if (!pieces_.empty()) {
      begin_ = static_cast<size_t>(pieces_.front().bounce.memory - data_.data());
    }
  }
}

bool BounceRing::AllReleased() {
  TakeBack();
  return pieces_.empty();
}

std::optional<Bounce> CapturedBounces::Of(uint64_t capture, cuda::Stream stream) {
  const auto found = std::find_if(taken_.begin(), taken_.end(), [&](const Taken& taken) {
    return taken.capture == capture && taken.stream == stream;
  });
  if (found != taken_.end()) return found->bounce;
  if (free_slots_.load() == 0) return std::nullopt;
  free_slots_.fetch_sub(1);
  const std::lock_guard lock(mutex_);
  PinnedRegion& region = regions_[next_slot_ / kSlots];
  const size_t slot = next_slot_++ % kSlots;
  Bounce bounce;
  // A page of words in front of the slots.
  bounce.memory = region.memory().data() + kPage + slot * slot_bytes_;
  bounce.address = region.DeviceAddressOf(bounce.memory);
  bounce.released = reinterpret_cast<uint64_t*>(region.memory().data() + slot * kLine);
  bounce.released_address = region.DeviceAddressOf(bounce.released);
  bounce.released_value = 1;
  std::atomic_ref(*bounce.released).store(1);  // until its first launch
  taken_.push_back({capture, stream, bounce});
  return bounce;
}

void CapturedBounces::Replenish() {
  const size_t bytes = kPage + RoundUp(kSlots * slot_bytes_, kPage);
  auto region = PinnedRegion::Allocate(driver_, bytes, "memory for small captured operations");
  const std::lock_guard lock(mutex_);
  if (region.ok()) {
    regions_.push_back(std::move(*region));
    free_slots_.fetch_add(kSlots);
  }
  if (!region.ok() || (regions_.size() + 1) * bytes > kMaxBytes) is_full_.store(true);
}

bool CapturedBounces::AllReleased() const {
  return std::all_of(taken_.begin(), taken_.end(),
                     [](const Taken& taken) { return taken.bounce.IsReleased(); });
}

void CapturedBounces::Leak() {
  const std::lock_guard lock(mutex_);
  for (PinnedRegion& region : regions_) region.Leak();
}

}  // namespace flexmig::device
