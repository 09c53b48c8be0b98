#!/usr/bin/env bash
# check_output.sh HSM_PERF: a short run prints nccl-tests' columns, every size, and nothing wrong.
set -euo pipefail
perf=$1
output=$("$perf" -n 2 -b 8 -e 64K -f 4 --time 5ms --check 1)
awk '
  function fail(what) { print "line " NR ": " what ": " $0 > "/dev/stderr"; failed = 1; exit 1 }
  NR == 1 { if ($0 != "# flexmig all_reduce float32, 2 ranks, each call after a barrier") fail("title"); next }
  NR == 2 {
    if ($1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 != \
        "#size(B)counttyperedoprootplacemin(us)median(us)p99(us)algbwbusbw#wrong") fail("header")
    next
  }
  {
    size = 8 * 4 ^ int((NR - 3) / 2)
    if (NF != 12) fail("not 12 columns")
    if ($1 != size || $2 != size / 4) fail("size or count")
    if ($3 != "float32" || $4 != "sum" || $5 != -1) fail("type, redop or root")
    if ($6 != (NR % 2 ? "out" : "in")) fail("place")
    if (!($7 > 0 && $7 <= $8 && $8 <= $9)) fail("times")
    if ($12 != 0) fail("wrong results")
  }
  END { if (!failed && NR != 2 + 2 * 7) { print NR " lines" > "/dev/stderr"; exit 1 } }
' <<<"$output" || { echo "$output" >&2; exit 1; }
