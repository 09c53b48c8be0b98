#!/usr/bin/env bash
# Usage: trial.sh SCRIPT [FLAG ...]
# Tries a test of PyTorch itself, on the processor and over gloo; 77 where there is no PyTorch.
set -euo pipefail
command -v python3 >/dev/null || { echo "SKIPPED: no python3 here" >&2; exit 77; }
here=$(dirname "$0") script=$1
shift
export FLEXMIG_TEST_BACKEND=gloo
exec python3 "$here/launch.py" -n 3 "$@" "$here/$script"
