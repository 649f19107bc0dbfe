//! Every sentence that a person reads.

use crate::page::{Page, Shown, Text, clean_line};
use domain::notice::{NoticeContent, Origin};

const WARNING: &str = "⚠️ Please review carefully before merging. This PR should never be auto-merged.";

/// The words for a notice.
#[must_use]
pub fn text(content: &NoticeContent) -> Text {
    match content {
        NoticeContent::PullRequestOpened {
            origin,
            number,
            url,
            title,
            branch,
            draft,
            draft_reasons,
            proof,
        } => {
            let source = Source::of(origin);
            let mut page = Page::new(&format!("🤖 {} Auto-Fix PR Created", source.name), &origin.title);
            page.fields(&[
                ("Pull Request", Shown::Link(format!("#{number}"), Some(url))),
                ("Environment", Shown::maybe(origin.environment.as_deref())),
                (source.field, Shown::Link(source.link.into(), origin.url.as_deref())),
                ("Branch", Shown::Code(branch)),
            ]);
            if clean_line(title) != clean_line(&origin.title) {
                page.paragraph("Title", title);
            }
            page.paragraph("Proof", proof);
            if *draft {
                let why = if draft_reasons.is_empty() {
                    "it needs a closer look".to_owned()
                } else {
                    draft_reasons.join("; ")
                };
                page.paragraph("Draft", &why);
            }
            page.note(WARNING);
            page.button("Review pull request", url);
            page.done()
        }
        NoticeContent::FixFailed {
            origin,
            retry,
            max_retries,
            error,
            outcome,
        } => {
            let source = Source::of(origin);
            let mut page = Page::new(&format!("❌ {} Auto-Fix Failed", source.name), &origin.title);
            page.fields(&[
                (source.field, Shown::Link(source.link.into(), origin.url.as_deref())),
                ("Environment", Shown::maybe(origin.environment.as_deref())),
                ("Retry", Shown::Plain(&format!("{retry} / {max_retries}"))),
                ("Outcome", Shown::Plain(&outcome.replace('_', " "))),
            ]);
            page.code("Error", error);
            page.done()
        }
    }
}

/// The words for where a problem came from.
struct Source {
    name: &'static str,
    field: &'static str,
    link: &'static str,
}

impl Source {
    fn of(origin: &Origin) -> Self {
        match origin.what.as_str() {
            "ci" => Self {
                name: "CI",
                field: "CI Run",
                link: "View Run",
            },
            _ => Self {
                name: "Sentry",
                field: "Sentry Issue",
                link: "View Issue",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use insta::assert_snapshot;
    use serde_json::json;

    fn origin(what: &str, title: &str) -> Origin {
        let url = if what == "ci" {
            "https://github.com/acme/shop/actions/runs/7"
        } else {
            "https://sentry.io/organizations/acme/issues/12/"
        };
        Origin {
            what: what.into(),
            title: title.into(),
            url: Some(url.into()),
            environment: (what != "ci").then(|| "production".into()),
        }
    }

    fn opened(origin: Origin, draft_reasons: &[&str]) -> NoticeContent {
        NoticeContent::PullRequestOpened {
            origin,
            number: 123,
            url: "https://github.com/acme/shop/pull/123".into(),
            title: "Fix the average of an empty cart".into(),
            branch: "fixpoint/sentry-abc123-g1".into(),
            draft: !draft_reasons.is_empty(),
            draft_reasons: draft_reasons.iter().map(ToString::to_string).collect(),
            proof: "tests/test_cart.py::test_empty failed before and passes after; 41 other tests still pass".into(),
        }
    }

    fn failed(error: &str) -> NoticeContent {
        let title = "TypeError: Cannot read property 'x' of undefined";
        NoticeContent::FixFailed {
            origin: origin("sentry", title),
            retry: 3,
            max_retries: 3,
            error: error.into(),
            outcome: "no_fix".into(),
        }
    }

    #[test]
    fn a_pull_request_after_an_alert() {
        let text = text(&opened(
            origin("sentry", "TypeError: Cannot read property 'x' of undefined"),
            &[],
        ));
        assert_snapshot!(text.plain, @r#"
        🤖 Sentry Auto-Fix PR Created
        TypeError: Cannot read property 'x' of undefined
        Pull Request: #123 https://github.com/acme/shop/pull/123
        Environment: production
        Sentry Issue: View Issue https://sentry.io/organizations/acme/issues/12/
        Branch: fixpoint/sentry-abc123-g1
        Title: Fix the average of an empty cart
        Proof: tests/test_cart.py::test_empty failed before and passes after; 41 other tests still pass
        ⚠️ Please review carefully before merging. This PR should never be auto-merged.
        "#);
        assert_snapshot!(text.fallback, @r#"🤖 Sentry Auto-Fix PR Created: TypeError: Cannot read property 'x' of undefined"#);
        assert_snapshot!(serde_json::to_string_pretty(&text.blocks).unwrap(), @r#"
        [
          {
            "text": {
              "emoji": true,
              "text": "🤖 Sentry Auto-Fix PR Created",
              "type": "plain_text"
            },
            "type": "header"
          },
          {
            "text": {
              "text": "*TypeError: Cannot read property 'x' of undefined*",
              "type": "mrkdwn",
              "verbatim": true
            },
            "type": "section"
          },
          {
            "fields": [
              {
                "text": "*Pull Request:*\n<https://github.com/acme/shop/pull/123|#123>",
                "type": "mrkdwn",
                "verbatim": true
              },
              {
                "text": "*Environment:*\nproduction",
                "type": "mrkdwn",
                "verbatim": true
              },
              {
                "text": "*Sentry Issue:*\n<https://sentry.io/organizations/acme/issues/12/|View Issue>",
                "type": "mrkdwn",
                "verbatim": true
              },
              {
                "text": "*Branch:*\n`fixpoint/sentry-abc123-g1`",
                "type": "mrkdwn",
                "verbatim": true
              }
            ],
            "type": "section"
          },
          {
            "text": {
              "text": "*Title:* Fix the average of an empty cart",
              "type": "mrkdwn",
              "verbatim": true
            },
            "type": "section"
          },
          {
            "text": {
              "text": "*Proof:* tests/test_cart.py::test_empty failed before and passes after; 41 other tests still pass",
              "type": "mrkdwn",
              "verbatim": true
            },
            "type": "section"
          },
          {
            "elements": [
              {
                "text": "⚠️ Please review carefully before merging. This PR should never be auto-merged.",
                "type": "mrkdwn",
                "verbatim": true
              }
            ],
            "type": "context"
          },
          {
            "elements": [
              {
                "action_id": "open",
                "text": {
                  "emoji": false,
                  "text": "Review pull request",
                  "type": "plain_text"
                },
                "type": "button",
                "url": "https://github.com/acme/shop/pull/123"
              }
            ],
            "type": "actions"
          }
        ]
        "#);
    }

    #[test]
    fn a_draft_after_a_red_run() {
        let text = text(&opened(
            origin("ci", "Tests failed on main"),
            &["no test fails without it", "the tests were not run"],
        ));
        assert_snapshot!(text.plain, @r#"
        🤖 CI Auto-Fix PR Created
        Tests failed on main
        Pull Request: #123 https://github.com/acme/shop/pull/123
        CI Run: View Run https://github.com/acme/shop/actions/runs/7
        Branch: fixpoint/sentry-abc123-g1
        Title: Fix the average of an empty cart
        Proof: tests/test_cart.py::test_empty failed before and passes after; 41 other tests still pass
        Draft: no test fails without it; the tests were not run
        ⚠️ Please review carefully before merging. This PR should never be auto-merged.
        "#);
    }

    #[test]
    fn a_failure() {
        let text = text(&failed("Tests failed: 2 tests failed"));
        assert_snapshot!(text.plain, @r#"
        ❌ Sentry Auto-Fix Failed
        TypeError: Cannot read property 'x' of undefined
        Sentry Issue: View Issue https://sentry.io/organizations/acme/issues/12/
        Environment: production
        Retry: 3 / 3
        Outcome: no fix
        Error:
        Tests failed: 2 tests failed
        "#);
        assert_snapshot!(serde_json::to_string_pretty(&text.blocks).unwrap(), @r#"
        [
          {
            "text": {
              "emoji": true,
              "text": "❌ Sentry Auto-Fix Failed",
              "type": "plain_text"
            },
            "type": "header"
          },
          {
            "text": {
              "text": "*TypeError: Cannot read property 'x' of undefined*",
              "type": "mrkdwn",
              "verbatim": true
            },
            "type": "section"
          },
          {
            "fields": [
              {
                "text": "*Sentry Issue:*\n<https://sentry.io/organizations/acme/issues/12/|View Issue>",
                "type": "mrkdwn",
                "verbatim": true
              },
              {
                "text": "*Environment:*\nproduction",
                "type": "mrkdwn",
                "verbatim": true
              },
              {
                "text": "*Retry:*\n3 / 3",
                "type": "mrkdwn",
                "verbatim": true
              },
              {
                "text": "*Outcome:*\nno fix",
                "type": "mrkdwn",
                "verbatim": true
              }
            ],
            "type": "section"
          },
          {
            "text": {
              "text": "*Error:*\n```Tests failed: 2 tests failed```",
              "type": "mrkdwn",
              "verbatim": true
            },
            "type": "section"
          }
        ]
        "#);
    }

    /// What an attacker may put into a title or an error.
    const HOSTILE: &str = "<!channel> <https://evil.example|View Issue> *bold* `x` \u{202e}gpj\u{200b}.\u{1b}[31mred\u{1b}[0m\u{1b}]0;t\u{7} & ``` <@U1>\u{0}";

    #[test]
    fn what_comes_from_outside_is_shown_and_never_obeyed() {
        let mut content = opened(origin("sentry", HOSTILE), &[HOSTILE]);
        if let NoticeContent::PullRequestOpened {
            branch,
            url,
            proof,
            origin,
            ..
        } = &mut content
        {
            *branch = HOSTILE.into();
            *proof = HOSTILE.into();
            *url = "javascript:alert(1)".into();
            origin.environment = Some(HOSTILE.into());
            origin.url = Some("https://sentry.io/a|b>c".into());
        }
        for text in [text(&content), text(&failed(HOSTILE))] {
            let all = format!("{} {}", serde_json::to_string(&text.blocks).unwrap(), text.fallback);
            for bad in [
                "<!",
                "<@",
                "<https://evil",
                "javascript:",
                "\u{202e}",
                "\u{200b}",
                "\u{1b}",
                "\\u0000",
                "\\u001b",
                "[31m",
            ] {
                assert!(!all.contains(bad), "{bad:?} in {all}");
            }
            assert!(all.contains("&lt;!channel&gt;"));
        }
        assert_snapshot!(text(&failed(HOSTILE)).blocks[3]["text"]["text"].as_str().unwrap(), @r#"
        *Error:*
        ```&lt;!channel&gt; &lt;https://evil.example|View Issue&gt; *bold* `x` gpj.red &amp; ''' &lt;@U1&gt;```
        "#);
    }

    #[test]
    fn everything_is_cut_to_slacks_limits() {
        let long = "&<🎉>".repeat(5000);
        let mut content = opened(origin("sentry", &long), &[&long, &long]);
        if let NoticeContent::PullRequestOpened {
            branch,
            url,
            title,
            proof,
            origin,
            ..
        } = &mut content
        {
            (*branch, *title, *proof) = (long.clone(), long.clone(), long.clone());
            *url = format!("https://github.com/{}", "x".repeat(4000));
            origin.environment = Some(long.clone());
            origin.url = Some(format!("https://sentry.io/{}", "&".repeat(2900)));
        }
        for text in [text(&content), text(&failed(&long))] {
            let payload = json!({ "text": text.fallback, "blocks": text.blocks });
            assert_eq!(testkit::slack::check(&payload), Ok(()), "{payload}");
            assert!(!payload.to_string().contains("&am…"), "an escape was cut in two");
        }
    }
}
