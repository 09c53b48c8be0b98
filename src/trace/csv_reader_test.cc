#include "flexmig/trace/csv_reader.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/trace/csv_writer.h"
#include "flexmig/trace/trace_file.h"

#include "gzip_for_test.h"

namespace flexmig::trace {
namespace {

using namespace std::chrono_literals;

const std::string kHeaderLine = StrCat(kCsvHeader, "\n");

Result<std::vector<JobRecord>> ReadText(std::string text) {
  FLEXMIG_ASSIGN_OR_RETURN(auto reader, CsvReader::Create(FromMemory(std::move(text)), "t.csv"));
  std::vector<JobRecord> records;
  while (true) {
    FLEXMIG_ASSIGN_OR_RETURN(auto record, reader.Next());
    if (!record) return records;
    records.push_back(*std::move(record));
  }
}

std::string Refusal(const std::string& lines) {
  const auto records = ReadText(kHeaderLine + lines);
  EXPECT_EQ(records.status().code(), StatusCode::kInvalidArgument) << lines;
  return records.status().message();
}

TEST(CsvReaderTest, EveryColumnIsRead) {
  const auto records = ReadText(kHeaderLine +
                                "17,29,120.25,1,1,5.203,ann,gnn_train512,Running\n"
                                "21,29,0,0.46,1,,,,\n"
                                "4,30.000001,7,2,4,0,,LS,\n");
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  ASSERT_EQ(records->size(), 3U);
  JobRecord first;
  first.id = TraceJobId(17);
  first.submit_time = sched::TimePoint(29s);
  first.duration = 120'250ms;
  first.demand_micro_gpus = 1'000'000;
  first.num_gpus = 1;
  first.memory = Bytes::Of(5'586'678'710);  // 5.203 * 2^30 = 5586678710.27
  first.user = "ann";
  first.vc = "gnn_train512";
  first.status = "Running";
  EXPECT_EQ(records->at(0), first);
  EXPECT_EQ(records->at(1).demand_micro_gpus, 460'000);
  EXPECT_EQ(records->at(1).memory, std::nullopt) << "empty is unknown";
  EXPECT_EQ(records->at(2).memory, Bytes()) << "zero is zero";
  EXPECT_EQ(records->at(2).submit_time, sched::TimePoint(30s + 1us));
  EXPECT_EQ(records->at(2).num_gpus, 4);
}

TEST(CsvReaderTest, AHeaderAloneIsATraceWithoutJobs) {
  const auto records = ReadText(kHeaderLine);
  ASSERT_TRUE(records.ok());
  EXPECT_TRUE(records->empty());
}

TEST(CsvReaderTest, AnotherHeaderIsRefused) {
  EXPECT_EQ(ReadText("").status().message(),
            StrCat("t.csv:1:1: expected the header line '", kCsvHeader, "', found an empty file"));
  EXPECT_EQ(
      ReadText("job_id,submit_s\n").status().message(),
      StrCat("t.csv:1:1: expected the header line '", kCsvHeader, "', found 'job_id,submit_s'"));
  EXPECT_EQ(ReadText(StrCat("\xef\xbb\xbf", kHeaderLine)).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadText(std::string(kCsvHeader)).status().message(),
            "t.csv:1:79: expected a newline at the end of the last line; the file may be cut "
            "short");
}

TEST(CsvReaderTest, MessagesNameLineAndColumn) {
  const std::string good = "1,5,6,1,1,,,,\n";
  EXPECT_EQ(Refusal(good + "2,1e5,6,1,1,,,,\n"),
            "t.csv:3:3: expected seconds: a number from 0 to 1000000000 with at most 6 decimals, "
            "found '1e5'");
  EXPECT_EQ(Refusal("-1,5,6,1,1,,,,\n"),
            "t.csv:2:1: expected a job id: a whole number from 0, found '-1'");
  EXPECT_EQ(Refusal("1,5,,1,1,,,,\n"),
            "t.csv:2:5: expected seconds: a number from 0 to 1000000000 with at most 6 decimals, "
            "found ''");
  EXPECT_EQ(Refusal("1,5,6,0,1,,,,\n"),
            "t.csv:2:7: expected GPUs: a number above 0, at most 1000000, with at most 6 decimals, "
            "found '0'");
  EXPECT_EQ(Refusal("1,5,6,1.5,1,,,,\n"),
            "t.csv:2:11: expected at least the 1.5 GPUs of the column before, found '1'");
  EXPECT_EQ(Refusal("1,5,6,1,0,,,,\n"),
            "t.csv:2:9: expected a whole number of GPUs from 1 to 1000000, found '0'");
  EXPECT_EQ(Refusal("1,5,6,1,1,x,,,\n"),
            "t.csv:2:11: expected nothing or GiB: a number up to 1000000 with at most 6 decimals, "
            "found 'x'");
  EXPECT_EQ(Refusal("1,5,6,1,1,,,\"a\",\n"),
            "t.csv:2:13: expected text without quotes and control characters, found '\"a\"'");
  EXPECT_EQ(Refusal("1,5,6,1,1,,,\n"),
            "t.csv:2:13: expected 9 columns separated by commas, found 8");
  EXPECT_EQ(Refusal("\n"), "t.csv:2:1: expected 9 columns separated by commas, found 1");
  EXPECT_EQ(Refusal("1,5,6,1,1,,,,,\n"),
            "t.csv:2:14: expected the end of the line after 9 columns");
  EXPECT_EQ(Refusal("1,5,6,1,1,,,,\r\n"),
            "t.csv:2:14: expected text without quotes and control characters, found '?'");
  EXPECT_EQ(Refusal(good + "2,4.999999,6,1,1,,,,\n"),
            "t.csv:3:3: expected a submit time not before the line above (a trace is sorted), "
            "found '4.999999'");
  EXPECT_EQ(Refusal(good + "1,5,6,1,1,,,,\n"),
            "t.csv:3:1: expected a job id above the line above, which has the same submit time, "
            "found '1'");
  EXPECT_EQ(Refusal(good + "2,5,6,1,1,,,,"),
            "t.csv:3:14: expected a newline at the end of the last line; the file may be cut "
            "short");
}

TEST(CsvReaderTest, LongLinesAndTextAreShortInMessages) {
  EXPECT_EQ(Refusal("1,5,6,1,1,,," + std::string(5000, 'v') + ",\n"),
            "t.csv:2:4097: expected a line of at most 4096 bytes");
  EXPECT_EQ(Refusal(std::string(200'000, '9')),
            "t.csv:2:4097: expected a line of at most 4096 bytes");
  EXPECT_EQ(Refusal(std::string(100, 'x') + ",5,6,1,1,,,,\n"),
            StrCat("t.csv:2:1: expected a job id: a whole number from 0, found '",
                   std::string(40, 'x'), "'..."));
}

TEST(CsvReaderTest, AfterABadLineTheNextIsRead) {
  auto reader = CsvReader::Create(FromMemory(kHeaderLine + "x\n1,5,6,1,1,,,,\n"), "t.csv");
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->Next().status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ((*reader->Next())->id, TraceJobId(1));
}

TEST(CsvReaderTest, LinesAreFoundAcrossBufferEnds) {
  // 20,000 lines of changing length: several buffers of 64 KiB.
  std::string text = kHeaderLine;
  for (int i = 0; i < 20'000; ++i) {
    text += StrCat(i, ",", i, ",", i % 7, ",1,1,,,", std::string(static_cast<size_t>(i % 97), 'v'),
                   ",\n");
  }
  const auto records = ReadText(text);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  ASSERT_EQ(records->size(), 20'000U);
  for (int i = 0; i < 20'000; ++i) {
    const JobRecord& record = records->at(static_cast<size_t>(i));
    ASSERT_EQ(record.id.value(), i);
    ASSERT_EQ(record.duration, std::chrono::seconds(i % 7));
    ASSERT_EQ(record.vc.size(), static_cast<size_t>(i % 97));
  }
}

class LoadTraceTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / "flexmig-trace-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Write(const std::string& content) const {
    const std::string path = folder_ + "/t";
    EXPECT_TRUE(WriteFileAtomically(path, content).ok());
    return path;
  }
  std::string folder_;
};

TEST_F(LoadTraceTest, PlainAndGzipGiveTheSameJobs) {
  const std::string text = kHeaderLine + "1,5,6,1,1,,,,\n2,5,6,0.5,1,,,,\n";
  const auto plain = LoadTrace(Write(text));
  const auto zipped = LoadTrace(Write(Gzip(text)));
  ASSERT_TRUE(plain.ok());
  ASSERT_TRUE(zipped.ok());
  EXPECT_EQ(plain->size(), 2U);
  EXPECT_EQ(*plain, *zipped);
}

TEST_F(LoadTraceTest, ATruncatedGzipIsAnErrorEvenAtALineEnd) {
  const std::string zipped = Gzip(kHeaderLine + "1,5,6,1,1,,,,\n");
  const auto records = LoadTrace(Write(zipped.substr(0, zipped.size() - 4)));
  EXPECT_EQ(records.status().code(), StatusCode::kDataLoss);
}

TEST_F(LoadTraceTest, AJobIdOccursOnce) {
  const std::string path = Write(kHeaderLine + "1,5,6,1,1,,,,\n1,6,6,1,1,,,,\n");
  EXPECT_EQ(LoadTrace(path).status().message(),
            path + ":3:1: expected a job id that occurs once, found '1' again");
}

TEST_F(LoadTraceTest, AMissingFileIsNotFound) {
  EXPECT_EQ(LoadTrace(folder_ + "/none").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace flexmig::trace
