#include "flexmig/sim/scheme.h"

#include <gtest/gtest.h>

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

Status Refusal(std::string_view name) { return MakeScheme(name, Setting().Context()).status(); }

TEST(SchemeTest, UnknownNamesListTheKnownOnes) {
  EXPECT_EQ(Refusal("mig").code(), StatusCode::kNotFound);
  EXPECT_EQ(Refusal("mig").message(),
            "no policy 'mig'; there are whole-gpu, exclusive, static:<layout>, dynamic-drain, "
            "dynamic-partial, flexmig, flexmig-moldable, flexmig-rounded");
  EXPECT_EQ(Refusal("").code(), StatusCode::kNotFound);
  EXPECT_EQ(Refusal("static").code(), StatusCode::kNotFound);
}

TEST(SchemeTest, LayoutsThatCannotBeAreRefusedByName) {
  EXPECT_EQ(Refusal("static:9g.90gb").code(), StatusCode::kNotFound);
  EXPECT_EQ(Refusal("static:8x1g.5gb").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Refusal("static:").code(), StatusCode::kNotFound);
  EXPECT_NE(Refusal("static:7g.40gb/9g.90gb").message().find("policy 'static:7g.40gb/9g.90gb'"),
            std::string::npos);
}

TEST(SchemeTest, OnlyWhatSharesTheSpeedModelIsABaseline) {
  const auto role = [](const char* name) {
    return (*MakeScheme(name, Setting().Context()))->role();
  };
  for (const char* name : {"exclusive", "static:7g.40gb", "dynamic-drain"}) {
    EXPECT_EQ(role(name), Role::kBaseline) << name;
  }
  EXPECT_EQ(role("whole-gpu"), Role::kReference);
  EXPECT_EQ(role("flexmig"), Role::kFlexmig);
}

TEST(SchemeTest, DescriptionsShowTheLayoutAsItIs) {
  EXPECT_EQ((*MakeScheme("static:7g.40gb/1g.5gb:2,2g.10gb:1", Setting().Context()))->Describe(),
            "one instance a job; GPUs in turn 1 x 7g.40gb | 2 x 1g.5gb + 1 x 2g.10gb");
  EXPECT_EQ((*MakeScheme("flexmig", Setting().Context()))->Describe(),
            "one job on many leaves; every GPU 7 x 1g.5gb, chosen by first-fit");
}

TEST(SchemeTest, EveryBoardCanRunEveryScheme) {
  for (const mig::GpuModel& model : mig::AllGpuModels()) {
    const SchemeContext context{&model, {1, 2}, SpeedModel(model, {}), {}, {}, "pack"};
    const auto records = Records({{0, 100, 14}, {0, 100, 50}, {0, 100, 81}, {0, 100, 200}});
    const auto workload = MakeWorkload(records, model, 2, context.speeds, {});
    ASSERT_TRUE(workload.ok()) << model.key;
    for (const char* name : {"whole-gpu", "exclusive", "dynamic-drain", "dynamic-partial",
                             "flexmig", "flexmig-moldable", "flexmig-rounded"}) {
      const auto scheme = MakeScheme(name, context);
      ASSERT_TRUE(scheme.ok()) << model.key << " " << name;
      const auto outcome = Simulate(*workload, **scheme, *sched::MakeQueuePolicy("fifo"));
      ASSERT_TRUE(outcome.ok()) << model.key << ": " << outcome.status().ToString();
      EXPECT_EQ(outcome->first_rejection, "") << model.key << " " << name;
    }
  }
}

}  // namespace
}  // namespace flexmig::sim
