#!/usr/bin/env bash
# Usage: real_header.sh COMPILER OURS SOURCE INCLUDE NCCL_H...
# Builds SOURCE over the first nccl.h (version 2.28.9) that there is and compares what it prints with
# what OURS, built over our header in INCLUDE, prints. Exit code 77: none found.
set -euo pipefail
compiler=$1 ours=$2 source=$3 include=$4
shift 4
found=
for header in "$@"; do
  if [ -f "$header" ]; then found=$header; break; fi
done
if [ -z "$found" ]; then
  echo "skipped: no nccl.h at $*"
  exit 77
fi
for part in MAJOR=2 MINOR=28 PATCH=9; do
  if ! grep -qE "^#define NCCL_${part%=*} +${part#*=}\$" "$found"; then
    echo "skipped: $found is not of version 2.28.9"
    exit 77
  fi
done
if [ ! -f "$(dirname "$found")/cuda_runtime.h" ]; then
  echo "skipped: no cuda_runtime.h beside $found, which nccl.h needs"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$compiler" -std=c++20 -w -DFLEXMIG_REAL_NCCL -isystem "$(dirname "$found")" -I"$include" \
  -o "$folder/real" "$source"
diff <("$ours") <("$folder/real") || { echo "our header (<) differs from $found (>)" >&2; exit 1; }
echo "compared with $found"
