//! Exactly one pull request, whatever GitHub does.

use crate::{SHOP, branch, break_once, door, new_pull, pushed, seen, shop, sim};
use github::{GitHubError, PullChange, PullState};
use github_sim::FaultKind;

#[tokio::test]
async fn opens_one_and_finds_it_again() {
    let sim = sim().await;
    let (door, sha) = (door(&sim), pushed(&sim, "fixpoint/a"));
    let opened = door.open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap();
    assert!(!opened.already && opened.pull.state == PullState::Open && opened.pull.head_sha == sha);
    assert_eq!((opened.pull.number, opened.pull.head_repo), (1, Some(shop())));
    let again = door.open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap();
    assert!(again.already && again.pull.number == 1);
    assert_eq!((seen(&sim, "POST", "/pulls"), sim.content_requests().len()), (1, 1));
}

#[tokio::test]
async fn a_502_that_hides_a_success_makes_no_second_one() {
    let sim = sim().await;
    pushed(&sim, "fixpoint/a");
    break_once(&sim, "POST", "/pulls$", FaultKind::DoThenStatus(502));
    let opened = door(&sim).open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap();
    assert!(opened.already);
    assert_eq!((sim.pulls(SHOP).len(), seen(&sim, "POST", "/pulls")), (1, 1));
}

#[tokio::test]
async fn a_timeout_that_hides_a_success_makes_no_second_one() {
    let sim = sim().await;
    pushed(&sim, "fixpoint/a");
    break_once(&sim, "POST", "/pulls$", FaultKind::DoThenTimeout);
    let opened = door(&sim).open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap();
    assert!(opened.already);
    assert_eq!((sim.pulls(SHOP).len(), seen(&sim, "POST", "/pulls")), (1, 1));
}

#[tokio::test]
async fn a_502_that_hides_nothing_is_tried_again() {
    let sim = sim().await;
    pushed(&sim, "fixpoint/a");
    break_once(&sim, "POST", "/pulls$", status(502));
    let opened = door(&sim).open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap();
    assert!(!opened.already);
    assert_eq!((sim.pulls(SHOP).len(), seen(&sim, "POST", "/pulls")), (1, 2));
}

#[tokio::test]
async fn already_exists_is_success_even_if_the_first_look_missed_it() {
    let sim = sim().await;
    pushed(&sim, "fixpoint/a");
    let door = door(&sim);
    door.open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap();
    let lagging = FaultKind::Status {
        code: 200,
        body: "[]".to_owned(),
        headers: Vec::new(),
    };
    // A body that begins with a bracket is sent as HTML; what counts is that the list is empty.
    break_once(&sim, "GET", "/pulls$", lagging);
    let opened = door.open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap();
    assert!(opened.already && opened.pull.number == 1);
    assert_eq!(seen(&sim, "POST", "/pulls"), 2);
}

#[tokio::test]
async fn gives_up_on_what_can_never_work() {
    let sim = sim().await;
    let error = door(&sim).open_pull(&shop(), &new_pull("nowhere")).await.unwrap_err();
    assert!(
        matches!(&error, GitHubError::Unprocessable { message, .. } if message.contains("head: invalid")),
        "{error}"
    );
    assert_eq!(seen(&sim, "POST", "/pulls"), 1);
    sim.branch(SHOP, "same", "main").unwrap();
    let error = door(&sim).open_pull(&shop(), &new_pull("same")).await.unwrap_err();
    assert!(
        error.to_string().contains("No commits between main and same"),
        "{error}"
    );
}

#[tokio::test]
async fn without_drafts_it_is_not_a_draft() {
    let sim = sim().await;
    sim.repository("acme/plain")
        .file("a", "1")
        .without_drafts()
        .create()
        .unwrap();
    sim.commit("acme/plain", "fix", [("a", "2")], "ada", "Fix").unwrap();
    let plain = domain::repo::RepoName::parse("acme/plain").unwrap();
    let wanted = github::NewPull {
        draft: true,
        body: "x".repeat(70_000),
        ..new_pull("fix")
    };
    let opened = door(&sim).open_pull(&plain, &wanted).await.unwrap();
    assert!(!opened.pull.draft && !opened.already);
    assert!(sim.pulls("acme/plain")[0].body.as_ref().unwrap().contains("Cut here"));
}

#[tokio::test]
async fn follows_what_people_do() {
    let sim = sim().await;
    let door = door(&sim);
    pushed(&sim, "fixpoint/a");
    door.open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap();
    let changed = door
        .update_pull(
            &shop(),
            1,
            &PullChange {
                title: Some("Better".to_owned()),
                ..PullChange::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(changed.title, "Better");
    let human = sim
        .push_human_commit(SHOP, "fixpoint/a", [("fix.txt", "by hand")], "grace")
        .unwrap();
    assert_eq!(door.pull(&shop(), 1).await.unwrap().unwrap().head_sha.as_str(), human);
    assert_eq!(
        door.branch_head(&shop(), &branch("fixpoint/a"))
            .await
            .unwrap()
            .unwrap()
            .as_str(),
        human
    );
    let merged = sim.merge_pull(SHOP, 1, "grace").unwrap();
    let pull = door
        .pulls_by_head(&shop(), &branch("fixpoint/a"))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (pull.state, pull.merge_commit.unwrap().as_str()),
        (PullState::Merged, merged.as_str())
    );
    assert!(
        door.open_pull_of(&shop(), &branch("fixpoint/a"), &branch("main"))
            .await
            .unwrap()
            .is_none()
    );
    assert!(door.pull(&shop(), 99).await.unwrap().is_none());
    assert_eq!(sim.merge_calls(), 0);
}

#[tokio::test]
async fn a_comment_is_written_once() {
    let sim = sim().await;
    let door = door(&sim);
    pushed(&sim, "fixpoint/a");
    door.open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap();
    sim.comment(SHOP, 1, "grace", "Proved.").unwrap();
    break_once(&sim, "POST", "/comments$", FaultKind::DoThenStatus(502));
    let posted = door.comment(&shop(), 1, "Proved.").await.unwrap();
    let comments = sim.comments(SHOP, 1);
    assert_eq!((comments.len(), comments[1].id), (2, posted.id));
    door.edit_comment(&shop(), posted.id, "Proved twice.").await.unwrap();
    assert_eq!(sim.comments(SHOP, 1)[1].body, "Proved twice.");
}

fn status(code: u16) -> FaultKind {
    FaultKind::Status {
        code,
        body: "<html>unicorn</html>".to_owned(),
        headers: Vec::new(),
    }
}
