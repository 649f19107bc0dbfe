//! f-strings: the text around their holes, and how a hole is formatted.
use crate::search::syntax::named;
use crate::search::template::{Emit, Site};

/// Text around the holes of an f-string.
pub(super) fn formatted(site: &Site<'_>, emit: &mut Emit<'_>) {
    for part in named(site.node)
        .into_iter()
        .filter(|child| child.kind() == "string_content")
    {
        let inner = site.text(part);
        for (from, to) in [
            (" ", ""),
            ("-", "_"),
            ("_", "-"),
            (", ", ","),
            (",", ", "),
            (":", ": "),
            (": ", ":"),
            (" - ", "-"),
            ("/", "-"),
            ("$", ""),
            ("%", ""),
        ] {
            if inner == from {
                emit(site.replace(part, to, "T06.space", 1.8));
            }
        }
        if inner.trim() != inner && !inner.trim().is_empty() {
            emit(site.replace(part, inner.trim_end(), "T06.space", 2.0));
        }
    }
}

/// `{x}` gets or loses two digits.
pub(super) fn interpolated(site: &Site<'_>, emit: &mut Emit<'_>) {
    for hole in named(site.node)
        .into_iter()
        .filter(|child| child.kind() == "interpolation")
    {
        let specified = named(hole).into_iter().any(|child| child.kind() == "format_specifier");
        let Some(inner) = named(hole).first().copied().filter(|_| !specified) else {
            continue;
        };
        for (spec, cost) in [(":.2f", 1.8), (":02d", 2.2), (":,", 2.4), (":.1f", 2.2)] {
            emit(site.splice(
                inner.end_byte()..inner.end_byte(),
                spec,
                "T06.digits",
                cost,
                format!("format with `{spec}`"),
            ));
        }
    }
}

pub(super) fn format(site: &Site<'_>, emit: &mut Emit<'_>) {
    let own = site.own();
    for (index, c) in own.char_indices() {
        if let Some(digit) = c.to_digit(10) {
            for other in [digit.checked_add(1), digit.checked_sub(1)]
                .into_iter()
                .flatten()
                .filter(|other| *other < 10)
            {
                let text = format!(
                    "{}{other}{}",
                    own.get(..index).unwrap_or(""),
                    own.get(index + 1..).unwrap_or("")
                );
                emit(site.replace(site.node, text, "T06.digits", 1.5));
            }
        }
    }
    for (from, to) in [
        ('<', ">"),
        ('>', "<"),
        ('f', "d"),
        ('f', "%"),
        ('%', "f"),
        ('d', "f"),
        ('>', "^"),
        ('f', "g"),
    ] {
        if own.contains(from) {
            emit(site.replace(site.node, own.replacen(from, to, 1), "T06.digits", 1.8));
        }
    }
    if own.contains("%d") && own.contains("%m") {
        emit(site.replace(
            site.node,
            own.replace("%d", "\u{0}").replace("%m", "%d").replace('\u{0}', "%m"),
            "T06.format",
            1.5,
        ));
    }
    for (from, to) in [
        ("%m", "%M"),
        ("%M", "%m"),
        ("%y", "%Y"),
        ("%Y", "%y"),
        ("%H", "%I"),
        ("%I", "%H"),
        ("%B", "%b"),
        ("%b", "%B"),
    ] {
        if own.contains(from) {
            emit(site.replace(site.node, own.replacen(from, to, 1), "T06.format", 1.7));
        }
    }
    if !own.contains(',') && own.contains('.') && !own.contains('%') {
        emit(site.replace(site.node, own.replacen('.', ",.", 1), "T06.digits", 2.0));
    }
    emit(site.replace(site.node, "", "T06.digits", 2.2));
}
