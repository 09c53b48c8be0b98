#!/usr/bin/env bash
# Checks formatting of every file and runs clang-tidy over the preset `dev`'s compile commands.
# Usage: scripts/lint.sh [FILE.cc ...]     (default: all)
set -euo pipefail
cd "$(dirname "$0")/.."

git ls-files '*.cc' '*.h' | xargs clang-format --dry-run --Werror
cmake --preset dev >/dev/null
if [ $# -gt 0 ]; then files=("$@"); else mapfile -t files < <(git ls-files '*.cc' ':!fuzz'); fi
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy -p build/dev --quiet
