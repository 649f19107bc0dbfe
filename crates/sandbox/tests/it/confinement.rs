//! What a command can see and change.

use sandbox::{Exit, Level, Mount, Sandbox, SandboxError};

use crate::{bubblewrap, python, run, shell};

#[tokio::test]
async fn says_what_it_enforces() {
    let Some(sandbox) = bubblewrap() else { return };
    assert!(matches!(sandbox.level(), Level::Confined(_)));
}

#[tokio::test]
async fn has_no_network() {
    let Some(sandbox) = bubblewrap() else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let program = format!(
        "import socket\n\
         for address in [('127.0.0.1', {port}), ('1.1.1.1', 53)]:\n    \
             try:\n        socket.create_connection(address, 3); print('REACHED', address)\n    \
             except OSError as error: print('refused', error.errno)\n\
         print(sorted(name for _, name in socket.if_nameindex()))\n\
         try: socket.getaddrinfo('example.com', 80); print('RESOLVED')\n\
         except OSError: print('unresolved')"
    );
    let finished = run(&sandbox, python(&program)).await;
    assert!(finished.succeeded());
    assert!(!finished.stdout.text.contains("REACHED") && !finished.stdout.text.contains("RESOLVED"));
    assert!(finished.stdout.text.contains("['lo']"));
}

#[tokio::test]
async fn has_an_empty_environment_everywhere() {
    let Some(sandbox) = bubblewrap() else { return };
    let given = ["GIVEN", "HOME", "LANG", "PATH", "PWD", "TMPDIR"];
    // Cargo gives this test process variables that must not be seen inside; so there is something to leak.
    assert!(std::env::vars_os().any(|(name, _)| !given.iter().any(|known| *known == name)));
    let finished = run(
        &sandbox,
        shell("cat /proc/*/environ | tr '\\0' '\\n' | sort -u").env("GIVEN", "yes"),
    )
    .await;
    let mut names: Vec<&str> = finished
        .stdout
        .text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    names.dedup();
    assert_eq!(names, given);
    let launcher = run(&sandbox, shell("test -r /proc/1/environ && wc -c < /proc/1/environ")).await;
    // bubblewrap sets the working directory's name itself.
    assert!(
        launcher.stdout.text.trim().parse::<u32>().unwrap() < 200,
        "{}",
        launcher.stdout.text
    );
}

#[tokio::test]
async fn cannot_read_the_host() {
    let Some(sandbox) = bubblewrap() else { return };
    let script = "for f in /etc/shadow /etc/hostname /root /root/.ssh /home /var /sys /proc/1/root/etc/shadow /run; do \
                  ls $f >/dev/null 2>&1 && echo VISIBLE $f; done; cat /etc/passwd; id -u; hostname; true";
    let finished = run(&sandbox, shell(script)).await;
    assert!(!finished.stdout.text.contains("VISIBLE"), "{}", finished.stdout.text);
    assert_eq!(finished.stdout.text.lines().count(), 4);
    assert!(finished.stdout.text.ends_with("1000\nsandbox\n"));
}

#[tokio::test]
async fn cannot_see_or_signal_processes_of_the_host() {
    let Some(sandbox) = bubblewrap() else { return };
    let own = std::process::id();
    let finished = run(
        &sandbox,
        shell(&format!(
            "ls -d /proc/[0-9]* | wc -l; kill -0 {own} 2>&1; kill -9 -1; echo alive"
        )),
    )
    .await;
    assert!(
        finished
            .stdout
            .text
            .lines()
            .next()
            .unwrap()
            .trim()
            .parse::<u32>()
            .unwrap()
            < 10
    );
}

#[tokio::test]
async fn has_no_rights() {
    let Some(sandbox) = bubblewrap() else { return };
    let finished = run(
        &sandbox,
        shell("grep -E '^(CapEff|CapPrm|CapBnd|NoNewPrivs)' /proc/self/status"),
    )
    .await;
    let values: Vec<&str> = finished.stdout.text.split_whitespace().skip(1).step_by(2).collect();
    assert_eq!(
        values,
        ["0000000000000000", "0000000000000000", "0000000000000000", "1"]
    );
}

#[tokio::test]
async fn cannot_nest_user_namespaces() {
    let Some(sandbox) = bubblewrap() else { return };
    let Level::Confined(confinement) = sandbox.level() else {
        panic!("it is confined")
    };
    assert!(confinement.nested_namespaces_closed);
    let finished = run(&sandbox, shell("unshare --user --map-root-user true && echo NESTED")).await;
    assert!(!finished.succeeded() && finished.stdout.text.is_empty());
}

#[tokio::test]
async fn writes_only_where_it_may() {
    let Some(sandbox) = bubblewrap() else { return };
    let writable = tempfile::tempdir().unwrap();
    let readable = tempfile::tempdir().unwrap();
    std::fs::write(readable.path().join("kept"), "before").unwrap();
    let command = shell(
        "for d in / /usr /etc /dev /layer /proc; do touch $d/x 2>/dev/null && echo WROTE $d; done; echo after > /layer/kept; \
         mount -o remount,rw /layer 2>/dev/null && echo REMOUNTED; rm -rf /layer/kept 2>/dev/null; \
         echo made > made; touch /tmp/fine && touch \"$HOME/fine\" && echo fine; cat /layer/kept",
    )
    .mount(Mount::read_write(writable.path(), "/work"))
    .mount(Mount::read_only(readable.path(), "/layer"))
    .cwd("/work");
    let finished = run(&sandbox, command).await;
    assert_eq!(finished.stdout.text, "fine\nbefore");
    assert_eq!(std::fs::read_to_string(writable.path().join("made")).unwrap(), "made\n");
    assert_eq!(std::fs::read_to_string(readable.path().join("kept")).unwrap(), "before");
}

#[tokio::test]
async fn links_in_a_checkout_lead_nowhere() {
    let Some(sandbox) = bubblewrap() else { return };
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "canary").unwrap();
    let checkout = tempfile::tempdir().unwrap();
    let link =
        |target: &std::path::Path, name: &str| std::os::unix::fs::symlink(target, checkout.path().join(name)).unwrap();
    link(outside.path(), "absolute");
    link(std::path::Path::new("/etc/shadow"), "shadow");
    link(
        &std::path::Path::new("..").join(outside.path().file_name().unwrap()),
        "relative",
    );
    let script = "cat absolute/secret shadow relative/secret; echo x > absolute/made; mkdir -p relative/made; true";
    let finished = run(
        &sandbox,
        shell(script)
            .mount(Mount::read_write(checkout.path(), "/work"))
            .cwd("/work"),
    )
    .await;
    assert_eq!(finished.stdout.text, "");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);

    let layer = tempfile::tempdir().unwrap();
    let through = shell("true")
        .mount(Mount::read_write(checkout.path(), "/work"))
        .mount(Mount::read_only(layer.path(), "/work/absolute/x"));
    assert!(matches!(sandbox.run(&through).await, Err(SandboxError::BadCommand(_))));
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_wrong_working_directory_is_a_failed_launch() {
    let Some(sandbox) = bubblewrap() else { return };
    assert!(matches!(
        sandbox.run(&shell("true").cwd("/absent")).await,
        Err(SandboxError::Launch(_))
    ));
    assert_eq!(run(&sandbox, shell("exit 7")).await.exit, Exit::Code(7));
    assert_eq!(run(&sandbox, shell("kill -SEGV $$")).await.exit, Exit::Signal(11));
}

#[tokio::test]
async fn a_toolchain_outside_usr_works_inside() {
    let Some(sandbox) = bubblewrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("/usr/bin/python3")
        .args(["-m", "venv", "--without-pip"])
        .arg(folder.path().join("env"))
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("SKIPPED 1: this python3 has no venv");
        return;
    }
    let found = sandbox::toolchain(&folder.path().join("env/bin/python")).await.unwrap();
    assert_eq!(
        found.mounts,
        [Mount::read_only(folder.path().join("env"), folder.path().join("env"))]
    );
    let executable = found.executable.to_string_lossy().into_owned();
    let command =
        sandbox::Command::new([executable.as_str(), "-c", "import sys, json; print(sys.prefix)"]).mounts(found.mounts);
    let finished = run(&sandbox, command).await;
    assert_eq!(finished.stdout.text.trim(), folder.path().join("env").to_string_lossy());
}
