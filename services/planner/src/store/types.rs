//! Portable column types: native uuid, timestamptz and jsonb on Postgres, text on SQLite.

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{HasSqlType, Text};
use diesel::sqlite::Sqlite;
use domain::id::{AttemptId, DeliveryId, IncidentId, JobId, NoticeId, PullRequestId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::db::MultiRawValue;
pub use super::db::{Db, MultiBackend};

/// One portable column type: `$sql` in the schema, `$ty($inner)` in Rust, `$native` on Postgres (oid, array oid), text
/// through `$show` and `$read` on SQLite.
macro_rules! portable {
    ($(#[$doc:meta])* $sql:ident, $oid:literal, $array:literal, $native:ty, $ty:ident($inner:ty), $show:expr, $read:expr $(, $derive:ident)*) => {
        #[doc = concat!("The column type of [`", stringify!($ty), "`].")]
        #[derive(diesel::sql_types::SqlType, diesel::query_builder::QueryId, Clone, Copy, Debug)]
        #[diesel(postgres_type(oid = $oid, array_oid = $array), sqlite_type(name = "Text"))]
        pub struct $sql;

        $(#[$doc])*
        #[derive(AsExpression, FromSqlRow, Clone, Debug, PartialEq $(, $derive)*)]
        #[diesel(sql_type = $sql)]
        pub struct $ty($inner);

        impl std::ops::Deref for $ty {
            type Target = $inner;
            fn deref(&self) -> &$inner {
                &self.0
            }
        }
        impl ToSql<$sql, Pg> for $ty {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                ToSql::<$native, Pg>::to_sql(&self.0, out)
            }
        }
        impl FromSql<$sql, Pg> for $ty {
            fn from_sql(raw: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                <$inner as FromSql<$native, Pg>>::from_sql(raw).map(Self)
            }
        }
        impl ToSql<$sql, Sqlite> for $ty {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                let show: fn(&$inner) -> String = $show;
                out.set_value(show(&self.0));
                Ok(IsNull::No)
            }
        }
        impl FromSql<$sql, Sqlite> for $ty {
            fn from_sql(raw: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                let text = <String as FromSql<Text, Sqlite>>::from_sql(raw)?;
                Ok(Self($read(text.as_str())?))
            }
        }
        impl HasSqlType<$sql> for MultiBackend {
            fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
                Self::lookup_sql_type::<$sql>(lookup)
            }
        }
        impl ToSql<$sql, MultiBackend> for $ty {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
                out.set_value(($sql, self));
                Ok(IsNull::No)
            }
        }
        impl FromSql<$sql, MultiBackend> for $ty {
            fn from_sql(raw: MultiRawValue<'_>) -> deserialize::Result<Self> {
                raw.from_sql::<Self, $sql>()
            }
        }
    };
}

portable!(
    /// An identifier; hyphenated on SQLite, so that both databases sort it the same way.
    DbUuid, 2950, 2951, diesel::sql_types::Uuid, Id(Uuid), Uuid::to_string, Uuid::parse_str, Copy, Eq, Hash, PartialOrd, Ord
);
portable!(
    /// A moment, to the microsecond, which is what both databases keep.
    DbTime, 1184, 1185, diesel::sql_types::Timestamptz, Time(DateTime<Utc>),
    |at| at.to_rfc3339_opts(SecondsFormat::Micros, true), str::parse::<DateTime<Utc>>, Copy, Eq, Hash, PartialOrd, Ord
);
portable!(
    /// An object or array.
    DbJson, 3802, 3807, diesel::sql_types::Jsonb, Json(Value), Value::to_string, serde_json::from_str::<Value>
);

/// The texts on SQLite have the order of the moments.
impl diesel::sql_types::SqlOrd for DbTime {}

impl Id {
    /// A new identifier; later ones sort after earlier ones of the same process.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// What is not before the identifiers that were made at a moment, and not after them.
    #[must_use]
    pub fn first_of(at: Time) -> Self {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
    }
}

impl Default for Id {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Uuid> for Id {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

macro_rules! same_as {
    ($($name:ident),*) => { $(
        impl From<$name> for Id {
            fn from(id: $name) -> Self {
                Self(id.as_uuid())
            }
        }
        impl From<Id> for $name {
            fn from(id: Id) -> Self {
                Self::from_uuid(id.0)
            }
        }
    )* };
}
same_as!(DeliveryId, IncidentId, JobId, AttemptId, PullRequestId, NoticeId);

impl From<DateTime<Utc>> for Time {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.trunc_subsecs(6))
    }
}

impl From<Time> for DateTime<Utc> {
    fn from(at: Time) -> Self {
        at.0
    }
}

/// What would be beyond the calendar is its end.
impl std::ops::Add<chrono::Duration> for Time {
    type Output = Self;
    fn add(self, span: chrono::Duration) -> Self {
        let end = if span < chrono::Duration::zero() {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        };
        Self(self.0.checked_add_signed(span).unwrap_or(end))
    }
}

impl std::ops::Sub for Time {
    type Output = chrono::Duration;
    fn sub(self, earlier: Self) -> chrono::Duration {
        self.0 - earlier.0
    }
}

/// Why a value cannot be kept as JSON, or read back as what it should be.
#[derive(Debug, thiserror::Error)]
pub enum BadJson {
    /// It does not serialise, or what is stored is not of the type.
    #[error("a stored document is not what this version expects")]
    Shape(#[source] serde_json::Error),
    /// SQLite would turn a bare number in a `jsonb` column into its own number.
    #[error("a bare number cannot be stored as a document")]
    BareNumber,
}

impl Json {
    /// Wraps anything that serialises to an object or array. The character U+0000, which Postgres refuses, becomes U+FFFD.
    ///
    /// # Errors
    /// [`BadJson`] for what does not serialise, or is a bare number.
    pub fn of<T: Serialize>(value: &T) -> Result<Self, BadJson> {
        let mut value = serde_json::to_value(value).map_err(BadJson::Shape)?;
        if value.is_number() {
            return Err(BadJson::BareNumber);
        }
        without_nul(&mut value);
        Ok(Self(value))
    }

    /// Reads it as what it was.
    ///
    /// # Errors
    /// [`BadJson::Shape`] when it is something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, BadJson> {
        T::deserialize(&self.0).map_err(BadJson::Shape)
    }
}

fn without_nul(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{fffd}"),
        Value::Array(items) => items.iter_mut().for_each(without_nul),
        Value::Object(map) => {
            if map.keys().any(|key| key.contains('\0')) {
                *map = std::mem::take(map)
                    .into_iter()
                    .map(|(key, item)| (key.replace('\0', "\u{fffd}"), item))
                    .collect();
            }
            map.values_mut().for_each(without_nul);
        }
        _ => {}
    }
}

/// A text without U+0000, which Postgres refuses.
#[must_use]
pub fn text(given: &str) -> String {
    given.replace('\0', "\u{fffd}")
}

/// A closed set of words, as tables and the API know it.
pub trait Words: Copy + std::fmt::Debug + 'static {
    /// Every value.
    fn all() -> &'static [Self];
    /// Its word.
    fn word(self) -> &'static str;
}

/// A value of a closed set, kept as its word.
#[derive(AsExpression, FromSqlRow, Clone, Copy, Debug, PartialEq, Eq)]
#[diesel(sql_type = Text)]
pub struct Word<T: Words>(pub T);

impl<DB: Backend, T: Words> ToSql<Text, DB> for Word<T>
where
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.word().to_sql(out)
    }
}

impl<DB: Backend, T: Words> FromSql<Text, DB> for Word<T>
where
    String: FromSql<Text, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let word = String::from_sql(raw)?;
        T::all()
            .iter()
            .find(|value| value.word() == word)
            .map(|value| Self(*value))
            .ok_or_else(|| format!("`{word}` is a word of a newer version").into())
    }
}

macro_rules! words {
    ($($ty:ty: $all:expr),* $(,)?) => { $(
        impl Words for $ty {
            fn all() -> &'static [Self] {
                &$all
            }
            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )* };
}
pub(super) use words;

use domain::attempt::{Outcome, Stage};
use domain::delivery::Provider;
use domain::diagnosis::FailureClass;
use domain::job::{JobKind, JobState};
use domain::pull_request::PullRequestState;
words! {
    Stage: Stage::ALL,
    JobState: JobState::ALL,
    JobKind: [JobKind::Fix, JobKind::Analyse, JobKind::Validate],
    Provider: [Provider::GitHub, Provider::Sentry],
    PullRequestState: [PullRequestState::Open, PullRequestState::Merged, PullRequestState::Closed],
    Outcome: [
        Outcome::Proved, Outcome::Unverified, Outcome::NoFix, Outcome::Refused, Outcome::NotReproduced, Outcome::Flaky,
        Outcome::Environment, Outcome::AlreadyFixed, Outcome::Skipped, Outcome::Failed,
    ],
    FailureClass: [
        FailureClass::TestFailure, FailureClass::RuntimeError, FailureClass::Lint, FailureClass::Format, FailureClass::TypeCheck,
        FailureClass::Build, FailureClass::Dependency, FailureClass::Timeout, FailureClass::Infrastructure, FailureClass::Unknown,
    ],
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_lose_only_what_a_database_refuses() {
        assert_eq!(
            *Json::of(&json!({"a\u{0}": ["b\u{0}", 1]})).unwrap(),
            json!({"a\u{fffd}": ["b\u{fffd}", 1]})
        );
        assert!(matches!(Json::of(&1), Err(BadJson::BareNumber)));
    }

    #[test]
    fn no_span_leads_beyond_the_calendar() {
        let now = Time::from("2026-01-01T12:00:00Z".parse::<DateTime<Utc>>().unwrap());
        for (span, end) in [
            (chrono::Duration::MAX, DateTime::<Utc>::MAX_UTC),
            (chrono::Duration::days(-4_000_000_000), DateTime::<Utc>::MIN_UTC),
            (chrono::Duration::zero(), *now),
        ] {
            assert_eq!(*(now + span), end);
        }
    }
}
