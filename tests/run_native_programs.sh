#!/bin/sh
# The programs of tests/programs (OpenSSL, Go, Rust): the same output and exit status as natively,
# with every CPU model for which the program's code is made.
. "${SOURCE:?}/tests/lib/native.sh"

build=${GUEST%/guest}
if ! cmake --build "$build" --target native-programs >"$work/build" 2>&1; then
    cat "$work/build"
    exit 1
fi
mkdir "$tree/bin"
for program in "$build"/programs/*; do
    [ -f "$program" ] && [ -x "$program" ] && cp "$program" "$tree/bin"
done
[ -n "$(ls "$tree/bin")" ] || exit 77
seal

# models MODEL... -- COMMAND...: compare with each of these CPU models.
models() {
    chosen=
    while [ "$1" != -- ]; do
        chosen="$chosen $1"
        shift
    done
    shift
    [ -x "$tree/$1" ] || return 0
    for model in $chosen; do
        mounts="--cpu $model" # goes among the options of ringfort run
        same "$@"
    done
}

# Natively, code for x86-64-v3 needs a CPU that has it.
if grep -qw avx2 /proc/cpuinfo && grep -qw bmi2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then
    has_v3=yes
else
    has_v3=
    echo "Programs for x86-64-v3 are left out: this CPU lacks AVX2, BMI2 or FMA"
fi

models x86-64-v1 x86-64-v2 x86-64-v3 max -- bin/crypto
models x86-64-v1 max -- bin/go.v1
models x86-64-v1 -- bin/http
models x86-64-v1 -- bin/rust.x86-64
if [ $has_v3 ]; then
    models x86-64-v3 -- bin/go.v3 crash
    models x86-64-v3 -- bin/rust.x86-64-v3
    models x86-64-v3 -- bin/rust.x86-64-v3 panic
    models x86-64-v3 -- bin/rust.x86-64-v3 abort
fi
compare_trees
finish
