#!/usr/bin/env bash
# Replays all traces under all policies and writes the tables of docs/results/makespan.md and
# makespan-workloads.md.
# Usage: bench/makespan/run.sh [--quick] [--build DIR] [--work DIR] [--page FILE]
#
# FLEXMIG_TRACES names the folder of the traces (docs/formats/traces.md). Less than an hour on two cores;
# --quick takes seed 1, eight A100s and no drawn sizes but openb's. Results are kept in the work folder: what
# was stopped goes on from there. Remove the folder to simulate anew.
# --page: the first one, which has to exist, and beside it the one with -workloads in its name; what is between
# their two "tables" lines is replaced.
set -euo pipefail
cd "$(dirname "$0")/../.."

quick= build=build/dev work= page=docs/results/makespan.md
while [ $# -gt 0 ]; do
  case "$1" in
    --quick) quick=-quick; shift; continue ;;
    --build|--work|--page)
      [ $# -ge 2 ] || { echo "$0: $1 needs a value" >&2; exit 2; }
      declare "${1#--}=$2"; shift 2 ;;
    *) echo "usage: $0 [--quick] [--build DIR] [--work DIR] [--page FILE]" >&2; exit 2 ;;
  esac
done
work=${work:-$build/bench-makespan$quick}
traces=${FLEXMIG_TRACES:?names no folder of traces; docs/formats/traces.md says where they are}
for program in flexmig makespan-report; do
  [ -x "$build/bin/$program" ] ||
    { echo "$0: $build/bin/$program is missing; build it with: cmake --build $build --target $program" >&2; exit 4; }
done
mkdir -p "$work"

# Sizes of one-GPU jobs where a trace has whole GPUs only: as openb's jobs that share a GPU ask for them
# (1,028 of 5,891 ask for 0.47, 2,298 for 0.81, ...), and as whole instances, which one-to-one need not round.
openb_sizes=seeded-mix:1=1/2=9/3=14/4=26/5=11/6=39
instance_sizes=seeded-mix:1=30/2=30/3=20/7=20
one_to_one=exclusive,static:best,dynamic-drain,dynamic-partial
seeds=5 mixes=$openb_sizes,$instance_sizes
if [ -n "$quick" ]; then seeds=1 mixes=$openb_sizes; fi

# trace_files NAME...: their paths, with spaces between.
trace_files() { for name in "$@"; do printf '%s ' "$traces/$name.csv.gz"; done; }
whole=$(trace_files philly2017_sep_oct itp2021_c01 itp2021_c02 itp2021_c04 itp2021_c05 itp2021_c07 itp2021_c09)
shared=$(trace_files openb2023_default openb2023_gpushare40 openb2023_gpushare100)
miso=$(trace_files miso100)

# part NAME CLUSTER MODEL QUEUE LOAD MULTI-GPU OVERSIZE: all traces, each with its sizes.
sweep() {
  local name=$1; shift
  "$build/bin/flexmig" simulate sweep --results "$work/$name.jsonl" --seeds "$seeds" --resample blocks:20 \
    "$@"
}
part() {
  local name=$1 cluster=$2 model=$3 queue=$4 load=$5 multi_gpu=$6 oversize=$7 sizes kind
  for kind in whole shared miso; do
    case $kind in
      whole) sizes=$mixes ;;
      shared) sizes=fraction ;;
      miso) sizes=model-memory ;;
    esac
    local common=(--trace ${!kind} --mapping "$sizes" --cluster "$cluster" --model "$model" --queue "$queue" --load "$load"
      --multi-gpu "$multi_gpu" --oversize "$oversize")
    sweep "$name-$kind" "${common[@]}" --policies "$one_to_one"
    sweep "$name-$kind-leaves" "${common[@]}" --policies flexmig,flexmig-moldable --comm none 0.95 0.85
    sweep "$name-$kind-links" "${common[@]}" --policies flexmig --comm links --alloc topo,first-fit
    sweep "$name-$kind-ablation" "${common[@]}" --policies dynamic-partial --costs 0s,0s,0s
    sweep "$name-$kind-rounded" "${common[@]}" --policies flexmig-rounded --comm none
  done
}
part 8-a100-40 8 a100-40 fifo 0.7,1.3 fit,skip same,faster
if [ -z "$quick" ]; then
  mixes=$openb_sizes
  part 8-h100-80 8 h100-80 fifo 0.7,1.3 fit,skip same
  part 8x8-a100-40 8x8 a100-40 fifo 0.7,1.3 fit,skip same
  part 8-a100-40-easy 8 a100-40 easy 1.3 fit same
fi

# put WHAT PAGE: replaces what is between the page's two marks.
put() {
  local begin='<!-- tables -->' end='<!-- end of tables -->'
  {
    sed "/^$begin\$/q" "$2"
    "$build/bin/makespan-report" "$1" "$work"/*.jsonl
    sed -n "/^$end\$/,\$p" "$2"
  } >"$2.new"
  mv "$2.new" "$2"
  echo "$2 is written"
}
put summary "$page"
put workloads "${page%.md}-workloads.md"
