//! The encoded form: a golden file that must be read for ever, and bytes that are refused.

use bus::{Envelope, EnvelopeError};
use bytes::Bytes;
use domain::message::{AttemptClaim, ClaimAnswer, Kind};
use std::collections::BTreeMap;
use std::path::PathBuf;
use uuid::Uuid;

fn envelope() -> Envelope {
    Envelope {
        id: Uuid::from_u128(0x0192_3456_789a_7bcd_8ef0_1234_5678_9abc),
        kind: Kind::AttemptClaim,
        version: 1,
        trace: BTreeMap::from([(
            "traceparent".to_string(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_string(),
        )]),
        body: serde_json::json!({
            "attempt": "01923456-789a-7bcd-8ef0-123456789abc", "fence": 3, "public_key": "a2V5", "worker": "fixer-1 \"ü\""
        }),
        attachment: Some(Bytes::from_static(&[0x1f, 0x8b, 0x00, 0xff, b'\n'])),
    }
}

#[test]
fn the_golden_file_is_read_and_written() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/envelope.v1.bin");
    if !path.exists() {
        std::fs::write(&path, envelope().encode()).unwrap();
        panic!(
            "{} was missing and has been written; look at it and commit it",
            path.display()
        );
    }
    let golden = std::fs::read(&path).unwrap();
    assert_eq!(Envelope::decode(&golden).unwrap(), envelope());
    assert_eq!(
        envelope().encode(),
        golden,
        "spool files and brokers hold the old form: change the magic's version and read both"
    );
}

#[test]
fn none_is_not_an_empty_attachment() {
    for attachment in [None, Some(Bytes::new()), Some(Bytes::from_static(b"x"))] {
        let envelope = Envelope {
            attachment,
            ..envelope()
        };
        assert_eq!(Envelope::decode(&envelope.encode()).unwrap(), envelope);
    }
}

#[test]
fn whatever_is_cut_off_or_appended_is_noticed() {
    let bytes = envelope().encode();
    for length in 0..bytes.len() {
        assert!(Envelope::decode(&bytes[..length]).is_err(), "cut off at {length}");
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert!(matches!(Envelope::decode(&longer), Err(EnvelopeError::Framing { .. })));
}

#[test]
fn an_unknown_kind_and_a_field_of_a_later_version() {
    let rewrite = |from: &str, to: &str| {
        let bytes = Envelope {
            attachment: None,
            ..envelope()
        }
        .encode();
        let head = String::from_utf8(bytes[8..].to_vec()).unwrap().replace(from, to);
        [
            &bytes[..4],
            &u32::try_from(head.len()).unwrap().to_be_bytes(),
            head.as_bytes(),
        ]
        .concat()
    };
    assert!(matches!(
        Envelope::decode(&rewrite("attempt.claim", "attempt.dance")),
        Err(EnvelopeError::Head(_))
    ));
    let later = Envelope::decode(&rewrite("\"version\":1", "\"version\":2,\"priority\":9")).unwrap();
    assert_eq!(later.version, 2);
    assert!(later.read::<AttemptClaim>().is_ok());
}

#[test]
fn the_wrong_kind_and_the_wrong_schema_are_told_apart() {
    assert!(envelope().read::<AttemptClaim>().is_ok());
    assert!(matches!(
        envelope().read::<ClaimAnswer>(),
        Err(EnvelopeError::WrongKind {
            expected: Kind::ClaimAnswer,
            found: Kind::AttemptClaim
        })
    ));
    let wrong = Envelope {
        body: serde_json::json!({ "attempt": 7 }),
        ..envelope()
    };
    let error = wrong.read::<AttemptClaim>().unwrap_err();
    assert!(matches!(error, EnvelopeError::Schema { version: 1, .. }), "{error:?}");
}
