#include "flexmig/device_kernels/exchange_kernel.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace flexmig::device_kernels {
namespace {

using testing::HasSubstr;
using testing::Not;

class ExchangeKernelTest : public testing::Test {
 protected:
  void SetUp() override {
    if (ExchangeKernelPtx().empty()) GTEST_SKIP() << "built without kernels (FLEXMIG_KERNELS)";
  }
};

TEST_F(ExchangeKernelTest, TextIsThatOfOneEntryWithItsElevenParameters) {
  const std::string text(ExchangeKernelPtx());
  EXPECT_THAT(text, HasSubstr("\n.version 7.0\n.target sm_80\n.address_size 64\n"));
  const std::regex entry(R"(\.visible \.entry (\w+)\(([^)]*)\))");
  std::smatch match;
  ASSERT_TRUE(std::regex_search(text, match, entry));
  EXPECT_EQ(match[1], kExchangeKernelName);
  const std::string parameters = match[2];
  const std::regex parameter(R"(\.param \.u64 \w+)");
  EXPECT_EQ(std::distance(std::sregex_iterator(parameters.begin(), parameters.end(), parameter),
                          std::sregex_iterator()),
            11);
  EXPECT_EQ(std::count(parameters.begin(), parameters.end(), '.'), 22);  // and none of another kind
  const std::string rest = match.suffix();
  EXPECT_FALSE(std::regex_search(rest, entry));
  EXPECT_THAT(text, Not(HasSubstr(".extern")));
}

// What the host and the kernel tell each other is ordered for the whole system, and what the host
// has written is not taken from the read-only cache.
TEST_F(ExchangeKernelTest, WordsAreReadAndWrittenWithSystemScope) {
  const std::string text(ExchangeKernelPtx());
  const size_t fence = text.find("fence.acq_rel.sys;");
  const size_t barrier = text.find("bar.sync", fence);
  const size_t start = text.find("st.release.sys.u64", barrier);
  const size_t wait = text.find("ld.acquire.sys.u64", start);
  const size_t end = text.find("bar.red.and.pred", wait);
  EXPECT_NE(end, std::string::npos);
  EXPECT_THAT(text, HasSubstr("nanosleep.u32"));
  EXPECT_THAT(text, Not(HasSubstr("ld.global.nc")));
  EXPECT_THAT(text, Not(HasSubstr(".local")));
}

// What a command prints, and whether it succeeded.
struct Ran {
  bool ok = false;
  std::string output;
};
Ran RunCommand(const std::string& command) {
  Ran ran;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return ran;
  std::array<char, 512> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) ran.output += buffer.data();
  ran.ok = ::pclose(pipe) == 0;
  return ran;
}

TEST_F(ExchangeKernelTest, ToolkitAssemblesItForEveryTargetThatItKnows) {
  const std::string ptxas = "/usr/local/cuda/bin/ptxas";
  if (::access(ptxas.c_str(), X_OK) != 0) GTEST_SKIP() << "no " << ptxas << " on this machine";
  const std::string path =
      testing::TempDir() + "exchange_kernel_test." + std::to_string(::getpid()) + ".ptx";
  std::ofstream(path) << ExchangeKernelPtx();
  std::vector<std::string> assembled;
  for (const char* target : {"sm_80", "sm_86", "sm_87", "sm_89", "sm_90", "sm_100", "sm_103",
                             "sm_110", "sm_120", "sm_121"}) {
    std::string command = ptxas;
    command.append(" -arch=").append(target).append(" -o /dev/null '").append(path).append("'");
    const Ran ran = RunCommand(command);
    if (ran.output.find("is not defined for option 'gpu-name'") != std::string::npos) continue;
    EXPECT_TRUE(ran.ok) << target << ": " << ran.output;
    if (ran.ok) assembled.emplace_back(target);
  }
  ::unlink(path.c_str());
  EXPECT_THAT(assembled, testing::Contains("sm_80"));
  EXPECT_THAT(assembled, testing::Contains("sm_90"));
}

}  // namespace
}  // namespace flexmig::device_kernels
