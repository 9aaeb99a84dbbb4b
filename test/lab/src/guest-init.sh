#!/bin/sh
# The guest's first process: makes what a Linux system has, runs /command, tells its status by the second serial line.
export PATH=/bin:/usr/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
echo /bin/modprobe > /proc/sys/kernel/modprobe
ip link set lo up
cd /nicshare
echo LAB:begin
sh /command
status=$?
echo "LAB:end"
echo $status > /dev/ttyS1
poweroff -f
