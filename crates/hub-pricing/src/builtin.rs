//! The prices that the hub ships with, and reading whole model maps.

use std::collections::BTreeMap;

use hub_types::{PriceRow, PriceSource};
use serde_json::value::RawValue;
use thiserror::Error;

const BUILTIN: &str = include_str!("../data/builtin.json");
/// Raise it with every change of `data/builtin.json`.
const BUILTIN_VERSION: i64 = 2;

/// The text is no model map.
#[derive(Debug, Error)]
#[error("a model map is a JSON object of models: {0}")]
pub struct ModelMapError(#[from] serde_json::Error);

/// The rows of a LiteLLM model map: one for each model, whatever its value.
pub fn rows_from_model_map(
    json: &str,
    source: PriceSource,
    version: i64,
) -> Result<Vec<PriceRow>, ModelMapError> {
    let models: BTreeMap<String, &RawValue> = serde_json::from_str(json)?;
    let row = |(model, price): (String, &RawValue)| PriceRow {
        model,
        price: price.get().to_owned(),
        source,
        version,
    };
    Ok(models.into_iter().map(row).collect())
}

/// The list prices of the main models, for hubs that never reach `PRICE_SYNC_URL`.
pub fn builtin_rows() -> Vec<PriceRow> {
    rows_from_model_map(BUILTIN, PriceSource::Builtin, BUILTIN_VERSION).unwrap_or_default()
}
