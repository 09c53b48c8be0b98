#!/usr/bin/env bash
# NVIDIA's own Python binding walks, creates and destroys on a simulated node, and gets the exceptions
# that it documents.
source "$(dirname "$0")/judge.sh"
need_program python3
need_packages python3-pynvml
for node in a100x2 h100x2 rtx-pro-6000x2; do
  simulate "$node"
  run_python "$here/pynvml_judge.py"
  rm -rf "$work/state" "$work/root"
done
