// The read-only part of the contract on this machine's own boards. Changes nothing.

#include <cstdio>

#include <gtest/gtest.h>

#include "flexmig/nvml/nvml_backend.h"

#include "read_only.h"

namespace flexmig::contract {
namespace {

TEST(RealBoardTest, WhatIsListedIsConsistent) {
  auto backend = nvml::OpenNvml(nvml::NvmlOptions());
  if (!backend.ok()) GTEST_SKIP() << "no driver here: " << backend.status().message();
  const auto gpus = (*backend)->ListGpus();
  ASSERT_TRUE(gpus.ok()) << gpus.status().ToString();
  if (gpus->empty()) GTEST_SKIP() << "the driver lists no GPU";
  CheckReadOnly(**backend);
  for (const hw::GpuStatus& gpu : *gpus) {
    std::printf("GPU %d: %.*s (%.*s), NUMA node %d, MIG %s, pending %s, %zu profiles\n",
                gpu.index.value(), static_cast<int>(gpu.model->product.size()),
                gpu.model->product.data(), static_cast<int>(gpu.model->key.size()),
                gpu.model->key.data(), gpu.numa_node, gpu.mig_enabled ? "on" : "off",
                gpu.mig_enabled_pending ? "on" : "off", gpu.model->profiles.size());
    for (const mig::Profile& profile : gpu.model->profiles) {
      std::printf("  %-14.*s id %2d, %d + %d slices, %d SMs, %.2f GiB, at",
                  static_cast<int>(profile.name.size()), profile.name.data(), profile.id.value(),
                  profile.compute_slices, profile.memory_slices, profile.sms.value_or(-1),
                  profile.memory.value_or(Bytes()).gib());
      for (const int start : profile.starts) std::printf(" %d", start);
      std::printf("\n");
    }
  }
}

}  // namespace
}  // namespace flexmig::contract
