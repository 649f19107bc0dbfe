//! Divisors that may be zero.
use crate::search::syntax::is_loose;
use crate::search::template::{Emit, Site, brief};

pub(super) fn division(site: &Site<'_>, emit: &mut Emit<'_>) {
    let (Some(operator), Some(right)) = (site.field("operator"), site.field("right")) else {
        return;
    };
    if !matches!(site.text(operator), "/" | "//" | "%")
        || matches!(right.kind(), "integer" | "float" | "string" | "tuple")
    {
        return;
    }
    let whole = site.text(right);
    // Only a pair that surrounds everything is taken off: `len(x)` keeps its own.
    let divisor = match right.kind() {
        "parenthesized_expression" => whole
            .strip_prefix('(')
            .and_then(|text| text.strip_suffix(')'))
            .unwrap_or(whole),
        _ => whole,
    };
    let test = truth_of(whole, divisor);
    let own = site.own();
    for (default, cost) in [("0", 1.7), ("0.0", 1.75), ("None", 1.9)] {
        let text = format!("{own} if {test} else {default}");
        let text = if is_loose(site.node) { text } else { format!("({text})") };
        emit(site.splice(
            site.node.byte_range(),
            text,
            "T09.zero-else",
            cost,
            format!("use `{default}` when `{}` is zero", brief(divisor)),
        ));
    }
    if !matches!(site.text(operator), "%") {
        emit(site.replace(right, format!("max({divisor}, 1)"), "T09.zero-max", 2.4));
        emit(site.replace(right, format!("({divisor} or 1)"), "T09.zero-max", 2.4));
    }
}

/// `len(x)` is tested as `x`.
pub(super) fn truth_of(whole: &str, divisor: &str) -> String {
    whole
        .strip_prefix("len(")
        .and_then(|rest| rest.strip_suffix(')'))
        .filter(|inner| !inner.contains(['(', ')']))
        .unwrap_or(divisor)
        .to_owned()
}
