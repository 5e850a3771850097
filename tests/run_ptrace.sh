#!/bin/sh
# The host's strace and gdb, tracing programs inside Ringfort: what they tell is the same as natively. Addresses, process
# numbers and what is random are cut out, and each process' log is looked at by itself.
. "${SOURCE:?}/tests/lib/native.sh"

for program in strace gdb; do
    command -v $program >/dev/null || { echo "$program is not installed"; exit 77; }
done
variables="PATH=/usr/bin:/bin HOME=$tree LC_ALL=C TZ=UTC0"
mounts="--root /:ro"
mkdir "$tree/bin"
cp "$GUEST/traced" "$GUEST/ptrace" "$tree/bin"

# traced OPTION... PROGRAM ARGUMENT...
cat >"$tree/traced" <<'END'
strace -ff -o log "$@" >/dev/null
echo "status $?"
for log in $(ls log.* | sort -t. -k2n); do
    sed -E -e 's/0x[0-9a-f]{5,}/ADDRESS/g' -e '/SIGCHLD/d' -e 's/ +=/ =/' -e 's/pipe:\[[0-9]+/pipe:[N/g' -e 's/si_pid=[0-9]+/si_pid=PID/' \
        -e 's/(clone3?\(.*|(kill|tgkill)\([0-9, ]*|wait4\(-?[0-9]+|get[pt]+id\(.*|set_tid_address\(.*)/&#/' \
        -e '/#/s/[0-9]{2,}/N/g' -e 's/(getrandom\()"[^"]*"/\1BYTES/' -e 's/\?? ERESTART.*/INTERRUPTED/' "$log"
    rm "$log"
done
END
# counts OPTION... PROGRAM: the calls' names and numbers, without times
cat >"$tree/counts" <<'END'
strace -c -o log "$@" >/dev/null
awk '$4 ~ /^[0-9]+$/ { print $4, $NF, NF == 6 ? $5 : 0 }' log | sort
rm log
END
# attached: to a sibling that runs already
cat >"$tree/attached" <<'END'
bin/traced sleep & pid=$!
sleep 0.2
timeout -s INT 0.5 strace -o log -e trace=none -e signal=all -p $pid 2>/dev/null & tracer=$!
sleep 0.2
kill -WINCH $pid
kill -USR1 $pid
wait $pid; echo "sibling $?"
wait $tracer; echo "strace $?"
sed -E -e 's/si_pid=[0-9]+/si_pid=PID/' log
rm log
END
# debugged PROGRAM ARGUMENT... -- COMMAND...
cat >"$tree/debugged" <<'END'
program=$1 arguments=
shift
while [ $# -gt 0 ] && [ "$1" != -- ]; do arguments="$arguments $1"; shift; done
shift
rm -f commands
for command in 'set width 0' 'set confirm off' 'set auto-load safe-path /' 'set debuginfod enabled off' \
    'set can-use-hw-watchpoints 0' 'set startup-with-shell off' "set args$arguments" "$@"; do echo "$command" >>commands; done
timeout 60 gdb -nx -batch -x commands "$program" 2>&1 </dev/null |
    sed -E -e 's/0x[0-9a-f]+/ADDRESS/g' -e 's/(process|LWP|Thread) [0-9]+/\1 N/g' -e 's/pid [0-9]+/pid N/' \
        -e '/[Dd]ebuginfod/d' -e '/^warning: .*(vdso|vsyscall|system-supplied DSO)/d' -e '/^\[(New|Thread|Switching|Detaching|Using|Attaching)/d' \
        -e '/host libthread_db/d' -e 's/(.) +/\1 /g' -e '/^warning: Memory read failed for corefile/d' -e 's,/proc/[0-9]+,/proc/N,'
rm -f commands
END
seal

same sh traced bin/traced
same sh traced bin/traced reads
same sh traced bin/traced crash
same sh traced bin/traced forks
same sh traced -v -s 4 -x -e trace=read,write,fcntl,rt_sigaction,openat bin/traced reads
same sh traced -e trace=%process bin/traced forks
same sh traced -e trace=%memory bin/traced
same sh traced -y -e trace=%desc bin/traced reads
same sh traced -e trace=write -e inject=write:error=EIO:when=1 bin/traced
same sh traced -e trace=mmap -e inject=mmap:retval=3 bin/traced reads
same sh traced -e trace=kill -e inject=kill:signal=TERM bin/traced reads
same sh traced -e trace=fcntl,pipe2 -e fault=pipe2:error=EMFILE bin/traced reads
same sh traced -e trace=write -P /dev/null bin/traced
same sh traced -z -e trace=openat,read bin/traced reads
same sh traced -Z -e trace=openat,read bin/traced reads
same sh traced --seccomp-bpf -f -e trace=openat bin/traced reads
same sh traced -e trace=none -b execve /bin/sh -c 'exit 3'
same sh traced -k -e trace=write /bin/true
same sh traced -u nobody -e trace=getuid,geteuid /usr/bin/id -u
same sh traced /no/such/program
same sh counts bin/traced reads
same sh attached

same sh debugged bin/traced -- 'break add if number == 3' run bt 'print sum' 'print total' finish 'info breakpoints' continue
same sh debugged bin/traced -- 'break main' run 'watch total' continue continue continue 'delete 2' continue
if ! grep -q __asan_init "$RINGFORT"; then # with sanitizers these would take too long
    same sh debugged bin/traced -- 'break add' run next next step 'stepi 3' 'info line' 'delete' continue
    same sh debugged bin/traced -- 'tbreak add' run bt up 'info locals' down 'return 7' next continue
    same sh debugged bin/traced crash -- run bt 'print $_siginfo.si_signo' 'print $_siginfo._sifields._sigfault.si_addr' continue
    same sh debugged bin/traced -- 'break add' run 'set var sum = 100' 'print total = 5' 'delete' continue
    same sh debugged bin/traced -- 'break add' run 'print deep(2)' 'call add(4, 5)' 'print $rip == (long)add' 'info registers eflags'
    same sh debugged bin/traced -- 'catch syscall write' run continue continue
    same sh debugged bin/traced forks -- 'set detach-on-fork off' 'catch fork' run 'info inferiors' 'kill inferiors 1'
    same sh debugged bin/traced forks -- 'set follow-fork-mode child' 'break raise' run 'bt 1' kill
    same sh debugged bin/traced forks -- 'handle SIGWINCH stop print' run 'info program' 'signal 0'
    same sh debugged bin/traced threads -- 'break threads_met' run 'info threads' 'thread 2' 'thread apply all bt 1' 'print total' continue
    same sh debugged bin/traced threads -- 'break threads_met' run 'set scheduler-locking on' 'next' 'next' kill
    same sh debugged bin/traced threads -- 'break threads_met' run 'generate-core-file core' 'shell ls core' 'shell rm core'
fi
same sh -c 'bin/traced sleep & sleep 0.2; gdb -nx -batch -p $! -ex "bt -1" -ex detach 2>/dev/null | grep -c "main ("; kill $!; wait $!; echo $?'

# Breakpoints on data by the debug registers: not every host has them to give
expect() { # expect FILE COMMAND...: standard output
    file=$1
    shift
    count=$((count + 1))
    (cd "$tree" && exec "$timeout" "$limit" "$RINGFORT" run --env PATH=/usr/bin:/bin --env HOME=/ --cwd "$tree" \
        --mount "$copy:$tree:rw" $mounts -- "$@") </dev/null 2>&1 | sed -e "s,$SOURCE/,," >"$work/out"
    diff "$file" "$work/out" >"$work/diff" || { fail "$*"; cat "$work/diff"; }
}
expect "$SOURCE/tests/golden/watchpoints.txt" bin/ptrace --watch
sed -i 's/can-use-hw-watchpoints 0/can-use-hw-watchpoints 1/' "$copy/debugged"
expect "$SOURCE/tests/golden/gdb_watchpoint.txt" sh debugged bin/traced -- 'break main' run 'watch total' continue continue \
    'hbreak deep' 'rwatch met' 'info watchpoints' 'delete 2' continue
rm "$tree/debugged" "$copy/debugged"
compare_trees
finish
