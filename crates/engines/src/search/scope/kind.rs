//! What a name or an expression probably holds, by its looks, its use and its annotation.
use super::Scope;

/// A coarse idea of what a name holds; it orders candidates and never excludes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// int, float, Decimal.
    Number,
    /// str.
    Text,
    /// list, tuple, set.
    Sequence,
    /// dict.
    Mapping,
    /// bool.
    Truth,
    /// An object with attributes of its own.
    Object,
    /// Anything.
    Unknown,
}

impl Scope<'_> {
    /// What `text` probably holds.
    pub fn guess(&self, text: &str) -> Guess {
        if let Some(guess) = self.guesses.get(text).filter(|guess| **guess != Guess::Unknown) {
            return *guess;
        }
        let guess = guess_text(text);
        if guess != Guess::Unknown {
            return guess;
        }
        let last = text.rsplit('.').next().unwrap_or(text);
        if text.contains('.')
            && let Some(kind) = self.project.attribute_kinds.get(last)
        {
            let guess = kind
                .strip_prefix(':')
                .map_or_else(|| guess_text(kind), guess_annotation);
            if guess != Guess::Unknown {
                return guess;
            }
        }
        // A call, or a property, of the project: its annotation.
        let called = text
            .strip_suffix(')')
            .and_then(|head| head.split('(').next())
            .map(|head| head.rsplit('.').next().unwrap_or(head));
        let property = text.contains('.').then_some(last);
        let declared = |name: &str| {
            self.project
                .functions
                .iter()
                .find(|function| function.name == name)
                .and_then(|function| function.returns.as_deref())
        };
        called
            .or(property)
            .and_then(declared)
            .map_or(Guess::Unknown, guess_annotation)
    }

    /// Whether `b` could stand where `a` stands.
    pub fn compatible(&self, a: &str, b: &str) -> bool {
        let (a, b) = (self.guess(a), self.guess(b));
        a == b || a == Guess::Unknown || b == Guess::Unknown
    }
}

/// The bare name that an annotation begins with: `list` of `typing.list[int] | None`.
pub(super) fn annotation_head(text: &str) -> &str {
    let whole = text.split(['[', '|', ' ']).next().unwrap_or("");
    whole.rsplit('.').next().unwrap_or("")
}

pub(super) fn guess_annotation(text: &str) -> Guess {
    match annotation_head(text) {
        "int" | "float" | "Decimal" => Guess::Number,
        "str" => Guess::Text,
        "bool" => Guess::Truth,
        "list" | "List" | "tuple" | "Tuple" | "set" | "Set" | "Sequence" | "Iterable" => Guess::Sequence,
        "dict" | "Dict" | "Mapping" => Guess::Mapping,
        _ => Guess::Unknown,
    }
}

/// Kind of an expression by its looks.
pub fn guess_text(text: &str) -> Guess {
    let text = text.trim();
    if text.parse::<f64>().is_ok()
        || ["len(", "sum(", "int(", "float(", "round(", "abs(", "Decimal("]
            .iter()
            .any(|start| text.starts_with(start))
    {
        return Guess::Number;
    }
    if text.starts_with(['"', '\''])
        || text.starts_with("f\"")
        || text.starts_with("f'")
        || text.starts_with("str(")
        || text.ends_with(".strip()")
        || text.ends_with(".lower()")
        || text.ends_with(".upper()")
    {
        return Guess::Text;
    }
    if matches!(text, "True" | "False") || text.starts_with("not ") || text.starts_with("bool(") {
        return Guess::Truth;
    }
    if text.starts_with('[')
        || text.starts_with("list(")
        || text.starts_with("sorted(")
        || text.starts_with("set(")
        || text.starts_with("tuple(")
        || text == "()"
        || text.ends_with(".split()")
    {
        return Guess::Sequence;
    }
    if text.starts_with('{')
        || text.starts_with("dict(")
        || text.starts_with("defaultdict(")
        || text.starts_with("Counter(")
    {
        return if text.starts_with('{') && !text.contains(':') && text.len() > 2 {
            Guess::Sequence
        } else {
            Guess::Mapping
        };
    }
    if [" + ", " - ", " * ", " / ", " // "].iter().any(|op| text.contains(op)) && !text.contains(['"', '\'', '[', '{'])
    {
        return Guess::Number;
    }
    Guess::Unknown
}

/// Attributes that dates, numbers and exceptions have too: they say nothing about an object.
pub(super) fn is_common(attribute: &str) -> bool {
    matches!(
        attribute,
        "year"
            | "month"
            | "day"
            | "days"
            | "hour"
            | "minute"
            | "seconds"
            | "real"
            | "args"
            | "copy"
            | "pop"
            | "update"
            | "clear"
            | "index"
            | "count"
            | "remove"
            | "date"
    )
}

pub(super) fn guess_method(method: &str) -> Option<Guess> {
    Some(match method {
        "append" | "extend" | "insert" | "sort" | "reverse" | "add" | "discard" => Guess::Sequence,
        "items" | "keys" | "values" | "get" | "setdefault" => Guess::Mapping,
        "lower" | "upper" | "strip" | "split" | "startswith" | "endswith" | "replace" | "join" | "format" | "title" => {
            Guess::Text
        }
        "quantize" => Guess::Number,
        _ => return None,
    })
}
