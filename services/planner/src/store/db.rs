//! A connection to either database; queries are written once, against it.
#![allow(missing_docs, reason = "the derive makes items that it does not document")]

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum Db {
    /// `postgres://…`
    Postgres(diesel::PgConnection),
    /// `sqlite://…`
    Sqlite(diesel::SqliteConnection),
}
