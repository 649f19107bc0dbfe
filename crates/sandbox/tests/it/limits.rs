//! What a command can use.

use std::time::{Duration, Instant};

use sandbox::{Enforcement, Exit, Level, Limits, Mount, Sandbox};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::{bubblewrap, python, run, shell, small};

#[tokio::test]
async fn a_fork_bomb_is_stopped() {
    let Some(sandbox) = bubblewrap() else { return };
    if !matches!(sandbox.level(), Level::Confined(c) if c.processes != Enforcement::Nobody) {
        println!("SKIPPED 1: as root without control groups nobody counts processes");
        return;
    }
    let program = "import os, time\nn = 0\ntry:\n    while True:\n        if os.fork() == 0: time.sleep(60)\n        n += 1\nexcept OSError: print('stopped', n)";
    let finished = run(&sandbox, python(program)).await;
    let count: u32 = finished
        .stdout
        .text
        .trim()
        .strip_prefix("stopped ")
        .unwrap()
        .parse()
        .unwrap();
    assert!((8..=36).contains(&count), "{count}");
}

#[tokio::test]
async fn a_shell_bomb_ends_in_time() {
    let Some(sandbox) = bubblewrap() else { return };
    let limits = Limits {
        wall: Duration::from_secs(2),
        ..small()
    };
    let started = Instant::now();
    let finished = run(
        &sandbox,
        shell("bomb() { bomb | bomb & }; bomb; sleep 60").limits(limits),
    )
    .await;
    assert_ne!(finished.exit, Exit::Code(0));
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_memory_eater_is_stopped() {
    let Some(sandbox) = bubblewrap() else { return };
    let finished = run(
        &sandbox,
        python("b = bytearray()\nwhile True: b += b'x' * (1 << 20)").address_space_ok(true),
    )
    .await;
    assert!(
        matches!(finished.exit, Exit::OutOfMemory | Exit::Code(1)),
        "{:?}",
        finished.exit
    );
    assert!(finished.exit == Exit::OutOfMemory || finished.stderr.text.contains("MemoryError"));
}

#[tokio::test]
async fn memory_of_many_processes_is_counted_together() {
    let Some(sandbox) = bubblewrap() else { return };
    let program = "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        b = b'x' * (64 << 20); time.sleep(2); os._exit(0)\n\
                   codes = [os.wait()[1] for _ in range(8)]\nprint(codes)\nraise SystemExit(max(codes) and 9)";
    let finished = run(&sandbox, python(program)).await;
    assert_eq!(finished.exit, Exit::OutOfMemory);
}

#[tokio::test]
async fn memory_in_temporary_files_is_counted() {
    let Some(sandbox) = bubblewrap() else { return };
    let script = "head -c 200M /dev/zero > /tmp/a; head -c 200M /dev/zero > /dev/shm/b; head -c 200M /dev/zero > /tmp/c; du -sm /tmp /dev/shm";
    let finished = run(&sandbox, shell(script)).await;
    let total: u64 = finished
        .stdout
        .text
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    assert!(total <= 260, "{total} MiB");
}

#[tokio::test]
async fn endless_output_is_bounded() {
    let Some(sandbox) = bubblewrap() else { return };
    let limits = Limits {
        wall: Duration::from_secs(2),
        output_bytes: 4096,
        ..small()
    };
    let finished = run(&sandbox, shell("echo first; yes >&2 & yes; true").limits(limits)).await;
    assert_eq!(finished.exit, Exit::TimedOut);
    assert!(finished.stdout.text.starts_with("first\ny\n"));
    for captured in [finished.stdout, finished.stderr] {
        assert!(captured.text.len() < 4300, "{}", captured.text.len());
        assert!(captured.truncated_bytes > 4096);
    }
}

#[tokio::test]
async fn a_hang_is_killed_with_its_grandchildren() {
    let Some(sandbox) = bubblewrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        wall: Duration::from_secs(1),
        ..small()
    };
    let program = "import os, signal, time\nfor n in signal.valid_signals():\n    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass\n\
                   if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        while True:\n            open('/work/beat', 'a').write('x'); time.sleep(0.02)\n\
                   while True: time.sleep(1)";
    let started = Instant::now();
    let finished = run(
        &sandbox,
        python(program)
            .limits(limits)
            .mount(Mount::read_write(folder.path(), "/work")),
    )
    .await;
    assert_eq!(finished.exit, Exit::TimedOut);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    let beats = || std::fs::metadata(folder.path().join("beat")).unwrap().len();
    let before = beats();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(before > 0);
    assert_eq!(beats(), before, "a grandchild is still alive");
}

#[tokio::test]
async fn all_files_together_have_a_largest_size_and_number() {
    let Some(sandbox) = bubblewrap() else { return };
    let small = Limits {
        disk_bytes: 64 << 20,
        disk_files: 2_000,
        ..small()
    };
    for program in [
        "i=0; while :; do i=$((i+1)); head -c 4M /dev/zero > big$i; done",
        "i=0; while :; do i=$((i+1)); : > empty$i; done",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let command = shell(program)
            .limits(small)
            .mount(Mount::read_write(folder.path(), "/work"));
        let finished = run(&sandbox, command.cwd("/work")).await;
        assert_eq!(finished.exit, Exit::OutOfDisk, "{program}");
    }
    let folder = tempfile::tempdir().unwrap();
    let command = shell("head -c 40M /dev/zero > big; sleep 0.3")
        .limits(small)
        .mount(Mount::read_write(folder.path(), "/work"));
    assert_eq!(run(&sandbox, command.cwd("/work")).await.exit, Exit::Code(0));
}

#[tokio::test]
async fn files_have_a_largest_size() {
    let Some(sandbox) = bubblewrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        file_size_bytes: 1 << 20,
        ..small()
    };
    let command = shell("head -c 50M /dev/zero > big; ulimit -c")
        .limits(limits)
        .mount(Mount::read_write(folder.path(), "/work"))
        .cwd("/work");
    let finished = run(&sandbox, command).await;
    assert!(std::fs::metadata(folder.path().join("big")).unwrap().len() <= 1 << 20);
    assert_eq!(finished.stdout.text, "0\n", "no core dumps");
}

#[tokio::test]
async fn processor_time_is_limited_for_all_together() {
    let Some(sandbox) = bubblewrap() else { return };
    let limits = Limits {
        cpu: Duration::from_secs(1),
        ..small()
    };
    let started = Instant::now();
    let finished = run(
        &sandbox,
        shell("for i in 1 2 3 4; do (while :; do :; done) & done; wait").limits(limits),
    )
    .await;
    assert!(
        matches!(finished.exit, Exit::TimedOut | Exit::Signal(_) | Exit::Code(0)),
        "{:?}",
        finished.exit
    );
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(
        finished.cpu >= Duration::from_millis(900) && finished.cpu < Duration::from_secs(3),
        "{:?}",
        finished.cpu
    );
}

#[tokio::test]
async fn processor_time_is_reported() {
    let Some(sandbox) = bubblewrap() else { return };
    let finished = run(
        &sandbox,
        python("import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"),
    )
    .await;
    assert!(finished.cpu >= Duration::from_millis(400), "{:?}", finished.cpu);
    assert!(finished.wall >= Duration::from_millis(500));
}

#[tokio::test]
async fn talks_and_dies_when_dropped() {
    let Some(sandbox) = bubblewrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let command = shell("(while :; do echo x >> /work/beat; sleep 0.02; done) & echo oops >&2; while read line; do echo \"got $line\"; done; echo end")
        .mount(Mount::read_write(folder.path(), "/work"));
    let mut running = sandbox.start(&command).await.unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    running.stdin.as_mut().unwrap().write_all(b"one\ntwo\n").await.unwrap();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "got one");
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "got two");
    let heard = async {
        while running.stderr().text != "oops\n" || !folder.path().join("beat").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), heard)
        .await
        .expect("standard error arrives");
    drop(running);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let beats = || std::fs::metadata(folder.path().join("beat")).unwrap().len();
    let before = beats();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(beats(), before, "it lives on after being dropped");

    let mut second = sandbox.start(&shell("cat; exit 3")).await.unwrap();
    second.stdin.as_mut().unwrap().write_all(b"hello").await.unwrap();
    assert_eq!(second.wait().await.unwrap().exit, Exit::Code(3));
    let third = sandbox.start(&shell("sleep 60")).await.unwrap();
    assert_eq!(third.kill().await.unwrap().exit, Exit::Signal(9));
}

/// The kernel kills a command when the thread that started it ends; threads of a runtime that is idle do end.
#[test]
fn a_command_outlives_the_thread_that_asked_for_it() {
    let Some(sandbox) = bubblewrap() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let handle = runtime.handle().clone();
    let command = shell("sleep 1; echo survived");
    let asking =
        std::thread::spawn(move || handle.block_on(async { (sandbox.start(&command).await.unwrap(), sandbox) }));
    let (mut running, _sandbox) = asking.join().unwrap();
    let text = runtime.block_on(async {
        let mut text = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut running.stdout.take().unwrap(), &mut text)
            .await
            .unwrap();
        text
    });
    assert_eq!(text, "survived\n");
}
