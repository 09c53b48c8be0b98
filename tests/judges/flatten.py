"""Cuts every GPU of the node that pynvml sees into its smallest leaves."""

import pynvml as n

n.nvmlInit()
for index in range(n.nvmlDeviceGetCount()):
    gpu = n.nvmlDeviceGetHandleByIndex(index)
    n.nvmlDeviceSetMigMode(gpu, 1)
    leaf = n.nvmlDeviceGetGpuInstanceProfileInfo(gpu, n.NVML_GPU_INSTANCE_PROFILE_1_SLICE)
    for _ in range(leaf.instanceCount):
        instance = n.nvmlDeviceCreateGpuInstance(gpu, leaf.id)
        n.nvmlGpuInstanceCreateComputeInstance(instance, n.NVML_COMPUTE_INSTANCE_PROFILE_1_SLICE)
n.nvmlShutdown()
