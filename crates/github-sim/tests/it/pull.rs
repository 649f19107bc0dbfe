//! The rules of pull requests, and the shape of lists.

use crate::{READER, SHOP, WRITER, call, client, send, sim};
use serde_json::json;

const PULLS: &str = "/repos/acme/shop/pulls";

fn wanted(head: &str) -> Option<serde_json::Value> {
    Some(json!({ "title": "Fix", "head": head, "base": "main", "body": "Why" }))
}

#[tokio::test]
async fn opens_one_per_head_and_says_why_not() {
    let sim = sim().await;
    sim.commit(
        SHOP,
        "fix",
        [("src/cart.py", "def total():\n    return 2\n")],
        "ada",
        "Fix",
    )
    .unwrap();
    let (status, pull) = call(&sim, "POST", PULLS, WRITER, wanted("fix")).await;
    assert_eq!(
        (status, &pull["number"], &pull["changed_files"], &pull["additions"]),
        (201, &json!(1), &json!(1), &json!(1))
    );
    assert_eq!(
        (&pull["mergeable"], &pull["head"]["label"]),
        (&json!(true), &json!("acme:fix"))
    );

    let (status, again) = call(&sim, "POST", PULLS, WRITER, wanted("acme:fix")).await;
    assert_eq!(
        (status, &again["errors"][0]["message"]),
        (422, &json!("A pull request already exists for acme:fix."))
    );
    let (status, gone) = call(&sim, "POST", PULLS, WRITER, wanted("nowhere")).await;
    assert_eq!((status, &gone["errors"][0]["field"]), (422, &json!("head")));
    sim.branch(SHOP, "same", "main").unwrap();
    let (status, same) = call(&sim, "POST", PULLS, WRITER, wanted("same")).await;
    assert_eq!(
        (status, &same["errors"][0]["message"]),
        (422, &json!("No commits between main and same"))
    );
    assert_eq!(call(&sim, "POST", PULLS, READER, wanted("fix")).await.0, 403);
    assert_eq!(call(&sim, "POST", PULLS, "ghp_wrong", wanted("fix")).await.0, 401);
    assert_eq!(sim.pulls(SHOP).len(), 1);
}

#[tokio::test]
async fn refuses_drafts_and_long_bodies() {
    let sim = sim().await;
    sim.repository("acme/plain")
        .file("a", "1\n")
        .without_drafts()
        .create()
        .unwrap();
    sim.commit("acme/plain", "fix", [("a", "2\n")], "ada", "Fix").unwrap();
    let mut body = wanted("fix").unwrap();
    body["draft"] = json!(true);
    let (status, refusal) = call(&sim, "POST", "/repos/acme/plain/pulls", WRITER, Some(body.clone())).await;
    assert_eq!(
        (status, &refusal["errors"][0]["message"]),
        (422, &json!("Draft pull requests are not supported in this repository."))
    );
    body["draft"] = json!(false);
    body["body"] = json!("x".repeat(65_537));
    let (status, refusal) = call(&sim, "POST", "/repos/acme/plain/pulls", WRITER, Some(body)).await;
    assert_eq!(
        (status, &refusal["errors"][0]["message"]),
        (422, &json!("body is too long (maximum is 65536 characters)"))
    );
}

#[tokio::test]
async fn lists_page_by_the_repository_number_and_answer_304() {
    let sim = sim().await;
    for n in 0..3 {
        let branch = format!("fix-{n}");
        sim.commit(SHOP, &branch, [("n", n.to_string())], "ada", "Fix").unwrap();
        assert_eq!(call(&sim, "POST", PULLS, WRITER, wanted(&branch)).await.0, 201);
    }
    let first = send(&sim, "GET", "/repos/acme/shop/pulls?per_page=2&state=all", WRITER, None).await;
    let link = first.headers()["link"].to_str().unwrap().to_owned();
    let next = link.split("<").nth(1).unwrap().split('>').next().unwrap();
    assert!(
        next.contains("/repositories/") && link.contains("rel=\"last\""),
        "{link}"
    );
    let (status, rest) = call(&sim, "GET", next, WRITER, None).await;
    assert_eq!(
        (status, rest.as_array().unwrap().len(), &rest[0]["number"]),
        (200, 1, &json!(1))
    );

    let (_, found) = call(&sim, "GET", "/repos/acme/shop/pulls?head=acme:fix-1", WRITER, None).await;
    assert_eq!((found.as_array().unwrap().len(), &found[0]["number"]), (1, &json!(2)));

    let etag = send(&sim, "GET", "/repos/acme/shop", WRITER, None).await.headers()["etag"].clone();
    let again = client()
        .get(format!("{}/repos/acme/shop", sim.url()))
        .bearer_auth(WRITER)
        .header("if-none-match", etag);
    assert_eq!(again.send().await.unwrap().status(), 304);
}

#[tokio::test]
async fn follows_its_head_and_is_merged_by_people_only() {
    let sim = sim().await;
    sim.commit(SHOP, "fix", [("n", "1")], "ada", "Fix").unwrap();
    assert_eq!(call(&sim, "POST", PULLS, WRITER, wanted("fix")).await.0, 201);
    let newer = sim.push_human_commit(SHOP, "fix", [("n", "2")], "grace").unwrap();
    assert_eq!(sim.pulls(SHOP)[0].head_sha, newer);
    let (_, files) = call(&sim, "GET", "/repos/acme/shop/pulls/1/files", WRITER, None).await;
    assert_eq!(
        (&files[0]["filename"], &files[0]["status"]),
        (&json!("n"), &json!("added"))
    );

    let merged = sim.merge_pull(SHOP, 1, "grace").unwrap();
    assert_eq!(sim.head(SHOP, "main").unwrap().unwrap(), merged);
    let (_, pull) = call(&sim, "GET", "/repos/acme/shop/pulls/1", WRITER, None).await;
    assert_eq!(
        (&pull["state"], &pull["merged"], &pull["merged_by"]["login"]),
        (&json!("closed"), &json!(true), &json!("grace"))
    );
    assert_eq!(sim.merge_calls(), 0);
    assert_eq!(
        call(&sim, "PUT", "/repos/acme/shop/pulls/1/merge", WRITER, Some(json!({})))
            .await
            .0,
        405
    );
    assert_eq!(sim.merge_calls(), 1);
}

#[tokio::test]
async fn comments_labels_statuses_and_contents() {
    let sim = sim().await;
    let sha = sim
        .commit(
            SHOP,
            "feature/fix",
            [("src/cart.py", "def total():\n    return 3\n")],
            "ada",
            "Fix",
        )
        .unwrap();
    assert_eq!(call(&sim, "POST", PULLS, WRITER, wanted("feature/fix")).await.0, 201);
    let (status, comment) = call(
        &sim,
        "POST",
        "/repos/acme/shop/issues/1/comments",
        WRITER,
        Some(json!({ "body": "Hi" })),
    )
    .await;
    assert_eq!(status, 201);
    let path = format!("/repos/acme/shop/issues/comments/{}", comment["id"]);
    assert_eq!(
        call(&sim, "PATCH", &path, WRITER, Some(json!({ "body": "Hi again" })))
            .await
            .0,
        200
    );
    assert_eq!(sim.comments(SHOP, 1)[0].body, "Hi again");
    assert_eq!(
        call(
            &sim,
            "POST",
            "/repos/acme/shop/issues/1/labels",
            WRITER,
            Some(json!({ "labels": ["fixpoint"] }))
        )
        .await
        .0,
        200
    );
    assert_eq!(sim.pulls(SHOP)[0].labels, ["fixpoint"]);

    let path = format!("/repos/acme/shop/statuses/{sha}");
    assert_eq!(
        call(
            &sim,
            "POST",
            &path,
            WRITER,
            Some(json!({ "state": "success", "context": "fixpoint" }))
        )
        .await
        .0,
        201
    );
    let (_, combined) = call(
        &sim,
        "GET",
        &format!("/repos/acme/shop/commits/{sha}/status"),
        WRITER,
        None,
    )
    .await;
    assert_eq!(
        (&combined["state"], &combined["total_count"]),
        (&json!("success"), &json!(1))
    );

    let (_, branch) = call(&sim, "GET", "/repos/acme/shop/branches/feature/fix", WRITER, None).await;
    assert_eq!(branch["commit"]["sha"], json!(sha));
    let (_, compare) = call(
        &sim,
        "GET",
        "/repos/acme/shop/compare/main...feature%2Ffix",
        WRITER,
        None,
    )
    .await;
    assert_eq!(
        (
            &compare["status"],
            &compare["ahead_by"],
            &compare["files"][0]["filename"]
        ),
        (&json!("ahead"), &json!(1), &json!("src/cart.py"))
    );
    let (_, file) = call(
        &sim,
        "GET",
        "/repos/acme/shop/contents/src/cart.py?ref=feature/fix",
        WRITER,
        None,
    )
    .await;
    assert_eq!((&file["encoding"], &file["size"]), (&json!("base64"), &json!(26)));
    let (_, pulls) = call(
        &sim,
        "GET",
        &format!("/repos/acme/shop/commits/{sha}/pulls"),
        WRITER,
        None,
    )
    .await;
    assert_eq!(pulls[0]["number"], json!(1));
    let (_, permission) = call(
        &sim,
        "GET",
        "/repos/acme/shop/collaborators/stranger/permission",
        WRITER,
        None,
    )
    .await;
    assert_eq!(permission["permission"], json!("none"));
}

#[tokio::test]
async fn a_comparison_lists_each_file_with_its_own_hunks() {
    let sim = sim().await;
    let files = [
        ("README.md", github_sim::File::deleted()),
        ("a.bin", vec![0_u8, 1, 2].into()),
        ("b c.txt", "++ x\n-- y\n".into()),
        ("z/empty", "".into()),
    ];
    sim.commit(SHOP, "fix", files, "ada", "Many").unwrap();
    let (_, compare) = call(&sim, "GET", "/repos/acme/shop/compare/main...fix", WRITER, None).await;
    let seen: Vec<_> = compare["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            (
                file["filename"].as_str().unwrap(),
                file["status"].as_str().unwrap(),
                file["additions"].as_u64().unwrap(),
                file["deletions"].as_u64().unwrap(),
                file["patch"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("README.md", "removed", 0, 1, Some("@@ -1 +0,0 @@\n-# Shop")),
            ("a.bin", "added", 0, 0, None),
            ("b c.txt", "added", 2, 0, Some("@@ -0,0 +1,2 @@\n+++ x\n+-- y")),
            ("z/empty", "added", 0, 0, None),
        ]
    );
}
