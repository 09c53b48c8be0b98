#include "app.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "flexmig/base/file.h"
#include "flexmig/base/random.h"

#include "exit_code.h"
#include "flexmig_backend.h"

namespace flexmig::perf {
namespace {

// Ours, but the last element of rank 1's result is another one.
class CorruptingBackend final : public Backend {
 public:
  CorruptingBackend(std::unique_ptr<Backend> real, int rank)
      : real_(std::move(real)), rank_(rank) {}
  std::string Version() const override { return real_->Version(); }
  Status Offers(const Call& call) const override { return real_->Offers(call); }
  Result<std::byte*> Allocate(size_t bytes, bool registered) override {
    return real_->Allocate(bytes, registered);
  }
  Status Run(const Call& call) override {
    FLEXMIG_RETURN_IF_ERROR(real_->Run(call));
    const size_t bytes = call.count * reduce::ElementBytes(call.type);
    if (rank_ == 1) static_cast<std::byte*>(call.receive)[bytes - 1] ^= std::byte{1};
    return OkStatus();
  }

 private:
  std::unique_ptr<Backend> real_;
  int rank_;
};

Library Corrupting() {
  return {"flexmig", "", {}, [](const Membership& membership, const GroupConfig& config) {
            auto real = MakeFlexmigBackend(membership, config);
            if (!real.ok()) return real;
            return Result<std::unique_ptr<Backend>>(
                std::make_unique<CorruptingBackend>(std::move(real).value(), membership.rank));
          }};
}

Options SmallOptions() {
  Options options;
  options.collectives = {Collective::kAllReduce};
  options.types = {reduce::DataType::kFloat32};
  options.group.min_bytes = options.group.max_bytes = 1024;
  options.group.time = std::chrono::milliseconds(1);
  options.group.pin = false;
  return options;
}

TEST(AppTest, RightResultsAreExitCodeZero) {
  EXPECT_EQ(RunApp(SmallOptions(), FlexmigLibrary()), app::kExitOk);
}

TEST(AppTest, OneWrongElementIsCountedAndIsExitCodeOne) {
  Options options = SmallOptions();
  options.json_path = std::filesystem::temp_directory_path() / ("hsm-perf-" + RandomHex(8));
  EXPECT_EQ(RunApp(options, Corrupting()), app::kExitNegative);
  const auto text = ReadFile(options.json_path);
  std::filesystem::remove(options.json_path);
  ASSERT_TRUE(text.ok());
  const auto json = nlohmann::json::parse(*text);
  ASSERT_EQ(json["points"].size(), 2u);
  for (const auto& point : json["points"]) EXPECT_EQ(point["wrong"], 1);
}

TEST(AppTest, WithoutChecksNobodyNotices) {
  Options options = SmallOptions();
  options.group.check = false;
  EXPECT_EQ(RunApp(options, Corrupting()), app::kExitOk);
}

TEST(AppTest, AMissingPeerIsExitCodeTwo) {
  Options options = SmallOptions();
  options.peers = {"nccl"};
  EXPECT_EQ(RunApp(options, FlexmigLibrary()), app::kExitUsage);
}

}  // namespace
}  // namespace flexmig::perf
