#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "flexmig/base/strong_id.h"
#include "flexmig/sched/queued_job.h"

namespace flexmig::sched {

// The jobs that live, by id. A job stays at one place in memory from Insert to Erase.
//
// Open addressing over words of 8 bytes, and jobs in chunks whose places are used again: finding a
// job touches one word and the job, and nothing is allocated for a job as long as no more live than
// ever before. Memory: that of the most jobs that ever lived at once. Threading: thread-compatible.
// Cost: O(1) expected for every call, amortised.
class JobTable {
 public:
  [[nodiscard]] size_t size() const { return size_; }
  // nullptr if there is none.
  [[nodiscard]] QueuedJob* Find(const JobId& id) const;
  [[nodiscard]] bool Contains(const JobId& id) const { return Find(id) != nullptr; }
  // All jobs, in no order. O(places).
  [[nodiscard]] std::vector<const QueuedJob*> All() const;
  // A new job whose job.id is `id`; all else is as in QueuedJob(). REQUIRES: there is none yet.
  QueuedJob& Insert(const JobId& id);
  // REQUIRES: it is here.
  void Erase(const QueuedJob& job);

 private:
  static constexpr uint32_t kNoSlot = UINT32_MAX;
  static constexpr size_t kChunk = 64;  // jobs; some 30 KiB

  struct Entry {
    uint32_t hash = 0;
    uint32_t slot = kNoSlot;  // kNoSlot: free
  };

  [[nodiscard]] QueuedJob& At(uint32_t slot) const { return chunks_[slot / kChunk][slot % kChunk]; }
  // Where the job is, or the free entry where it would be put. REQUIRES: entries_ is not empty.
  [[nodiscard]] size_t EntryOf(const JobId& id, uint32_t hash) const;
  void Grow();

  std::vector<Entry> entries_;  // a power of 2, at most half full; linear probing
  std::vector<std::unique_ptr<QueuedJob[]>> chunks_;
  std::vector<uint32_t> unused_;  // slots of chunks_
  size_t size_ = 0;
};

}  // namespace flexmig::sched
