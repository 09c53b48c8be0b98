#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "flexmig/shm/wait.h"

// The bytes of a shared segment, as docs/formats/segment.md describes them. Fixed-width fields and
// offsets only: every process maps the segment at another address. Whatever is changed here needs a
// new kLayoutVersion and a new line there.
namespace flexmig::shm {

inline constexpr uint64_t kSegmentMagic = 0x3147455347494d46;  // "FMIGSEG1" in memory
inline constexpr uint32_t kLayoutVersion = 3;
inline constexpr uint64_t kLineBytes = 128;

// One bit per rank in a 64-bit word.
inline constexpr int kMaxWorldSize = 64;

struct SegmentHeader {
  // Line 0: constant once `ready` is 1.
  uint64_t magic;
  uint32_t layout_version;
  uint32_t world_size;
  uint64_t total_bytes;
  uint64_t slot_bytes;
  uint32_t slots_per_rank;
  uint32_t message_bytes;
  char nonce[40];  // random, zero-terminated: names what is derived from this communicator
  std::atomic<uint32_t> ready;

  // Line 1: how the communicator ends. Each word only ever gains bits, or goes from 0 to its value.
  alignas(kLineBytes) std::atomic<uint64_t> dead_ranks;  // bit r: rank r's process has ended
  std::atomic<uint64_t> departed_ranks;                  // bit r: rank r destroyed its communicator
  std::atomic<uint32_t> failed_by;  // r + 1: the failure record of rank r counts

  // Constant once `ready` is 1: what rank 0 has decided for all; the meaning is the collectives'
  // own.
  alignas(kLineBytes) std::byte settings[1024];
};

// Why a communicator died, in the words of the rank that found out first.
struct FailureRecord {
  uint32_t status_code;
  uint32_t text_bytes;
  char text[504];
};

// What a rank calls: `call` is its number, from 1, written after `what`.
struct CallRecord {
  std::atomic<uint64_t> call;
  std::atomic<uint64_t> what;
};

// One message to the other ranks: small data travel in the line of the counter that announces them.
struct alignas(kLineBytes) Announcement {
  Counter call;      // the number of the call that this belongs to
  uint64_t history;  // a digest of what this rank has called so far, this call included
  std::byte payload[232];
};

inline constexpr uint32_t kAnnouncementsPerRank = 16;
inline constexpr uint32_t kCallRecordsPerRank = 64;

// Written by its own rank alone, except for the counters' `sleepers`.
struct alignas(kLineBytes) RankBlock {
  Announcement announcements[kAnnouncementsPerRank];
  alignas(kLineBytes) Counter staged;
  alignas(kLineBytes) Counter reduced;
  alignas(kLineBytes) Counter consumed;
  Counter completed;
  alignas(kLineBytes) CallRecord calls[kCallRecordsPerRank];
  FailureRecord failure;
  // A line of its own, for messages: who this is, and what it waits for, if it has waited long.
  alignas(kLineBytes) std::atomic<int32_t> process_id;
  std::atomic<uint64_t> waits_for;  // the collectives' own; 0 for nothing
};

// What the first piece of a message says of the whole.
struct MessageHead {
  uint64_t count;
  uint64_t type;
};

inline constexpr uint32_t kMessageSlots = 4;

// The messages from one rank to another, in pieces. Both counters count pieces.
struct alignas(kLineBytes) Channel {
  Counter written;  // by the sender
  MessageHead heads[kMessageSlots];
  alignas(kLineBytes) Counter taken;  // by the receiver
};

static_assert(offsetof(SegmentHeader, magic) == 0);
static_assert(offsetof(SegmentHeader, layout_version) == 8);
static_assert(offsetof(SegmentHeader, world_size) == 12);
static_assert(offsetof(SegmentHeader, total_bytes) == 16);
static_assert(offsetof(SegmentHeader, slot_bytes) == 24);
static_assert(offsetof(SegmentHeader, slots_per_rank) == 32);
static_assert(offsetof(SegmentHeader, message_bytes) == 36);
static_assert(offsetof(SegmentHeader, nonce) == 40);
static_assert(offsetof(SegmentHeader, ready) == 80);
static_assert(offsetof(SegmentHeader, dead_ranks) == 128);
static_assert(offsetof(SegmentHeader, departed_ranks) == 136);
static_assert(offsetof(SegmentHeader, failed_by) == 144);
static_assert(offsetof(SegmentHeader, settings) == 256);
static_assert(sizeof(SegmentHeader) == 1280);

static_assert(offsetof(Counter, value) == 0 && offsetof(Counter, sleepers) == 8);
static_assert(offsetof(Announcement, history) == 16 && offsetof(Announcement, payload) == 24);
static_assert(sizeof(Announcement) == 256);
static_assert(offsetof(RankBlock, announcements) == 0);
static_assert(offsetof(RankBlock, staged) == 4096);
static_assert(offsetof(RankBlock, reduced) == 4224);
static_assert(offsetof(RankBlock, consumed) == 4352 && offsetof(RankBlock, completed) == 4368);
static_assert(offsetof(RankBlock, calls) == 4480);
static_assert(offsetof(RankBlock, failure) == 5504);
static_assert(offsetof(FailureRecord, text) == 8 && sizeof(FailureRecord) == 512);
static_assert(offsetof(RankBlock, process_id) == 6016 && offsetof(RankBlock, waits_for) == 6024);
static_assert(sizeof(RankBlock) == 6144);
static_assert(offsetof(Channel, heads) == 16 && offsetof(Channel, taken) == 128);
static_assert(sizeof(Channel) == 256);

}  // namespace flexmig::shm
