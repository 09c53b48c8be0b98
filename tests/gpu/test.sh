#!/usr/bin/env bash
# Usage: test.sh LIBRARY SCRIPT [FLAG ...]
# Runs a test of PyTorch on this machine's GPU, four processes with the preloaded library; 77, with
# the reason, where there is no GPU or no PyTorch.
set -euo pipefail
command -v python3 >/dev/null || { echo "SKIPPED: no python3 here" >&2; exit 77; }
[ -n "$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null)" ] ||
  { echo "SKIPPED: nvidia-smi names no GPU here" >&2; exit 77; }
here=$(dirname "$0") library=$1 script=$2
shift 2
exec python3 "$here/launch.py" -n 4 --nccl "$library" "$@" "$here/$script"
