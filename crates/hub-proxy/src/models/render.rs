//! Lists of models as the clients of each dialect read them.

use std::collections::BTreeSet;
use std::ops::Bound;

use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};

use hub_http::Body;
use hub_types::Dialect;

/// What vendors write where they do not know when a model was made.
const UNKNOWN_DAY: &str = "1970-01-01T00:00:00Z";
/// Pages have so many models unless the client says otherwise, and never more.
const MAX_PAGE: usize = 1000;

/// All models, or the page of them that the query asks for.
pub(super) fn list(dialect: Dialect, names: &BTreeSet<String>, query: Option<&str>) -> Response<Body> {
    let asked = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let size =
        |name: &str| asked(name).and_then(|size| size.parse().ok()).unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE);
    let body = match dialect {
        Dialect::Claude => {
            claude_page(names, asked("after_id").as_deref(), asked("before_id").as_deref(), size("limit"))
        }
        Dialect::OpenAi | Dialect::Responses => {
            let data: Vec<Value> = names.iter().map(|name| object(dialect, name)).collect();
            json!({ "object": "list", "data": data })
        }
        Dialect::Gemini | Dialect::GeminiCli => {
            gemini_page(names, asked("pageToken").as_deref(), size("pageSize"))
        }
    };
    answer(&body)
}

/// One model.
pub(super) fn one(dialect: Dialect, name: &str) -> Response<Body> {
    answer(&object(dialect, name))
}

fn claude_page(names: &BTreeSet<String>, after: Option<&str>, before: Option<&str>, limit: usize) -> Value {
    let (page, has_more) = if let Some(before) = before {
        let (mut page, has_more) =
            first(names.range::<str, _>((Bound::Unbounded, Bound::Excluded(before))).rev(), limit);
        page.reverse();
        (page, has_more)
    } else {
        first(behind(names, after), limit)
    };
    let data: Vec<Value> = page.iter().map(|name| object(Dialect::Claude, name)).collect();
    json!({ "data": data, "has_more": has_more, "first_id": page.first(), "last_id": page.last() })
}

fn gemini_page(names: &BTreeSet<String>, token: Option<&str>, size: usize) -> Value {
    let (page, has_more) = first(behind(names, token), size);
    let models: Vec<Value> = page.iter().map(|name| object(Dialect::Gemini, name)).collect();
    let mut body = json!({ "models": models });
    if let (true, Some(last), Some(body)) = (has_more, page.last(), body.as_object_mut()) {
        body.insert("nextPageToken".to_owned(), json!(last));
    }
    body
}

/// The names after this one, or all.
fn behind<'a>(names: &'a BTreeSet<String>, after: Option<&str>) -> impl Iterator<Item = &'a String> {
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    names.range::<str, _>((start, Bound::Unbounded))
}

/// The first `size` of them, and whether there are more.
fn first<'a>(names: impl Iterator<Item = &'a String>, size: usize) -> (Vec<&'a String>, bool) {
    let mut page: Vec<&String> = names.take(size + 1).collect();
    let has_more = page.len() > size;
    page.truncate(size);
    (page, has_more)
}

fn object(dialect: Dialect, name: &str) -> Value {
    match dialect {
        Dialect::Claude => {
            json!({ "type": "model", "id": name, "display_name": name, "created_at": UNKNOWN_DAY })
        }
        Dialect::OpenAi | Dialect::Responses => {
            json!({ "id": name, "object": "model", "created": 0, "owned_by": "hub" })
        }
        Dialect::Gemini | Dialect::GeminiCli => json!({
            "name": format!("models/{name}"),
            "baseModelId": name,
            "version": "001",
            "displayName": name,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        }),
    }
}

fn answer(body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(page: &Value, list: &str, field: &str) -> String {
        let all = page[list].as_array().unwrap().iter();
        all.map(|model| model[field].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn pages_follow_each_other_in_both_directions() {
        let names: BTreeSet<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
        let page = |after: &'static str, before: &'static str, limit| {
            let id = |text: &'static str| Some(text).filter(|text| !text.is_empty());
            let page = claude_page(&names, id(after), id(before), limit);
            (ids(&page, "data", "id"), page["has_more"].as_bool().unwrap())
        };
        assert_eq!(page("", "", 9), ("a b c d e".into(), false));
        assert_eq!(page("", "", 2), ("a b".into(), true));
        assert_eq!(page("b", "", 3), ("c d e".into(), false));
        assert_eq!(page("", "e", 2), ("c d".into(), true));
        assert_eq!(page("", "b", 2), ("a".into(), false));
        assert_eq!(page("e", "", 2), (String::new(), false));
        let start = gemini_page(&names, None, 3);
        assert_eq!(ids(&start, "models", "name"), "models/a models/b models/c");
        let rest = gemini_page(&names, start["nextPageToken"].as_str(), 3);
        assert_eq!(ids(&rest, "models", "name"), "models/d models/e");
        assert_eq!(rest["nextPageToken"], Value::Null);
    }
}
