#!/bin/sh
# Multiboot images of tests/bare on `ringfort bare`: what they print, their exit status, the ways to end,
# damaged images. Where qemu-system-x86_64 is installed it must print the same and end with the same
# status; its TCG has not all that x2apic needs.
: "${RINGFORT:?}" "${BARE:?}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
count=0

fail() {
    echo "FAILED: $*"
    head -n 5 err 2>/dev/null | sed 's/^/    /'
    failures=$((failures + 1))
}

# gives STATUS TEXT ARGUMENT...   the exit status, and a text on either stream; "" for any
gives() {
    wanted=$1
    text=$2
    shift 2
    count=$((count + 1))
    timeout 60 "$RINGFORT" bare "$@" >out 2>err </dev/null
    status=$?
    [ $status -eq "$wanted" ] || fail "$*: exit status $status, not $wanted"
    [ -z "$text" ] || cat out err | grep -qF -- "$text" || fail "$*: does not say '$text'"
}

# passes STATUS IMAGE [OPTION...]   no check of the image's own fails
passes() {
    wanted=$1
    image=$2
    shift 2
    gives "$wanted" '' --max-cycles 4G "$@" "$BARE/$image"
    grep -a 'FAILED\|unexpected' out && fail "$image: see above"
    [ -s out ] || fail "$image prints nothing"
}

# as_qemu IMAGE [-- ARGS [FILE]]   the last run gave what qemu gives
as_qemu() {
    command -v qemu-system-x86_64 >/dev/null || return
    count=$((count + 1))
    image=$1
    cp out ringfort.out
    ringfort_status=$status
    shift
    timeout 100 qemu-system-x86_64 -accel tcg -cpu max -m 128 -nodefaults -display none -serial stdio -no-reboot \
        -device pc-testdev -device isa-debug-exit,iobase=0xf4,iosize=0x4 -kernel "$BARE/$image" "$@" \
        >qemu.out 2>qemu.err </dev/null
    qemu_status=$?
    [ $qemu_status -eq $ringfort_status ] || fail "$image: qemu's status is $qemu_status, not $ringfort_status"
    cmp -s ringfort.out qemu.out || { fail "$image: (< ringfort, > qemu)"; diff ringfort.out qemu.out | head; }
}

printf 'FIRST=1\nSECOND=two words\n' >env

passes 11 hello
as_qemu hello
passes 11 hello --append 'one  two=3' --env env
grep -qx 'arguments: one  two=3' out || fail 'the command line'
grep -qx 'SECOND=two words' out || fail 'the environment file'
as_qemu hello -append 'one  two=3' -initrd env
passes 11 hello --memory 64M
passes 11 hello --memory 3G
grep -q 'memory: 0xc0000000' out || fail '3 GiB'
passes 11 hello --memory 8M
for image in exceptions apic devices modes; do
    passes 1 $image
    as_qemu $image
    passes 1 $image --cpu max
    passes 1 $image.elf64
done
passes 1 x2apic
passes 15 flat
as_qemu flat
gives 15 'hello in 32 bits' --memory 2100K "$BARE/flat"
gives 11 '' "$BARE/real"
as_qemu real

# the same run twice is the same
"$RINGFORT" bare --max-cycles 3M "$BARE/apic" >first 2>&1
"$RINGFORT" bare --max-cycles 3M "$BARE/apic" >second 2>&1
cmp -s first second || fail 'two runs differ'

# --- ways to end ---
gives 65 '' "$BARE/ends"
gives 0 '' --append s "$BARE/ends"
gives 122 'triple fault' --append t "$BARE/ends"
gives 120 'no interrupt can wake it' --append h "$BARE/ends"
gives 120 'no interrupt can wake it' --append w "$BARE/ends"
gives 124 '--max-cycles 5000000 was reached' --max-cycles 5M --append l "$BARE/ends"
gives 118 'reset itself' --append r "$BARE/ends"
gives 3 '' --append m "$BARE/ends"

# --- options and files ---
gives 0 'Usage: ringfort bare' --help
gives 125 'no IMAGE given' --memory 1G
gives 125 'operand too many' "$BARE/hello" more
gives 125 'unknown option --strace' --strace "$BARE/hello"
gives 125 'outside 2 MiB to 3 GiB' --memory 4G "$BARE/hello"
gives 125 'outside 2 MiB to 3 GiB' --memory 1M "$BARE/hello"
gives 125 '--memory x' --memory x "$BARE/hello"
gives 125 "CPU model '386'" --cpu 386 "$BARE/hello"
gives 125 "vendor 'via' is not intel or amd" --vendor via "$BARE/hello"
gives 125 'nothing-here: No such file' --env nothing-here "$BARE/hello"
gives 127 'nothing-here: No such file' nothing-here
gives 127 'directory' .
gives 126 'outside the memory' --memory 4M "$BARE/hello"
gives 126 'no multiboot header' "$RINGFORT"
gives 126 'no multiboot header' env
gives 126 'no multiboot header' /dev/null
head -c 20000000 /dev/zero >zeros
gives 125 'needs' --env zeros --memory 16M "$BARE/hello"
gives 125 'larger than 256 MiB' --env /dev/zero "$BARE/hello"

# --- damaged images: one line, or the image's own end ---
damaged() {
    count=$((count + 1))
    timeout 60 "$RINGFORT" bare --max-cycles 20M --memory 32M damaged >out 2>err </dev/null
    status=$?
    case $status in
    134 | 136 | 139 | 124) [ $status = 124 ] && grep -q 'max-cycles' err || fail "$1: status $status" ;;
    esac
    [ "$(wc -l <err)" -le 1 ] || fail "$1: more than one line"
}
size=$(wc -c <"$BARE/hello")
for length in 0 1 11 12 51 52 100 4096 4107 4108 5000 8191 9000; do
    head -c $length "$BARE/hello" >damaged
    damaged "cut to $length bytes"
done
# every byte of the headers, in turn, is made all ones and all zeroes
at=0
while [ $at -lt 160 ]; do
    for byte in '\377' '\000'; do
        cp "$BARE/hello" damaged
        printf "$byte" | dd of=damaged bs=1 seek=$at conv=notrunc 2>/dev/null
        damaged "byte $at"
    done
    at=$((at + 1))
done

echo "$((count - failures)) passed, $failures failed"
exit $((failures > 0))
