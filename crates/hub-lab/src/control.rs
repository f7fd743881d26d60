//! The lab's own pages under `/lab/`, for tests in other processes.

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};
use serde_json::json;

use crate::body::ScriptedBody;
use crate::scenario::{Scenario, Stage};
use crate::serve::{Shared, page};
use crate::socket::ResetSwitch;

/// Entries on one page of the witness, unless `limit` says otherwise.
const PAGE: usize = 1000;

/// Answers a request under `/lab/`.
pub(crate) fn answer(
    shared: &Shared,
    method: &Method,
    path: &str,
    query: Option<&str>,
    body: &[u8],
    reset: ResetSwitch,
) -> Response<ScriptedBody> {
    match (method, path) {
        (&Method::GET, "witness") => {
            let totals = shared.witness.totals();
            let text = if let Some(id) = parameter(query, "id") {
                json!({"totals": totals, "entry": shared.witness.get(id)})
            } else {
                let since = parameter(query, "since").and_then(|since| since.parse().ok()).unwrap_or(0);
                let limit = parameter(query, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE);
                json!({"totals": totals, "entries": shared.witness.since(since, limit)})
            };
            labelled_json(StatusCode::OK, text.to_string(), reset)
        }
        (&Method::POST, "scenario") => match Scenario::from_json(body) {
            Ok(scenario) => {
                *shared.stage.write() = Arc::new(Stage::new(scenario));
                labelled_json(StatusCode::OK, "{}".to_owned(), reset)
            }
            Err(error) => {
                labelled_json(StatusCode::BAD_REQUEST, json!({"error": error.to_string()}).to_string(), reset)
            }
        },
        (&Method::POST, "reset") => {
            shared.reset();
            labelled_json(StatusCode::OK, "{}".to_owned(), reset)
        }
        _ => page(
            StatusCode::NOT_FOUND,
            "GET /lab/witness?since=N&limit=M | GET /lab/witness?id=X | POST /lab/scenario | POST /lab/reset\n",
            reset,
        ),
    }
}

fn labelled_json(status: StatusCode, text: String, reset: ResetSwitch) -> Response<ScriptedBody> {
    let mut response = page(status, text, reset);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A query parameter as it stands: the lab's ids need no escapes.
fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    query?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}
