#!/usr/bin/env bash
# Writes docs/results/device-link-model.md: device-bench under two bandwidths of the simulated link.
# Usage: bench/device/run.sh [BUILD_FOLDER]   (default build/dev; about two minutes)
set -euo pipefail
cd "$(dirname "$0")/../.."
bench="${1:-build/dev}/bin/device-bench"
page=docs/results/device-link-model.md

{
  cat <<'TEXT'
# All-reduce under a link model

What all-reduce in GPU memory moves over a GPU's link, and how long it takes where the link is the limit,
beside a ring through host memory. There was no GPU: the driver is the simulated one, on leaves of one
simulated A100, and its link carries what FLEXMIG_SIM_LINK says in each direction, shared by all leaves.
Written by `bench/device/run.sh`.

- Bytes are counted and would be the same on a GPU: N S each way, against 2 (N-1) S of the ring.
- Times are the model's: copies take the link's time and the few milliseconds that this machine needs for
  the bytes, kernels none. The ring is made of grouped messages of `device`, 2 (N-1) rounds of S/N, without
  the additions, which on a GPU take SMs and some time: its times are bounds from below, apart from what
  each round waits for its messages. They say how the schemes compare under a shared link, and nothing
  about NCCL or a GPU.
- The link model's ratio is 2 (N-1) / N: 1.00, 1.50 and 1.71 for 2, 4 and 7 ranks. Ours stays below it by
  the filling of its pipeline, three chunks of 1 MiB for each buffer: at 16 MiB 16 chunks take the time of
  19, so that at least 0.84, 1.26 and 1.44 are to be expected, and a ring of two ranks is faster; at 64 MiB 0.96,
  1.43 and 1.64. Small buffers lose more. A ratio above the model's would mean
  that the machine's processors were the limit and not the link, which is no merit.

TEXT
  echo "Machine: $(nproc) processors ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)), Linux $(uname -r | cut -d. -f1,2), $(date +%Y-%m-%d)."
  for run in "100MB/s 16" "400MB/s 16" "400MB/s 64"; do
    printf '\n```\n'
    "$bench" $run 5
    printf '```\n'
  done
} > "$page.new"
mv "$page.new" "$page"
