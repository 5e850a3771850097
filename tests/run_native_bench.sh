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
for program in "$tree"/bin/*; do
    [ -f "$program" ] && [ -x "$program" ] || continue
    name=$(basename "$program")
    case ${name%.musl} in
    getppid) work_units=200 ;;
    nbody) work_units=20 ;;
    intmix) work_units=40 ;;
    *) work_units=1 ;;
    esac
    same "bin/$name" $work_units
done
compare_trees
finish
