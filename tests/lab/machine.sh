#!/usr/bin/env bash
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The first process of one of the lab's machines: it starts the machine's programs and starts them again when they end.
# Usage: machine.sh STATE_FOLDER NAME, inside new mount, PID and UTS namespaces (machine.py). It prints "ready" and goes
# on when it has read a line, so that the machine's network can be set up in between.
#
# When this process ends, the kernel ends all others of its PID namespace, and mounts and network go with them: that is
# how a machine is switched off, and why a crash leaves no mount behind.
set -eu
state=$1 name=$2
folder=$state/run/machines/$name

hostname "$name"
mount --make-rshared /  # pods may ask for mount propagation

# These folders are the machine's own and empty: kubelet, containerd and the CNI library have fixed paths in them
# (/run/containerd, /run/xtables.lock, /var/lib/cni, /var/lib/kubelet/device-plugins, /var/log/containers).
# The state folder may lie below one of them, so it waits at /mnt meanwhile.
mount --bind "$state" /mnt
for own in /run /var/lib /var/log; do
  mount -t tmpfs -o mode=755 tmpfs "$own"
done
mkdir -p "$state" /run/lock
mount --bind /mnt "$state"
umount /mnt

# kubelet sets these for the whole kernel when it starts; here it sets copies that nobody else sees.
for setting in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  mkdir -p "/run/sysctl/$setting"
  cat "/proc/sys/$setting" > "/run/sysctl/$setting/copy"
  mount --bind "/run/sysctl/$setting/copy" "/proc/sys/$setting"
done

# A network namespace of its own starts without forwarding.
[ "$(readlink /proc/self/ns/net)" = "${MACHINE_HOST_NETWORK}" ] || echo 1 > /proc/sys/net/ipv4/ip_forward

echo ready
read -r _ || exit 1
exec > /dev/null

supervise() {
  while true; do
    "$1" >> "$2" 2>&1 || true
    echo "--- ended; it is started again in a second ---" >> "$2"
    sleep 1
  done
}

for program in "$folder"/programs/*; do
  supervise "$program" "$state/run/logs/$(basename "$program")-$name.log" &
done
wait
