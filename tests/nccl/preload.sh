#!/usr/bin/env bash
# Usage: preload.sh LIBRARY LINKED DLOPENING
# Both programs find another libnccl.so.2 by DT_RPATH, and ours if it is preloaded; programs that have
# nothing to do with NCCL do not notice it.
set -euo pipefail
library=$1 linked=$2 opening=$3
fail() { echo "$*" >&2; exit 1; }
objdump -p "$linked" | grep -qE '^ +RPATH' || fail "$linked has no DT_RPATH"
for program in "$linked" "$opening"; do
  [ "$("$program")" = 22700 ] || fail "$program does not find the stub by itself"
  [ "$(LD_PRELOAD=$library "$program")" = 22809 ] || fail "$program does not take ours"
done
# LD_LIBRARY_PATH alone loses against DT_RPATH: why it has to be preloaded.
[ "$(LD_LIBRARY_PATH=$(dirname "$library") "$linked")" = 22700 ] || fail "LD_LIBRARY_PATH won"
status=0
output=$(LD_PRELOAD=$library NCCL_DEBUG=TRACE sh -c 'echo unharmed; exit 3' 2>&1) || status=$?
[ "$output" = unharmed ] && [ "$status" = 3 ] || fail "a shell was harmed: $status $output"
# Nothing of the driver is loaded before it is needed.
LD_PRELOAD=$library sh -c 'grep -q libnccl /proc/$$/maps && ! grep -q libcuda /proc/$$/maps' ||
  fail "libcuda was loaded at start"
echo ok
