//! What an asker is told when it does not work, and the forms of questions that all lists share.

use crate::store::types::Id;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;
use tracing::error;
use uuid::Uuid;

/// What an asker is told.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// The question is wrong.
    #[error("{0}")]
    Bad(String),
    /// There is no such thing.
    #[error("{0}")]
    Missing(String),
    /// It is our fault; the cause is for the log.
    #[error("the planner could not answer; its log says why")]
    Ours(#[from] anyhow::Error),
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Ours(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::Ours(cause) = self {
            error!(cause = format!("{cause:#}"), "a question could not be answered");
        }
        HttpResponse::build(self.status_code()).json(json!({ "error": self.to_string() }))
    }
}

/// How many items a page has: 50 unless it is said otherwise.
pub(super) fn limit(asked: Option<&str>) -> Result<i64, ApiError> {
    match asked {
        None => Ok(50),
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=200).contains(limit))
            .ok_or_else(|| ApiError::Bad(format!("limit is `{text}`: write a number from 1 to 200"))),
    }
}

/// An identifier in a question.
pub(super) fn id(name: &str, asked: Option<&str>) -> Result<Option<Id>, ApiError> {
    asked
        .map(|text| {
            Uuid::parse_str(text)
                .map(Id::from)
                .map_err(|_| ApiError::Bad(format!("{name} is `{text}`: write an identifier as the API gives it")))
        })
        .transpose()
}

/// One word of a closed set in a question.
pub(super) fn word<T: crate::store::types::Words>(name: &str, asked: Option<&str>) -> Result<Option<T>, ApiError> {
    let Some(text) = asked else { return Ok(None) };
    let found = T::all().iter().find(|value| value.word() == text).copied();
    let all = || T::all().iter().map(|value| value.word()).collect::<Vec<_>>().join(", ");
    found
        .map(Some)
        .ok_or_else(|| ApiError::Bad(format!("{name} is `{text}`: write one of {}", all())))
}
