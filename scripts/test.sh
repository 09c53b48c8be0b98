#!/usr/bin/env bash
# Installs what is missing, builds the preset `dev` and runs all tests; needs no GPU.
# Usage: scripts/test.sh [PRESET]     (dev, asan, tsan, coverage; default dev)
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:-dev}
scripts/install_deps.sh test
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset"
ctest --preset "$preset"
