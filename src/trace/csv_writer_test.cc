#include "flexmig/trace/csv_writer.h"

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/trace/csv_reader.h"

namespace flexmig::trace {
namespace {

JobRecord Record(int64_t id, int64_t submit_micros) {
  JobRecord record;
  record.id = TraceJobId(id);
  record.submit_time = sched::TimePoint(sched::Duration(submit_micros));
  record.duration = sched::Duration(1'500'000);
  record.demand_micro_gpus = 460'000;
  record.num_gpus = 1;
  return record;
}

TEST(CsvWriterTest, LinesAreAsShortAsIsExact) {
  JobRecord full = Record(7, 5'000'000);
  full.memory = Bytes::GiB(5) + Bytes::MiB(512);
  full.user = "ann";
  full.vc = "LS";
  full.status = "done";
  const JobRecord records[] = {Record(3, 1), full};
  EXPECT_EQ(*WriteCsv(records), StrCat(kCsvHeader,
                                       "\n3,0.000001,1.5,0.46,1,,,,\n"
                                       "7,5,1.5,0.46,1,5.5,ann,LS,done\n"));
}

TEST(CsvWriterTest, WhatIsWrittenReadsBackEqual) {
  SplitMix64 random(20261122);
  std::vector<JobRecord> records;
  int64_t submit = 0;
  for (int64_t id = 0; id < 2000; ++id) {
    submit += static_cast<int64_t>(random.NextBelow(3'000'000));
    JobRecord& record = records.emplace_back(Record(id, submit));
    record.duration = sched::Duration(static_cast<int64_t>(random.NextBelow(1'000'000'000'000)));
    record.num_gpus = 1 + static_cast<int>(random.NextBelow(8));
    record.demand_micro_gpus =
        1 +
        static_cast<int64_t>(random.NextBelow(static_cast<uint64_t>(record.num_gpus) * 1'000'000));
    if (random.NextBelow(2) == 0) {
      record.memory = Bytes::MiB(static_cast<int64_t>(random.NextBelow(200'000)));
    }
    record.vc = StrCat("vc ", id % 7, " \xc3\xa4");
  }
  const auto text = WriteCsv(records);
  ASSERT_TRUE(text.ok());
  auto reader = CsvReader::Create(FromMemory(*text), "t.csv");
  ASSERT_TRUE(reader.ok());
  for (const JobRecord& record : records) {
    const auto read = reader->Next();
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    ASSERT_TRUE(read->has_value());
    JobRecord expected = record;
    if (expected.memory) {
      ASSERT_NEAR((*read)->memory->gib(), expected.memory->gib(), 1e-6);
      expected.memory = (*read)->memory;
    }
    ASSERT_EQ(**read, expected);
  }
  ASSERT_FALSE((*reader->Next()).has_value());
  // And once more, now that memory is what the format can hold.
  auto again = CsvReader::Create(FromMemory(*text), "t.csv");
  std::vector<JobRecord> reread;
  while (auto record = *again->Next()) reread.push_back(*record);
  EXPECT_EQ(*WriteCsv(reread), *text);
}

TEST(CsvWriterTest, WhatTheFormatCannotHoldIsRefused) {
  const auto refusal = [](auto change) {
    JobRecord records[] = {Record(1, 5), Record(2, 5)};
    change(records[1]);
    const auto text = WriteCsv(records);
    EXPECT_EQ(text.status().code(), StatusCode::kInvalidArgument);
    return text.status().message();
  };
  EXPECT_EQ(refusal([](JobRecord& r) { r.user = "a,b"; }),
            "job 2: the text 'a,b' cannot stand in a trace");
  EXPECT_EQ(refusal([](JobRecord& r) { r.duration = sched::Duration(-1); }),
            "job 2 has a number that a trace cannot hold");
  EXPECT_EQ(refusal([](JobRecord& r) { r.demand_micro_gpus = 1'000'001; }),
            "job 2 has a number that a trace cannot hold");
  EXPECT_EQ(refusal([](JobRecord& r) { r.id = TraceJobId(1); }),
            "job 1 is not behind job 1 in order");
}

}  // namespace
}  // namespace flexmig::trace
