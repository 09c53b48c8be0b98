#include "impl.h"

#include <algorithm>
#include <future>
#include <system_error>
#include <thread>
#include <utility>

#include <unistd.h>

#include "flexmig/base/strings.h"

#include "current_context.h"
#include "exchange_kernel.h"
#include "numa_placement.h"

namespace flexmig::device {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Room for 16 operations of the largest small size.
constexpr size_t kBounceRingBytes = size_t{1} << 20;
// Lines between what goes in and out.
constexpr size_t kBouncePadding = 256;
constexpr size_t kPage = 4096;
// How long the destructor waits for copies that have begun, and for the driver to let go of memory.
constexpr seconds kCopiesEnd(10);
// And for streams to reach operations that were dropped: streams that run do so at once, as nothing
// of ours holds them any more.
constexpr milliseconds kStreamsArrive(200);

// What the ranks tell each other before anything else.
struct Greeting {
  std::array<uint8_t, 16> uuid{};
  uint64_t is_mig = 0;
  uint64_t small_bytes = 0;
  shm::ProcessorSet processors;
};
static_assert(std::is_trivially_copyable_v<Greeting>);

}  // namespace

DeviceCommunicator::Impl::Impl(const cuda::Driver& driver, cuda::Context context,
                               const cuda::DeviceFacts& device,
                               std::unique_ptr<coll::Communicator> communicator,
                               milliseconds timeout)
    : driver_(driver),
      context_(context),
      device_(device),
      timeout_(timeout),
      owner_process_(::getpid()),
      communicator_(std::move(communicator)) {}

Result<std::unique_ptr<DeviceCommunicator::Impl>> DeviceCommunicator::Impl::Create(
    const cuda::Driver& driver, cuda::Context context, const cuda::DeviceFacts& device,
    std::unique_ptr<coll::Communicator> communicator, milliseconds timeout) {
  auto impl =
      std::unique_ptr<Impl>(new Impl(driver, context, device, std::move(communicator), timeout));
  Status made = impl->Pin();
  if (made.ok()) made = impl->MeetDevices();
  if (made.ok()) made = impl->ChooseSmallPath();
  if (made.ok()) made = impl->StartWorker();
  if (made.ok()) return impl;
  // The others wait in MeetDevices, or in their first operation.
  impl->Fail(made);
  return made;
}

Status DeviceCommunicator::Impl::Pin() {
  FLEXMIG_ASSIGN_OR_RETURN(const CurrentContext current, CurrentContext::Set(driver_, context_));
  FLEXMIG_ASSIGN_OR_RETURN(settings_, Settings::FromEnvironment());
  // Near rank 0's GPU, before the others touch it, and before pinned pages cannot move any more. Of
  // no use, and no harm, where there is one node or none is known.
  if (rank() == 0 && device_.numa_node >= 0) {
    static_cast<void>(PreferNode(communicator_->staging(), device_.numa_node));
  }
  FLEXMIG_RETURN_IF_ERROR(communicator_->Barrier());
  FLEXMIG_ASSIGN_OR_RETURN(
      staging_, PinnedRegion::Pin(driver_, communicator_->staging(), "memory that ranks share"));
  FLEXMIG_ASSIGN_OR_RETURN(words_, EagerWords::Take(driver_));
  next_number_ = words_->first_number();
  finished_number_ = next_number_ - 1;
  FLEXMIG_RETURN_IF_ERROR(CapturedWords::Replenish(driver_));
  FLEXMIG_ASSIGN_OR_RETURN(bounces_, BounceRing::Create(driver_, kBounceRingBytes));
  return OkStatus();
}

Status DeviceCommunicator::Impl::MeetDevices() {
  Greeting own;
  own.uuid = device_.uuid;
  own.is_mig = device_.is_mig ? 1 : 0;
  own.small_bytes = settings_.small_bytes;
  own.processors = shm::AllowedProcessors();
  std::vector<Greeting> all(static_cast<size_t>(world_size()));
  FLEXMIG_RETURN_IF_ERROR(communicator_->AllGather(&own, all.data(), sizeof own, DataType::kUint8));
  settings_.small_bytes = static_cast<size_t>(all[0].small_bytes);
  shm::ProcessorSet processors;
  for (size_t rank = 0; rank < all.size(); ++rank) {
    processors |= all[rank].processors;
    if (!device_.is_mig && all[rank].is_mig == 0 && all[rank].uuid == own.uuid) {
      sharing_.push_back(static_cast<int>(rank));
    }
  }
  if (sharing_.size() == 1) sharing_.clear();
  wait_policy_ = shm::WaitPolicy::For(2 * world_size(), static_cast<int>(processors.count()));
  return OkStatus();
}

Status DeviceCommunicator::Impl::ChooseSmallPath() {
  FLEXMIG_ASSIGN_OR_RETURN(const CurrentContext current, CurrentContext::Set(driver_, context_));
  cuda::Function kernel{};
  // Ranks that share a GPU without MIG take turns on it: a kernel that waits for another rank would
  // keep that one from its turn.
  const bool suits = device_.is_mig || sharing_.empty();
  if (settings_.small == SmallMovement::kKernel ||
      (settings_.small == SmallMovement::kAuto && suits)) {
    const auto loaded = LoadExchangeKernel(driver_, context_);
    if (loaded.ok()) {
      kernel = *loaded;
      has_kernel_ = true;
    } else if (settings_.small == SmallMovement::kKernel) {
      return loaded.status().WithContext("FLEXMIG_SMALL=kernel");
    }
  }
  gate_.emplace(driver_, kernel, words_->abort_address());
  return OkStatus();
}

Status DeviceCommunicator::Impl::StartWorker() {
  FLEXMIG_ASSIGN_OR_RETURN(const CurrentContext current, CurrentContext::Set(driver_, context_));
  const size_t bounce_bytes = settings_.small_bytes + kBouncePadding;
  captured_bounces_ = std::make_unique<CapturedBounces>(driver_, bounce_bytes);
  captured_bounces_->Replenish();
  FLEXMIG_ASSIGN_OR_RETURN(executor_, Executor::Create(driver_, *communicator_, timeout_,
                                                       (bounce_bytes + kPage - 1) / kPage * kPage));
  Worker::Hooks hooks;
  hooks.begin = [this] {
    Status begun = driver_.SetCurrent(context_);
    if (begun.ok()) begun = driver_.IgnoreCaptures();
    if (!begun.ok()) Fail(begun);
  };
  hooks.run = [this](QueuedOperation& queued) { Run(queued); };
  hooks.look = [this] { return Look(); };
  FLEXMIG_ASSIGN_OR_RETURN(worker_, Worker::Start(queue_, wait_policy_, std::move(hooks)));
  return OkStatus();
}

bool DeviceCommunicator::Impl::IsCopyOfParent() const { return ::getpid() != owner_process_; }

DeviceCommunicator::Impl::~Impl() {
  const auto current = CurrentContext::Set(driver_, context_);
  const Deadline deadline = Deadline::After(kCopiesEnd);
  if (worker_ != nullptr) {
    // Peers may still want what this rank has contributed, but not wait for what it drops.
    if (finished_number_.load() != next_number_ - 1 || runs_captured_.load()) {
      Abort("destroyed with operations that have not run");
    }
    worker_.reset();
    if (!executor_->End(deadline)) {
      // coll keeps the mapping of copies that did not end; this, the streams that carry them.
      staging_.Leak();
      static_cast<void>(executor_.release());
    }
    if (!AwaitStreams(deadline)) {
      bounces_.Leak();
      captured_bounces_->Leak();
      EagerWords::Abandon(std::move(words_));
    }
  }
  if (words_ != nullptr) EagerWords::GiveBack(std::move(words_), next_number_ - 1);
  Unpin(deadline);
}

void DeviceCommunicator::Impl::Unpin(Deadline deadline) {
  struct Remains {
    std::unique_ptr<coll::Communicator> communicator;
    PinnedRegion staging;
    BounceRing bounces;
    std::unique_ptr<CapturedBounces> captured_bounces;
    std::unique_ptr<Executor> executor;
  };
  const auto remains = std::make_shared<Remains>();
  remains->communicator = std::move(communicator_);
  remains->staging = std::move(staging_);
  remains->bounces = std::exchange(bounces_, BounceRing());
  remains->captured_bounces = std::move(captured_bounces_);
  remains->executor = std::move(executor_);
  const auto done = std::make_shared<std::promise<void>>();
  const auto unpin = [remains, done, driver = &driver_, context = context_] {
    const auto current = CurrentContext::Set(*driver, context);
    remains->executor.reset();
    remains->captured_bounces.reset();
    remains->bounces = BounceRing();
    remains->staging = PinnedRegion();
    remains->communicator.reset();
    done->set_value();
  };
  // To unpin memory, a driver may wait for everything on the device: for kernels of the program,
  // and for operations of other communicators, which wait for other ranks.
  try {
    std::thread thread(unpin);
    if (done->get_future().wait_for(deadline.Remaining(kCopiesEnd)) == std::future_status::ready) {
      thread.join();
    } else {
      thread.detach();
    }
  } catch (const std::system_error&) {
    unpin();  // no thread can be had
  }
}

bool DeviceCommunicator::Impl::AwaitStreams(Deadline deadline) {
  const Deadline arrival = Deadline::After(kStreamsArrive);
  for (;;) {
    std::erase_if(dropped_, [](const OperationWords& words) { return words.IsStarted(); });
    if (dropped_.empty() && bounces_.AllReleased() && captured_bounces_->AllReleased()) return true;
    if (deadline.HasPassed() || (!dropped_.empty() && arrival.HasPassed())) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
}

void DeviceCommunicator::Impl::Run(QueuedOperation& queued) {
  if (queued.task != nullptr) {
    queued.task();
    return;
  }
  runs_captured_.store(queued.words.captured);
  if (!has_failed()) {
    if (const Status status = executor_->Run(queued); !status.ok()) Fail(status);
  } else if (!queued.words.captured && !queued.words.IsStarted()) {
    dropped_.push_back(queued.words);
  }
  // The last byte has arrived. Counted first: whoever sees its stream go on may destroy this.
  runs_captured_.store(false);
  if (!queued.words.captured) finished_number_.store(queued.words.done_value);
  queued.words.SetDone();
}

bool DeviceCommunicator::Impl::Look() {
  if (!has_failed()) {
    if (const Status status = communicator_->status(); !status.ok()) Fail(status);
    if (CapturedWords::AreLow(driver_)) static_cast<void>(CapturedWords::Replenish(driver_));
    if (captured_bounces_->AreLow()) captured_bounces_->Replenish();
  }
  return has_failed();
}

Status DeviceCommunicator::Impl::Drain(Deadline deadline) {
  const uint64_t target = queue_.pushed();
  while (queue_.finished() < target && !has_failed()) {
    if (deadline.HasPassed()) {
      return DeadlineExceededError(
          StrCat(target - queue_.finished(), " operations have not run in time, rank ", rank()));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  return status();
}

Result<std::unique_ptr<DeviceCommunicator::Impl>> DeviceCommunicator::Impl::Derive(
    const std::function<Derived(coll::Communicator&)>& derive) {
  // Shared: the worker may still be inside of set_value when the result is here.
  const auto promise = std::make_shared<std::promise<Derived>>();
  const auto queued = std::make_shared<QueuedOperation>();
  queued->task = [this, &derive, promise] { promise->set_value(derive(*communicator_)); };
  queue_.PushEager(queued);
  // Ends with the operations before it, by Abort, or by the timeouts of coll.
  FLEXMIG_ASSIGN_OR_RETURN(auto communicator, promise->get_future().get());
  if (communicator == nullptr) return std::unique_ptr<Impl>();
  return Create(driver_, context_, device_, std::move(communicator), timeout_);
}

void DeviceCommunicator::Impl::Abort(const std::string& reason) {
  communicator_->Abort(reason);
  Fail(communicator_->status());
}

Status DeviceCommunicator::Impl::status() const {
  if (!has_failed()) return communicator_->status();
  const std::lock_guard lock(failure_mutex_);
  return failure_;
}

void DeviceCommunicator::Impl::Fail(const Status& why) {
  {
    const std::lock_guard lock(failure_mutex_);
    if (failed_.load(std::memory_order_relaxed)) return;
    failure_ = why;
    failed_.store(true, std::memory_order_release);
  }
  if (words_ != nullptr) words_->SetAbort(true);
  if (communicator_->status().ok()) communicator_->Abort(why.ToString());
  queue_.Wake();
}

}  // namespace flexmig::device
