#!/usr/bin/env bash
# Installs the Debian packages that are missing, and asks nothing.
# Usage: scripts/install_deps.sh build|test|kernels|bench|browser
# kernels: clang, which compiles GPU kernels where it is there (FLEXMIG_KERNELS), some 200 MB. No CUDA.
# bench: the libraries that hsm-perf compares with (docs/reference/hsm-perf.md).
# browser: what the test of HTML reports needs (ctest -L browser), some 500 MB.
set -euo pipefail

build_packages=(g++ cmake ninja-build libcli11-dev libfmt-dev libhwy-dev nlohmann-json3-dev libyaml-cpp-dev node-d3 zlib1g-dev)
# The second half is for the judges (tests/judges), which unpack further packages by themselves.
test_packages=(libgtest-dev libgmock-dev libhwloc15 libncursesw6 python3 tmux)
kernel_packages=(clang)
bench_packages=(libopenmpi-dev openmpi-bin libmpich-dev mpich libgloo-dev)
browser_packages=(chromium chromium-driver python3)

case "${1:-}" in
  build) packages=("${build_packages[@]}") ;;
  test) packages=("${build_packages[@]}" "${test_packages[@]}") ;;
  kernels) packages=("${build_packages[@]}" "${kernel_packages[@]}") ;;
  bench) packages=("${build_packages[@]}" "${bench_packages[@]}") ;;
  browser) packages=("${build_packages[@]}" "${test_packages[@]}" "${browser_packages[@]}") ;;
  *) echo "usage: $0 build|test|kernels|bench|browser" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
    echo "These Debian packages are missing: ${missing[*]}" >&2
    echo "Run this again as root or with password-less sudo, or install them:" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 6
  fi
  as_root=(sudo -n)
fi

echo "Installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt_get() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@"; }
if ! { apt_get update && apt_get install --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "apt-get could not install ${missing[*]}" >&2
  exit 5
fi
