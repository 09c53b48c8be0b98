#!/usr/bin/env bash
# Measures all collectives beside Open MPI, MPICH and Gloo and writes the page of results.
# Usage: bench/collectives/run.sh [--quick] [--only WORD] [--build DIR] [--work DIR] [--page FILE]
#
# About 25 minutes on two cores, with --quick about 3 (fewer sizes, one pass, float32). What has been
# measured is kept in the work folder, a JSON file a part: a run that was stopped goes on from there,
# and --only measures just the parts whose names contain WORD. Remove the folder to measure anew.
# --page defaults to collectives.md under docs/results.
set -euo pipefail
cd "$(dirname "$0")/../.."

quick= only= build=build/dev work= page=docs/results/collectives.md
while [ $# -gt 0 ]; do
  case "$1" in
    --quick) quick=-quick; shift; continue ;;
    --only|--build|--work|--page)
      [ $# -ge 2 ] || { echo "$0: $1 needs a value" >&2; exit 2; }
      declare "${1#--}=$2"; shift 2 ;;
    *) echo "usage: $0 [--quick] [--only WORD] [--build DIR] [--work DIR] [--page FILE]" >&2; exit 2 ;;
  esac
done
work=${work:-$build/bench-collectives$quick}
perf=$build/bin/hsm-perf
[ -x "$perf" ] || { echo "$0: $perf is missing; build it with: cmake --build $build --target hsm-perf" >&2; exit 4; }

peers=
for peer in openmpi mpich gloo; do
  [ -x "$build/bin/hsm-perf-$peer" ] && peers=$peers,$peer
done
[ -n "$peers" ] || { echo "$0: no peer is built; run scripts/install_deps.sh bench, configure and build" >&2; exit 4; }
peers=${peers#,}

if [ -n "$quick" ]; then
  types=float32 passes=1 time=10ms factor=16
else
  types="float32 bfloat16" passes=3 time=20ms factor=4
fi
mkdir -p "$work" "$(dirname "$page")"

# part NAME FLAG...: one JSON file. Exit code 1 is wrong results, which the page reports.
part() {
  local name=$1; shift
  case $name in *"$only"*) ;; *) return 0 ;; esac
  [ -e "$work/$name.json" ] && return 0
  echo "== $name"
  "$perf" --json "$work/$name.json" "$@" >"$work/$name.log" || [ $? -eq 1 ]
  [ -e "$work/$name.json" ] || { echo "$0: $name failed; see $work/$name.log" >&2; exit 1; }
}

part limits --limits --time 2s
moving=all_reduce,reduce,reduce_scatter,all_gather,gather,scatter,all_to_all
for ranks in 2 4; do
  for type in $types; do
    common=(-n $ranks -d $type -f $factor --peers "$peers" --passes $passes --time $time)
    # One part a collective: that is how far a stopped run loses time.
    for collective in ${moving//,/ }; do
      part "$ranks-$type-$collective" "${common[@]}" --registered --place out --collective $collective
    done
    part "$ranks-$type-broadcast" "${common[@]}" --registered --place in --collective broadcast
    part "$ranks-$type-in-place" "${common[@]}" --registered --place in --collective all_reduce -b 8M
    part "$ranks-$type-run" "${common[@]}" --back-to-back --place out -e 128 --collective $moving
    part "$ranks-$type-run-broadcast" "${common[@]}" --back-to-back --place in -e 128 --collective broadcast
  done
  part "$ranks-barrier" -n $ranks --peers "$peers" --passes $passes --time 200ms --collective barrier
  part "$ranks-run-barrier" -n $ranks --peers "$peers" --passes $passes --time 200ms --back-to-back \
    --collective barrier
done

# As in real programs, where the data to send have just been written. The peers' numbers change with
# ours: what a reader still holds of the call before counts for all of them in the parts above.
fresh=(-n 2 -d float32 -f $factor --peers "$peers" --passes $passes --time $time --registered --fresh)
part 2-float32-fresh "${fresh[@]}" --place out --collective $moving
part 2-float32-fresh-broadcast "${fresh[@]}" --place in --collective broadcast

inputs=()
for file in "$work"/*.json; do inputs+=(--input "$file"); done
"$perf" --report "$page" --goals bench/collectives/goals.csv "${inputs[@]}"
grep -E 'goals and gates that were measured' "$page"
echo "$page"
