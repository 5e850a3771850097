#!/bin/sh
# Debian's static busybox at work on a directory: the same output, exit statuses and files as
# natively.
. "${SOURCE:?}/tests/lib/native.sh"

busybox=$(command -v busybox) || exit 77
mkdir "$tree/bin" "$tree/data" "$tree/data/deep" "$tree/data/empty"
cp "$busybox" "$tree/bin/busybox"
for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$tree/bin/$applet"
done
seq 1 3000 >"$tree/data/numbers"
seq 1 400 | while read -r n; do echo "line $((n * 7919 % 1000)) of text, field $((n * n % 97))"; done >"$tree/data/text"
head -c 200000 "$busybox" >"$tree/data/binary"
printf 'no newline at the end' >"$tree/data/deep/short"
: >"$tree/data/deep/nothing"
ln -s ../text "$tree/data/deep/link"
ln "$tree/data/numbers" "$tree/data/hard"
chmod 640 "$tree/data/text"
touch -h -d '2023-04-05 06:07:08' "$tree"/data/* "$tree/data/deep"/* "$tree/data"
seal

b=bin/busybox
same $b
same $b true
same $b false
same $b echo hello world
same $b printf '%d %s %x %5.2f\n' 42 text 255 3.14159
same $b seq 1 3 20
same $b cat data/text
same $b cat data/none
same $b cat -
input=$tree/data/text same $b cat -
input=$tree/data/text same $b wc
same $b wc data/text data/numbers data/binary
same $b md5sum data/binary data/text
same $b sha1sum data/binary
same $b sha256sum data/binary data/numbers
same $b sha512sum data/binary
same $b sort data/text
same $b sort -n -k2 -r data/text
same $b sort -u -t, -k2 data/text
same $b cut -d' ' -f2,4 data/text
same $b cut -c3-9 data/text
same $b tr a-z A-Z
input=$tree/data/text same $b tr -d 'aeiou'
same $b grep -n 'field 9' data/text
same $b grep -c . data/text
same $b sh -c 'grep -rl text data | sort'
same $b grep -E '^line ([0-9])\1' data/text
same $b grep nothing data/text
same $b sed -n '5,9p;s/field/FIELD/p' data/text
same $b sed -e 's/\(line\) \([0-9]*\)/\2 \1/' -e '/9$/d' data/text
same $b awk '{ n[$2 % 10] += $6; f += $2 / 3 } END { for (i = 0; i < 10; i++) print i, n[i]; printf "%.6f %g\n", f, sqrt(f) }' data/text
same $b awk -F, '{ print length($0), toupper($2), substr($1, 2, 4), match($0, /of/) }' data/text
same $b awk 'BEGIN { x = 1; for (i = 0; i < 60; i++) x *= 1.5; print x, sin(1), atan2(1, 2), exp(1), int(-3.7), 7 % 3 }'
same $b head -n 3 data/text
same $b tail -n 3 data/text
same $b tail -c 10 data/text
same $b uniq -c data/text
same $b nl data/text
same $b tac data/text
same $b rev data/text
same $b fold -w 20 data/text
same $b od -A x -t x1z data/deep/short
same $b hexdump -C data/deep/short
same $b xxd data/deep/short
same $b base64 data/deep/short
same $b strings data/binary
same $b diff data/text data/numbers
same $b cmp data/text data/numbers
same $b expr 6 '*' 7
same $b basename a/b/c.txt .txt
same $b dirname a/b/c.txt
same $b env
same $b pwd
same $b date -u -d @1700000000
same $b cal 2 2024
same $b factor 1234567890 97
same $b dd if=data/binary bs=1000 skip=3 count=7
same $b ls data
same $b ls -1a data/deep
same $b ls -ln data/deep/short data/text data/numbers data/hard data/deep/link
same $b ls -lnR data
same $b ls -li none
same $b stat -c '%n %s %a %F %h %u %g %Y' data/text data/deep data/deep/link data/hard
same $b readlink data/deep/link
same $b realpath data/deep/link
same $b test -f data/text
same $b test -d data/text
same $b sh -c 'find data | sort'
same $b sh -c 'find data -type f -size +10 -exec wc -c {} \; | sort'
same $b sh -c 'find data -name "*t*" -newer bin -print | sort'
same $b sh -c 'cat data/text | grep field | cut -d" " -f2 | sort -n | uniq -c | tail -n 5'
same $b sh -c 'seq 1 20000 | awk "{ s += \$1 } END { print s }"'
same $b sh -c 'yes | head -n 1000 | wc -l'
same $b sh -c 'gzip -c data/binary | gunzip | md5sum; gzip -9 -c data/text | wc -c'
same $b sh -c 'bzip2 -c data/binary | bunzip2 -c | md5sum; xz -d < /dev/null; echo $?'
same $b sh -c 'tar -cf - data | tar -tf - | sort'
same $b sh -c 'mkdir out && tar -cf out/all.tar data && cd out && tar -xf all.tar && rm all.tar && find . -type f | sort | xargs md5sum'
same $b sh -c 'cp -a data again; mv again/text again/renamed; rm -r again/deep; ls again | sort; touch -d "2024-01-01 00:00:00" again again/*'
same $b sh -c 'mkdir -p a/b/c; ln -s b a/l; echo x > a/l/c/file; cat a/b/c/file; rmdir a/b/c; echo $?; rm -rf a; ls a; echo $?'
same $b sh -c 'echo one > f; echo two >> f; cat < f; while read l; do echo "[$l]"; done < f; rm f'
same $b sh -c 'x=5; f() { local x=6; echo $x "$@"; return 3; }; f a "b c"; echo $? $x ${x:-d} ${y:-d} ${#HOME}'
same $b sh -c 'trap "echo trapped" EXIT; (exit 4); echo $?; kill -TERM $$; echo unreachable'
same $b sh -c 'sleep 0.05 & wait $!; echo $?; (sleep 5 & p=$!; kill $p; wait $p; echo $?)'
same $b sh -c 'for i in 1 2 3; do for j in a b; do echo $i$j; done; done | tr "\n" " "; echo $((3 * (4 + 5) % 7)) $((0x1f << 2))'
same $b sh -c 'cat <<END
text $((1 + 1)) $(echo inner) `echo old`
END
case abc in a*) echo begins;; *) echo no;; esac'
same $b sh -c 'set -e; false; echo unreachable'
same $b sh -c 'nosuchcommand; echo $?; ./data; echo $?; exec 3> e; echo three >&3; exec 3>&-; cat e; rm e'
same $b sh -c 'vi --nosuch < /dev/null; echo a b c | xargs -n 1 echo; echo 3 4 + p | dc; echo "2^40/3" | bc'
same $b sh -c 'dd if=/dev/zero of=big bs=65536 count=20 2> /dev/null; md5sum big; truncate -s 100 big; wc -c big; rm big'
same $b sh -c 'echo data | tee one two | cat; cat one two; rm one two; printf "%s\n" */ | sort'
compare_trees
finish
