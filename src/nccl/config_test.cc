#include "config.h"

#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::nccl {
namespace {

using testing::HasSubstr;

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override { ::unsetenv("NCCL_COMM_BLOCKING"); }
  void TearDown() override { SetUp(); }

  // As a caller of a version whose configuration has `bytes` bytes: what lies behind is not read.
  static Result<Config> ParseCut(const ncclConfig_t& whole, size_t bytes) {
    std::vector<unsigned char> memory(bytes, 0xee);
    std::memcpy(memory.data(), &whole, std::min(bytes, sizeof whole));
    std::memcpy(memory.data(), &bytes, sizeof bytes);
    std::string told;
    // Exactly as large as it says, so that the address sanitizer sees a byte too many.
    return ParseConfig(static_cast<const ncclConfig_t*>(static_cast<void*>(memory.data())),
                       Config{}, told);
  }

  std::string told_;
};

TEST_F(ConfigTest, NullAndUnsetFieldsAreInherited) {
  const Config inherited{false, "parent"};
  const ncclConfig_t unset = NCCL_CONFIG_INITIALIZER;
  const ncclConfig_t* const cases[] = {nullptr, &unset};
  for (const ncclConfig_t* const config : cases) {
    const auto parsed = ParseConfig(config, inherited, told_);
    ASSERT_TRUE(parsed.ok());
    EXPECT_FALSE(parsed->blocking);
    EXPECT_EQ(parsed->name, "parent");
    EXPECT_EQ(told_, "");
  }
}

TEST_F(ConfigTest, FieldsWithoutEffectAreNamed) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  config.commName = "job";
  config.maxCTAs = 4;
  config.splitShare = 1;
  config.netName = "IB";
  const auto parsed = ParseConfig(&config, Config{}, told_);
  ASSERT_TRUE(parsed.ok());
  EXPECT_FALSE(parsed->blocking);
  EXPECT_EQ(parsed->name, "job");
  EXPECT_THAT(told_, HasSubstr("maxCTAs 4, splitShare 1, netName"));
  EXPECT_THAT(told_, testing::Not(HasSubstr("blocking")));
}

TEST_F(ConfigTest, OlderCallersPassLess) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  config.commName = "beyond";
  // 2.14: up to blocking. 2.17: up to netName. 2.18: splitShare. 2.27: shrinkShare.
  for (const size_t bytes : {20U, 24U, 40U, 48U, 52U, 64U, 72U, 80U}) {
    const auto parsed = ParseCut(config, bytes);
    ASSERT_TRUE(parsed.ok()) << bytes << ": " << parsed.status().ToString();
    EXPECT_FALSE(parsed->blocking) << bytes;
    // A pointer that is not wholly there is not there.
    EXPECT_EQ(parsed->name, bytes >= 56 ? "beyond" : "") << bytes;
  }
}

TEST_F(ConfigTest, NewerCallersPassMore) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 1;
  const auto parsed = ParseCut(config, 120);
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed->blocking);
}

TEST_F(ConfigTest, WhatNcclWouldRefuseIsRefused) {
  const std::function<void(ncclConfig_t&)> changes[] = {
      [](auto& c) { c.magic = 0; },
      [](auto& c) { c.size = 0; },
      [](auto& c) { c.size = 16; },
      [](auto& c) { c.size = size_t{1} << 40; },
      [](auto& c) { c.blocking = 2; },
      [](auto& c) { c.blocking = -1; },
      [](auto& c) { c.cgaClusterSize = 9; },
      [](auto& c) { c.minCTAs = 0; },
      [](auto& c) { c.maxCTAs = -3; },
      [](auto& c) {
        c.minCTAs = 5;
        c.maxCTAs = 4;
      },
      [](auto& c) { c.splitShare = 2; },
      [](auto& c) { c.CTAPolicy = 4; },
      [](auto& c) { c.nvlinkCentricSched = 7; },
  };
  for (const auto& change : changes) {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    change(config);
    EXPECT_EQ(ParseConfig(&config, Config{}, told_).status().code(), StatusCode::kInvalidArgument)
        << &change - changes;
  }
}

TEST_F(ConfigTest, EnvironmentOverridesBlocking) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 1;
  ::setenv("NCCL_COMM_BLOCKING", "0", 1);
  EXPECT_FALSE(ParseConfig(&config, Config{}, told_)->blocking);
  ::setenv("NCCL_COMM_BLOCKING", "yes", 1);
  const auto refused = ParseConfig(&config, Config{}, told_);
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.status().message(), HasSubstr("NCCL_COMM_BLOCKING"));
}

}  // namespace
}  // namespace flexmig::nccl
