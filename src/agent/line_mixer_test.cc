#include "line_mixer.h"

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::agent {
namespace {

class LineMixerTest : public testing::Test {
 protected:
  LineMixer mixer_{true};
  const size_t a_ = mixer_.AddStream("[0] ");
  const size_t b_ = mixer_.AddStream("[1] ");
};

TEST_F(LineMixerTest, LinesAreWholeAndPrefixed) {
  mixer_.Add(a_, "one\ntw");
  mixer_.Add(b_, "eins\n");
  mixer_.Add(a_, "o\n\nthree");
  EXPECT_EQ(mixer_.pending(), "[0] one\n[1] eins\n[0] two\n[0] \n");
  EXPECT_TRUE(mixer_.HasPartial(a_));
  EXPECT_FALSE(mixer_.HasPartial(b_));
}

TEST_F(LineMixerTest, FlushedPieceGoesOnInItsLine) {
  mixer_.Add(a_, "10%");
  mixer_.FlushPartial(a_);
  mixer_.Add(a_, " 20%");
  mixer_.FlushPartial(a_);
  mixer_.Add(a_, " done\nnext\n");
  EXPECT_EQ(mixer_.pending(), "[0] 10% 20% done\n[0] next\n");
}

TEST_F(LineMixerTest, AnotherStreamEndsAFlushedPiece) {
  mixer_.Add(a_, "10%");
  mixer_.FlushPartial(a_);
  mixer_.Add(b_, "eins\n");
  mixer_.Add(a_, " done\n");
  EXPECT_EQ(mixer_.pending(), "[0] 10%\n[1] eins\n[0]  done\n");
}

TEST_F(LineMixerTest, FinishEmitsWhatIsHeldAndEndsTheLine) {
  mixer_.Add(a_, "no end");
  mixer_.Add(b_, "neither");
  mixer_.Finish();
  EXPECT_EQ(mixer_.pending(), "[0] no end\n[1] neither\n");
  mixer_.Finish();
  EXPECT_EQ(mixer_.pending(), "[0] no end\n[1] neither\n");
}

TEST_F(LineMixerTest, LineOfNobodyStandsAlone) {
  mixer_.Add(a_, "10%");
  mixer_.FlushPartial(a_);
  mixer_.AddLine("flexmig: note");
  EXPECT_EQ(mixer_.pending(), "[0] 10%\nflexmig: note\n");
}

TEST_F(LineMixerTest, EndlessLineIsNotHeldForEver) {
  for (int i = 0; i < 65; ++i) mixer_.Add(a_, std::string(1024, 'x'));
  EXPECT_EQ(mixer_.pending(), "[0] " + std::string(size_t{65} * 1024, 'x'));
}

TEST_F(LineMixerTest, ConsumedTextIsGone) {
  mixer_.Add(a_, "one\ntwo\n");
  mixer_.Consume(6);
  EXPECT_EQ(mixer_.pending(), "e\n[0] two\n");
  mixer_.Consume(10);
  EXPECT_EQ(mixer_.pending(), "");
}

TEST(LineMixerPlainTest, WithoutPrefixesBytesPassUnchanged) {
  LineMixer mixer(false);
  const size_t a = mixer.AddStream("[0] ");
  const size_t b = mixer.AddStream("[1] ");
  mixer.Add(a, std::string_view("no \0 end", 8));
  mixer.Add(b, "\xff\r");
  mixer.Finish();
  EXPECT_EQ(mixer.pending(), std::string_view("no \0 end\xff\r", 10));
}

// However the bytes are cut, each stream's own text comes out again.
TEST(LineMixerPropertyTest, PrefixesAsideEveryStreamIsKept) {
  SplitMix64 random(7);
  for (int round = 0; round < 200; ++round) {
    LineMixer mixer(true);
    std::string sent[3];
    for (int s = 0; s < 3; ++s) mixer.AddStream(StrCat(s, ">"));
    for (int step = 0; step < 60; ++step) {
      const size_t stream = random.NextBelow(3);
      std::string bytes;
      while (random.NextBelow(4) != 0) bytes += random.NextBelow(5) == 0 ? '\n' : 'a';
      sent[stream] += bytes;
      mixer.Add(stream, bytes);
    }
    mixer.Finish();
    std::string received[3];
    for (const auto line : StrSplit(mixer.pending(), '\n')) {
      if (line.empty()) continue;
      received[line[0] - '0'] += StrCat(line.substr(2), "\n");
    }
    for (int s = 0; s < 3; ++s) {
      if (!sent[s].empty() && !sent[s].ends_with('\n')) sent[s] += '\n';
      EXPECT_EQ(received[s], sent[s]);
    }
  }
}

}  // namespace
}  // namespace flexmig::agent
