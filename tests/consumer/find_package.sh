#!/usr/bin/env bash
# Installs the build tree into a scratch prefix, builds the consumer against it and runs it.
# Usage: find_package.sh CMAKE BUILD_DIR CONSUMER_DIR SCRATCH_DIR GENERATOR [SANITIZERS]
set -euo pipefail
cmake=$1 build=$2 consumer=$3 scratch=$4 generator=$5 sanitizers=${6:-}

rm -rf "$scratch"
"$cmake" --install "$build" --prefix "$scratch/prefix" >/dev/null
flags=()
[ -n "$sanitizers" ] && flags=("-DCMAKE_CXX_FLAGS=-fsanitize=$sanitizers")
"$cmake" -G "$generator" -S "$consumer" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$scratch/prefix" "${flags[@]}" >/dev/null
"$cmake" --build "$scratch/build" >/dev/null
[ "$("$scratch/build/consumer")" = "7 leaves, 98 SMs" ]
"$scratch/prefix/bin/flexmig" --version
