//! What the failures look like, read from exception types and messages, and which templates they make likely.
use std::sync::LazyLock;

use regex::Regex;

use crate::brief::Failure;

/// One observation about the failures.
#[derive(Clone, Debug, PartialEq)]
pub enum Symptom {
    /// `None` was used as something else.
    NoneValue,
    /// A key was missing.
    MissingKey(String),
    /// An index was out of range, or an empty sequence was used.
    OutOfRange,
    /// A name is not defined.
    UnknownName(String),
    /// A local variable was read before it was bound.
    Unbound(String),
    /// A class or module has no such attribute.
    UnknownAttribute {
        /// Type name or `module`.
        owner: String,
        /// The attribute.
        attribute: String,
    },
    /// Division by zero.
    ZeroDivision,
    /// A call lacks arguments, or has too many.
    Arguments {
        /// Function as named by the message.
        function: String,
        /// Missing parameter names.
        missing: Vec<String>,
        /// A keyword that the function does not take.
        unexpected: Option<String>,
    },
    /// Operands of types that do not go together.
    Operands,
    /// Something that is no function was called.
    NotCallable,
    /// A method or function object was used as its result, a sign of missing parentheses.
    NotCalled,
    /// A coroutine was not awaited.
    NotAwaited,
    /// An import failed.
    Import(String),
    /// A container changed while it was iterated.
    ChangedWhileIterated,
    /// A value could not be converted or parsed.
    Conversion,
    /// Unpacking of the wrong number of values.
    Unpacking,
    /// The program recursed or ran without end.
    Endless,
    /// An unhashable value was used as a key.
    Unhashable,
    /// Naive and aware times were mixed.
    Timezone,
    /// An expected exception did not come.
    DidNotRaise(String),
    /// The project raised one of its own, or another, exception.
    Raised(String),
    /// Compared numbers differ by one.
    OffByOne,
    /// Compared numbers differ in the sign.
    Sign,
    /// Compared numbers are equal after rounding.
    Rounding,
    /// Compared numbers differ by a power of ten.
    Scale,
    /// `None` came where a value was expected.
    NothingReturned,
    /// True and False are swapped.
    WrongTruth,
    /// Texts differ in case only.
    Case,
    /// Texts differ in white space only.
    Space,
    /// Sequences hold the same in another order.
    Order,
    /// A sequence is longer or shorter than expected.
    Length,
    /// int and float, text and number, or list and tuple were mixed up.
    WrongType,
    /// A number is below zero that should not be.
    Negative,
    /// A number is larger than expected.
    Above,
    /// A number is smaller than expected.
    Below,
    /// A literal came out where another one was expected: first what came.
    Instead(String, String),
    /// A value that the failing assertion expected, as a literal.
    Expected(String),
}

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

macro_rules! patterns {
    ($($name:ident = $text:literal;)*) => { $(static $name: LazyLock<Option<Regex>> = LazyLock::new(|| pattern($text));)* };
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

fn groups(regex: &LazyLock<Option<Regex>>, text: &str) -> Option<Vec<String>> {
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

/// Reads the failures. Each observation appears once.
pub fn symptoms(failures: &[Failure]) -> Vec<Symptom> {
    let mut found: Vec<Symptom> = Vec::new();
    for failure in failures.iter().take(24) {
        for symptom in read(failure) {
            if !found.contains(&symptom) {
                found.push(symptom);
            }
        }
    }
    found
}

fn read(failure: &Failure) -> Vec<Symptom> {
    let exception = failure.exception.rsplit('.').next().unwrap_or("");
    let message = failure.message.as_str();
    let mut found = Vec::new();
    if message.contains("'NoneType'") {
        found.push(Symptom::NoneValue);
    }
    match exception {
        "KeyError" => found.push(Symptom::MissingKey(message.trim().trim_matches(['\'', '"']).to_owned())),
        "IndexError" => found.push(Symptom::OutOfRange),
        "StopIteration" => found.push(Symptom::OutOfRange),
        "ZeroDivisionError" | "DivisionByZero" => found.push(Symptom::ZeroDivision),
        "RecursionError" | "Timeout" | "TimeoutError" | "MemoryError" => found.push(Symptom::Endless),
        "InvalidOperation" | "UnicodeDecodeError" | "JSONDecodeError" => found.push(Symptom::Conversion),
        _ => {}
    }
    if let Some([name]) = groups(&NAME, message).as_deref() {
        found.push(Symptom::UnknownName(name.clone()));
    }
    if exception == "UnboundLocalError"
        && let Some([name, ..]) = groups(&LOCAL, message).as_deref()
    {
        found.push(Symptom::Unbound(name.clone()));
    }
    for regex in [&ATTRIBUTE, &MODULE, &TYPE] {
        if let Some([owner, attribute]) = groups(regex, message).as_deref()
            && owner != "NoneType"
        {
            found.push(Symptom::UnknownAttribute {
                owner: owner.rsplit('.').next().unwrap_or(owner).to_owned(),
                attribute: attribute.clone(),
            });
            if matches!(owner.as_str(), "method" | "function" | "builtin_function_or_method") {
                found.push(Symptom::NotCalled);
            }
            if owner == "coroutine" {
                found.push(Symptom::NotAwaited);
            }
        }
    }
    arguments(message, &mut found);
    if let Some([name, ..]) = groups(&IMPORT, message).as_deref() {
        found.push(Symptom::Import(name.clone()));
    }
    for (part, symptom) in [
        ("unsupported operand type", Symptom::Operands),
        ("not supported between", Symptom::Operands),
        ("can only concatenate", Symptom::Operands),
        ("must be str, not", Symptom::Operands),
        ("expected str instance", Symptom::Operands),
        ("can't multiply sequence", Symptom::Operands),
        ("must be real number", Symptom::Operands),
        ("has no len()", Symptom::Operands),
        ("object is not iterable", Symptom::Operands),
        ("argument must be a string", Symptom::Operands),
        ("object is not callable", Symptom::NotCallable),
        ("'method' object", Symptom::NotCalled),
        ("'method'", Symptom::NotCalled),
        ("'function'", Symptom::NotCalled),
        ("coroutine", Symptom::NotAwaited),
        ("changed size during iteration", Symptom::ChangedWhileIterated),
        ("mutated during iteration", Symptom::ChangedWhileIterated),
        ("invalid literal for int", Symptom::Conversion),
        ("could not convert string", Symptom::Conversion),
        ("does not match format", Symptom::Conversion),
        ("not enough values to unpack", Symptom::Unpacking),
        ("too many values to unpack", Symptom::Unpacking),
        ("unhashable type", Symptom::Unhashable),
        ("offset-naive and offset-aware", Symptom::Timezone),
        ("arg is an empty sequence", Symptom::OutOfRange),
        ("iterable argument is empty", Symptom::OutOfRange),
        ("from an empty", Symptom::OutOfRange),
        ("pop from an empty", Symptom::OutOfRange),
        ("at least one data point", Symptom::OutOfRange),
        ("empty sequence", Symptom::OutOfRange),
        ("not in list", Symptom::MissingKey(String::new())),
        ("Timeout", Symptom::Endless),
    ] {
        if message.contains(part) {
            found.push(symptom);
        }
    }
    if let Some([name, ..]) = groups(&RAISES, message).as_deref() {
        found.push(Symptom::DidNotRaise(name.clone()));
    }
    if matches!(exception, "AssertionError" | "Failed" | "") {
        compared(message, &mut found);
    } else if !exception.is_empty() {
        found.push(Symptom::Raised(exception.to_owned()));
    }
    found
}

fn arguments(message: &str, found: &mut Vec<Symptom>) {
    let call = |function: &str, missing, unexpected| Symptom::Arguments {
        function: function.rsplit('.').next().unwrap_or(function).to_owned(),
        missing,
        unexpected,
    };
    if let Some([function, names]) = groups(&MISSING, message).as_deref() {
        let missing = QUOTED
            .as_ref()
            .map(|regex| {
                regex
                    .captures_iter(names)
                    .filter_map(|c| c.get(1).map(|name| name.as_str().to_owned()))
                    .collect()
            })
            .unwrap_or_default();
        found.push(call(function, missing, None));
    }
    if let Some([function, keyword]) = groups(&UNEXPECTED, message).as_deref() {
        found.push(call(function, Vec::new(), Some(keyword.clone())));
    }
    if let Some([function]) = groups(&TAKES, message).as_deref() {
        found.push(call(function, Vec::new(), None));
    }
}

/// Compares the two sides of a failed equality as far as the message shows them.
fn compared(message: &str, found: &mut Vec<Symptom>) {
    let sides = groups(&COMPARED, message).or_else(|| groups(&UNITTEST, message));
    let Some([left, right]) = sides.as_deref() else {
        if message.contains("assert False")
            || message.contains("assert not True")
            || message.contains("False is not true")
            || message.contains("True is not false")
        {
            found.push(Symptom::WrongTruth);
        }
        if message.contains("assert None") || message.contains("None is not") {
            found.push(Symptom::NothingReturned);
        }
        return;
    };
    let (actual, expected) = (left.trim(), right.trim());
    if actual == "None" {
        found.push(Symptom::NothingReturned);
    }
    if matches!((actual, expected), ("True", "False") | ("False", "True")) {
        found.push(Symptom::WrongTruth);
    }
    let number = |text: &str| {
        text.trim_start_matches("Decimal('")
            .trim_end_matches("')")
            .parse::<f64>()
            .ok()
    };
    match (number(actual), number(expected)) {
        (Some(a), Some(b)) => numbers(a, b, actual, expected, found),
        (Some(_), None) | (None, Some(_)) => found.push(Symptom::WrongType),
        (None, None) => texts(actual, expected, found),
    }
}

fn numbers(a: f64, b: f64, actual: &str, expected: &str, found: &mut Vec<Symptom>) {
    let gap = (a - b).abs();
    if (gap - 1.0).abs() < 1e-9 {
        found.push(Symptom::OffByOne);
    }
    if a != 0.0 && (a + b).abs() < 1e-9 {
        found.push(Symptom::Sign);
    }
    if gap > 0.0 && gap < 1.0 {
        found.push(Symptom::Rounding);
    }
    if a != 0.0 && b != 0.0 {
        let power = (a / b).abs().log10();
        if power.abs() > 0.5 && (power - power.round()).abs() < 1e-9 {
            found.push(Symptom::Scale);
        }
    }
    if gap == 0.0 && actual.contains('.') != expected.contains('.') {
        found.push(Symptom::WrongType);
    }
    if a < 0.0 && b >= 0.0 {
        found.push(Symptom::Negative);
    }
    found.push(if a > b { Symptom::Above } else { Symptom::Below });
    if actual.parse::<f64>().is_ok() && expected.parse::<f64>().is_ok() {
        found.push(Symptom::Instead(actual.to_owned(), expected.to_owned()));
    }
    if expected.parse::<f64>().is_ok() {
        found.push(Symptom::Expected(expected.to_owned()));
    }
}

fn texts(actual: &str, expected: &str, found: &mut Vec<Symptom>) {
    let quoted = |text: &str| {
        text.len() > 1
            && (text.starts_with('\'') && text.ends_with('\'') || text.starts_with('"') && text.ends_with('"'))
    };
    if quoted(actual) && quoted(expected) {
        if actual.to_lowercase() == expected.to_lowercase() {
            found.push(Symptom::Case);
        }
        let tight = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        if tight(actual) == tight(expected) {
            found.push(Symptom::Space);
        }
        found.push(Symptom::Expected(expected.to_owned()));
        found.push(Symptom::Instead(actual.to_owned(), expected.to_owned()));
    }
    let bracketed = |text: &str| text.starts_with(['[', '(', '{']);
    if bracketed(actual) && bracketed(expected) {
        let mut a: Vec<char> = actual.chars().collect();
        let mut b: Vec<char> = expected.chars().collect();
        a.sort_unstable();
        b.sort_unstable();
        if a == b {
            found.push(Symptom::Order);
        } else if actual.matches(',').count() != expected.matches(',').count() {
            found.push(Symptom::Length);
        }
        if actual.chars().next() != expected.chars().next() {
            found.push(Symptom::WrongType);
        }
    }
}

/// How much cheaper (negative) or dearer the symptoms make a template.
pub fn bias(symptoms: &[Symptom], template: &str) -> f64 {
    let mut best = 0.0_f64;
    for symptom in symptoms {
        best = best.min(gain(symptom, template));
    }
    // Guards without any sign of a crash are mostly overfits.
    let crash = symptoms.iter().any(|symptom| {
        matches!(
            symptom,
            Symptom::NoneValue
                | Symptom::MissingKey(_)
                | Symptom::OutOfRange
                | Symptom::ZeroDivision
                | Symptom::Conversion
                | Symptom::Raised(_)
                | Symptom::DidNotRaise(_)
                | Symptom::Endless
                | Symptom::Unpacking
                | Symptom::Unbound(_)
        )
    });
    if !crash && template.starts_with("T09") && best == 0.0 {
        best = 0.4;
    }
    best
}

fn gain(symptom: &Symptom, template: &str) -> f64 {
    let any = |parts: &[&str]| parts.iter().any(|part| template.starts_with(part));
    match symptom {
        Symptom::NoneValue if any(&["T09.none", "T09.or", "T10.missing", "T19.assign"]) => -1.4,
        Symptom::NoneValue if any(&["T09", "T08"]) => -0.5,
        Symptom::MissingKey(_) if any(&["T09.get", "T09.member", "T06.key"]) => -1.4,
        Symptom::OutOfRange if any(&["T09.empty", "T09.range", "T07", "T17"]) => -0.9,
        Symptom::ZeroDivision if any(&["T09.zero"]) => -1.5,
        Symptom::Unbound(_) if any(&["T11.default", "T13"]) => -1.4,
        Symptom::Operands if any(&["T15.wrap"]) => -1.2,
        Symptom::Operands if any(&["T09.none", "T09.or"]) => -0.9,
        Symptom::NotCallable if any(&["T15.uncall"]) => -1.4,
        Symptom::NotCalled if any(&["T15.call"]) => -1.4,
        Symptom::NotAwaited if any(&["T19.await"]) => -1.2,
        Symptom::ChangedWhileIterated if any(&["T21"]) => -1.6,
        Symptom::Conversion if any(&["T08.used"]) => -1.2,
        Symptom::NoneValue | Symptom::OutOfRange if any(&["T08.used"]) => -0.9,
        Symptom::Conversion if any(&["T09", "T15.strip", "T18.widen"]) => -0.8,
        Symptom::Unpacking if any(&["T03", "T17", "T09"]) => -0.5,
        Symptom::Endless if any(&["T01", "T11.step", "T07"]) => -0.3,
        Symptom::Unhashable if any(&["T15.wrap"]) => -1.0,
        Symptom::DidNotRaise(_) if any(&["T09.raise"]) => -1.2,
        Symptom::DidNotRaise(_) if any(&["T01", "T08", "T11.sibling"]) => -0.2,
        Symptom::Raised(_) if any(&["T18.widen"]) => -1.0,
        Symptom::OffByOne if any(&["T07", "T06.step", "T01.relational"]) => -0.4,
        Symptom::Sign if any(&["T01.sign", "T02", "T01.arithmetic"]) => -0.5,
        Symptom::Rounding if any(&["T15.round", "T01.arithmetic", "T04.round", "T06.digits"]) => -0.7,
        Symptom::Negative if any(&["T15.clamp"]) => -1.2,
        Symptom::Above | Symptom::Below if any(&["T15.clamp"]) => -0.3,
        Symptom::Scale if any(&["T06.scale", "T06.file", "T16"]) => -0.7,
        Symptom::NothingReturned if any(&["T10.missing", "T19.return"]) => -1.4,
        Symptom::WrongTruth if any(&["T01.relational", "T01.not", "T01.boolean", "T06.bool"]) => -0.3,
        Symptom::Case if any(&["T04.case", "T15.case", "T06.case"]) => -1.2,
        Symptom::Space if any(&["T04.strip", "T15.strip", "T06.space"]) => -1.2,
        Symptom::Order if any(&["T03.sort", "T04.sort", "T15.sort", "T02", "T17.reverse"]) => -1.0,
        Symptom::Length if any(&["T07", "T17", "T01.relational", "T08.filter", "T06.step"]) => -0.3,
        Symptom::WrongType if any(&["T15.wrap", "T01.arithmetic"]) => -0.6,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(exception: &str, message: &str) -> Vec<Symptom> {
        symptoms(&[Failure {
            exception: exception.to_owned(),
            message: message.to_owned(),
            ..Failure::default()
        }])
    }

    #[test]
    fn messages_of_the_interpreter_are_read() {
        assert_eq!(
            of("NameError", "name 'totl' is not defined")[0],
            Symptom::UnknownName("totl".into())
        );
        assert!(of("AttributeError", "'NoneType' object has no attribute 'name'").contains(&Symptom::NoneValue));
        assert_eq!(
            of("AttributeError", "'Cart' object has no attribute 'itms'")[0],
            Symptom::UnknownAttribute {
                owner: "Cart".into(),
                attribute: "itms".into()
            }
        );
        assert_eq!(of("KeyError", "'sku'")[0], Symptom::MissingKey("sku".into()));
        assert_eq!(
            of("TypeError", "Cart.add() missing 1 required positional argument: 'qty'")[0],
            Symptom::Arguments {
                function: "add".into(),
                missing: vec!["qty".into()],
                unexpected: None
            }
        );
        assert_eq!(
            of(
                "UnboundLocalError",
                "cannot access local variable 'best' where it is not associated with a value"
            )[0],
            Symptom::Unbound("best".into())
        );
        assert!(
            of("Failed", "DID NOT RAISE <class 'shop.errors.OutOfStock'>")
                .contains(&Symptom::DidNotRaise("OutOfStock".into()))
        );
    }

    #[test]
    fn failed_comparisons_are_read() {
        for (message, expected) in [
            ("assert 3 == 4", Symptom::OffByOne),
            ("assert 'Abc' == 'abc'", Symptom::Case),
            ("assert 'a ' == 'a'", Symptom::Space),
            ("assert [1, 3, 2] == [1, 2, 3]", Symptom::Order),
            ("assert None == 4", Symptom::NothingReturned),
            ("assert True == False", Symptom::WrongTruth),
            ("assert -2 == 2\n +  where -2 = f()", Symptom::Sign),
            ("assert 150 == 1.5", Symptom::Scale),
            ("assert 10.004 == 10.0", Symptom::Rounding),
        ] {
            assert!(
                of("AssertionError", message).contains(&expected),
                "{message}: {:?}",
                of("AssertionError", message)
            );
        }
    }
}
