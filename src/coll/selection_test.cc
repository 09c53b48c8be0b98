#include "selection.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/file.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/shm/segment_layout.h"

#include "selection_file.h"

namespace flexmig::coll {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr uint64_t kNever = ~uint64_t{0};

// --- Select ---

struct SelectCase {
  uint64_t bytes;
  bool shared;
  bool across;
  Algorithm expected;
};

TEST(SelectTest, BothSidesOfEveryThreshold) {
  using enum Algorithm;
  constexpr Thresholds kThresholds{100, 200, 300, 250};
  constexpr SelectCase kCases[] = {
      {0, false, false, kSmall},    {100, true, true, kSmall},     {101, false, false, kStaged},
      {101, true, true, kStaged},   {199, true, true, kStaged},    {200, false, true, kPulled},
      {200, false, false, kStaged}, {200, true, true, kPulled},    {249, true, true, kPulled},
      {249, true, false, kStaged},  {250, true, true, kShared},    {250, true, false, kShared},
      {250, false, true, kPulled},  {300, false, true, kPulled},   {301, false, true, kStaged},
      {301, true, true, kShared},   {kNever, true, true, kShared}, {kNever, false, true, kStaged},
  };
  for (const SelectCase& c : kCases) {
    SelectionFacts facts;
    facts.bytes = facts.staged_bytes = c.bytes;
    facts.slot_bytes = 4096;
    facts.buffers_shared = c.shared;
    facts.can_read_across = c.across;
    EXPECT_EQ(Select(kThresholds, facts), c.expected)
        << c.bytes << (c.shared ? " shared" : "") << (c.across ? " across" : "");
  }
}

TEST(SelectTest, SmallNeedsAContributionThatFitsIntoASlot) {
  SelectionFacts facts;
  facts.bytes = 100;
  facts.slot_bytes = 128;
  for (const uint64_t staged : {0u, 1u, 127u, 128u}) {
    facts.staged_bytes = staged;
    EXPECT_EQ(Select({100, 1, 0, 0}, facts), Algorithm::kSmall) << staged;
  }
  facts.staged_bytes = 129;
  EXPECT_EQ(Select({100, 1, 0, 0}, facts), Algorithm::kStaged);
}

// Ranks choose kSmall before they know what the others' buffers are.
TEST(SelectTest, SmallDoesNotDependOnTheBuffers) {
  SplitMix64 random(11);
  for (int i = 0; i < 20'000; ++i) {
    const Thresholds thresholds{random.NextBelow(8), random.NextBelow(8), random.NextBelow(8),
                                random.NextBelow(8)};
    SelectionFacts facts{random.NextBelow(9), random.NextBelow(9), random.NextBelow(9), false,
                         false};
    const bool small = Select(thresholds, facts) == Algorithm::kSmall;
    for (const bool shared : {false, true}) {
      for (const bool across : {false, true}) {
        facts.buffers_shared = shared;
        facts.can_read_across = across;
        ASSERT_EQ(Select(thresholds, facts) == Algorithm::kSmall, small);
      }
    }
  }
}

TEST(SelectTest, EmptyRangesNeverPull) {
  SelectionFacts facts;
  facts.staged_bytes = kNever;
  facts.can_read_across = true;
  for (const Thresholds& empty : {Thresholds{}, Thresholds{0, kNever, 0, 0}}) {
    for (const uint64_t bytes : {uint64_t{0}, uint64_t{1}, uint64_t{4096}, kNever}) {
      facts.bytes = bytes;
      EXPECT_NE(Select(empty, facts), Algorithm::kPulled) << bytes;
    }
  }
}

TEST(DefaultSelectionTest, EveryTableIsSane) {
  for (int ranks = 1; ranks <= shm::kMaxWorldSize; ++ranks) {
    const Selection selection = DefaultSelection(ranks);
    for (const SelectionTable& table : {selection.roomy, selection.crowded}) {
      for (int row = 0; row < SelectionTable::kRows; ++row) {
        const Thresholds& found = table.For(static_cast<Collective>(row));
        const std::string where = StrCat(ranks, " ranks, row ", row);
        EXPECT_LE(found.small_end, uint64_t{1} << 20) << where;
        EXPECT_LE(found.pulled_end, uint64_t{1} << 30) << where;
        const bool is_empty = found.pulled_begin > found.pulled_end;
        if (is_empty) {
          EXPECT_EQ(found.pulled_end, 0u) << where << ": empty, but written as a range";
        } else {
          EXPECT_GT(found.pulled_begin, found.small_end)
              << where << ": sizes both small and pulled";
        }
      }
    }
  }
}

// --- The file ---

constexpr std::string_view kHead = "flexmig-selection 1\n";

Status Apply(std::string_view lines, int world_size, Selection& selection) {
  return ApplySelectionFile(StrCat(kHead, lines), "file", world_size, selection);
}

bool SameThresholds(const Thresholds& a, const Thresholds& b) {
  return a.small_end == b.small_end && a.pulled_begin == b.pulled_begin &&
         a.pulled_end == b.pulled_end && a.shared_begin == b.shared_begin;
}

bool Same(const Selection& a, const Selection& b) {
  for (size_t row = 0; row < SelectionTable::kRows; ++row) {
    if (!SameThresholds(a.roomy.rows[row], b.roomy.rows[row])) return false;
    if (!SameThresholds(a.crowded.rows[row], b.crowded.rows[row])) return false;
  }
  return true;
}

TEST(SelectionFileTest, EveryCollectiveHasALineInEachTable) {
  const struct {
    std::string_view name;
    Collective collective;
  } kRows[] = {
      {"all_reduce", Collective::kAllReduce}, {"broadcast", Collective::kBroadcast},
      {"all_gather", Collective::kAllGather}, {"reduce_scatter", Collective::kReduceScatter},
      {"barrier", Collective::kBarrier},      {"reduce", Collective::kReduce},
      {"gather", Collective::kGather},        {"scatter", Collective::kScatter},
      {"all_to_all", Collective::kAllToAll},
  };
  static_assert(std::size(kRows) == SelectionTable::kRows);
  std::string lines;
  uint64_t number = 1;
  for (const auto& row : kRows) {
    for (const std::string_view table : {"roomy", "crowded"}) {
      lines += StrCat(row.name, " 4 ", table, " ", number, " ", number + 1, " ", number + 2, " ",
                      number + 3, "\n");
      number += 10;
    }
  }
  Selection selection = DefaultSelection(4);
  ASSERT_EQ(Apply(lines, 4, selection), OkStatus());
  number = 1;
  for (const auto& row : kRows) {
    for (const SelectionTable* table : {&selection.roomy, &selection.crowded}) {
      const Thresholds expected{number, number + 1, number + 2, number + 3};
      EXPECT_TRUE(SameThresholds(table->For(row.collective), expected)) << row.name;
      number += 10;
    }
  }
}

TEST(SelectionFileTest, BlanksCommentsAndTheLastNewlineDoNotMatter) {
  Selection plain = DefaultSelection(2);
  ASSERT_EQ(Apply("gather 2 roomy 1 2 3 4\n", 2, plain), OkStatus());
  for (const char* lines : {"gather 2 roomy 1 2 3 4", "  gather\t2   roomy 1 2\t3 4  # why\n",
                            "\n\n# first\n \t\n"
                            "gather 2 roomy 1 2 3 4\r\n#\n",
                            "gather 2 roomy 01 2 3 4#"}) {
    Selection other = DefaultSelection(2);
    ASSERT_EQ(Apply(lines, 2, other), OkStatus()) << lines;
    EXPECT_TRUE(Same(plain, other)) << lines;
  }
}

TEST(SelectionFileTest, HyphensStandForNever) {
  Selection selection = DefaultSelection(3);
  ASSERT_EQ(Apply("gather 3 crowded 7 - - -\n", 3, selection), OkStatus());
  const Thresholds& found = selection.crowded.For(Collective::kGather);
  SelectionFacts facts{1 << 20, kNever, 4096, true, true};
  EXPECT_EQ(found.small_end, 7u);
  EXPECT_EQ(Select(found, facts), Algorithm::kStaged);
}

TEST(SelectionFileTest, OtherWorldSizesAndRowsThatAreNotNamedStay) {
  const Selection before = DefaultSelection(4);
  Selection selection = before;
  ASSERT_EQ(Apply("gather 2 roomy 1 2 3 4\ngather 64 crowded 1 2 3 4\n", 4, selection), OkStatus());
  EXPECT_TRUE(Same(selection, before));
  ASSERT_EQ(Apply("gather 4 roomy 1 2 3 4\n", 4, selection), OkStatus());
  selection.roomy.For(Collective::kGather) = before.roomy.For(Collective::kGather);
  EXPECT_TRUE(Same(selection, before)) << "one row of one table has changed";
}

TEST(SelectionFileTest, SecondLineForOneCollectiveIsRefusedOnlyWhereItCounts) {
  Selection selection = DefaultSelection(4);
  const std::string twice = "gather 2 roomy 1 2 3 4\ngather 2 roomy 1 2 3 4\n";
  EXPECT_EQ(Apply(twice, 4, selection), OkStatus());
  EXPECT_EQ(Apply(twice, 2, selection), InvalidArgumentError("file:3: a second line for gather"));
  EXPECT_EQ(Apply("gather 2 roomy 1 2 3 4\ngather 2 crowded 1 2 3 4\n", 2, selection), OkStatus());
}

TEST(SelectionFileTest, MistakesAreNamedWithFileAndLine) {
  const struct {
    const char* lines;
    const char* message;
  } kCases[] = {
      {"gather 2 roomy 1 2 3",
       "file:2: 6 fields where 7 belong: collective ranks processors small_end pulled_begin "
       "pulled_end shared_begin"},
      {"\ngather 2 roomy 1 2 3 4 5", "file:3: 8 fields where 7 belong"},
      {"gather 2 roomy 1 2 3 # 4", "file:2: 6 fields"},
      {"Gather 2 roomy 1 2 3 4", "file:2: no collective 'Gather'"},
      {"all_to_all_v 2 roomy 1 2 3 4", "file:2: no collective 'all_to_all_v'"},
      {"gather 1 roomy 1 2 3 4", "file:2: '1'"},
      {"gather 65 roomy 1 2 3 4", "file:2: '65'"},
      {"gather two roomy 1 2 3 4", "file:2: 'two'"},
      {"gather 2 Roomy 1 2 3 4", "file:2: 'Roomy' is neither roomy nor crowded"},
      {"gather 2 roomy 1K 2 3 4", "file:2: '1K'"},
      {"gather 2 roomy -1 2 3 4", "file:2: '-1'"},
      {"gather 2 roomy 1 2 3 9223372036854775808", "file:2: '9223372036854775808'"},
      {"gather 2 roomy - 2 3 4", "file:2: small_end needs a number"},
      {"gather 2 roomy 1 - 3 4", "file:2: pulled_begin and pulled_end are no range"},
      {"gather 2 roomy 1 2 - 4", "file:2: pulled_begin and pulled_end are no range"},
      {"gather 2 roomy 1 4 3 4", "file:2: pulled_begin and pulled_end are no range"},
      // Lines for others are read as strictly.
      {"gather 64 roomy 1 4 3 4", "file:2: pulled_begin and pulled_end are no range"},
      {"flexmig-selection 1", "file:2: 2 fields where 7 belong"},
  };
  for (const auto& c : kCases) {
    Selection selection = DefaultSelection(2);
    const Status status = Apply(c.lines, 2, selection);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << c.lines;
    EXPECT_THAT(status.message(), StartsWith(c.message)) << c.lines;
  }
}

TEST(SelectionFileTest, FirstLineNamesTheFormat) {
  Selection selection = DefaultSelection(2);
  const Status empty = ApplySelectionFile("", "file", 2, selection);
  EXPECT_EQ(empty, InvalidArgumentError("file:1: the file is empty"));
  for (const char* text :
       {"\n", "flexmig-selection 2\n", " flexmig-selection 1\n", "flexmig-selection 1\r\n",
        "flexmig-selection 1 # x\n", "gather 2 roomy 1 2 3 4\nflexmig-selection 1\n"}) {
    const Status status = ApplySelectionFile(text, "file", 2, selection);
    EXPECT_EQ(status, InvalidArgumentError("file:1: the first line is not 'flexmig-selection 1'"))
        << text;
  }
  EXPECT_EQ(ApplySelectionFile("flexmig-selection 1", "file", 2, selection), OkStatus());
}

// The example of docs/formats/selection.md, which says in words what it means.
TEST(SelectionFileTest, ExampleOfTheFormatPageMeansWhatThePageSays) {
  const auto page = ReadFile(FLEXMIG_SOURCE_DIR "/docs/formats/selection.md");
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  std::string example;
  const std::string_view text = std::string_view(*page).substr(page->find("## Example"));
  for (const std::string_view line : StrSplit(text, '\n')) {
    if (line.starts_with("    ")) example += StrCat(line.substr(4), "\n");
  }
  Selection four = DefaultSelection(4);
  ASSERT_EQ(ApplySelectionFile(example, "example", 4, four), OkStatus());
  const auto all_reduce = [&](const SelectionTable& table, uint64_t bytes, bool shared) {
    return Select(table.For(Collective::kAllReduce), {bytes, bytes, 128 << 10, shared, true});
  };
  using enum Algorithm;
  EXPECT_EQ(all_reduce(four.roomy, 16 << 10, false), kSmall);
  EXPECT_EQ(all_reduce(four.roomy, (16 << 10) + 4, false), kStaged);
  EXPECT_EQ(all_reduce(four.roomy, 1 << 20, false), kPulled);
  EXPECT_EQ(all_reduce(four.roomy, 8 << 20, false), kPulled);
  EXPECT_EQ(all_reduce(four.roomy, (8 << 20) + 4, false), kStaged);
  EXPECT_EQ(all_reduce(four.roomy, 16 << 10, true), kSmall);
  EXPECT_EQ(all_reduce(four.roomy, (16 << 10) + 4, true), kShared);
  EXPECT_EQ(all_reduce(four.crowded, 64 << 10, false), kSmall);
  EXPECT_EQ(all_reduce(four.crowded, 1 << 20, false), kStaged);
  EXPECT_EQ(all_reduce(four.crowded, 1 << 20, true), kShared);
  Selection two = DefaultSelection(2);
  ASSERT_EQ(ApplySelectionFile(example, "example", 2, two), OkStatus());
  EXPECT_EQ(Select(two.roomy.For(Collective::kBroadcast), {1 << 20, 1 << 20, 65536, true, false}),
            kStaged);
  Selection three = DefaultSelection(3);
  ASSERT_EQ(ApplySelectionFile(example, "example", 3, three), OkStatus());
  EXPECT_TRUE(Same(three, DefaultSelection(3)));
}

// --- The environment ---

class SelectionFromEnvironmentTest : public testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("FLEXMIG_SELECTION");
    ::unsetenv("FLEXMIG_ALGORITHM");
  }
  void TearDown() override {
    SetUp();
    std::filesystem::remove(path_);
  }
  void WriteSelection(std::string_view lines) {
    ASSERT_EQ(WriteFileAtomically(path_, StrCat(kHead, lines)), OkStatus());
    ::setenv("FLEXMIG_SELECTION", path_.c_str(), 1);
  }
  // What every collective of `world_size` ranks does with that many bytes, where all is possible;
  // nullopt if they differ.
  static std::optional<Algorithm> Everywhere(const Selection& selection, uint64_t bytes,
                                             uint64_t slot_bytes, bool shared) {
    std::optional<Algorithm> found;
    for (const SelectionTable& table : {selection.roomy, selection.crowded}) {
      for (const Thresholds& row : table.rows) {
        const Algorithm one = Select(row, {bytes, bytes, slot_bytes, shared, true});
        if (found.value_or(one) != one) return std::nullopt;
        found = one;
      }
    }
    return found;
  }

  const std::string path_ = testing::TempDir() + "selection-" + RandomHex(8);
};

TEST_F(SelectionFromEnvironmentTest, NothingSetGivesTheDefaults) {
  const auto unset = SelectionFromEnvironment(4);
  ASSERT_TRUE(unset.ok());
  EXPECT_TRUE(Same(*unset, DefaultSelection(4)));
  ::setenv("FLEXMIG_ALGORITHM", "auto", 1);
  ::setenv("FLEXMIG_SELECTION", "", 1);
  const auto same = SelectionFromEnvironment(4);
  ASSERT_TRUE(same.ok());
  EXPECT_TRUE(Same(*same, DefaultSelection(4)));
}

TEST_F(SelectionFromEnvironmentTest, FileChangesTheDefaults) {
  WriteSelection("scatter 4 crowded 11 12 13 14\n");
  const auto found = SelectionFromEnvironment(4);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  Selection expected = DefaultSelection(4);
  expected.crowded.For(Collective::kScatter) = {11, 12, 13, 14};
  EXPECT_TRUE(Same(*found, expected));
}

TEST_F(SelectionFromEnvironmentTest, ForcedAlgorithmIsUsedWhereverItCanBe) {
  using enum Algorithm;
  constexpr uint64_t kSlot = 4096;
  const struct {
    const char* name;
    Algorithm in_slot;   // ordinary buffers that fit into a slot
    Algorithm ordinary;  // that do not
    Algorithm shared;
  } kCases[] = {
      {"small", kSmall, kStaged, kStaged},
      {"staged", kStaged, kStaged, kStaged},
      {"pulled", kPulled, kPulled, kPulled},
      {"shared", kStaged, kStaged, kShared},
  };
  WriteSelection("scatter 4 crowded 11 12 13 14\n");  // without effect
  for (const auto& c : kCases) {
    ::setenv("FLEXMIG_ALGORITHM", c.name, 1);
    const auto found = SelectionFromEnvironment(4);
    ASSERT_TRUE(found.ok()) << c.name;
    for (const uint64_t bytes : {uint64_t{1}, kSlot}) {
      EXPECT_EQ(Everywhere(*found, bytes, kSlot, false), c.in_slot) << c.name << bytes;
    }
    for (const uint64_t bytes : {kSlot + 1, uint64_t{1} << 46}) {
      EXPECT_EQ(Everywhere(*found, bytes, kSlot, false), c.ordinary) << c.name << bytes;
      EXPECT_EQ(Everywhere(*found, bytes, kSlot, true), c.shared) << c.name << bytes;
    }
  }
}

TEST_F(SelectionFromEnvironmentTest, BadAlgorithmIsNamed) {
  for (const char* bad : {"fast", "Small", "small ", "small,staged"}) {
    ::setenv("FLEXMIG_ALGORITHM", bad, 1);
    EXPECT_EQ(SelectionFromEnvironment(2).status(),
              InvalidArgumentError(StrCat("FLEXMIG_ALGORITHM='", bad,
                                          "' is none of auto, small, staged, pulled, shared")));
  }
}

TEST_F(SelectionFromEnvironmentTest, BadOrMissingFileIsNamed) {
  ::setenv("FLEXMIG_SELECTION", path_.c_str(), 1);
  const Status missing = SelectionFromEnvironment(2).status();
  EXPECT_EQ(missing.code(), StatusCode::kNotFound);
  EXPECT_THAT(missing.message(), HasSubstr(path_));
  WriteSelection("gather\n");
  const Status bad = SelectionFromEnvironment(2).status();
  EXPECT_EQ(bad.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(bad.message(), StartsWith(StrCat(path_, ":2: 1 fields")));
  // A forced algorithm does not hide it.
  ::setenv("FLEXMIG_ALGORITHM", "staged", 1);
  EXPECT_FALSE(SelectionFromEnvironment(2).ok());
}

}  // namespace
}  // namespace flexmig::coll
