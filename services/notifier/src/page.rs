//! A message as Slack's blocks and as plain text. What comes from outside (titles, errors, branches) is shown, and never obeyed: it
//! cannot notify a channel, hide a link or reorder what is read.

use domain::text::is_hidden;
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

/// The value of a field.
pub enum Shown<'a> {
    Nothing,
    Plain(&'a str),
    Code(&'a str),
    Link(String, Option<&'a str>),
}

impl<'a> Shown<'a> {
    /// What there may not be.
    pub fn maybe(text: Option<&'a str>) -> Self {
        text.map_or(Self::Nothing, Self::Plain)
    }
}

/// A message under construction: the blocks and the plain text grow together.
pub struct Page {
    header: String,
    title: String,
    blocks: Vec<Value>,
    plain: Vec<String>,
}

impl Page {
    /// The header and the title that every message begins with.
    pub fn new(header: &str, title: &str) -> Self {
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

    /// Names and values side by side; what is missing is left out.
    pub fn fields(&mut self, fields: &[(&str, Shown)]) {
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

    /// A line of text after its name; nothing where there is none.
    pub fn paragraph(&mut self, name: &str, text: &str) {
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

    /// A block that its content cannot leave.
    pub fn code(&mut self, name: &str, text: &str) {
        let text = clean(text);
        let text = text.trim_matches('\n');
        let text = if text.is_empty() { "(nothing was said)" } else { text };
        let inside = escape(&text.replace("```", "'''"), SECTION - name.len() - 12);
        self.blocks.push(section(&format!("*{name}:*\n```{inside}```")));
        self.plain.push(format!("{name}:\n{text}"));
    }

    /// Small print.
    pub fn note(&mut self, text: &str) {
        self.blocks
            .push(json!({ "type": "context", "elements": [markdown(&escape(text, FIELD))] }));
        self.plain.push(text.into());
    }

    /// A button, if `url` is a web address.
    pub fn button(&mut self, label: &str, url: &str) {
        if let Some(url) = address(url) {
            let label = json!({ "type": "plain_text", "text": cut(label, BUTTON), "emoji": false });
            self.blocks.push(json!({ "type": "actions", "elements": [{ "type": "button", "text": label, "url": url, "action_id": "open" }] }));
        }
    }

    /// The finished message.
    pub fn done(self) -> Text {
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
pub fn clean_line(text: &str) -> String {
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
            c if is_hidden(c) => {}
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
