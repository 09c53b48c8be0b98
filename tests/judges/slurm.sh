#!/usr/bin/env bash
# Slurm's gpu/nvml plugin (slurmd -G) lists the leaves of a flattened simulated node with the device
# nodes that the driver's numbering gives them. Needs a mount namespace, because the plugin reads
# /proc/driver/nvidia-caps/mig-minors and looks for the nodes under /dev.
source "$(dirname "$0")/judge.sh"
need_program unshare
need_program python3
need_packages slurmd slurm-wlm-basic-plugins slurm-wlm-nvml-plugin python3-pynvml
plugins=$judge/usr/lib/x86_64-linux-gnu/slurm-wlm
[ -d "$plugins" ] || skip "the plugins are not for this machine"
# It finds its own configuration by the name under which it was started.
cp "$judge/usr/sbin/slurmd-wlm" "$work/slurmd"
lost=$(LD_LIBRARY_PATH=$plugins:$library ldd "$work/slurmd" "$plugins"/gpu_nvml.so | grep 'not found' || true)
[ -z "$lost" ] || skip "slurmd lacks $lost"
unshare --mount true 2>/dev/null || skip "no mount namespaces for this user"
simulate a100x2
run_python "$here/flatten.py"

host=$(hostname -s)
cat >"$work/slurm.conf" <<CONF
ClusterName=simulated
SlurmctldHost=$host
AuthType=auth/none
CredType=cred/none
PluginDir=$plugins
SlurmdSpoolDir=$work/spool
StateSaveLocation=$work/slurm-state
SlurmdLogFile=$work/slurmd.log
SlurmdPidFile=$work/slurmd.pid
GresTypes=gpu
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
NodeName=$host CPUs=$(nproc) Gres=gpu:nvidia_a100_1g.5gb:14 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES
CONF
echo "AutoDetect=nvml" >"$work/gres.conf"
cat >"$work/inside.sh" <<'INSIDE'
set -euo pipefail
work=$1 search=$2
mount --bind "$work/root/proc/driver" /proc/driver
mkdir "$work/dev"
mount -t tmpfs none "$work/dev"
for node in null zero full random urandom tty; do cp -a "/dev/$node" "$work/dev/"; done
mkdir "$work/dev/nvidia-caps" "$work/dev/shm"
for file in "$work"/root/dev/nvidia[0-9]* "$work"/root/dev/nvidia-caps/*; do
  name=${file#"$work/root/dev/"}
  # The numbers do not matter here: nobody opens them.
  mknod "$work/dev/$name" c 195 "$(grep -oE '[0-9]+$' <<<"$name")"
done
mount --bind "$work/dev" /dev
cd "$work"
SLURM_CONF=$work/slurm.conf LD_LIBRARY_PATH=$search timeout 40 "$work/slurmd" -G 2>&1
INSIDE
if ! unshare --mount bash "$work/inside.sh" "$work" "$plugins:$library" >"$work/out" 2>&1; then
  grep -qE 'Operation not permitted|permission denied' "$work/out" && skip "$(grep -m1 -iE 'permitted|denied' "$work/out")"
  cat "$work/out" >&2
  fail "slurmd -G failed"
fi

grep -m 3 'Gres Name=gpu' "$work/out"
count=$(grep -c 'Gres Name=gpu Type=nvidia_a100_1g.5gb' "$work/out" || true)
[ "$count" = 14 ] || { cat "$work/out" >&2; fail "$count leaves, not 14"; }
for gpu in 0 1; do
  for gi in 7 8 9 10 11 12 13; do
    minor=$((3 + 135 * gpu + 9 * gi))
    files="/dev/nvidia$gpu,/dev/nvidia-caps/nvidia-cap$minor,/dev/nvidia-caps/nvidia-cap$((minor + 1))"
    grep -q "File=$files" "$work/out" || { cat "$work/out" >&2; fail "no leaf with $files"; }
  done
done
