//! What exception types and messages tell.
use super::Symptom;
use super::comparison::compared;
use super::pattern::{
    ATTRIBUTE, IMPORT, LOCAL, MISSING, MODULE, NAME, QUOTED, RAISES, TAKES, TYPE, UNEXPECTED, groups,
};
use crate::brief::Failure;

pub(super) fn read(failure: &Failure) -> Vec<Symptom> {
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
