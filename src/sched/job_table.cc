#include "flexmig/sched/job_table.h"

#include "flexmig/base/check.h"

namespace flexmig::sched {

namespace {

uint32_t HashOf(const JobId& id) { return static_cast<uint32_t>(std::hash<JobId>()(id)); }

}  // namespace

QueuedJob* JobTable::Find(const JobId& id) const {
  if (entries_.empty()) return nullptr;
  const Entry& entry = entries_[EntryOf(id, HashOf(id))];
  return entry.slot == kNoSlot ? nullptr : &At(entry.slot);
}

std::vector<const QueuedJob*> JobTable::All() const {
  std::vector<const QueuedJob*> all;
  for (const Entry& entry : entries_) {
    if (entry.slot != kNoSlot) all.push_back(&At(entry.slot));
  }
  return all;
}

QueuedJob& JobTable::Insert(const JobId& id) {
  if (2 * (size_ + 1) > entries_.size()) Grow();
  if (unused_.empty()) {
    const auto first = static_cast<uint32_t>(chunks_.size() * kChunk);
    chunks_.push_back(std::make_unique<QueuedJob[]>(kChunk));
    for (uint32_t i = kChunk; i > 0; --i) unused_.push_back(first + i - 1);
  }
  const uint32_t hash = HashOf(id);
  Entry& entry = entries_[EntryOf(id, hash)];
  FLEXMIG_CHECK(entry.slot == kNoSlot);
  entry = {hash, unused_.back()};
  unused_.pop_back();
  ++size_;
  QueuedJob& job = At(entry.slot);
  job.job.id = id;
  return job;
}

void JobTable::Erase(const QueuedJob& job) {
  const size_t mask = entries_.size() - 1;
  size_t gap = EntryOf(job.job.id, HashOf(job.job.id));
  const uint32_t slot = entries_[gap].slot;
  FLEXMIG_CHECK(slot != kNoSlot && &At(slot) == &job);
  At(slot) = QueuedJob();
  unused_.push_back(slot);
  --size_;
  // Entries behind the gap that belong at or before it move up, so that no search ends at it.
  for (size_t at = (gap + 1) & mask; entries_[at].slot != kNoSlot; at = (at + 1) & mask) {
    const size_t home = entries_[at].hash & mask;
    if (((at - home) & mask) < ((at - gap) & mask)) continue;
    entries_[gap] = entries_[at];
    gap = at;
  }
  entries_[gap] = {};
}

size_t JobTable::EntryOf(const JobId& id, uint32_t hash) const {
  const size_t mask = entries_.size() - 1;
  size_t at = hash & mask;
  while (entries_[at].slot != kNoSlot &&
         (entries_[at].hash != hash || At(entries_[at].slot).job.id != id)) {
    at = (at + 1) & mask;
  }
  return at;
}

void JobTable::Grow() {
  std::vector<Entry> old = std::move(entries_);
  entries_.assign(old.empty() ? 16 : 2 * old.size(), {});
  const size_t mask = entries_.size() - 1;
  for (const Entry& entry : old) {
    if (entry.slot == kNoSlot) continue;
    size_t at = entry.hash & mask;
    while (entries_[at].slot != kNoSlot) at = (at + 1) & mask;
    entries_[at] = entry;
  }
}

}  // namespace flexmig::sched
