// The declarations against CUDA's own header, where there is one.

#include <fstream>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "flexmig/cuda_abi/result_code.h"

#include "facts_for_test.h"

namespace flexmig::cuda_abi {
namespace {

TEST(CudaAbiTest, TheComparedListHasEveryFunctionAndCode) {
  const Facts own = OwnFacts();
  std::ifstream file(FLEXMIG_CUDA_FUNCTIONS_H);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::regex declaration(R"(\b(cu[A-Z]\w*)\()");
  std::set<std::string> declared;
  for (std::sregex_iterator at(text.begin(), text.end(), declaration), end; at != end; ++at) {
    declared.insert((*at)[1]);
  }
  EXPECT_GT(declared.size(), 90U);
  std::set<std::string> listed;
  for (const auto& [name, shape] : own.functions) listed.insert(name);
  EXPECT_EQ(listed, declared);
  for (const ResultCode code : kAllResultCodes) {
    const auto found = own.values.find(std::string(ResultName(code)));
    ASSERT_NE(found, own.values.end()) << ResultName(code);
    EXPECT_EQ(found->second, static_cast<unsigned long long>(code));
  }
}

TEST(CudaAbiTest, TheHeaderSaysTheSame) {
#if FLEXMIG_HAS_CUDA_H
  const Facts own = OwnFacts();
  const Facts theirs = HeaderFacts();
  EXPECT_EQ(own.functions, theirs.functions);
  EXPECT_EQ(own.values, theirs.values);
#else
  GTEST_SKIP() << "no cuda.h of CUDA 13.0 or later was found when this was built";
#endif
}

}  // namespace
}  // namespace flexmig::cuda_abi
