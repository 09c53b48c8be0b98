#!/usr/bin/env bash
# The main job on an emulated DGX A100: flatten it, train on four leaves, replay a workload.
# Installs what is missing; needs no GPU and leaves nothing behind but the build folder.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_deps.sh build
if ! cmake --preset release >/dev/null || ! cmake --build --preset release --target flexmig char-lm; then
  echo "demo: the build failed" >&2
  exit 1
fi

bin=$PWD/build/release/bin
FLEXMIG_STATE_DIR=$(mktemp -d)
export FLEXMIG_STATE_DIR FLEXMIG_BACKEND=sim:dgx-a100-40
trap 'rm -rf "$FLEXMIG_STATE_DIR"' EXIT

show() {
  printf '\n\033[1m$ %s\033[0m\n' "${*//$bin\//}"
  "$@"
}

show "$bin/flexmig" apply --layout 7x1g.5gb
show "$bin/flexmig" leaves
show "$bin/flexmig" run -n 4 --policy spread --max-gpus 2 -v -- "$bin/char-lm"
# The same made-up workload under the two views of what a job makes of more slices than it asked for:
# they decide who wins, so both are shown.
static=static:7g.40gb/7g.40gb/7g.40gb/4g.20gb+3g.20gb
for oversize in same faster; do
  show "$bin/flexmig" simulate --generate jobs=2000,seed=1,gap=30s,sizes=openb-shared \
    --oversize "$oversize" --policies "exclusive,$static,dynamic-drain,flexmig"
done
