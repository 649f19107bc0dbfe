//! Reads about a repository.

use crate::{SHOP, break_once, door, new_pull, pushed, shop, sim};
use domain::repo::{CommitSha, RepoName};
use github::{Permission, git_credential};
use github_sim::FaultKind;
use secrecy::{ExposeSecret as _, SecretString};

#[tokio::test]
async fn branches_files_and_comparisons() {
    let sim = sim().await;
    let door = door(&sim);
    let main = CommitSha::parse(&sim.head(SHOP, "main").unwrap().unwrap()).unwrap();
    let head = CommitSha::parse(
        &sim.commit(SHOP, "a#b%c/d", [("sub dir/ä#1.txt", vec![0_u8, 255, 7])], "ada", "Odd")
            .unwrap(),
    )
    .unwrap();
    assert_eq!(
        door.branch_head(&shop(), &crate::branch("a#b%c/d")).await.unwrap(),
        Some(head.clone())
    );
    assert_eq!(door.branch_head(&shop(), &crate::branch("none")).await.unwrap(), None);
    assert_eq!(
        door.file(&shop(), "sub dir/ä#1.txt", &head).await.unwrap(),
        Some(vec![0, 255, 7])
    );
    assert_eq!(door.file(&shop(), "sub dir", &head).await.unwrap(), None);
    assert_eq!(door.file(&shop(), "nothing", &head).await.unwrap(), None);
    let between = door.compare(&shop(), &main, &head).await.unwrap();
    assert_eq!((between.ahead_by, between.behind_by, between.merge_base), (1, 0, main));
    assert_eq!(
        (between.files.len(), between.files[0].path.as_str()),
        (1, "sub dir/ä#1.txt")
    );
}

#[tokio::test]
async fn permissions_fail_closed() {
    let sim = sim().await;
    let door = door(&sim);
    for (login, expected) in [
        ("acme", Permission::Admin),
        ("grace", Permission::Maintain),
        ("stranger", Permission::None),
    ] {
        assert_eq!(door.permission(&shop(), login).await.unwrap(), expected, "{login}");
    }
    for body in [
        r#"{"permission":"owner"}"#,
        r#"{"permission":"none","role_name":"admin"}"#,
    ] {
        break_once(
            &sim,
            "GET",
            "/permission$",
            FaultKind::Status {
                code: 200,
                body: body.to_owned(),
                headers: Vec::new(),
            },
        );
        assert_eq!(door.permission(&shop(), "mallory").await.unwrap(), Permission::None);
    }
    break_once(
        &sim,
        "GET",
        "/permission$",
        FaultKind::Status {
            code: 200,
            body: "{}".to_owned(),
            headers: Vec::new(),
        },
    );
    assert!(door.permission(&shop(), "mallory").await.is_err());
}

#[tokio::test]
async fn lists_are_read_to_their_end_but_never_elsewhere() {
    let sim = sim().await;
    let door = door(&sim);
    pushed(&sim, "fixpoint/a");
    door.open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap();
    for n in 0..120 {
        sim.comment(SHOP, 1, "grace", &format!("{n}")).unwrap();
    }
    // The comment is looked for on the second page.
    break_once(&sim, "POST", "/comments$", FaultKind::DoThenStatus(502));
    let posted = door.comment(&shop(), 1, "last").await.unwrap();
    assert_eq!(sim.comments(SHOP, 1).last().unwrap().id, posted.id);
    assert_eq!(sim.comments(SHOP, 1).len(), 121);

    let foreign = vec![(
        "link".to_owned(),
        "<http://127.0.0.2:9/api/v3/x?page=2>; rel=\"next\"".to_owned(),
    )];
    break_once(
        &sim,
        "GET",
        "/pulls$",
        FaultKind::Status {
            code: 200,
            body: "[]".to_owned(),
            headers: foreign,
        },
    );
    assert!(
        door.pulls_by_head(&shop(), &crate::branch("fixpoint/a"))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn git_gets_an_address_without_a_credential() {
    let sim = sim().await;
    assert_eq!(door(&sim).clone_url(&shop()), sim.git_url(SHOP));
    let (user, password) = git_credential(&SecretString::from("ghs_x"));
    assert_eq!((user, password.expose_secret()), ("x-access-token", "ghs_x"));
    assert!(matches!(
        door(&sim).repository(&RepoName::parse("acme/none").unwrap()).await,
        Err(github::GitHubError::NotFound { .. })
    ));
}
