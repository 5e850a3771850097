#!/bin/sh
# The command line: options and their errors, exit statuses, reports, figures, damaged programs.
# ringfort itself must never die of a signal.
: "${RINGFORT:?}" "${GUEST:?}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
count=0
busybox=$(command -v busybox) || exit 77
case $busybox in /*) ;; *) busybox=/bin/busybox ;; esac

fail() {
    echo "FAILED: $*"
    sed 's/^/    /' err | head -n 5
    failures=$((failures + 1))
}

# gives STATUS [TEXT] -- ARGUMENT...   the exit status, and a text on either stream
gives() {
    wanted=$1
    text=
    shift
    if [ "$1" != -- ]; then
        text=$1
        shift
    fi
    shift
    count=$((count + 1))
    timeout 60 "$RINGFORT" "$@" >out 2>err </dev/null
    status=$?
    [ $status -eq "$wanted" ] || fail "$*: exit status $status, not $wanted"
    [ -z "$text" ] || cat out err | grep -qF -- "$text" || fail "$*: does not say '$text'"
}

# --- help and options ---
gives 0 'Usage: ringfort' -- --help
gives 0 'ringfort 0.' -- --version
gives 125 'Usage: ringfort' --
gives 125 'unknown command' -- walk
gives 0 'Usage: ringfort run' -- run --help
for option in --mount --image --root --env --cwd --strace --stats --max-cycles --max-memory --cpu --vendor --seed --sched-seed --clock --help; do
    gives 0 "$option" -- run --help
done
gives 125 'no PROGRAM' -- run
gives 125 'no PROGRAM' -- run --
gives 125 'no PROGRAM' -- run ''
gives 125 'unknown option --wrong' -- run --wrong x
gives 125 'unknown option -x' -- run -x
gives 125 'takes no value' -- run --stats=yes true
gives 125 '--env needs a value' -- run --env
gives 125 'give NAME=VALUE' -- run --env =x true
gives 125 '--mount' -- run --mount nothing true
gives 125 '--mount' -- run --mount :/x true
gives 125 '--mount' -- run --mount "$work:relative" true
gives 125 '--mount' -- run --mount /nowhere/at/all:/x "$busybox"
gives 125 '--mount' -- run --mount "$busybox:/x:overlay" "$busybox"
gives 125 'give FILE:GUEST' -- run --image nothing true
gives 125 'not a regular file' -- run --image "$work:/x" "$busybox"
gives 125 'no file system image or archive' -- run --image "$busybox:/x" "$busybox"
gives 125 'no file system image or archive' -- run --root "$busybox" busybox
gives 125 '--root' -- run --root /nowhere/at/all "$busybox"
gives 125 '--root' -- run --root '' "$busybox"
gives 125 'only one root' -- run --root / --root / "$busybox"
gives 125 '--cwd' -- run --cwd relative "$busybox"
for value in '' 0 -1 x 1X 1KK 99999999999999999999 99999999999999999G ' 1'; do
    gives 125 '--max-cycles' -- run --max-cycles "$value" "$busybox"
    gives 125 '--max-memory' -- run --max-memory "$value" "$busybox"
done
gives 125 'outside 8 MiB' -- run --max-memory 1M "$busybox"
gives 125 '--seed' -- run --seed abc "$busybox"
gives 125 '--sched-seed' -- run --sched-seed 0 "$busybox"
gives 125 '--clock' -- run --clock sundial "$busybox"
gives 125 "CPU model 'pentium' is not" -- run --cpu pentium "$busybox" true
gives 125 "CPU model ''" -- run --cpu '' "$busybox" true
for model in x86-64-v1 x86-64-v2 x86-64-v3 max; do
    gives 0 hello -- run --cpu $model "$busybox" echo hello
done
gives 125 "vendor 'cyrix' is not intel or amd" -- run --vendor cyrix "$busybox" true
gives 125 "vendor ''" -- run --vendor '' "$busybox" true
gives 0 GenuineIntel -- run "$busybox" cat /proc/cpuinfo
gives 0 GenuineIntel -- run --vendor intel "$busybox" cat /proc/cpuinfo
gives 0 AuthenticAMD -- run --vendor amd --cpu max "$busybox" cat /proc/cpuinfo
# 32-bit entries: SYSCALL is AMD's alone (ENOSYS is 38), SYSENTER Intel's (refused by SYSENTER_CS), INT 80H nobody's
gives 132 'SIGILL' -- run "$GUEST/compat_entries"
gives 139 'SIGSEGV' -- run "$GUEST/compat_entries" 1
gives 139 'SIGSEGV' -- run "$GUEST/compat_entries" 1 2
gives 38 '' -- run --vendor amd "$GUEST/compat_entries"
gives 132 'SIGILL' -- run --vendor amd "$GUEST/compat_entries" 1
gives 139 'SIGSEGV' -- run --vendor amd "$GUEST/compat_entries" 1 2
gives 0 ' avx2 ' -- run "$busybox" cat /proc/cpuinfo
gives 0 ' sha_ni ' -- run --cpu max "$busybox" cat /proc/cpuinfo
gives 1 '' -- run --cpu x86-64-v2 "$busybox" grep -w avx /proc/cpuinfo
gives 125 'nowhere' -- run --cwd /nowhere "$busybox" true

# --- finding the program ---
gives 0 hello -- run "$busybox" echo hello
gives 0 hello -- run -- "$busybox" echo hello
gives 0 hello -- run busybox echo hello
gives 127 'not found' -- run no-such-program-anywhere
gives 127 'not found' -- run ./no-such-program
gives 127 'not found' -- run ./no/such/program
gives 127 -- run ''"$busybox"/x
gives 126 'directory' -- run /
cp "$busybox" plain
chmod 644 plain
gives 126 -- run ./plain
cp "$busybox" busybox-own
chmod 755 busybox-own
gives 0 hello -- run ./busybox-own echo hello
gives 0 "$work/busybox-own" -- run ./busybox-own sh -c 'ls /*/*/busybox-own 2> /dev/null'
gives 0 hello -- run --mount "$work:/in" ./busybox-own echo hello
gives 0 /in/busybox-own -- run --mount "$work:/in" ./busybox-own readlink /proc/self/exe
gives 0 /in/busybox-own -- run --mount "$work:/in" /in/busybox-own readlink /proc/self/exe
gives 0 ./busybox-own -- run ./busybox-own sh -c 'tr "\0" "\n" < /proc/$PPID/cmdline; tr "\0" "\n" < /proc/self/cmdline; echo ./busybox-own'
mkdir -p root/bin
cp "$busybox" root/bin/busybox
gives 0 hello -- run --root root /bin/busybox echo hello
gives 0 hello -- run --root root busybox echo hello
gives 0 hello -- run --root root --cwd /bin ./busybox echo hello
gives 127 -- run --root root "$work/busybox-own"
gives 127 -- run --root root nothing-here
printf '#!/nowhere/interpreter\n' >script
chmod 755 script
gives 127 'is a script' -- run ./script
printf '#!%s sh\necho "script $1"\n' "$busybox" >script
gives 0 'script one' -- run --mount "$busybox:$busybox" ./script one

# --- what the program sees ---
gives 0 'A=1' -- run --env A=1 "$busybox" env
gives 0 'A=2' -- run --env A=1 --env A=2 "$busybox" env
gives 0 -- run "$busybox" env
[ -s out ] && fail 'the environment is not empty by default'
FROM_HOST=here gives 0 'FROM_HOST=here' -- run --env FROM_HOST "$busybox" env
gives 0 -- run --env NOT_SET_ANYWHERE "$busybox" env
[ -s out ] && fail 'a variable that is not set appeared'
gives 0 / -- run "$busybox" pwd
mkdir shown
echo content >shown/file
gives 0 content -- run --mount shown:/data "$busybox" cat /data/file
gives 1 'Read-only' -- run --mount shown:/data "$busybox" touch /data/new
gives 1 'Read-only' -- run --mount shown:/data:ro "$busybox" rm /data/file
gives 0 -- run --mount shown:/data:rw "$busybox" touch /data/new
[ -f shown/new ] || fail 'a writable mount was not written'
gives 0 content -- run --mount shown/file:/one "$busybox" cat /one
gives 0 /data -- run --mount shown:/data --cwd /data "$busybox" pwd
ln -s /etc/passwd shown/escape
ln -s ../../../../../../etc/passwd shown/climb
gives 1 -- run --mount shown:/data "$busybox" cat /data/escape
gives 1 -- run --mount shown:/data "$busybox" cat /data/climb
gives 1 -- run "$busybox" cat /etc/passwd
gives 1 -- run "$busybox" ls /home

# --- exit statuses ---
gives 7 -- run "$busybox" sh -c 'exit 7'
gives 255 -- run "$busybox" sh -c 'exit 255'
gives 143 'killed by SIGTERM' -- run "$busybox" sh -c 'kill -TERM $$'
gives 137 'killed by SIGKILL' -- run "$busybox" sh -c 'kill -KILL $$'
gives 124 '--max-cycles' -- run --max-cycles 100K "$busybox" sh -c 'while :; do :; done'
gives 124 '--max-cycles 2000000' -- run --max-cycles=2M "$busybox" yes
gives 0 -- run --max-cycles 1G "$busybox" true
gives 123 deadlock -- run "$busybox" sh -c 'mkfifo /tmp/f; read x < /tmp/f'
cat >fault.S <<'END'
        .globl _start
_start: xor %eax, %eax
        mov (%rax), %eax
END
if command -v gcc >/dev/null && gcc -nostdlib -static fault.S -o fault 2>/dev/null; then
    gives 139 './fault killed by SIGSEGV at rip 0x' -- run ./fault
    grep -q 'mov eax, \[rax\] (address 0x0: read of an address where nothing is mapped' err || fail 'the report of a fault'
    gives 139 'instructions: ' -- run --stats ./fault
fi
printf 'head' >pipe.in
"$RINGFORT" run "$busybox" yes 2>err | head -n 1 >out
grep -q y out || fail 'a closed pipe'

# --- tracing and figures ---
gives 0 'execve(' -- run --strace "$busybox" sh -c "$busybox true; echo x > /dev/null"
gives 0 'write(1, "hello\n", 6)' -- run --strace "$busybox" echo hello
gives 0 'exited with 0' -- run --strace "$busybox" true
[ -s out ] && fail 'a trace on standard output'
for text in 'instructions: ' 'cycles: ' '  user: ' 'transitions:' '  syscall: ' '  sysret: ' '  iret: ' '  int n: ' \
    '  interrupts: ' 'exceptions: ' '  #PF: ' 'page walks: ' 'system calls: ' exit_group; do
    gives 0 "$text" -- run --stats "$busybox" ls /
done
"$RINGFORT" run --stats "$busybox" sh -c 'ls -l / | sort; sleep 0.01; date' >first 2>&1
"$RINGFORT" run --stats "$busybox" sh -c 'ls -l / | sort; sleep 0.01; date' >second 2>&1
cmp -s first second || fail 'two runs differ'
"$RINGFORT" run --seed 5 "$busybox" sh -c 'head -c 16 /dev/urandom | md5sum' >first 2>&1
"$RINGFORT" run --seed 5 "$busybox" sh -c 'head -c 16 /dev/urandom | md5sum' >second 2>&1
"$RINGFORT" run --seed 6 "$busybox" sh -c 'head -c 16 /dev/urandom | md5sum' >third 2>&1
cmp -s first second || fail 'the same seed gives different bytes'
cmp -s first third && fail 'different seeds give the same bytes'

# --- damaged programs: refused with a line, or the guest's own death ---
damaged() {
    count=$((count + 1))
    timeout 60 "$RINGFORT" run --max-cycles 50M ./damaged >out 2>err </dev/null
    status=$?
    if [ $status -ge 128 ] && ! grep -q 'killed by SIG' err; then
        fail "$1: ringfort died: status $status"
    fi
    [ $status -ne 126 ] || grep -q '^ringfort: ' err || fail "$1: refused without a word"
}
# poke OFFSET BYTES(octal escapes)
poke() {
    printf "$2" | dd of=damaged bs=1 seek="$1" conv=notrunc 2>/dev/null
}
fresh() {
    head -c 400000 "$busybox" >damaged
    chmod 755 damaged
}
for length in 0 1 3 4 15 16 20 40 63 64 65 100 119 120 200 500 1000 4096 5000 100000 399999; do
    head -c $length "$busybox" >damaged
    chmod 755 damaged
    damaged "truncated to $length bytes"
done
for n in 1 2 3 4 5 6; do
    { printf '\177ELF\002\001\001'; seq $n 7 3000 | md5sum; seq $n 11 9000; } >damaged
    damaged "random bytes $n"
done
seq 1 1000 >damaged
damaged 'text'
fresh; poke 4 '\001'; damaged '32-bit class'
gives 126 -- run ./damaged
fresh; poke 5 '\002'; damaged 'big-endian'
gives 126 -- run ./damaged
fresh; poke 18 '\267'; damaged 'another machine'
gives 126 -- run ./damaged
fresh; poke 16 '\001'; damaged 'an object file'
fresh; poke 16 '\004'; damaged 'a core file'
fresh; poke 24 '\377\377\377\377\377\377\377\377'; damaged 'entry nowhere'
fresh; poke 24 '\000\000\000\000\000\200\377\377'; damaged 'entry in the kernel'
fresh; poke 32 '\377\377\377\377\377\377\377\377'; damaged 'headers far outside'
fresh; poke 32 '\360\377\377\377\377\377\377\177'; damaged 'headers at the end of everything'
fresh; poke 54 '\001\000'; damaged 'header size 1'
fresh; poke 54 '\377\377'; damaged 'header size 65535'
fresh; poke 56 '\000\000'; damaged 'no headers'
fresh; poke 56 '\377\377'; damaged '65535 headers'
# the first two program headers, field by field: type, flags, offset, vaddr, paddr, filesz, memsz, align
for header in 64 120; do
    for field in 0 8 16 32 40 48; do
        for value in '\377\377\377\377\377\377\377\377' '\000\000\000\000\000\000\000\200' '\000\000\000\000\000\000\000\000' \
            '\001\000\000\000\000\000\000\000' '\000\360\377\377\377\177\000\000' '\000\000\000\000\000\200\377\377'; do
            fresh
            poke $((header + field)) "$value"
            damaged "program header at $header, field $field, $value"
        done
    done
done
for byte in 3 7 8 16 20 28 48 52 58 60 64 68 72 80 88 96 104 112; do
    for value in '\000' '\001' '\177' '\200' '\377'; do
        fresh
        poke $byte "$value"
        damaged "byte $byte $value"
    done
done

# --- closed standard descriptors: what the program tries fails as it does natively ---
count=$((count + 2))
"$RINGFORT" run "$busybox" echo text >&- 2>err
[ $? -eq 1 ] || fail "echo with a closed output did not fail"
"$RINGFORT" run "$busybox" cat >out 2>err <&-
[ $? -eq 1 ] || fail "cat with a closed input did not fail"

echo "$count commands, $failures failures"
[ $failures = 0 ]
