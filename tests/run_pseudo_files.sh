#!/bin/sh
# /proc and /sys: every file can be read to its end, what programs parse has Linux' form, and a walk ends.
: "${RINGFORT:?}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
cat >"$work/script" <<'END'
find /sys | sort | uniq -d | sed 's/^/twice: /'
find -L /sys/class /sys/devices/system -maxdepth 6 -name address | head -n 1 >/dev/null
for f in $(find /proc/self /proc/sys /sys /proc/[a-z]* -maxdepth 6 -type f | grep -v '/task/\|/mem$\|_map$'); do
    cat "$f" >/dev/null || echo "cannot read $f"
done
for f in /proc/loadavg /proc/partitions /proc/swaps /proc/devices /proc/self/fdinfo/0 /proc/self/cgroup /proc/self/mountstats \
    /proc/sys/kernel/random/uuid /proc/sys/kernel/random/boot_id /proc/sys/fs/file-max /sys/devices/system/cpu/online \
    /sys/devices/system/cpu/cpu0/topology/core_id /sys/class/net/lo/mtu /sys/class/net/lo/address \
    /sys/devices/system/node/node0/meminfo /sys/kernel/mm/transparent_hugepage/enabled; do
    sed "s#^#$f: #" "$f"
done
tr '\0' '\n' </proc/self/environ | sed 's/^/environ: /' | sort
[ $(cat /proc/sys/kernel/random/uuid) != $(cat /proc/sys/kernel/random/uuid) ] || echo "uuid repeats"
[ $(cat /proc/sys/kernel/random/boot_id) = $(cat /proc/sys/kernel/random/boot_id) ] || echo "boot_id changes"
ls /proc/self/fdinfo | head -n 1
readlink /sys/class/net/lo
ls /sys
END
"$RINGFORT" run --env ONE=1 --mount /bin/busybox:/bin/busybox --mount "$work/script:/script" -- /bin/busybox sh /script >"$work/out" 2>&1 ||
    fail "status $?"
uuid='[0-9a-f]\{8\}-[0-9a-f]\{4\}-4[0-9a-f]\{3\}-[89ab][0-9a-f]\{3\}-[0-9a-f]\{12\}'
for pattern in '/proc/loadavg: [0-9]*\.[0-9][0-9] [0-9]*\.[0-9][0-9] [0-9]*\.[0-9][0-9] [0-9]*/[0-9]* [0-9]*' \
    '/proc/partitions: major minor  #blocks  name' '/proc/devices: Character devices:' '/proc/devices: 136 pts' \
    '/proc/self/fdinfo/0: pos:.0' '/proc/self/fdinfo/0: flags:.0[0-7]*' '/proc/self/fdinfo/0: mnt_id:.[0-9]*' \
    '/proc/self/cgroup: 0::/' '/proc/self/mountstats: device proc mounted on /proc with fstype proc' \
    "/proc/sys/kernel/random/uuid: $uuid" "/proc/sys/kernel/random/boot_id: $uuid" '/proc/sys/fs/file-max: [0-9]*' \
    '/sys/devices/system/cpu/online: 0' '/sys/devices/system/cpu/cpu0/topology/core_id: 0' '/sys/class/net/lo/mtu: 65536' \
    '/sys/class/net/lo/address: 00:00:00:00:00:00' '/sys/devices/system/node/node0/meminfo: Node 0 MemTotal: *[0-9]* kB' \
    '/sys/kernel/mm/transparent_hugepage/enabled: always madvise \[never\]' 'environ: ONE=1' \
    '\.\./\.\./devices/virtual/net/lo' 'devices'; do
    grep -q "^$pattern\$" "$work/out" || fail "nothing like $pattern"
done
grep '^twice\|^cannot\|repeats\|changes\|rror' "$work/out" && fail "see above"
[ $failures -eq 0 ] && echo "pseudo files: all good"
exit $((failures != 0))
