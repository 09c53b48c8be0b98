#include "flexmig/sim/communication.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::sim {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

// A step of 100 ms, and 10 ms for what one rank sends.
Communication Links() {
  Communication links;
  links.kind = Communication::Kind::kLinks;
  links.gradient = Bytes::Of(100'000'000);
  links.step = 100ms;
  links.link_per_second = Bytes::Of(10'000'000'000);
  links.latency = 0us;
  links.overlap = 0;
  return links;
}

TEST(CommunicationTest, EfficiencyIsOneNumberForAll) {
  Communication model;
  model.efficiency = 900'000;
  EXPECT_EQ(model.SpeedUnder(450'000, {2'000'000}), 405'000);
  EXPECT_EQ(model.SpeedUnder(450'000, {70'000'000, 1'000'000}), 405'000);
  EXPECT_EQ(model.SharesOf(450'000, {7'000'000}).links, 0);
}

TEST(CommunicationTest, ExchangeOverALinkTakesAsLongAsAllItsRanksTogether) {
  // 4 ranks: 40 ms beside 100 ms of computation at full speed, 200 ms at half.
  EXPECT_EQ(Links().SpeedUnder(1'000'000, {4'000'000}), 1'000'000 * 100 / 140);
  EXPECT_EQ(Links().SpeedUnder(500'000, {4'000'000}), 500'000 * 200 / 240);
  EXPECT_EQ(Links().SpeedUnder(1'000'000, {4'500'000}), 1'000'000 * 100 / 145);
}

TEST(CommunicationTest, OverlapHidesAPartOfTheStep) {
  Communication links = Links();
  links.overlap = 300'000;
  EXPECT_EQ(links.SpeedUnder(1'000'000, {3'000'000}), 1'000'000);
  EXPECT_EQ(links.SpeedUnder(1'000'000, {4'000'000}), 1'000'000 * 100 / 110);
}

TEST(CommunicationTest, LatencyIsPaidEveryStep) {
  Communication links = Links();
  links.latency = 5ms;
  EXPECT_EQ(links.SpeedUnder(1'000'000, {2'000'000}), 1'000'000 * 100 / 125);
}

TEST(CommunicationTest, LinkShareIsTheExchangesPartOfTheStep) {
  EXPECT_EQ(Links().SharesOf(1'000'000, {4'000'000}).links, 1'000'000 * int64_t{40} / 140);
  Communication all = Links();
  all.step = 1us;
  EXPECT_GT(all.SharesOf(1'000'000, {4'000'000}).links, 999'000);
  EXPECT_GE(all.SpeedUnder(1, {64'000'000}), 1) << "never stands still";
}

// 100 MB through 2 GB/s take 50 ms: what a ring of two nodes sends from each.
TEST(CommunicationTest, NetworkComesOnTopOfLinks) {
  Communication links = Links();
  links.network_per_second = Bytes::Of(2'000'000'000);
  EXPECT_EQ(Communication::MicroGradients(1), 0);
  EXPECT_EQ(Communication::MicroGradients(2), 1'000'000);
  EXPECT_EQ(Communication::MicroGradients(4), 1'500'000);
  const Communication::Load two_nodes{4'000'000, Communication::MicroGradients(2)};
  EXPECT_EQ(links.SpeedUnder(1'000'000, two_nodes), 1'000'000 * int64_t{100} / 190);
  EXPECT_EQ(links.SpeedUnder(1'000'000, {4'000'000, Communication::MicroGradients(4)}),
            1'000'000 * int64_t{100} / 215);
  EXPECT_EQ(links.SharesOf(1'000'000, two_nodes).links, 1'000'000 * int64_t{40} / 190);
  EXPECT_EQ(links.SharesOf(1'000'000, two_nodes).network, 1'000'000 * int64_t{50} / 190);
  EXPECT_EQ(links.SharesOf(1'000'000, {4'000'000}).network, 0);
}

TEST(CommunicationTest, ParsesWhatItDescribes) {
  EXPECT_EQ(Communication::Parse("none")->efficiency, 1'000'000);
  EXPECT_EQ(Communication::Parse("0.85")->efficiency, 850'000);
  EXPECT_EQ(
      Communication::Parse("links")->Describe(),
      "a step of 0.16s on a whole GPU exchanges 102.4 MB a rank through host links of 24.0 "
      "GB/s each way, shared by all ranks of a GPU, 0.00006s latency, hidden up to 0.50 of the "
      "step; jobs over nodes share 25.0 GB/s each way a node (assumptions)");
  const auto own = Communication::Parse(
      "links:gradient=1MB,step=2s,link=3GB,latency=0us,overlap=0.25,network=5GB");
  ASSERT_TRUE(own.ok()) << own.status().ToString();
  EXPECT_THAT(own->Describe(), HasSubstr("a step of 2s on a whole GPU exchanges 1.0 MB"));
  EXPECT_EQ(own->overlap, 250'000);
  EXPECT_EQ(own->network_per_second, Bytes::Of(5'000'000'000));
}

TEST(CommunicationTest, RefusesWhatItDoesNotKnow) {
  for (const char* text :
       {"", "0", "1.1", "nan", "link", "links:", "links:step", "links:step=0s", "links:step=2h",
        "links:link=0B", "links:network=0B", "links:gradient=-1MB", "links:x=1", "links:overlap=2",
        "linksstep=1s", "links:step=1s,"}) {
    const auto parsed = Communication::Parse(text);
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace flexmig::sim
