//! What all lists of the API share: their parameters are read strictly, and a full page names where the next one begins.

use super::error::ApiError;
use crate::store::types::Id;
use actix_web::web::Query;
use serde::Serialize;
use serde_json::{Value, json};

/// The parameters of a request, or 400 with what is wrong with them.
pub(super) fn asked<T>(query: Result<Query<T>, actix_web::Error>) -> Result<T, ApiError> {
    query
        .map(Query::into_inner)
        .map_err(|cause| ApiError::Bad(cause.to_string()))
}

/// The `before` of the next page: the id of the last row, where the page is full.
pub(super) fn next<T>(rows: &[T], limit: i64, id: impl Fn(&T) -> Id) -> Option<String> {
    let full = i64::try_from(rows.len()).is_ok_and(|count| count == limit);
    rows.last().filter(|_| full).map(|row| id(row).to_string())
}

/// `{<name>: [...], next: id or null}`.
pub(super) fn body(name: &str, items: impl Serialize, next: Option<&str>) -> Value {
    json!({ name: items, "next": next })
}
