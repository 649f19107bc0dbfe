//! Numbers: neighbours, scales, units, other numbers and constants of the file.
use super::variables;
use crate::search::symptom::Symptom;
use crate::search::template::{Emit, Site};

pub(super) fn number(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let own = site.own();
    if let Ok(value) = own.replace('_', "").parse::<i64>() {
        let index = if node.parent().is_some_and(|parent| parent.kind() == "subscript") {
            0.2
        } else {
            0.0
        };
        for (other, cost) in [
            (value.saturating_add(1), 1.1 + index),
            (value.saturating_sub(1), 1.1 + index),
        ] {
            emit(site.replace(node, other.to_string(), "T06.step", cost));
        }
        for (other, cost) in [(0, 1.4), (1, 1.4), (2, 1.8), (-1, 1.7)] {
            if (other - value).abs() > 1 {
                emit(site.replace(node, other.to_string(), "T06.small", cost));
            }
        }
        if value.abs() > 1 {
            for other in [
                value.saturating_mul(10),
                value / 10,
                value.saturating_mul(100),
                value / 100,
            ] {
                if other != 0 && other != value {
                    emit(site.replace(node, other.to_string(), "T06.scale", 1.9));
                }
            }
            emit(site.replace(node, format!("-{value}"), "T06.sign", 1.8));
            for (from, to) in [
                (24, 60),
                (60, 24),
                (60, 3600),
                (3600, 60),
                (365, 366),
                (7, 5),
                (1000, 1024),
                (1024, 1000),
                (12, 24),
                (30, 31),
                (31, 30),
                (90, 100),
                (1440, 86400),
                (3600, 86400),
                (86400, 3600),
            ] {
                if value == from {
                    emit(site.replace(node, to.to_string(), "T06.unit", 1.7));
                }
            }
        }
    } else if let Ok(value) = own.replace('_', "").parse::<f64>() {
        for other in [
            value * 10.0,
            value / 10.0,
            value * 100.0,
            value / 100.0,
            1.0 - value,
            1.0 + value,
            value - 1.0,
        ] {
            if other.is_finite() && other != 0.0 {
                let rounded = (other * 1e9).round() / 1e9;
                emit(site.replace(node, format!("{rounded:?}"), "T06.scale", 1.9));
            }
        }
        for other in ["0.0", "1.0", "0.5"] {
            emit(site.replace(node, other, "T06.small", 1.8));
        }
    }
    for other in site.scope.numbers.iter().filter(|other| *other != own).take(8) {
        emit(site.replace(node, other.clone(), "T06.file", 1.7));
    }
    for symptom in site.symptoms {
        if let Symptom::Instead(actual, expected) = symptom
            && actual == own
        {
            emit(site.replace(node, expected.clone(), "T06.instead", 1.2));
        }
        if let Symptom::Expected(text) = symptom
            && text.parse::<f64>().is_ok()
        {
            emit(site.replace(node, text.clone(), "T06.expected", 2.8));
        }
    }
    variables(site, 2.0, emit);
    for constant in site
        .scope
        .values
        .iter()
        .filter(|name| name.chars().all(|c| c.is_uppercase() || c == '_' || c.is_ascii_digit()))
        .take(8)
    {
        emit(site.replace(node, constant.clone(), "T06.constant", 1.9));
    }
}

#[cfg(test)]
mod tests {
    use crate::search::template::probe::turns;

    #[test]
    fn numbers_move_to_their_neighbours_and_to_others_of_the_file() {
        turns(
            "def f(a):\n    if a > 10:\n        return a * 3\n",
            None,
            "a > 10",
            &["a > 11", "a > 9", "a > 3", "a > 100", "a > 0"],
        );
        turns(
            "def f(a):\n    return a * 0.2\n",
            None,
            "0.2",
            &["0.02", "2.0", "1.2", "0.8"],
        );
    }
}
