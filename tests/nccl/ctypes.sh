#!/usr/bin/env bash
# Usage: ctypes.sh LIBNCCL LIBCUDA
# ctypes_ranks.py on two whole GPUs of a simulated node. Exit code 77: there is no python3.
set -euo pipefail
if ! command -v python3 > /dev/null; then
  echo "skipped: no python3"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export FLEXMIG_STATE_DIR=$folder FLEXMIG_SIM_NODE=a100x2 FLEXMIG_CUDA_PATH=$2 FLEXMIG_TIMEOUT=60s
python3 "$(dirname "$0")/ctypes_ranks.py" "$1" "$2"
