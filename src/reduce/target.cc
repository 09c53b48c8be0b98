#include "target.h"

#include <array>
#include <atomic>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "flexmig/base/check.h"

namespace flexmig::reduce {
namespace {

#if defined(__x86_64__)
// clang 14 does not know the feature by name. Its registers are AVX2's.
bool HasF16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

// Highway's own list of processor features is in its shared library, which this module does not
// link: a user's process gets nothing but our code. These are all that Highway lets the compiler
// use for the target; the compiler's check includes that the system saves the registers.
bool ProcessorRuns(Target target) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && HasF16c() &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                    __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
  if (target == Target::kAvx2) return avx2;
  if (target == Target::kAvx3) {
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  }
#endif
  // Elsewhere the target is the baseline, which the program needs anyway.
  return true;
}

bool Runs(Target target) {
  return kFloatKernels[static_cast<size_t>(target)] != nullptr && ProcessorRuns(target);
}

KernelTable MakeTable(Target target) {
  const auto index = static_cast<size_t>(target);
  KernelTable table{};
  for (const DataType type : kAllDataTypes) {
    for (const ReduceOp op : kAllReduceOps) {
      Kernel& kernel = table.kernels[static_cast<size_t>(type)][static_cast<size_t>(op)];
      for (const auto& family :
           {kFloatKernels, kIntKernels, kInt8Kernels, kHalfKernels, kFloat8Kernels}) {
        if (kernel == nullptr) kernel = family[index](type, op);
      }
      FLEXMIG_CHECK(kernel != nullptr);
    }
  }
  return table;
}

const KernelTable& TableOf(Target target) {
  static const std::array<KernelTable, kTargets> tables = [] {
    std::array<KernelTable, kTargets> made{};
    for (const Target runnable : RunnableTargets()) {
      made[static_cast<size_t>(runnable)] = MakeTable(runnable);
    }
    return made;
  }();
  return tables[static_cast<size_t>(target)];
}

// Published by release in ActiveKernels and UseTarget, read by acquire in ActiveKernels.
std::atomic<const KernelTable*> active{nullptr};

}  // namespace

const KernelTable& ActiveKernels() {
  const KernelTable* table = active.load(std::memory_order_acquire);
  if (table == nullptr) [[unlikely]] {
    table = &TableOf(RunnableTargets().front());
    active.store(table, std::memory_order_release);
  }
  return *table;
}

std::vector<Target> RunnableTargets() {
  std::vector<Target> targets;
  for (const Target target : {Target::kAvx3, Target::kAvx2, Target::kNeon, Target::kBaseline}) {
    if (Runs(target)) targets.push_back(target);
  }
  return targets;
}

std::string_view TargetName(Target target) {
  switch (target) {
    case Target::kAvx3: return "AVX-512";
    case Target::kAvx2: return "AVX2";
    case Target::kNeon: return "NEON";
    case Target::kBaseline: return "baseline";
  }
  return "invalid";
}

void UseTarget(Target target) {
  FLEXMIG_CHECK(Runs(target));
  active.store(&TableOf(target), std::memory_order_release);
}

}  // namespace flexmig::reduce
