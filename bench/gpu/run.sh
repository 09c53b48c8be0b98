#!/usr/bin/env bash
# Builds, checks and times the collectives on a machine with one GPU without MIG, in one call, and
# writes text. Changes nothing on the machine: nvidia-smi is only asked.
#
#   bench/gpu/run.sh [--out FOLDER] [--seconds 560] [--build FOLDER] [--stock LIBRARY]
#                    [--newest LIBRARY | --nccl-source FOLDER] [--python PROGRAM] [--simulated]
#
# --build        a folder that cmake has built already; else build/release is configured and built
# --stock        the NCCL to compare with; else that of PyTorch, else the one that ldconfig knows. Every
#                rank gets a host id of its own, so it exchanges through sockets
# --newest       an NCCL from 2.31 on to compare with, through its shared memory
# --nccl-source  NCCL's source, from which that one is built, for this GPU alone
# --simulated    on the simulated driver instead, with tiny sizes: a trial of this script, whose times
#                mean nothing
#
# N processes share the one GPU as a stand-in for leaves, which every table says. What does not fit into
# --seconds is left out, and named. Exit codes: 0, 1 if a check failed, 77 without a GPU.
set -uo pipefail
cd "$(dirname "$0")/../.."

out= seconds=560 build= stock= newest= source= python=python3 simulated=false
while [ $# -gt 0 ]; do
  case "$1" in
    --out) out=$2; shift ;;
    --seconds) seconds=$2; shift ;;
    --build) build=$2; shift ;;
    --stock) stock=$2; shift ;;
    --newest) newest=$2; shift ;;
    --nccl-source) source=$2; shift ;;
    --python) python=$2; shift ;;
    --simulated) simulated=true ;;
    *) sed -n '2,/^set/p' "$0" | grep '^#' >&2; exit 2 ;;
  esac
  shift
done

failed=0
left() { echo $((seconds - SECONDS)); }
say() { printf '\n## %s\n' "$*"; }
omit() { echo "LEFT OUT: $*"; }
# attempt LIMIT WHAT COMMAND...: within the limit and what is left of the time. 77 is no failure.
attempt() {
  local limit=$1 what=$2 code=0
  shift 2
  [ "$(left)" -gt 5 ] || { omit "$what: no time left"; return 1; }
  [ "$limit" -le "$(left)" ] || limit=$(left)
  timeout --kill-after=5 "$limit" "$@" 2>&1 || code=$?
  case $code in
    0) return 0 ;;
    77) omit "$what: see the line above" ;;
    124 | 137) echo "FAILED: $what was not done in $limit s"; failed=1 ;;
    *) echo "FAILED: $what, exit code $code"; failed=1 ;;
  esac
  return "$code"
}

if ! $simulated; then
  gpus=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)
  [ -n "$gpus" ] || { echo "SKIPPED: nvidia-smi names no GPU here" >&2; exit 77; }
fi
if [ -n "$out" ]; then
  mkdir -p "$out"
  exec > >(tee "$out/gpu.txt") 2>&1
fi

say "Machine"
date -u +%Y-%m-%dT%H:%MZ
git log -1 --format='flexmig %h, %cs' 2>/dev/null
lscpu 2>/dev/null | grep -E '^(Model name|CPU\(s\)|NUMA node\(s\)|L3 cache)'
if $simulated; then
  echo "SIMULATED GPU: the times below mean nothing"
else
  nvidia-smi --query-gpu=name,driver_version,mig.mode.current,pcie.link.gen.current,pcie.link.width.current,memory.total,clocks.max.sm \
    --format=csv
fi

if [ -z "$build" ]; then
  say "Build"
  build=build/release
  attempt 300 "configuring" cmake --preset release || exit 1
  attempt 400 "the build" cmake --build --preset release --parallel "$(nproc)" \
    --target flexmig_nccl nccl-perf | tail -n 3
fi
perf=$build/bin/nccl-perf
ours=$(realpath -m "${FLEXMIG_NCCL_DROPIN:-$build/lib/flexmig/nccl/libnccl.so.2}")
for file in "$perf" "$ours"; do
  [ -e "$file" ] || { echo "FAILED: there is no $file" >&2; exit 1; }
done

torch=$("$python" -c 'import torch; print(torch.__version__)' 2>/dev/null)
say "PyTorch: ${torch:-none here for $python, so its tests are left out}"
if [ -z "$stock" ] && [ -n "$torch" ]; then
  # In the packages' folder for NVIDIA's libraries, or among PyTorch's own.
  stock=$("$python" - <<'END'
import glob, os, torch
site = os.path.dirname(os.path.dirname(torch.__file__))
for pattern in ("nvidia/nccl/lib/libnccl.so.2", "torch/lib/libnccl.so.2"):
    for path in glob.glob(os.path.join(site, pattern)):
        print(path)
        raise SystemExit
END
)
fi
[ -n "$stock" ] || stock=$(ldconfig -p 2>/dev/null | awk '$1 == "libnccl.so.2" {print $NF; exit}')
$simulated && [ "$stock" != "$ours" ] && stock=

if [ -n "$source" ]; then
  say "NCCL from $source"
  if command -v nvcc >/dev/null || [ -x "${CUDA_HOME:=/usr/local/cuda}/bin/nvcc" ]; then
    sm=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d .)
    built=$(realpath -m "$build/nccl-newest")
    attempt 240 "building NCCL" make -C "$source" -s -j"$(nproc)" src.build "BUILDDIR=$built" \
      "CUDA_HOME=${CUDA_HOME:-/usr/local/cuda}" "NVCC_GENCODE=-gencode=arch=compute_$sm,code=sm_$sm" |
      tail -n 3
    [ -e "$built/lib/libnccl.so.2" ] && newest=$built/lib/libnccl.so.2
  else
    omit "NCCL from source: no nvcc here"
  fi
fi

libraries=(-l "ours=$ours")
[ -n "$stock" ] && libraries+=(-l "stock=$(realpath "$stock"),NCCL_HOSTID=rank%r,NCCL_MNNVL_ENABLE=0,NCCL_SOCKET_IFNAME=lo")
[ -n "$newest" ] && libraries+=(-l "newest=$(realpath "$newest"),NCCL_MULTI_RANK_GPU_ENABLE=1,NCCL_MNNVL_ENABLE=0,NCCL_MAX_CTAS=4")
[ -n "$stock" ] || omit "stock NCCL: none is found; name it with --stock"
[ -n "$newest" ] || omit "NCCL from 2.31 on: name it with --newest or its source with --nccl-source"

if $simulated; then
  state=$(mktemp -d "${TMPDIR:-/tmp}/flexmig-gpu-XXXXXXXX")
  trap 'rm -rf "$state"' EXIT
  export FLEXMIG_SIM_NODE=h200x1 FLEXMIG_STATE_DIR=$state
  FLEXMIG_CUDA_PATH=$(realpath "$build/lib/flexmig/cuda-sim/libcuda.so.1")
  export FLEXMIG_CUDA_PATH
  counts=(2 3) sizes=(-b 1K -e 256K -f 16 -w 1 -s 3 -t 0.2) few=(-b 64K -e 64K -w 1 -s 3)
  busy=(-b 64K -e 64K -w 0 -s 1)
else
  counts=(2 4 7) sizes=(-b 8 -e 256M -f 4 -t 0.6) few=(-b 4K -e 64M -f 128 -t 0.4)
  busy=(-b 64M -e 64M -w 1 -s 3)
fi

# measure N WHAT ARGUMENTS...: with all libraries; if that fails, with ours alone, so that a peer
# that cannot run here does not hide ours.
measure() {
  local ranks=$1 what=$2
  shift 2
  say "$what, $ranks processes"
  attempt 120 "$what with all libraries" "$perf" -n "$ranks" "${libraries[@]}" "$@" && return
  [ ${#libraries[@]} -gt 2 ] || return
  say "$what, $ranks processes, ours alone"
  attempt 60 "$what with ours" "$perf" -n "$ranks" -l "ours=$ours" "$@"
}

if [ -n "$torch" ] && ! $simulated; then
  for script in torch_collectives torch_training torch_graphs; do
    say "tests/gpu/$script.py, 4 processes on the GPU, ours"
    attempt 120 "$script" "$python" tests/gpu/launch.py -n 4 --nccl "$ours" "tests/gpu/$script.py"
  done
  say "tests/gpu/torch_abort.py, rank 1 of 4 is killed, ours"
  attempt 90 "torch_abort" "$python" tests/gpu/launch.py -n 4 --nccl "$ours" --killed 1 \
    tests/gpu/torch_abort.py
fi

for ranks in "${counts[@]}"; do
  measure "$ranks" "all-reduce and the link" --link "${sizes[@]}"
done
measure "${counts[1]}" "other collectives" "${few[@]}" \
  -c reduce_scatter,all_gather,broadcast,reduce,all_to_all
measure "${counts[1]}" "types" "${few[@]}" -d bfloat16,float16,float64,int8,uint8,int32,int64
measure "${counts[0]}" "a kernel beside all-reduces" --busy "${busy[@]}"

say "Done after $SECONDS s: $([ $failed = 0 ] && echo "no check failed" || echo "CHECKS FAILED, see above")"
exit $failed
