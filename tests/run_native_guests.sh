#!/bin/sh
# The programs of tests/guest: their output and exit status must be the same natively and in
# Ringfort.
. "${SOURCE:?}/tests/lib/native.sh"

mkdir "$tree/bin"
cp "$GUEST"/* "$tree/bin"
seal

variables="$variables ONE=1 EMPTY="
same "$tree/bin/initial_stack"
same "$tree/bin/initial_stack" one 'two words' '' three
same bin/entry_registers
same bin/syscall_registers
same bin/faults
same bin/x87_pointers
same bin/bad_code
same bin/changed_code
same bin/deaths
same bin/signals
same bin/processes
same bin/files
same bin/files "$tree"
same bin/memory
for program in mm_mmap mm_remap mm_advice mm_lock mm_limits process_vm sysv_shm sysv_sem sysv_msg; do
    same bin/$program
done
same bin/bad_calls
same bin/clocks
same bin/cpu_limits
same bin/usage
same bin/futexes
same bin/futex_order
same bin/timers
same bin/timerfd
same bin/signalfd
same bin/memfd
same bin/pidfd
same bin/rseq
for program in unix_stream unix_datagram unix_rights unix_names unix_events socket_options tcp_states tcp_data inet_udp inet_binding \
    inet_options netlink; do
    same bin/$program
done
same bin/seccomp
same bin/seccomp_notify
same bin/priorities
same bin/ptrace
same bin/exec_threads
same bin/lifetimes
same bin/restarts
same bin/signal_rules
same bin/xattr
same bin/mqueue
same bin/async_io
same bin/pty
same bin/credentials
same bin/capabilities
same bin/prctl
same bin/personality
# recorded PROGRAM ARGUMENT NAME   what cannot be compared here: whether RDTSC faults is a hypervisor's choice too, and the
# host's clock is not ours to adjust
recorded() {
    count=$((count + 1))
    "$RINGFORT" run --mount "$copy:$tree" -- "$tree/bin/$1" $2 >"$work/recorded" 2>&1
    diff "$SOURCE/tests/golden/$3.txt" "$work/recorded" || fail "$1 $2"
}
recorded personality tsc forbidden_rdtsc
recorded adjtimex '' adjtimex
same bin/scheduling
same bin/namespaces
same bin/mounts
same bin/sessions
same bin/clock_set
same bin/epoll
# its input a pipe of the host, once for either run; the second writer comes when the first run
# has closed the pipe
mkfifo "$work/pipe"
(for run in native ringfort; do { echo hello; sleep 2; } >"$work/pipe"; sleep 1; done) &
input=$work/pipe
same bin/epoll
input=
for program in file_paths file_contents file_descriptors; do
    same bin/$program
    same bin/$program "$tree"
done
for program in libc threads; do
    same bin/$program
    [ ! -x "$tree/bin/$program.musl" ] || same bin/$program.musl
done
compare_trees
finish
