//! Parameters in paths and queries.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use hub_management::{LimitEventQuery, ListQuery, ManagementError, RequestQuery, SessionQuery, UsageQuery};
use url::form_urlencoded;

use crate::problem::Problem;

/// The one parameter of a path. What can't be one names nothing: 404.
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        let id = text.and_then(|Path(text)| text.parse().ok());
        Ok(Self(id.ok_or(ManagementError::NotFound)?))
    }
}

/// A query string, read by the type that knows its parameters.
pub(crate) struct Query<T>(pub(crate) T);

/// Something that query parameters are read into.
pub(crate) trait FromPairs: Sized {
    fn from_pairs(pairs: Vec<(String, String)>) -> hub_management::Result<Self>;
}

impl FromPairs for ListQuery {
    fn from_pairs(pairs: Vec<(String, String)>) -> hub_management::Result<Self> {
        Self::parse(pairs)
    }
}

impl FromPairs for RequestQuery {
    fn from_pairs(pairs: Vec<(String, String)>) -> hub_management::Result<Self> {
        Self::parse(pairs)
    }
}

impl FromPairs for LimitEventQuery {
    fn from_pairs(pairs: Vec<(String, String)>) -> hub_management::Result<Self> {
        Self::parse(pairs)
    }
}

impl FromPairs for SessionQuery {
    fn from_pairs(pairs: Vec<(String, String)>) -> hub_management::Result<Self> {
        Self::parse(pairs)
    }
}

impl FromPairs for UsageQuery {
    fn from_pairs(pairs: Vec<(String, String)>) -> hub_management::Result<Self> {
        Self::parse(pairs)
    }
}

impl<T: FromPairs, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Ok(Self(T::from_pairs(pairs)?))
    }
}
