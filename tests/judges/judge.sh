# Sourced by the judges. Arguments of each: the folder of the simulated library, a folder for downloads
# that may be kept. Sets $library, $judge (unpacked packages), $work (gone at the end).
set -euo pipefail
readonly skipped=77  # ctest shows it as such
library=$1
downloads=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

skip() { echo "skipped: $*"; exit $skipped; }

work=$(mktemp -d)
cleanup() { rm -rf "$work"; }
trap cleanup EXIT

# Packages by name; skips if they cannot be had.
need_packages() {
  local reason
  reason=$("$here/../../scripts/fetch_judges.sh" "$downloads" "$@" 2>&1) || skip "$(tail -n 1 <<<"$reason")"
  judge=$downloads/unpacked
}

need_program() { command -v "$1" >/dev/null || skip "no $1 here"; }

# A fresh simulated node for everything that loads the library from now on.
simulate() {
  export FLEXMIG_SIM_NODE=$1 FLEXMIG_STATE_DIR=$work/state FLEXMIG_SIM_ROOT=$work/root
  mkdir -m 0700 "$work/state"
  mkdir "$work/root"
}

# Runs Python with the judge's pynvml and our library.
run_python() {
  LD_LIBRARY_PATH=$library PYTHONPATH=$judge/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1 \
    timeout 60 python3 "$@"
}

fail() { echo "$*" >&2; exit 1; }
