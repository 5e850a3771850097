"""Signal handlers, timers, mmap, ctypes, select and its kin, sqlite3, temporary files, clocks."""
import ctypes
import errno
import fcntl
import hashlib
import mmap
import os
import select
import selectors
import shutil
import signal
import sqlite3
import struct
import tempfile
import time
import zlib

caught = []
for number in (signal.SIGUSR1, signal.SIGALRM, signal.SIGRTMIN):
    signal.signal(number, lambda n, frame: caught.append(n))
os.kill(os.getpid(), signal.SIGUSR1)
signal.raise_signal(signal.SIGRTMIN)
signal.setitimer(signal.ITIMER_REAL, 0.01)
time.sleep(0.05)  # goes on after the signal
print("caught", [int(n) for n in caught])
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
os.kill(os.getpid(), signal.SIGUSR2)
print("pending", signal.sigpending(), signal.sigwaitinfo([signal.SIGUSR2]).si_signo)
print("timed", signal.sigtimedwait([signal.SIGUSR2], 0.01))


def alarmed(number, frame):
    raise TimeoutError("alarm")


signal.signal(signal.SIGALRM, alarmed)
signal.setitimer(signal.ITIMER_REAL, 0.01)
try:
    time.sleep(5)
except TimeoutError as e:
    print("raised", e)
reader, writer = os.pipe()
signal.setitimer(signal.ITIMER_REAL, 0.01)
try:
    os.read(reader, 1)
except TimeoutError as e:
    print("raised", e)

with tempfile.TemporaryDirectory(dir=".") as directory:
    path = os.path.join(directory, "file")
    with open(path, "w+b") as f:
        f.truncate(3 * mmap.PAGESIZE)
        with mmap.mmap(f.fileno(), 0) as m:
            m[5:10] = b"hello"
            m.flush()
            print("mmap", m.find(b"hello"), m.size())
            m.madvise(mmap.MADV_DONTNEED)
        f.seek(5)
        print("file", f.read(5))
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with open(path) as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                print("locked", e.errno)
        fcntl.lockf(f, fcntl.LOCK_EX)
    shutil.copytree(directory, directory + ".copy")
    print("copied", os.listdir(directory + ".copy"))
    shutil.rmtree(directory + ".copy")
    db = sqlite3.connect(os.path.join(directory, "db"))
    db.execute("pragma journal_mode=delete")
    db.execute("create table t (id integer primary key, name text)")
    with db:
        db.executemany("insert into t (name) values (?)", [(f"name {i % 7}",) for i in range(100)])
    print("sqlite", db.execute("select name, count(*), max(id) from t group by name order by name").fetchall()[:3])
    db.close()

libc = ctypes.CDLL(None, use_errno=True)
print("ctypes", libc.abs(-5), libc.close(999), errno.errorcode[ctypes.get_errno()])
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
array = (ctypes.c_int * 5)(5, 3, 9, 1, 7)
libc.qsort(array, 5, 4, compare(lambda a, b: a[0] - b[0]))
print("qsort", list(array))

print("select", select.select([reader], [writer], [], 0)[1] == [writer])
poll = select.poll()
poll.register(reader, select.POLLIN)
print("poll", poll.poll(10))
epoll = select.epoll()
epoll.register(reader, select.EPOLLIN | select.EPOLLET)
os.write(writer, b"x")
print("epoll", epoll.poll(1)[0][1], poll.poll(0)[0][1])
with selectors.DefaultSelector() as selector:
    selector.register(reader, selectors.EVENT_READ, "data")
    print("selector", [(key.data, mask) for key, mask in selector.select(0)])
print("pipe holds", struct.unpack("i", fcntl.ioctl(reader, 0x541B, b"\0\0\0\0"))[0])
fd = os.memfd_create("name")
os.write(fd, b"in memory")
print("memfd", os.pread(fd, 9, 0), os.readlink(f"/proc/self/fd/{fd}"))
print("hash", hashlib.sha256(b"x" * 100000).hexdigest()[:16], zlib.crc32(b"abc"))
print("affinity", len(os.sched_getaffinity(0)) > 0, os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0))
before = time.monotonic()
time.sleep(0.03)
print("slept", 0.03 <= time.monotonic() - before < 1)
