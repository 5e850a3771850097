#!/bin/sh
# Dynamically linked programs of the host, with its root mounted read-only: the same as natively.
. "${SOURCE:?}/tests/lib/native.sh"

for program in perl setpriv unshare flock; do
    command -v $program >/dev/null || { echo "$program is not installed"; exit 77; }
done
variables="PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=$tree LC_ALL=C TZ=UTC0"
mounts="--root /:ro"
mkdir "$tree/d" "$tree/d/e"
seq 1 2000 | sed 's/$/ line of text/' >"$tree/numbers"
printf 'pear 3\napple 10\nfig 2\napple 9\n' >"$tree/fruit"
printf 'one,two,three\n1,2,3\n' >"$tree/table"
head -c 300000 /bin/sh >"$tree/binary"
echo inner >"$tree/d/e/f"
ln -s ../fruit "$tree/d/link"
ln "$tree/fruit" "$tree/d/hard"
chmod 640 "$tree/table"
chmod 4711 "$tree/d/hard"
touch -d '2020-02-03 04:05:06' "$tree/fruit" "$tree/table" "$tree/numbers" "$tree/d/link" "$tree/d/e/f" "$tree/binary"
touch -h -d '2021-02-03 04:05:06' "$tree/d/link"
touch -d '2020-02-03 04:05:06' "$tree/d/e" "$tree/d"
seal
sh=/bin/sh

# --- files and text ---
same ls -l fruit table d/e/f
same ls -la --time-style=full-iso --block-size=1 d/e/f table
same ls -R1F .
same stat -c '%n %s %a %F %h %U:%G %Y' fruit table d d/link d/hard
same find . -type f -size +1k -printf '%p %s %m\n'
same sh -c 'find . -name "f*" | sort | xargs -n 1 echo found'
same wc numbers fruit table binary
same sort -k2n -k1 fruit
same sort -r -u -t' ' -k1,1 fruit
same sort -n -T . --parallel=4 -S 64k numbers
same cut -d, -f2- table
input=$tree/fruit same tr a-z A-Z
same sed -n -e '5,9p' -e 's/line/LINE/;20q' numbers
same awk '{ n[$1] += $2 } END { for (k in n) print k, n[k] | "sort" }' fruit
same grep -n -E '(7|9){3}' numbers
same grep -c . binary
same uniq -c table
same comm -12 fruit d/hard
same join fruit fruit
same paste fruit table
same tac fruit
same nl -ba fruit
same fold -w 7 table
same od -A x -t x1z -N 64 binary
same sha256sum binary numbers
same md5sum binary
same cksum binary
same b2sum numbers
same base64 -w 60 fruit
same dd if=binary of=copied bs=4096 skip=3 count=7 status=none
same sh -c 'dd if=/dev/zero bs=1M count=3 status=none | wc -c'
same cmp binary copied
same diff -u fruit table
same tar -cf packed.tar --sort=name --mtime=@0 --owner=0 --group=0 fruit table d
same tar -tvf packed.tar
same sh -c 'gzip -9nc numbers >numbers.gz && gzip -dc numbers.gz | md5sum'
same sh -c 'split -l 1000 numbers part. && cat part.* | cmp - numbers && ls part.*'
same cp -a d copy_of_d
same mv copy_of_d moved
same rm -r moved
same ln -s nowhere dangling
same readlink -f d/link
same realpath --relative-to=d numbers
same mktemp -u -p . --suffix=.x XXX.never --dry-run
same truncate -s 100 shortened
same mkfifo fifo
same rm dangling shortened fifo copied numbers.gz packed.tar part.aa part.ab part.ac
same touch -d '2001-01-01 00:00' old
same test old -ot fruit
same rm old
same cat nothing
same ls --no-such-option
same expr 6 '*' 7
same seq -s, 1 3 20
same printf '%05d|%-6s|%x\n' 42 left 255
same date -u -d @1700000000 '+%F %T %A'
same factor 1234567890123
same numfmt --to=iec 123456789
same getopt -o ab:c --long alpha,beta: -- -a -b value --beta=x rest
same tsort table
same shuf --random-source=binary -i 1-10
same dirname a/b/c
same basename a/b/c.x .x
same pathchk -p a/b

# --- processes ---
same env -i A=1 B=2 env
same env -u HOME sh -c 'echo ${HOME-unset}'
same env --ignore-signal=TERM sh -c 'kill -TERM $$; echo alive'
same nice -n 5 nice
same sh -c 'nohup sh -c "kill -HUP \$\$; echo alive" 2>&1'
same timeout 0.3 sleep 5
same timeout -s KILL 0.3 sleep 5
same timeout --preserve-status -k 1 0.3 sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done'
same setsid -w sh -c 'exit 5'
same setpriv --no-new-privs --inh-caps=-all --bounding-set=-all cat /proc/self/attr/none
same setpriv --reuid=1000 --regid=1000 --clear-groups id
same setpriv --reuid=1000 --regid=1000 --clear-groups cat table
same setpriv --nnp --dump
same prlimit --nofile=50:60 sh -c 'ulimit -n; ulimit -Hn'
same prlimit --fsize=100 sh -c 'dd if=/dev/zero of=big bs=64 count=4 status=none; echo $?'
same rm big

same flock lockfile sh -c 'flock -n lockfile true; echo $?'
same rm lockfile
same chrt -o 0 true
same chrt -f 10 sh -c 'chrt -p $$ | cut -d: -f2'
same ionice -c 3 ionice
same kill -l
same kill -L
same sh -c 'kill -0 $$ && echo there; kill -9 $$'
same sh -c 'sleep 10 & kill -STOP $!; kill -CONT $!; kill -TERM $!; wait $!; echo $?'
same sh -c 'trap "echo usr1" USR1; kill -USR1 $$; echo after'
same sh -c 'yes | head -n 3; (exit 3) | cat; echo $?'
same sh -c 'for i in 1 2 3; do (sleep 0.$i; echo $i) & done; wait; echo all'
same unshare -Urpf --mount-proc sh -c 'echo $$; id -u; ls -d /proc/[0-9]* | wc -l'
same unshare -u sh -c 'hostname inside && hostname'
same unshare -m sh -c 'mount -t tmpfs none d && touch d/x && ls d'
same unshare -pf --kill-child sh -c 'echo $$; sleep 0.01 & wait; echo $!'
same unshare --map-root-user --mount sh -c 'cat /proc/self/uid_map; id'
same unshare -Ur nsenter --preserve-credentials -t 1 -U true
same sh -c 'unshare -u sleep 1 & sleep 0.2; hostname same; nsenter -t $! -u hostname >/dev/null; echo $?'
same sh -c 'ps -o comm= -p $$'
same sh -c 'sleep 7 & ps -o comm=,args=,stat= -p $!; kill $!'
same sh -c 'sleep 7 & pgrep -P $$ -x sleep | wc -l; pkill -P $$ -x sleep; wait; echo $?'
same sh -c 'read a b </proc/self/stat; echo $b | cut -c1-6; grep -E "^(Name|State|Threads|SigIgn)" /proc/self/status'
same sh -c 'exec 5</dev/null; ls -l /proc/self/fd | grep -c "5 -> /dev/null"'
same sh -c 'cd d; ls -l /proc/self/cwd | sed "s/.*-> //"'
input=$tree/fruit same xargs -P 4 -n 1 sh -c 'test "$0" != 9'
same sh -c 'find d -exec test -f {} \; -print | sort'

# --- Perl ---
same perl -e 'my %h; $h{$_ % 7}++ for 1..1000; print join(",", map {"$_=$h{$_}"} sort keys %h), "\n"'
same perl -e 'local $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; sleep 5 }; print "caught $@"'
same perl -e 'my $p = fork // die; exit 7 unless $p; waitpid $p, 0; print $? >> 8, "\n"'
same perl -e 'open my $f, "-|", "echo", "piped" or die; print <$f>; close $f; print $?, "\n"'
same perl -MPOSIX=:sys_wait_h,:signal_h -e 'my $p = fork; if (!$p) { sleep 100; exit } kill STOP => $p; waitpid $p, WUNTRACED; print $?, "\n"; kill KILL => $p; wait; print WTERMSIG($?), "\n"'
same perl -MSocket -e 'print inet_ntoa(inet_aton("127.0.0.1")), "\n"'
same perl -MDigest::SHA=sha1_hex -e 'print sha1_hex("abc"), "\n"'
same perl -e 'opendir my $d, "."; print join(" ", sort grep !/^\./, readdir $d), "\n"'
compare_trees
finish
