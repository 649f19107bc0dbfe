//! Which templates the symptoms make likely.
use super::Symptom;

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
