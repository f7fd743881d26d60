//! Holding input against the writable columns of a row: creation, and JSON merge patch (RFC 7396).
//!
//! Every mistake is reported at once and by field: members that no column has, values of the wrong type,
//! columns that must be there.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{FieldError, ManagementError, Patch, Result};

/// The writable columns of a row. Every field is serialised always, so that the default names them all.
pub(crate) trait Columns: Serialize + DeserializeOwned + Default {
    /// Columns that a new row must be given, and that can't be cleared.
    const REQUIRED: &'static [&'static str];
    /// Columns whose values must not be repeated in messages.
    const SECRET: &'static [&'static str] = &[];
    /// Columns that people see, but the hub writes.
    const READ_ONLY: &'static [&'static str];
}

/// The columns of a new row.
pub(crate) fn create<T: Columns>(input: &Patch) -> Result<T> {
    let missing = T::REQUIRED.iter().filter(|field| !input.contains_key(**field));
    let errors = missing.map(|field| FieldError::new(*field, "is required")).collect();
    merge(&T::default(), input, errors)
}

/// The columns of a row after a merge patch: members replace, `null` brings the default back.
pub(crate) fn patch<T: Columns>(current: &T, input: &Patch) -> Result<T> {
    merge(current, input, Vec::new())
}

fn merge<T: Columns>(current: &T, input: &Patch, mut errors: Vec<FieldError>) -> Result<T> {
    let defaults = object(&T::default())?;
    let mut merged = object(current)?;
    for (field, value) in input {
        if !defaults.contains_key(field) {
            let read_only = T::READ_ONLY.contains(&field.as_str());
            let message = if read_only { "is written by the hub, not by people" } else { "unknown field" };
            errors.push(FieldError::new(field, message));
            continue;
        }
        if value.is_null() && T::REQUIRED.contains(&field.as_str()) {
            errors.push(FieldError::new(field, "can't be cleared"));
            continue;
        }
        let target = merged.entry(field.clone()).or_insert(Value::Null);
        merge_value(target, value);
        if target.is_null() {
            merged.remove(field);
        } else if let Err(message) = try_alone::<T>(field, target) {
            errors.push(FieldError::new(field, message));
        }
    }
    if !errors.is_empty() {
        return Err(ManagementError::Invalid(errors));
    }
    serde_json::from_value(Value::Object(merged))
        .map_err(|error| ManagementError::Internal(format!("merged columns do not read back: {error}")))
}

/// Reads one member with all others at their defaults, to find out whether it is the one at fault.
fn try_alone<T: Columns>(field: &str, value: &Value) -> std::result::Result<(), String> {
    let alone = Map::from_iter([(field.to_owned(), value.clone())]);
    match serde_json::from_value::<T>(Value::Object(alone)) {
        Ok(_) => Ok(()),
        Err(_) if T::SECRET.contains(&field) => Err("must be a text".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn object<T: Serialize>(columns: &T) -> Result<Map<String, Value>> {
    match serde_json::to_value(columns) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(ManagementError::Internal("columns are not an object".to_owned())),
        Err(error) => Err(ManagementError::Internal(format!("columns do not serialise: {error}"))),
    }
}

/// RFC 7396: objects merge member by member, `null` removes, everything else replaces.
fn merge_value(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(map) = target else { return };
    for (name, member) in members {
        if member.is_null() {
            map.remove(name);
        } else {
            merge_value(map.entry(name.clone()).or_insert(Value::Null), member);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{create, merge_value, patch};
    use crate::view::{ProviderFields, UserFields};
    use crate::{ManagementError, Patch};

    fn object(value: Value) -> Patch {
        let Value::Object(map) = value else { panic!("an object") };
        map
    }

    fn faults<T: std::fmt::Debug>(result: crate::Result<T>) -> Vec<String> {
        match result {
            Err(ManagementError::Invalid(errors)) => errors.into_iter().map(|error| error.field).collect(),
            other => panic!("expected field errors, got {other:?}"),
        }
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let input = object(json!({"nmae": "x", "id": 3, "rpm_limit": "many", "role": "king"}));
        assert_eq!(faults(create::<UserFields>(&input)), ["name", "nmae", "id", "rpm_limit", "role"]);
    }

    #[test]
    fn null_brings_the_default_back_but_not_for_required_columns() {
        let user: UserFields =
            create(&object(json!({"name": "ada", "rpm_limit": 5, "tags": ["x"]}))).unwrap();
        let cleared = patch(&user, &object(json!({"rpm_limit": null, "tags": null}))).unwrap();
        assert_eq!((cleared.rpm_limit, cleared.tags.len(), cleared.name.as_str()), (None, 0, "ada"));
        assert_eq!(faults(patch(&user, &object(json!({"name": null})))), ["name"]);
    }

    #[test]
    fn a_secret_of_the_wrong_type_is_not_repeated() {
        let input =
            object(json!({"name": "x", "url": "y", "provider_type": "claude", "credential": 4711471147_i64}));
        let error = create::<ProviderFields>(&input).unwrap_err();
        assert!(!error.to_string().contains("4711"), "{error}");
    }

    #[test]
    fn merging_follows_the_standard() {
        for (mut target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": [1]}), json!({"a": [2]}), json!({"a": [2]})),
            (json!({"a": {"b": 1}}), json!({"a": {"b": null, "c": 2}}), json!({"a": {"c": 2}})),
            (json!([1]), json!({"a": {"b": null}}), json!({"a": {}})),
        ] {
            merge_value(&mut target, &patch);
            assert_eq!(target, result);
        }
    }
}
