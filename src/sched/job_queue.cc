#include "flexmig/sched/job_queue.h"

#include <algorithm>

#include "flexmig/base/check.h"

namespace flexmig::sched {

namespace {
// So many shapes without jobs are kept for the next job of theirs; more are forgotten, so that
// ever new requests do not grow the queue for ever.
constexpr size_t kShapesKept = 256;
}  // namespace

JobQueue::ShapeLookup JobQueue::ShapeOf(const alloc::AllocationRequest& request) {
  const ShapeKey key(request.leaf_count, request.min_compute_slices, request.min_memory.count(),
                     request.max_gpus.value_or(0));
  const auto found = shapes_.find(key);
  if (found != shapes_.end()) return {&found->second, false};
  if (shapes_.size() >= kShapesKept) ForgetEmptyShapes();
  return {&shapes_[key], true};
}

void JobQueue::Add(QueuedJob* job) {
  FLEXMIG_CHECK(job->shape->jobs.emplace(job->position, job).second);
  ++size_;
}

void JobQueue::Remove(const QueuedJob* job) {
  FLEXMIG_CHECK(job->shape->jobs.erase(job->position) == 1);
  --size_;
}

QueuedJob* JobQueue::Front() const {
  QueuedJob* front = nullptr;
  for (const auto& [key, shape] : shapes_) {
    if (shape.jobs.empty()) continue;
    QueuedJob* head = shape.jobs.begin()->second;
    if (front == nullptr || head->position < front->position) front = head;
  }
  return front;
}

void JobQueue::ForgetEmptyShapes() {
  std::erase_if(shapes_, [](const auto& entry) { return entry.second.jobs.empty(); });
}

QueueCursor::QueueCursor(const JobQueue& queue, std::optional<uint64_t> growth) {
  for (const auto& [key, shape] : queue.shapes_) {
    if (shape.jobs.empty() || (growth && shape.blocked_at == growth)) continue;
    // The queue is const, its jobs are not: a walk is how they get started.
    heap_.push_back({shape.jobs.begin()->first, shape.jobs.begin()->second->shape});
  }
  std::make_heap(heap_.begin(), heap_.end(), Later());
}

QueuedJob* QueueCursor::Next() {
  if (last_) {
    const auto next = last_->shape->jobs.upper_bound(last_->position);
    if (next != last_->shape->jobs.end()) {
      heap_.push_back({next->first, last_->shape});
      std::push_heap(heap_.begin(), heap_.end(), Later());
    }
    last_.reset();
  }
  if (heap_.empty()) return nullptr;
  std::pop_heap(heap_.begin(), heap_.end(), Later());
  last_ = heap_.back();
  heap_.pop_back();
  return last_->shape->jobs.at(last_->position);
}

void QueueCursor::SkipShape() {
  FLEXMIG_CHECK(last_.has_value());
  last_.reset();
}

}  // namespace flexmig::sched
