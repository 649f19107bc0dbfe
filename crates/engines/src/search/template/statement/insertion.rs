//! T11: a statement of the function, or one made from names at hand, before or after this one.
use super::sibling::siblings;
use super::word::words;
use super::{put, simple};
use crate::search::scope::Guess;
use crate::search::syntax::in_loop;
use crate::search::template::{Emit, Site, likeness};

pub(super) fn insert(site: &Site<'_>, emit: &mut Emit<'_>) {
    let scope = site.scope;
    let own = site.own();
    for text in simple(site) {
        if text != own {
            put(site, &text, "T11.copy", 3.0, emit);
        }
        // A copy with one name exchanged.
        for (at, name) in words(&text).into_iter().take(6) {
            for other in scope
                .names_at(site.node)
                .iter()
                .filter(|other| other.as_str() != name)
                .take(3)
            {
                if let (Some(before), Some(after)) = (text.get(..at), text.get(at + name.len()..)) {
                    put(site, &format!("{before}{other}{after}"), "T11c.copy", 3.4, emit);
                }
            }
        }
    }
    let names = scope.names_at(site.node);
    for name in names.iter().take(5) {
        match scope.guess(name) {
            Guess::Number => {
                put(site, &format!("{name} += 1"), "T11.step", 3.0, emit);
                put(site, &format!("{name} -= 1"), "T11.step", 3.1, emit);
                put(site, &format!("{name} = 0"), "T11a.reset", 3.3, emit);
            }
            Guess::Sequence => {
                for other in names.iter().filter(|other| *other != name).take(4) {
                    put(site, &format!("{name}.append({other})"), "T11m.append", 3.0, emit);
                    put(site, &format!("{name}.add({other})"), "T11m.append", 3.3, emit);
                }
                put(site, &format!("{name}.sort()"), "T11m.method", 3.2, emit);
                put(site, &format!("{name}.reverse()"), "T11m.method", 3.4, emit);
                put(site, &format!("{name} = []"), "T11a.reset", 3.3, emit);
            }
            Guess::Text => {
                put(site, &format!("{name} = {name}.strip()"), "T15.strip", 2.6, emit);
                put(site, &format!("{name} = {name}.lower()"), "T15.case", 2.6, emit);
            }
            Guess::Mapping => {
                for other in names.iter().filter(|other| *other != name).take(3) {
                    for value in names.iter().filter(|value| *value != name).take(3) {
                        put(site, &format!("{name}[{other}] = {value}"), "T11m.append", 3.2, emit);
                    }
                }
            }
            _ => {}
        }
        for other in names.iter().filter(|other| *other != name).take(4) {
            put(
                site,
                &format!("{name} = {other}"),
                "T11a.assign",
                if likeness(name, other) >= 0.5 { 3.0 } else { 3.4 },
                emit,
            );
        }
    }
    for attribute in scope
        .attributes
        .iter()
        .filter(|attribute| {
            !attribute.starts_with("self.") && scope.root_is_bound(attribute) && scope.guess(attribute) == Guess::Number
        })
        .take(3)
    {
        put(site, &format!("{attribute} += 1"), "T11.step", 2.8, emit);
        put(site, &format!("{attribute} -= 1"), "T11.step", 3.0, emit);
    }
    for attribute in scope
        .attributes
        .iter()
        .filter(|attribute| attribute.starts_with("self."))
        .take(5)
    {
        for other in names.iter().take(3) {
            put(site, &format!("{attribute} = {other}"), "T11a.assign", 3.2, emit);
            put(site, &format!("{attribute} += {other}"), "T11a.assign", 3.4, emit);
        }
        put(site, &format!("{attribute} += 1"), "T11.step", 3.3, emit);
        put(site, &format!("{attribute} = None"), "T11a.reset", 3.3, emit);
        put(site, &format!("{attribute}.clear()"), "T11m.method", 3.4, emit);
    }
    if in_loop(site.node) {
        put(site, "break", "T11b.jump", 3.1, emit);
        put(site, "continue", "T11b.jump", 3.2, emit);
    }
    siblings(site, emit);
}
