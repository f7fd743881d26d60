//! `FIELD=VALUE` on the command line as the members of a JSON object.
//!
//! The default row of the same kind says what each column looks like in JSON; the use cases check the rest.

use std::fs;
use std::io::{self, Read};

use hub_management::Patch;
use serde::Serialize;
use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::messages::{Messages, fill};

/// Optional columns that hold text, even if the text looks like a number.
const TEXTS: [&str; 3] = ["credential", "proxy_url", "codex_instructions_text"];
/// Values read from files and standard input end here.
const MOST_BYTES: u64 = 1 << 20;

/// Reads the columns given; `like` is a default row.
pub(crate) fn parse(given: &[String], like: &impl Serialize, messages: &Messages) -> Result<Patch> {
    let defaults = serde_json::to_value(like).map_err(Failure::failed)?;
    let mut patch = Patch::new();
    for entry in given {
        let (field, text) = entry
            .split_once('=')
            .filter(|(field, _)| !field.is_empty())
            .ok_or_else(|| Failure::usage(fill(messages.not_a_field, entry)))?;
        let value = match text.split_at_checked(1) {
            None => Value::Null,
            Some(("-", "")) => to_json(field, &read_all(&mut io::stdin().lock(), field)?, &defaults),
            Some(("@", path)) => {
                let mut file = fs::File::open(path).map_err(|error| unreadable(field, &error))?;
                to_json(field, &read_all(&mut file, field)?, &defaults)
            }
            Some(_) => to_json(field, text, &defaults),
        };
        patch.insert(field.to_owned(), value);
    }
    Ok(patch)
}

fn read_all(source: &mut impl Read, field: &str) -> Result<String> {
    let mut text = String::new();
    source.take(MOST_BYTES).read_to_string(&mut text).map_err(|error| unreadable(field, &error))?;
    // The line break at the end is the editor's, not the value's.
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn unreadable(field: &str, error: &io::Error) -> Failure {
    Failure::usage(format!("{field}: {error}"))
}

/// The text in the shape of the column's default; what does not fit stays text and is refused by name later.
fn to_json(field: &str, text: &str, defaults: &Value) -> Value {
    let as_text = || Value::String(text.to_owned());
    match defaults.get(field) {
        Some(Value::Bool(_)) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Value::Bool(true),
            "false" | "no" | "off" | "0" => Value::Bool(false),
            _ => as_text(),
        },
        Some(Value::Number(_)) => text.parse::<i64>().map_or_else(|_| as_text(), Value::from),
        Some(Value::Array(_)) if text.trim_start().starts_with('[') => {
            serde_json::from_str(text).unwrap_or_else(|_| as_text())
        }
        Some(Value::Array(_)) => {
            text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(Value::from).collect()
        }
        Some(Value::Object(_)) => serde_json::from_str(text).unwrap_or_else(|_| as_text()),
        Some(Value::Null) if !TEXTS.contains(&field) => {
            text.parse::<i64>().map_or_else(|_| as_text(), Value::from)
        }
        _ => as_text(),
    }
}

#[cfg(test)]
mod tests {
    use hub_management::view::{ProviderFields, UserFields};
    use serde_json::json;

    use super::parse;
    use crate::messages::ENGLISH;

    fn texts(given: &[&str]) -> Vec<String> {
        given.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn values_take_the_shape_of_their_columns() {
        let given = texts(&[
            "name=007",
            "is_enabled=off",
            "tags=a, b",
            "rpm_limit=5",
            "limit_daily_usd=12.5",
            "expires_at=",
        ]);
        let patch = parse(&given, &UserFields::default(), &ENGLISH).unwrap();
        assert_eq!(
            json!(patch),
            json!({"name": "007", "is_enabled": false, "tags": ["a", "b"], "rpm_limit": 5, "limit_daily_usd": "12.5", "expires_at": null})
        );
        let given = texts(&[
            "credential=123456",
            r#"allowed_models=[{"match":"exact","pattern":"x"}]"#,
            "weight=x",
            "unknown=1",
        ]);
        let patch = parse(&given, &ProviderFields::default(), &ENGLISH).unwrap();
        assert_eq!(
            json!(patch),
            json!({"credential": "123456", "allowed_models": [{"match": "exact", "pattern": "x"}], "weight": "x", "unknown": "1"})
        );
    }

    #[test]
    fn what_has_no_field_is_wrong_usage() {
        for given in ["name", "=x", ""] {
            let failure = parse(&texts(&[given]), &UserFields::default(), &ENGLISH).unwrap_err();
            assert_eq!(failure.exit_code, 2, "{given}");
        }
    }
}
