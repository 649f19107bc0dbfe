//! Regular expressions for the messages of the interpreter and of test runners.
use std::sync::LazyLock;

use regex::Regex;

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

macro_rules! patterns {
    ($($name:ident = $text:literal;)*) => { $(pub(super) static $name: LazyLock<Option<Regex>> = LazyLock::new(|| pattern($text));)* };
}

patterns! {
    NAME = r"name '(\w+)' is not defined";
    LOCAL = r"local variable '(\w+)'|variable '(\w+)' (?:referenced|where it is not)";
    ATTRIBUTE = r"'([\w.]+)' object has no attribute '(\w+)'";
    MODULE = r"module '([\w.]+)' has no attribute '(\w+)'";
    TYPE = r"type object '(\w+)' has no attribute '(\w+)'";
    MISSING = r"(\w+)\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.*)";
    UNEXPECTED = r"(\w+)\(\) got an unexpected keyword argument '(\w+)'";
    TAKES = r"(\w+)\(\) takes (?:from )?\d+ .*but \d+ (?:was|were) given";
    IMPORT = r"cannot import name '(\w+)'|No module named '([\w.]+)'";
    COMPARED = r"(?s)assert (.+?) == (.+?)(?:\n|$)";
    UNITTEST = r"(?s)^(?:AssertionError: )?(.+?) != (.+?)(?:\n|$)";
    RAISES = r"DID NOT RAISE .*?(\w+)'?>|(\w+) not raised";
    QUOTED = r"'(\w+)'";
}

pub(super) fn groups(regex: &LazyLock<Option<Regex>>, text: &str) -> Option<Vec<String>> {
    let captures = regex.as_ref()?.captures(text)?;
    Some(
        captures
            .iter()
            .skip(1)
            .flatten()
            .map(|group| group.as_str().to_owned())
            .collect(),
    )
}
