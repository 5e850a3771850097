#!/bin/sh
# bash, static, running the scripts of tests/scripts: the same as natively.
. "${SOURCE:?}/tests/lib/native.sh"

bash=$(command -v bash-static) && busybox=$(command -v busybox) || exit 77
mkdir "$tree/bin" "$tree/tmp"
cp "$bash" "$tree/bin/bash"
cp "$busybox" "$tree/bin/busybox"
for applet in cat sort tr sleep wc seq rm mkfifo; do ln -s busybox "$tree/bin/$applet"; done
cp "$SOURCE"/tests/scripts/*.bash "$tree"
seal

for script in "$SOURCE"/tests/scripts/*.bash; do
    same bin/bash "$(basename "$script")" first 'second argument'
done
same bin/bash -c 'echo "$0" "$@"' zero one two
same bin/bash -c 'exit 42'
same bin/bash -c 'kill -KILL $$'
missing=yes same bin/bash -c 'no_such_command'
same bin/bash -n -c 'if'
same bin/bash --nosuchoption
printf 'read name\necho "hello $name"\nworld() { echo $1; }\nworld x\n' >"$work/typed"
input=$work/typed same bin/bash
compare_trees
finish
