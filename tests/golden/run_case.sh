#!/bin/bash
# usage: run_case.sh [--update] <flexmig> <case folder>
#
# Runs the case's `cmd` and compares what it prints and its exit code with the files `stdout`,
# `stderr` and `exit` of the folder. --update writes these files instead.
set -u

update=false
if [[ "$1" == --update ]]; then
  update=true
  shift
fi
flexmig=$(realpath "$1")
case_dir=$(realpath "$2")

work=$(mktemp -d "${TMPDIR:-/tmp}/flexmig-golden-XXXXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/run" "$work/got"
cp -r "$case_dir/." "$work/run"

# Nothing of the caller's environment may change the output.
for name in $(compgen -e | grep '^FLEXMIG_'); do unset "$name"; done
export FLEXMIG_STATE_DIR="$work/state" HOME="$work" LC_ALL=C PATH="$(dirname "$flexmig"):$PATH"

cd "$work/run"
timeout --kill-after=2 50 bash cmd > "$work/got/stdout" 2> "$work/got/stderr" < /dev/null
echo $? > "$work/got/exit"
sed -i "s|$work|WORK|g" "$work/got/stdout" "$work/got/stderr"

if $update; then
  for file in stdout stderr exit; do
    if [[ -s "$work/got/$file" ]]; then
      cp "$work/got/$file" "$case_dir/$file"
    else
      rm -f "$case_dir/$file"
    fi
  done
  exit 0
fi

failed=0
for file in stdout stderr exit; do
  expected="$case_dir/$file"
  [[ -e "$expected" ]] || expected=/dev/null
  diff -u --label "expected $file" --label "$file" "$expected" "$work/got/$file" || failed=1
done
exit $failed
