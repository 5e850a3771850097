#!/bin/sh
# Images of file systems and archives as mounts: what a program sees in them is what they were made of, what it writes into
# ext4 images passes e2fsck, and images that are damaged or cannot be written are refused in words.
: "${RINGFORT:?}" "${GUEST:?}"
for program in mke2fs e2fsck debugfs mkfs.xfs gensquashfs tar; do
    command -v $program >/dev/null || { echo "$program is not installed"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "not root: owners and devices cannot be made"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export LC_ALL=C TZ=UTC0
tree=$work/tree
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

mkdir "$tree" "$tree/d" "$tree/d/e" "$tree/many" "$tree/mode"
head -c 3000000 /dev/urandom >"$tree/big"
cp "$GUEST/walk_tree" "$tree/walk_tree"
echo text >"$tree/d/text"
ln "$tree/d/text" "$tree/d/hard"
ln -s text "$tree/d/link"
ln -s "$(printf 'a%.0s' $(seq 150))/end" "$tree/long"
truncate -s 3000000 "$tree/sparse"
echo end >>"$tree/sparse"
: >"$tree/empty"
mkfifo "$tree/fifo"
mknod "$tree/null" c 1 3
mknod "$tree/block" b 259 300
for i in $(seq 700); do echo $i >"$tree/many/a_file_with_a_longer_name_$i"; done
n=255
echo longest >"$tree/$(printf 'n%.0s' $(seq $n))"
for mode in 0 0400 0644 1777 2755 4711; do : >"$tree/mode/$mode"; chmod $mode "$tree/mode/$mode"; done
chown 1000:100 "$tree/d/e" "$tree/empty"
chown 70000:80000 "$tree/d/text"
find "$tree" -exec touch -h -d '2020-02-03 04:05:06' {} +

# walk MOUNT-OPTION IMAGE:GUEST HOW   what the walk prints, without what mke2fs adds
walk() {
    timeout 60 "$RINGFORT" run "$1" "$2" --mount "$GUEST:/guest" -- /guest/walk_tree /image "$3" 2>"$work/err" |
        grep -v '^\./lost+found'
}
want() { # HOW [FILTER]
    (cd "$tree" && "$GUEST/walk_tree" . "$1")
}
compare() { # WHAT HOW
    want "$2" >"$work/want"
    walk --image "$work/$1:/image:ro" "$2" >"$work/got"
    if ! diff "$work/want" "$work/got" >"$work/diff"; then
        fail "$1: $(head -n 4 "$work/diff")"
        head -n 3 "$work/err"
    fi
}

# --- read: as the source ---
for options in '-t ext4' '-t ext4 -b 1024 -I 256' '-t ext2 -b 1024' '-t ext3 -b 4096' '-t ext4 -O inline_data -I 256' \
    '-t ext4 -O ^64bit,^metadata_csum,^flex_bg'; do
    rm -f "$work/ext"
    truncate -s 48M "$work/ext"
    mke2fs -q -F $options -d "$tree" "$work/ext" >/dev/null 2>&1 || fail "mke2fs $options"
    compare ext all
done
tar -C "$tree" --xattrs --format=pax -cf "$work/pax.tar" .
tar -C "$tree" --format=gnu -S -czf "$work/gnu.tgz" .
tar -C "$tree" -S -cJf "$work/x.tar.xz" .
compare pax.tar all
compare gnu.tgz all
compare x.tar.xz all
for compressor in gzip xz zstd lz4; do
    gensquashfs -q -f -k -c $compressor -D "$tree" "$work/$compressor.sqfs" >"$work/gen" 2>&1 || {
        cat "$work/gen"
        fail "gensquashfs -c $compressor"
        continue
    }
    # gensquashfs forgets which names are of one file: their counts of links differ
    want plain | sed 's/^\(.*\/\(text\|hard\) [0-7]*\) 2 /\1 1 /' >"$work/want"
    walk --image "$work/$compressor.sqfs:/image:ro" plain >"$work/got"
    diff "$work/want" "$work/got" >"$work/diff" || fail "squashfs $compressor: $(head -n 4 "$work/diff")"
done
# a prototype file can tell modes and owners, not times and hard links
{
    printf '/boot\n0 0\nd--755 0 0\nbig ---644 0 0 %s\nd d--755 0 0\ne d--755 1000 100\n$\n' "$tree/big"
    printf 'text ---640 70 80 %s\nlink l--777 0 0 text\n$\nfifo p--644 0 0\nnull c--644 0 0 1 3\n' "$tree/d/text"
    printf 'many d--755 0 0\n'
    for i in $(seq 700); do printf 'a_file_%s ---644 0 0 %s\n' $i "$tree/many/a_file_with_a_longer_name_$i"; done
    printf '$\nlong l--777 0 0 %s\n$\n' "$(readlink "$tree/long")"
} >"$work/proto"
mkdir "$work/xtree" "$work/xtree/d" "$work/xtree/d/e" "$work/xtree/many"
cp "$tree/big" "$work/xtree"
cp "$tree/d/text" "$work/xtree/d"
chmod 640 "$work/xtree/d/text"
ln -s text "$work/xtree/d/link"
ln -s "$(readlink "$tree/long")" "$work/xtree/long"
mkfifo "$work/xtree/fifo"
mknod "$work/xtree/null" c 1 3
for i in $(seq 700); do cp "$tree/many/a_file_with_a_longer_name_$i" "$work/xtree/many/a_file_$i"; done
(cd "$work/xtree" && "$GUEST/walk_tree" . plain) >"$work/want"
for options in '' '-b size=1024 -n size=4096' '-n ftype=0 -m crc=0'; do
    rm -f "$work/xfs"
    truncate -s 320M "$work/xfs"
    mkfs.xfs -q -f $options -p "$work/proto" "$work/xfs" >/dev/null 2>"$work/mkfs" || { cat "$work/mkfs"; fail "mkfs.xfs $options"; continue; }
    walk --image "$work/xfs:/image:ro" plain >"$work/got"
    diff "$work/want" "$work/got" >"$work/diff" || fail "xfs $options: $(head -n 4 "$work/diff") $(head -n 2 "$work/err")"
done

# --- written: as on the host's file system, and e2fsck agrees ---
mkdir "$work/native"
"$GUEST/file_stress" "$work/native" 5 700 >"$work/want"
for options in '-t ext4 -b 4096' '-t ext4 -O bigalloc -b 4096' '-t ext4 -b 2048 -O ^has_journal,^metadata_csum'; do
    rm -f "$work/ext"
    truncate -s 64M "$work/ext"
    mke2fs -q -F $options "$work/ext" >/dev/null 2>&1
    timeout 60 "$RINGFORT" run --image "$work/ext:/image:rw" --mount "$GUEST:/guest" -- /guest/file_stress /image 5 700 |
        grep -v 'lost+found' >"$work/got"
    diff "$work/want" "$work/got" >"$work/diff" || fail "file_stress on $options: $(head -n 6 "$work/diff")"
    e2fsck -fn "$work/ext" >"$work/fsck" 2>&1 || fail "e2fsck after file_stress on $options: $(head -n 6 "$work/fsck")"
done
for cycles in 30000000 100000000; do # stopped in the middle
    mke2fs -q -F -t ext4 -b 1024 "$work/ext" >/dev/null 2>&1
    timeout 60 "$RINGFORT" run --max-cycles $cycles --image "$work/ext:/image:rw" --mount "$GUEST:/guest" -- \
        /guest/file_stress /image 6 100000 >/dev/null 2>&1
    e2fsck -fn "$work/ext" >"$work/fsck" 2>&1 || fail "e2fsck after $cycles cycles: $(head -n 6 "$work/fsck")"
done

# --- full ---
cat >"$work/full.sh" <<'END'
cd /image
dd if=/dev/zero of=big bs=64k 2>/dev/null; echo "dd $?"
echo more >more; echo "echo $?"
mkdir d; echo "mkdir $?"
rm big more; echo "rm $?"
dd if=/dev/zero of=big bs=64k count=10 2>/dev/null; echo "dd $?"
END
truncate -s 4M "$work/full"
mke2fs -q -F -t ext4 -O ^has_journal "$work/full" >/dev/null 2>&1
timeout 60 "$RINGFORT" run --image "$work/full:/image:rw" --mount /bin/busybox:/bin/busybox --mount "$work/full.sh:/full.sh" \
    -- /bin/busybox sh /full.sh >"$work/got" 2>/dev/null
printf 'dd 1\necho 1\nmkdir 1\nrm 0\ndd 0\n' | diff - "$work/got" >"$work/diff" || fail "full: $(cat "$work/diff")"
e2fsck -fn "$work/full" >"$work/fsck" 2>&1 || fail "e2fsck after a full image: $(head -n 6 "$work/fsck")"

# --- roots, overlays ---
"$RINGFORT" run --root "$work/pax.tar" -- /walk_tree /d all >"$work/got" 2>&1 || fail "a tar archive as root: $(cat "$work/got")"
grep -q '^\./text' "$work/got" || fail "a tar archive as root shows no files"
cp "$work/ext" "$work/ext.was"
"$RINGFORT" run --image "$work/ext:/image" --mount "$GUEST:/guest" -- /guest/walk_tree /image change >/dev/null 2>&1
cmp -s "$work/ext" "$work/ext.was" || fail "an overlay has changed its image"

# --- refused ---
refused() { # TEXT OPTION...
    text=$1
    shift
    timeout 20 "$RINGFORT" run "$@" --mount "$GUEST:/guest" -- /guest/walk_tree / >"$work/got" 2>&1 && fail "$*: not refused"
    grep -q "$text" "$work/got" || fail "$*: $(head -n 2 "$work/got")"
}
head -c 2000000 "$work/ext" >"$work/cut"
refused 'is truncated' --image "$work/cut:/i:ro"
head -c 100000 "$work/gzip.sqfs" >"$work/cut"
refused 'truncated\|damaged' --image "$work/cut:/i:ro"
head -c 1000000 "$work/pax.tar" >"$work/cut"
refused 'damaged' --image "$work/cut:/i"
head -c 100000 "$work/gnu.tgz" >"$work/cut"
refused 'damaged' --image "$work/cut:/i"
head -c 1000000 "$work/xfs" >"$work/cut"
refused 'truncated' --image "$work/cut:/i:ro"
head -c 100000 /dev/zero >"$work/cut"
refused 'no file system image or archive' --image "$work/cut:/i:ro"
debugfs -w -R 'feature needs_recovery' "$work/ext" >/dev/null 2>&1
refused 'needs journal recovery' --image "$work/ext:/i:rw"
refused 'cannot be written' --image "$work/gzip.sqfs:/i:rw"
refused 'can only be read' --image "$work/xfs:/i:rw"
python3 - "$work" <<'END' || fail "python3"
import io, sys, tarfile
def make(name, members):
    with tarfile.open(sys.argv[1] + '/' + name, 'w') as tar:
        for path, kind, target in members:
            info = tarfile.TarInfo(path)
            info.type, info.linkname = kind, target
            tar.addfile(info, io.BytesIO(b'') if kind == tarfile.REGTYPE else None)
make('up.tar', [('../../up', tarfile.REGTYPE, '')])
make('through.tar', [('link', tarfile.SYMTYPE, '/tmp'), ('link/file', tarfile.REGTYPE, '')])
make('hard.tar', [('hard', tarfile.LNKTYPE, '../../etc/passwd')])
make('absolute.tar', [('/etc/passwd', tarfile.REGTYPE, '')])
END
refused 'leads out' --image "$work/up.tar:/i"
refused 'no directory' --image "$work/through.tar:/i"
refused 'leads out' --image "$work/hard.tar:/i"
"$RINGFORT" run --image "$work/absolute.tar:/i" --mount "$GUEST:/guest" -- /guest/walk_tree /i | grep -q '^\./etc/passwd' ||
    fail "an absolute name is not below the mount"

[ $failures -eq 0 ] && echo "images: all good"
exit $((failures != 0))
