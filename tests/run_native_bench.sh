#!/bin/sh
# The benchmark programs (zlib, Lua, SQLite among them), with a little work each: the same
# checksums as natively.
. "${SOURCE:?}/tests/lib/native.sh"

build=${GUEST%/guest}
if ! cmake --build "$build" --target bench-programs >"$work/build" 2>&1; then
    cat "$work/build"
    exit 1
fi
mkdir "$tree/bin"
cp "$build"/bench/* "$tree/bin" 2>/dev/null
seal

# Does the host's CPU have all of these features?
host_has() {
    for feature in "$@"; do
        grep -qw "$feature" /proc/cpuinfo || return 1
    done
}

for program in "$tree"/bin/*; do
    [ -f "$program" ] && [ -x "$program" ] || continue
    name=$(basename "$program")
    base=${name%.musl}
    base=${base%.v3}
    mounts=
    case $base in
    aes_ni) needs=aes ;;
    sha_ni) needs=sha_ni ;;
    *) needs= ;;
    esac
    [ -z "$needs" ] || mounts="--cpu max" # goes among the options of ringfort run
    [ "$name" = "$base" ] || [ "$name" = "$base.musl" ] || needs="$needs avx2 bmi2 fma"
    if ! host_has $needs; then
        echo "$name is left out: this CPU lacks one of: $needs"
        continue
    fi
    case $base in
    getppid) work_units=200 ;;
    nbody) work_units=20 ;;
    intmix) work_units=40 ;;
    strings) work_units=20 ;;
    *) work_units=1 ;;
    esac
    same "bin/$name" $work_units
done
compare_trees
finish
