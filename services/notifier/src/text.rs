//! Every sentence that a person reads. What comes from outside (titles, errors, branches) is shown, and never obeyed: it cannot
//! notify a channel, hide a link or reorder what is read.

use domain::notice::{NoticeContent, Origin};
use serde_json::{Value, json};
use url::Url;

/// A message for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// One line or a few, for notifications and for channels without layout. Escaped as Slack wants it.
    pub fallback: String,
    /// The same as Slack's blocks.
    pub blocks: Vec<Value>,
    /// The same as plain text, for the log.
    pub plain: String,
}

// Slack's limits, in characters.
const HEADER: usize = 150;
const SECTION: usize = 3000;
const FIELD: usize = 2000;
const BUTTON: usize = 75;
const ADDRESS: usize = 3000;

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

enum Shown<'a> {
    Nothing,
    Plain(&'a str),
    Code(&'a str),
    Link(String, Option<&'a str>),
}

impl<'a> Shown<'a> {
    fn maybe(text: Option<&'a str>) -> Self {
        text.map_or(Self::Nothing, Self::Plain)
    }
}

/// A message under construction: the blocks and the plain text grow together.
struct Page {
    header: String,
    title: String,
    blocks: Vec<Value>,
    plain: Vec<String>,
}

impl Page {
    fn new(header: &str, title: &str) -> Self {
        let title = clean_line(title);
        let title = if title.is_empty() {
            "(no title)".to_owned()
        } else {
            title
        };
        let blocks = vec![
            json!({ "type": "header", "text": { "type": "plain_text", "text": cut(header, HEADER), "emoji": true } }),
            section(&format!("*{}*", escape(&without_marks(&title), SECTION - 2))),
        ];
        Self {
            header: header.into(),
            plain: vec![header.into(), title.clone()],
            title,
            blocks,
        }
    }

    fn fields(&mut self, fields: &[(&str, Shown)]) {
        let mut shown = Vec::new();
        for (name, value) in fields {
            let room = FIELD - name.len() - 10;
            let (markup, plain) = match value {
                Shown::Nothing => continue,
                Shown::Plain(text) => (escape(&clean_line(text), room), clean_line(text)),
                Shown::Code(text) => (
                    format!("`{}`", escape(&clean_line(text).replace('`', "'"), room - 2)),
                    clean_line(text),
                ),
                Shown::Link(text, url) => match url.and_then(address) {
                    Some(url) if escape(&url, usize::MAX).len() + text.len() + 3 <= room => (
                        format!("<{}|{}>", escape(&url, usize::MAX), escape(text, 100)),
                        format!("{text} {url}"),
                    ),
                    _ if text.starts_with('#') => (escape(text, room), text.clone()),
                    _ => continue,
                },
            };
            shown.push(markdown(&format!("*{name}:*\n{markup}")));
            self.plain.push(format!("{name}: {plain}"));
        }
        if !shown.is_empty() {
            self.blocks.push(json!({ "type": "section", "fields": shown }));
        }
    }

    fn paragraph(&mut self, name: &str, text: &str) {
        let text = clean_line(text);
        if text.is_empty() {
            return;
        }
        self.blocks.push(section(&format!(
            "*{name}:* {}",
            escape(&text, SECTION - name.len() - 4)
        )));
        self.plain.push(format!("{name}: {text}"));
    }

    fn code(&mut self, name: &str, text: &str) {
        let text = clean(text);
        let text = text.trim_matches('\n');
        let text = if text.is_empty() { "(nothing was said)" } else { text };
        let inside = escape(&text.replace("```", "'''"), SECTION - name.len() - 12);
        self.blocks.push(section(&format!("*{name}:*\n```{inside}```")));
        self.plain.push(format!("{name}:\n{text}"));
    }

    fn note(&mut self, text: &str) {
        self.blocks
            .push(json!({ "type": "context", "elements": [markdown(&escape(text, FIELD))] }));
        self.plain.push(text.into());
    }

    fn button(&mut self, label: &str, url: &str) {
        if let Some(url) = address(url) {
            let label = json!({ "type": "plain_text", "text": cut(label, BUTTON), "emoji": false });
            self.blocks.push(json!({ "type": "actions", "elements": [{ "type": "button", "text": label, "url": url, "action_id": "open" }] }));
        }
    }

    fn done(self) -> Text {
        let fallback = format!("{}: {}", escape(&self.header, HEADER), escape(&self.title, 300));
        Text {
            fallback,
            blocks: self.blocks,
            plain: self.plain.join("\n"),
        }
    }
}

/// `verbatim` keeps Slack from making links, channels and people out of plain words.
fn markdown(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": markdown(text) })
}

/// A web address in its normal form, if it is one and short enough; `|` would end it inside a link.
fn address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    })?;
    let url = url.as_str().replace('|', "%7C").replace('<', "%3C").replace('>', "%3E");
    (url.len() <= ADDRESS).then_some(url)
}

/// Slack's three escapes, within so many characters of the result.
fn escape(text: &str, room: usize) -> String {
    let escaped = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        c => c.to_string(),
    };
    let whole: String = text.chars().map(escaped).collect();
    if length(&whole) <= room {
        return whole;
    }
    let mut out = String::new();
    let mut left = room.saturating_sub(1);
    for piece in text.chars().map(escaped) {
        match left.checked_sub(length(&piece)) {
            Some(rest) => left = rest,
            None => break,
        }
        out.push_str(&piece);
    }
    out.push('…');
    out
}

fn cut(text: &str, limit: usize) -> String {
    if length(text) <= limit {
        text.to_owned()
    } else {
        text.chars().take(limit.saturating_sub(1) / 2).chain(['…']).collect()
    }
}

/// Counted as JavaScript does, the stricter way to count.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Emphasis signs would end the emphasis that they stand in.
fn without_marks(text: &str) -> String {
    text.replace('*', "∗").replace('`', "'")
}

/// One line of what [`clean`] leaves.
fn clean_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without terminal sequences, control characters, and the invisible ones that reorder or hide text.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_sequence(&mut chars),
            '\n' => out.push(c),
            '\t' => out.push_str("    "),
            c if c.is_control() => {}
            '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => {}
            '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => {}
            c => out.push(c),
        }
    }
    out
}

/// The rest of an escape sequence: `[`, parameters, a letter; or a title up to its bell; or one character.
fn skip_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => {
            for c in chars.by_ref() {
                if ('@'..='~').contains(&c) {
                    break;
                }
            }
        }
        Some(']') => {
            while let Some(c) = chars.next() {
                if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use insta::assert_snapshot;

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
