#!/usr/bin/env bash
# nvtop shows the simulated node, on a terminal that tmux plays.
source "$(dirname "$0")/judge.sh"
need_program tmux
need_packages nvtop
nvtop=$judge/usr/bin/nvtop
lost=$(ldd "$nvtop" | grep 'not found' || true)
[ -z "$lost" ] || skip "nvtop lacks $lost"
simulate hgx-h100-80

socket=$work/tmux
cleanup() { tmux -S "$socket" kill-server 2>/dev/null || true; rm -rf "$work"; }
tmux -S "$socket" -f /dev/null new-session -d -x 180 -y 60 \
  "env LD_LIBRARY_PATH='$library' HOME='$work' '$nvtop'; sleep 30"
screen=""
for _ in $(seq 150); do
  screen=$(tmux -S "$socket" capture-pane -p)
  if grep -q "NVIDIA H100 80GB HBM3" <<<"$screen"; then break; fi
  sleep 0.2
done
awk 'NF && ++lines <= 12' <<<"$screen"  # to its end: head would break the pipe
grep -q "Device 0 *\[NVIDIA H100 80GB HBM3\].*PCIe *GEN *5@16x" <<<"$screen" || fail "no such device on the screen"
grep -q "Device 7" <<<"$screen" || fail "the last device is not on the screen"
