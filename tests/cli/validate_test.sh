#!/usr/bin/env bash
# usage: validate_test.sh <flexmig>
#
# `simulate --validate` runs real jobs, compares all of them, and leaves nothing behind. Whether the
# prediction agrees (exit code 0 or 1) depends on what else the machine does and is not tested here.
set -euo pipefail
flexmig=$1
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

code=0
"$flexmig" simulate --validate --validate-jobs 6 --calibration "$TMPDIR/calibration.json" \
  >"$TMPDIR/out" 2>"$TMPDIR/err" || code=$?
cat "$TMPDIR/out" "$TMPDIR/err"
[ "$code" -le 1 ] || { echo "exit code $code"; exit 1; }
[ "$(grep -cE '^ +[1-6] +[1-7] +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+$' "$TMPDIR/out")" = 6 ] ||
  { echo "not six jobs"; exit 1; }
grep -qE '^makespan: predicted [0-9.]+ s, measured [0-9.]+ s, error [+-][0-9.]+ %' "$TMPDIR/out"
grep -q '"handover_s"' "$TMPDIR/calibration.json"
[ "$(ls "$TMPDIR" | tr '\n' ' ')" = "calibration.json err out " ] || { ls "$TMPDIR"; exit 1; }
