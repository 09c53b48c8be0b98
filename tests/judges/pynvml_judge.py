"""Judges the library that pynvml loads. Uses pynvml's own structs, constants and exceptions only."""

import ctypes

import pynvml as n


def raises(exception, function, *arguments, **keywords):
    try:
        function(*arguments, **keywords)
    except exception:
        return
    except n.NVMLError as other:
        raise AssertionError(f"{function.__name__}{arguments}: {other!r}, not {exception}")
    raise AssertionError(f"{function.__name__}{arguments} did not raise {exception}")


InvalidArgument = n.NVMLError_InvalidArgument
NotSupported = n.NVMLError_NotSupported
raises(n.NVMLError_Uninitialized, n.nvmlDeviceGetCount)
n.nvmlInit()
assert n.nvmlSystemGetDriverVersion().count(".") == 2
assert n.nvmlDeviceGetCount() == 2
raises(InvalidArgument, n.nvmlDeviceGetHandleByIndex, 2)
raises(n.NVMLError_NotFound, n.nvmlDeviceGetHandleByUUID, b"GPU-00000000-0000-0000-0000-000000000000")
gpu = n.nvmlDeviceGetHandleByIndex(0)
uuid = n.nvmlDeviceGetUUID(gpu)
bus_id = n.nvmlDeviceGetPciInfo(gpu).busId
for same in (n.nvmlDeviceGetHandleByUUID(uuid.encode()), n.nvmlDeviceGetHandleByPciBusId(
        bus_id if isinstance(bus_id, bytes) else bus_id.encode())):
    assert n.nvmlDeviceGetUUID(same) == uuid
assert n.nvmlDeviceGetName(gpu).startswith("NVIDIA ")
assert n.nvmlDeviceGetMinorNumber(gpu) == 0
memory = n.nvmlDeviceGetMemoryInfo(gpu)
memory2 = n.nvmlDeviceGetMemoryInfo(gpu, version=n.nvmlMemory_v2)
assert memory.total == memory2.total == memory2.free + memory2.used + memory2.reserved
assert n.nvmlDeviceGetUtilizationRates(gpu).gpu == 0

# MIG off: nothing can be made, and asking for it says so.
assert n.nvmlDeviceGetMigMode(gpu) == [0, 0]
raises(NotSupported, n.nvmlDeviceCreateGpuInstance, gpu, 0)
raises(NotSupported, n.nvmlDeviceGetGpuInstanceById, gpu, 0)
assert n.nvmlDeviceSetMigMode(gpu, 1) == 0
assert n.nvmlDeviceGetMigMode(gpu) == [1, 1]
raises(NotSupported, n.nvmlDeviceGetUtilizationRates, gpu)

# Profiles by index, with holes, until the driver knows no more.
profiles = {}
index = 0
while True:
    try:
        info = n.nvmlDeviceGetGpuInstanceProfileInfo(gpu, index, version=2)
        assert info.memorySizeMB == n.nvmlDeviceGetGpuInstanceProfileInfo(gpu, index).memorySizeMB
        profiles[info.id] = info
    except NotSupported:
        pass
    except InvalidArgument:
        break
    index += 1
wrong = n.c_nvmlGpuInstanceProfileInfo_v2_t()
wrong.version = 0x01000098
function = n._nvmlGetFunctionPointer("nvmlDeviceGetGpuInstanceProfileInfoV")
assert function(gpu, 0, ctypes.byref(wrong)) == 25, "NVML_ERROR_ARGUMENT_VERSION_MISMATCH"
leaf = max(profiles.values(), key=lambda p: (p.instanceCount, -p.id))
whole = max(profiles.values(), key=lambda p: (p.memorySizeMB, p.id == 0))

# As many as the profile promises, each with one compute instance, then no more.
count = ctypes.c_uint(0)
n.nvmlDeviceGetGpuInstancePossiblePlacements(gpu, leaf.id, None, ctypes.byref(count))
places = (n.c_nvmlGpuInstancePlacement_t * count.value)()
n.nvmlDeviceGetGpuInstancePossiblePlacements(gpu, leaf.id, places, ctypes.byref(count))
assert len({(place.start, place.size) for place in places}) == count.value >= leaf.instanceCount
for made in range(leaf.instanceCount):
    assert n.nvmlDeviceGetGpuInstanceRemainingCapacity(gpu, leaf.id) == leaf.instanceCount - made
    instance = n.nvmlDeviceCreateGpuInstance(gpu, leaf.id)
    n.nvmlGpuInstanceCreateComputeInstance(instance, n.NVML_COMPUTE_INSTANCE_PROFILE_1_SLICE)
raises(n.NVMLError_InsufficientResources, n.nvmlDeviceCreateGpuInstance, gpu, leaf.id)
raises(n.NVMLError_InsufficientResources, n.nvmlDeviceCreateGpuInstance, gpu, whole.id)
raises(InvalidArgument, n.nvmlDeviceCreateGpuInstance, gpu, 98)

# The walk that tools do: MIG devices by index, without holes here.
seen = set()
for index in range(n.nvmlDeviceGetMaxMigDeviceCount(gpu)):
    try:
        device = n.nvmlDeviceGetMigDeviceHandleByIndex(gpu, index)
    except n.NVMLError_NotFound:
        assert index >= leaf.instanceCount
        continue
    assert n.nvmlDeviceIsMigDeviceHandle(device)
    parent = n.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(device)
    assert n.nvmlDeviceGetUUID(parent) == uuid
    mig_uuid = n.nvmlDeviceGetUUID(device)
    assert mig_uuid.startswith("MIG-") and mig_uuid not in seen
    seen.add(mig_uuid)
    assert n.nvmlDeviceGetUUID(n.nvmlDeviceGetHandleByUUID(mig_uuid.encode())) == mig_uuid
    gi = n.nvmlDeviceGetGpuInstanceId(device)
    info = n.nvmlGpuInstanceGetInfo(n.nvmlDeviceGetGpuInstanceById(gpu, gi))
    assert info.id == gi and info.profileId == leaf.id
    assert n.nvmlDeviceGetComputeInstanceId(device) == 0
    attributes = n.nvmlDeviceGetAttributes(device)
    assert attributes.multiprocessorCount == leaf.multiprocessorCount
    assert attributes.memorySizeMB == leaf.memorySizeMB
    assert n.nvmlDeviceGetMemoryInfo(device).total == leaf.memorySizeMB << 20
    assert " MIG " in n.nvmlDeviceGetName(device)
    raises(NotSupported, n.nvmlDeviceGetUtilizationRates, device)
    assert n.nvmlDeviceGetComputeRunningProcesses(device) == []
assert len(seen) == leaf.instanceCount
raises(NotSupported, n.nvmlDeviceGetGpuInstanceId, gpu)

# From the inside out.
def instances():
    buffer = (n.c_nvmlGpuInstance_t * leaf.instanceCount)()
    count = ctypes.c_uint(0)
    n._nvmlCheckReturn(n._nvmlGetFunctionPointer("nvmlDeviceGetGpuInstances")(
        gpu, leaf.id, buffer, ctypes.byref(count)))
    return buffer[:count.value]

assert len(instances()) == leaf.instanceCount
status = ctypes.c_uint(0)
assert n._nvmlGetFunctionPointer("nvmlDeviceSetMigMode")(gpu, 0, ctypes.byref(status)) == 0
assert status.value == n.NVML_ERROR_IN_USE and n.nvmlDeviceGetMigMode(gpu) == [1, 1]
for instance in instances():
    raises(n.NVMLError_InUse, n.nvmlGpuInstanceDestroy, instance)
    part = n.nvmlGpuInstanceGetComputeInstanceById(instance, 0)
    assert n.nvmlComputeInstanceGetInfo(part).id == 0
    n.nvmlComputeInstanceDestroy(part)
    raises(InvalidArgument, n.nvmlComputeInstanceDestroy, part)
    n.nvmlGpuInstanceDestroy(instance)
    raises(InvalidArgument, n.nvmlGpuInstanceGetInfo, instance)
raises(n.NVMLError_NotFound, n.nvmlDeviceGetMigDeviceHandleByIndex, gpu, 0)
assert n.nvmlDeviceSetMigMode(gpu, 0) == 0
n.nvmlShutdown()
raises(n.NVMLError_Uninitialized, n.nvmlDeviceGetCount)
print(f"pynvml agrees: {leaf.instanceCount} x {leaf.name}")
