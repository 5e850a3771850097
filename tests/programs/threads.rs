// What a Rust program leans on: threads, channels, locks, unwinding, hash maps with random keys,
// strings, sorting, and loops that the compiler turns into vector code. Everything printed is the
// same in every run.
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{mpsc, Arc, Barrier, Condvar, Mutex, Once, RwLock};
use std::time::{Duration, Instant};
use std::{cell::RefCell, fs, panic, process, thread};

struct Random(u64);

impl Iterator for Random {
    type Item = u64;
    fn next(&mut self) -> Option<u64> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Some(self.0)
    }
}

fn numbers(count: usize) -> Vec<u64> {
    Random(0x9e37_79b9_7f4a_7c15).take(count).collect()
}

fn locks() {
    let total = Arc::new(Mutex::new(0u64));
    let count = Arc::new(AtomicU64::new(0));
    let table = Arc::new(RwLock::new(BTreeMap::new()));
    let barrier = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8u64)
        .map(|id| {
            let (total, count) = (Arc::clone(&total), Arc::clone(&count));
            let (table, barrier) = (Arc::clone(&table), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                for i in 0..200 {
                    *total.lock().unwrap() += i * id;
                    count.fetch_add(1, Ordering::Relaxed);
                    if i % 40 == 0 {
                        table.write().unwrap().insert((id, i), id * i);
                        thread::yield_now();
                    }
                }
                table.read().unwrap().len() >= 5
            })
        })
        .collect();
    let all = threads.into_iter().all(|thread| thread.join().unwrap());
    let table = table.read().unwrap();
    let sum: u64 = table.values().sum();
    println!("locks {} {} {} {} {}", total.lock().unwrap(), count.load(Ordering::SeqCst), table.len(),
             sum, all);
}

fn channels() {
    let (sender, receiver) = mpsc::sync_channel(4);
    for id in 0..5u64 {
        let sender = sender.clone();
        thread::spawn(move || {
            for i in 0..100 {
                sender.send(id * 1000 + i).unwrap();
            }
        });
    }
    drop(sender);
    let mut values: Vec<u64> = receiver.iter().collect();
    values.sort_unstable();
    println!("channel {} {:?} {:?}", values.len(), values.first(), values.last());
    let (sender, receiver) = mpsc::channel::<u8>();
    println!("timeout {:?}", receiver.recv_timeout(Duration::from_millis(2)));
    drop(sender);
    println!("closed {:?}", receiver.recv());

    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let other = Arc::clone(&pair);
    let thread = thread::Builder::new()
        .name("setter".into())
        .stack_size(64 * 1024)
        .spawn(move || {
            thread::sleep(Duration::from_millis(2));
            *other.0.lock().unwrap() = true;
            other.1.notify_one();
            thread::current().name().map(str::to_owned)
        })
        .unwrap();
    let set = pair.1.wait_while(pair.0.lock().unwrap(), |set| !*set).unwrap();
    println!("condition {} {:?}", *set, thread.join().unwrap());
}

thread_local! {
    static LOCAL: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

fn scoped() {
    static ONCE: Once = Once::new();
    let mut data = numbers(4000);
    thread::scope(|scope| {
        for part in data.chunks_mut(1000) {
            scope.spawn(move || {
                ONCE.call_once(|| println!("once"));
                LOCAL.with(|local| local.borrow_mut().push(part.len() as u32));
                part.sort();
                LOCAL.with(|local| assert_eq!(local.borrow().len(), 1));
            });
        }
    });
    println!("scoped {} {}", data.chunks(1000).all(|part| part.windows(2).all(|w| w[0] <= w[1])),
             LOCAL.with(|local| local.borrow().len()));
}

struct Counted<'a>(&'a AtomicU64);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn text_of(payload: Box<dyn std::any::Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other.downcast_ref::<&str>().unwrap_or(&"?").to_string(),
    }
}

fn unwinding() {
    panic::set_hook(Box::new(|_| {}));
    let drops = AtomicU64::new(0);
    fn deep(left: u32, drops: &AtomicU64) -> usize {
        let _counted = Counted(drops);
        if left == 0 {
            let none: Vec<usize> = Vec::new();
            return none[drops.load(Ordering::SeqCst) as usize + 7];
        }
        deep(left - 1, drops) + 1
    }
    let result = panic::catch_unwind(panic::AssertUnwindSafe(|| deep(100, &drops)));
    println!("caught {:?} {}", result.map_err(text_of), drops.load(Ordering::SeqCst));
    let overflow = panic::catch_unwind(|| "300".parse::<u8>().unwrap());
    println!("caught {:?}", overflow.map_err(text_of));
    let poisoned = Arc::new(Mutex::new(1));
    let inner = Arc::clone(&poisoned);
    let joined = thread::spawn(move || {
        let _guard = inner.lock().unwrap();
        panic!("in a thread, {}", 42);
    })
    .join();
    println!("joined {:?} {}", joined.map_err(text_of), poisoned.is_poisoned());
    let _ = panic::take_hook();
}

fn collections() {
    let mut map = HashMap::new();
    for (i, n) in numbers(30000).into_iter().enumerate() {
        *map.entry(format!("key{}", n % 5003)).or_insert(0u64) += i as u64;
    }
    map.retain(|key, _| !key.ends_with('7'));
    let mut pairs: Vec<_> = map.iter().collect();
    pairs.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    println!("map {} {:?} {:?}", pairs.len(), pairs[0], pairs[pairs.len() - 1]);
    let odd: HashSet<u64> = numbers(1000).into_iter().map(|n| n % 97).collect();
    println!("set {} {}", odd.len(), odd.iter().sum::<u64>());

    let mut sorted = numbers(20000);
    sorted.sort();
    let mut floats: Vec<f64> = numbers(20000).iter().map(|&n| (n as i64) as f64 / 1e15).collect();
    floats.sort_by(|a, b| a.total_cmp(b));
    println!("sorted {} {} {:.9}", sorted[777], sorted.binary_search(&sorted[777]).unwrap(), floats[10]);
}

fn strings() {
    let mut text = String::new();
    for i in 0..2000u32 {
        write!(text, "{}:{:x};{} ", i, i * i, ["größe", "ring", "日本語", "🦀"][i as usize % 4]).unwrap();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let upper = text.to_uppercase();
    println!("text {} {} {} {:?}", text.len(), text.chars().count(), words.len(), text.find("1999:"));
    println!("upper {} {}", upper.chars().take(40).collect::<String>(), upper.matches("GRÖSSE").count());
    println!("replace {}", text.replace("ring", "gate").matches("gate").count());
    println!("bytes {:?}", std::str::from_utf8(&text.as_bytes()[..17]).map_err(|e| e.valid_up_to()));
    println!("parse {:?} {:?}", "2.5e-3".parse::<f64>(), "1e400".parse::<f64>());
}

// Loops of this kind become vector code.
fn vectors() {
    let bytes: Vec<u8> = numbers(65536).iter().map(|&n| (n >> 40) as u8).collect();
    let ints: Vec<i32> = numbers(40000).iter().map(|&n| n as i32).collect();
    let floats: Vec<f32> = ints.iter().map(|&n| n as f32 * 1e-6).collect();
    let sum: u64 = bytes.iter().map(|&b| u64::from(b)).sum();
    let zeros = bytes.iter().filter(|&&b| b == 0).count();
    let most = ints.iter().max().unwrap();
    let xor = ints.iter().fold(0, |a, &n| a ^ n.rotate_left(7));
    let dot = ints.iter().zip(&ints[1..]).fold(0i32, |a, (&x, &y)| a.wrapping_add(x.wrapping_mul(y)));
    let ones: u32 = ints.iter().map(|n| n.count_ones() + n.trailing_zeros() + n.leading_zeros()).sum();
    let mut fused = vec![0.0f32; 4000];
    for (i, out) in fused.iter_mut().enumerate() {
        *out = floats[i].mul_add(floats[i + 1], floats[i + 2]).sqrt().max(0.5).floor();
    }
    println!("vectors {} {} {} {} {} {} {}", sum, zeros, most, xor, dot, ones,
             fused.iter().filter(|f| f.is_nan()).count());
    println!("floats {:?} {}", &fused[..6], floats.iter().copied().fold(f32::MIN, f32::max));
}

fn files() -> io::Result<()> {
    let mut file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(true)
        .open("rust.file")?;
    for i in 0..1000 {
        writeln!(file, "line {}", i)?;
    }
    file.seek(SeekFrom::Start(5000))?;
    let mut rest = String::new();
    file.read_to_string(&mut rest)?;
    file.rewind()?;
    let lines = io::BufReader::new(&file).lines().filter(|l| l.as_ref().unwrap().ends_with('9')).count();
    println!("file {} {} {}", rest.len(), lines, file.metadata()?.len());
    fs::remove_file("rust.file")?;
    println!("{:?}", fs::read("rust.file").map_err(|e| (e.kind(), e.raw_os_error())));
    Ok(())
}

fn main() {
    let begin = Instant::now();
    locks();
    channels();
    scoped();
    unwinding();
    collections();
    strings();
    vectors();
    files().unwrap();
    thread::sleep(Duration::from_millis(1));
    println!("time {}", begin.elapsed() >= Duration::from_millis(5));
    match std::env::args().nth(1).as_deref() {
        Some("panic") => panic!("the end"), // exit status 101
        Some("abort") => process::abort(),
        _ => process::exit(9),
    }
}
