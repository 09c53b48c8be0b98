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
inline constexpr uint32_t kLayoutVersion = 1;
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
  uint32_t reserved;
  std::atomic<uint32_t> ready;

  // Line 1: how the communicator ends. Each word only ever gains bits, or goes from 0 to its value.
  alignas(kLineBytes) std::atomic<uint64_t> dead_ranks;  // bit r: rank r's process has ended
  std::atomic<uint64_t> departed_ranks;                  // bit r: rank r destroyed its communicator
  std::atomic<uint32_t> failed_by;  // r + 1: the failure record of rank r counts
};

// Why a communicator died, in the words of the rank that found out first.
struct FailureRecord {
  uint32_t status_code;
  uint32_t text_bytes;
  char text[504];
};

// What a rank is about to do, for the others to compare; the meaning is the collectives' own.
struct CallRecord {
  std::byte bytes[64];
};

inline constexpr uint32_t kCountersPerRank = 3;
inline constexpr uint32_t kCallRecordsPerRank = 4;

// Written by its own rank alone.
struct alignas(kLineBytes) RankBlock {
  Counter counters[kCountersPerRank];
  CallRecord calls[kCallRecordsPerRank];
  FailureRecord failure;
  // A line of its own: who this is.
  alignas(kLineBytes) std::atomic<int32_t> process_id;
};

static_assert(offsetof(SegmentHeader, magic) == 0);
static_assert(offsetof(SegmentHeader, layout_version) == 8);
static_assert(offsetof(SegmentHeader, world_size) == 12);
static_assert(offsetof(SegmentHeader, total_bytes) == 16);
static_assert(offsetof(SegmentHeader, slot_bytes) == 24);
static_assert(offsetof(SegmentHeader, slots_per_rank) == 32);
static_assert(offsetof(SegmentHeader, ready) == 40);
static_assert(offsetof(SegmentHeader, dead_ranks) == 128);
static_assert(offsetof(SegmentHeader, departed_ranks) == 136);
static_assert(offsetof(SegmentHeader, failed_by) == 144);
static_assert(sizeof(SegmentHeader) == 256);

static_assert(offsetof(Counter, value) == 0 && offsetof(Counter, sleepers) == 8);
static_assert(offsetof(RankBlock, counters) == 0);
static_assert(offsetof(RankBlock, calls) == 384);
static_assert(offsetof(RankBlock, failure) == 640);
static_assert(offsetof(FailureRecord, text) == 8 && sizeof(FailureRecord) == 512);
static_assert(offsetof(RankBlock, process_id) == 1152);
static_assert(sizeof(RankBlock) == 1280);

}  // namespace flexmig::shm
