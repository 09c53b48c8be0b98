#!/usr/bin/env bash
# Measures what a decision costs, jobs a second and memory a job; writes docs/results/speed.md and its plot.
# Usage: bench/speed/run.sh [--build DIR] [--page FILE]
#
# About two minutes on one core; wants a quiet machine and gnuplot (Debian: gnuplot-nox). --page: its text stays,
# what is between its two "tables" lines is replaced; the plot is the .svg beside it.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=build/dev page=docs/results/speed.md
while [ $# -gt 0 ]; do
  case "$1" in
    --build|--page)
      [ $# -ge 2 ] || { echo "$0: $1 needs a value" >&2; exit 2; }
      declare "${1#--}=$2"; shift 2 ;;
    *) echo "usage: $0 [--build DIR] [--page FILE]" >&2; exit 2 ;;
  esac
done
for program in alloc-bench sched-bench sim-bench; do
  [ -x "$build/bin/$program" ] ||
    { echo "$0: $build/bin/$program is missing; build it with: cmake --build $build --target $program" >&2; exit 4; }
done
command -v gnuplot >/dev/null || { echo "$0: gnuplot is missing; on Debian it is in gnuplot-nox" >&2; exit 4; }
[ -e "$page" ] || { echo "$0: there is no $page" >&2; exit 4; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$build/bin/alloc-bench" >"$work/alloc"
"$build/bin/sched-bench" 300000 64 >"$work/sched"
"$build/bin/sim-bench" 1000000 >"$work/sim"

# Clusters of nodes of 8 and 10 GPUs: "policy leaves ns". The last row of each policy is one huge node.
awk 'NR > 1 && !/1 node of 10000/ { for (i = 1; i <= NF; i++) if ($i == "ns") break; print $1, $(i - 2), $(i - 1) }' \
  "$work/alloc" >"$work/points"
policies=$(awk '!seen[$1]++ { printf "%s ", $1 }' "$work/points")
for policy in $policies; do awk -v p="$policy" '$1 == p { print $2, $3 }' "$work/points" >"$work/$policy.xy"; done
gnuplot <<END
set terminal svg size 760,430 font "sans-serif,13"
set output "${page%.md}.svg"
set logscale x 10
set xlabel "leaves"
set ylabel "ns a decision"
set xrange [50:100000]
set yrange [0:*]
set grid ytics
set key outside right
plot for [policy in "$policies"] "$work/".policy.".xy" using 1:2 with linespoints lw 2 title policy
END

begin='<!-- tables -->' end='<!-- end of tables -->'
{
  sed "/^$begin\$/q" "$page"
  printf 'Measured on %s, %s processors, %s.\n' \
    "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -1)" "$(nproc)" "$(date -u +%F)"
  for part in alloc sched sim; do
    printf '\n`%s-bench`:\n\n```\n' "$part"
    cat "$work/$part"
    printf '```\n'
  done
  sed -n "/^$end\$/,\$p" "$page"
} >"$page.new"
mv "$page.new" "$page"
echo "$page and ${page%.md}.svg are written"
