//! git's own client against the simulator.

use crate::{READER, SHOP, WRITER, sim};
use flate2::{Compression, write::GzEncoder};
use github_sim::Sim;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

async fn git(dir: &Path, args: &[&str]) -> Output {
    let mut command = tokio::process::Command::from(Command::new("git"));
    command
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("GIT_TERMINAL_PROMPT", "0").env("HOME", dir);
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Ada")
            .env(format!("GIT_{role}_EMAIL"), "ada@example.com");
    }
    command.output().await.unwrap()
}

fn with_token(sim: &Sim, token: &str) -> String {
    sim.git_url(SHOP)
        .replace("http://", &format!("http://x-access-token:{token}@"))
}

async fn clone(sim: &Sim, dir: &Path, token: &str) -> Output {
    git(dir, &["clone", "--quiet", &with_token(sim, token), "shop"]).await
}

#[tokio::test]
async fn clones_and_pushes_and_tells() {
    let (sim, dir) = (sim().await, tempfile::tempdir().unwrap());
    assert!(clone(&sim, dir.path(), WRITER).await.status.success());
    let shop = dir.path().join("shop");
    assert_eq!(std::fs::read_to_string(shop.join("README.md")).unwrap(), "# Shop\n");
    // More than a megabyte that does not compress, so that git sends chunks.
    let noise: Vec<u8> = (0_u64..1_500_000)
        .map(|n| (n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(n >> 3) >> 33) as u8)
        .collect();
    std::fs::write(shop.join("noise.bin"), &noise).unwrap();
    git(&shop, &["checkout", "--quiet", "-b", "fixpoint/x"]).await;
    git(&shop, &["add", "."]).await;
    git(&shop, &["commit", "--quiet", "-m", "Noise"]).await;
    sim.hold_webhooks();
    let pushed = git(&shop, &["push", "--quiet", "origin", "fixpoint/x"]).await;
    assert!(pushed.status.success(), "{pushed:?}");
    assert_eq!(sim.file(SHOP, "fixpoint/x", "noise.bin").unwrap().unwrap(), noise);
    let head = String::from_utf8(git(&shop, &["rev-parse", "HEAD"]).await.stdout).unwrap();
    assert_eq!(sim.head(SHOP, "fixpoint/x").unwrap().unwrap(), head.trim());
}

#[tokio::test]
async fn refuses_a_wrong_token_and_a_push_without_the_right() {
    let (sim, dir) = (sim().await, tempfile::tempdir().unwrap());
    assert!(!clone(&sim, dir.path(), "ghp_wrong").await.status.success());
    assert!(
        !git(dir.path(), &["clone", "--quiet", &sim.git_url(SHOP)])
            .await
            .status
            .success()
    );
    assert!(clone(&sim, dir.path(), READER).await.status.success());
    let before = sim.head(SHOP, "main").unwrap();
    let shop = dir.path().join("shop");
    git(&shop, &["commit", "--quiet", "--allow-empty", "-m", "No"]).await;
    assert!(
        !git(&shop, &["push", "--quiet", "origin", "main"])
            .await
            .status
            .success()
    );
    assert_eq!(sim.head(SHOP, "main").unwrap(), before);
}

#[tokio::test]
async fn a_lease_protects_what_another_pushed() {
    let (sim, dir) = (sim().await, tempfile::tempdir().unwrap());
    assert!(clone(&sim, dir.path(), WRITER).await.status.success());
    let shop = dir.path().join("shop");
    let known = sim.head(SHOP, "main").unwrap().unwrap();
    let human = sim
        .push_human_commit(SHOP, "main", [("README.md", "# By hand\n")], "grace")
        .unwrap();
    git(&shop, &["commit", "--quiet", "--allow-empty", "-m", "Mine"]).await;
    let lease = format!("--force-with-lease=main:{known}");
    assert!(
        !git(&shop, &["push", "--quiet", &lease, "origin", "main"])
            .await
            .status
            .success()
    );
    assert_eq!(sim.head(SHOP, "main").unwrap().unwrap(), human);
    let lease = format!("--force-with-lease=main:{human}");
    assert!(
        git(&shop, &["push", "--quiet", &lease, "origin", "main"])
            .await
            .status
            .success()
    );
}

#[tokio::test]
async fn understands_a_compressed_request() {
    let sim = sim().await;
    let head = sim.head(SHOP, "main").unwrap().unwrap();
    let want = format!("want {head} no-progress ofs-delta\n");
    let plain = format!("{:04x}{want}00000009done\n", want.len() + 4);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(plain.as_bytes()).unwrap();
    let response = crate::client()
        .post(format!("{}/git-upload-pack", sim.git_url(SHOP)))
        .basic_auth("x-access-token", Some(WRITER))
        .header("content-type", "application/x-git-upload-pack-request")
        .header("content-encoding", "gzip")
        .body(gzip.finish().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let body = response.bytes().await.unwrap();
    assert!(body.windows(4).any(|window| window == b"PACK"), "no pack in the answer");
}

#[tokio::test]
async fn executable_bits_odd_names_and_deletions_survive() {
    let sim = sim().await;
    sim.commit(
        SHOP,
        "main",
        [("bin/run me \"now\".sh", github_sim::File::executable("#!/bin/sh\n"))],
        "ada",
        "Tool",
    )
    .unwrap();
    sim.commit(
        SHOP,
        "main",
        [("README.md", github_sim::File::deleted())],
        "ada",
        "Less",
    )
    .unwrap();
    assert_eq!(sim.file(SHOP, "main", "README.md").unwrap(), None);
    assert_eq!(
        sim.file(SHOP, "main", "bin/run me \"now\".sh").unwrap().unwrap(),
        b"#!/bin/sh\n"
    );
    let diff = sim.diff(SHOP, "main~2", "main").unwrap();
    assert!(diff.contains("new file mode 100755"), "{diff}");
}
