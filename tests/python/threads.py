"""Threads with locks, conditions, events, queues, executors, and a fork among them."""
import concurrent.futures
import os
import queue
import threading

lock = threading.Lock()
counter = 0


def count(times):
    global counter
    for _ in range(times):
        with lock:
            counter += 1


threads = [threading.Thread(target=count, args=(200,)) for _ in range(8)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print("counter", counter)

channel = queue.Queue(4)
got = []


def consume():
    while (item := channel.get()) is not None:
        got.append(item * item)


consumer = threading.Thread(target=consume)
consumer.start()
for i in range(40):
    channel.put(i)
channel.put(None)
consumer.join()
print("squares", sum(got))

barrier = threading.Barrier(4)
passed = []
event = threading.Event()


def meet():
    barrier.wait()
    with lock:
        passed.append(1)
    event.wait()


threads = [threading.Thread(target=meet) for _ in range(4)]
for t in threads:
    t.start()
print("event is set", event.wait(0.02))
event.set()
for t in threads:
    t.join()
print("passed", len(passed))

condition = threading.Condition()
with condition:
    print("notified", condition.wait(0.01))
print("semaphore", threading.BoundedSemaphore(1).acquire(timeout=0.01), lock.acquire(timeout=0.01))
print("again", lock.acquire(timeout=0.02))
lock.release()

with concurrent.futures.ThreadPoolExecutor(3) as pool:
    print("pool", list(pool.map(lambda x: x + 1, range(10))))

local = threading.local()
local.value = 1
thread = threading.Thread(target=lambda: print("local", hasattr(local, "value")))
thread.start()
thread.join()

stop = threading.Event()
thread = threading.Thread(target=stop.wait)
thread.start()
pid = os.fork()
if pid == 0:
    os._exit(threading.active_count())
print("threads in the child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
stop.set()
thread.join()
