//! One model's price, read from LiteLLM's model map format.

use std::collections::{BTreeMap, BTreeSet};

use hub_types::ServiceTier;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::decimal::{pico, round_half_up};

/// Pico-dollars (10⁻¹² USD) a token, none negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// Fresh input.
    pub input: i128,
    /// Output, reasoning included.
    pub output: i128,
    /// Cache reads.
    pub cache_read: i128,
    /// Cache writes for five minutes.
    pub cache_write_5m: i128,
    /// Cache writes for an hour.
    pub cache_write_1h: i128,
}

/// The text is not a price.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PriceError {
    /// Not a JSON object.
    #[error("a price is a JSON object such as {{\"input_cost_per_token\": 3e-06, …}}")]
    NotAnObject,
    /// A figure can't be used.
    #[error("`{0}` is not a price in USD: a number that is not negative")]
    BadNumber(String),
    /// Nothing in it is a price for tokens or requests.
    #[error("none of input_cost_per_token, output_cost_per_token, input_cost_per_request is given")]
    NoPrice,
}

/// What a model costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Raised by every change of the price; stored with each cost.
    pub version: i64,
    /// Pico-dollars for each request.
    pub request_fee: i128,
    /// The longest answer that the model can give, in tokens, where the price list says so.
    pub max_output: Option<u64>,
    /// All combinations of tier and threshold, ordered; total input beyond the threshold has these rates.
    rates: Vec<(ServiceTier, u64, Rates)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    Input,
    Output,
    CacheRead,
    CacheWrite5m,
    CacheWrite1h,
    Request,
}

type Figures = BTreeMap<(Line, ServiceTier, u64), i128>;

impl Price {
    /// Reads a price. Members that the hub does not bill by are ignored, and so are nulls.
    pub fn parse(json: &str, version: i64) -> Result<Self, PriceError> {
        let members: BTreeMap<String, &RawValue> =
            serde_json::from_str(json).map_err(|_| PriceError::NotAnObject)?;
        let mut figures = Figures::new();
        for (name, value) in &members {
            let Some(place) = place(name) else { continue };
            if value.get() != "null" {
                let amount = pico(value.get()).ok_or_else(|| PriceError::BadNumber(name.clone()))?;
                figures.insert(place, amount);
            }
        }
        if !figures.keys().any(|(line, ..)| matches!(line, Line::Input | Line::Output | Line::Request)) {
            return Err(PriceError::NoPrice);
        }
        let mut thresholds: BTreeSet<u64> = figures.keys().map(|&(.., threshold)| threshold).collect();
        thresholds.insert(0);
        let rates = ServiceTier::ALL
            .into_iter()
            .flat_map(|tier| thresholds.iter().map(move |&threshold| (tier, threshold)))
            .map(|(tier, threshold)| (tier, threshold, resolve(&figures, tier, threshold)))
            .collect();
        let request_fee = figures.get(&(Line::Request, ServiceTier::Standard, 0)).copied().unwrap_or(0);
        let max_output = members.get("max_output_tokens").and_then(|value| value.get().parse().ok());
        Ok(Self { version, request_fee, max_output, rates })
    }

    /// The rates for a request with that much input altogether. Beyond a long-context threshold the whole
    /// request has the higher rates.
    pub fn rates(&self, tier: ServiceTier, total_input: u64) -> Rates {
        let fits = |&&(of, threshold, _): &&(ServiceTier, u64, Rates)| {
            of == tier && (threshold == 0 || total_input > threshold)
        };
        self.rates.iter().rfind(fits).map(|&(.., rates)| rates).unwrap_or_default()
    }
}

/// What a member of the model map prices; `None` for what the hub does not bill by.
fn place(name: &str) -> Option<(Line, ServiceTier, u64)> {
    let (name, tier) = match (name.strip_suffix("_priority"), name.strip_suffix("_flex")) {
        (Some(name), _) => (name, ServiceTier::Priority),
        (None, Some(name)) => (name, ServiceTier::Flex),
        (None, None) => (name, ServiceTier::Standard),
    };
    let long = name.strip_suffix("k_tokens").and_then(|name| name.rsplit_once("_above_"));
    let (name, threshold) = match long {
        Some((name, thousands)) => (name, thousands.parse::<u64>().ok()?.checked_mul(1000)?),
        None => (name, 0),
    };
    let line = match name {
        "input_cost_per_token" => Line::Input,
        "output_cost_per_token" => Line::Output,
        "cache_read_input_token_cost" => Line::CacheRead,
        "cache_creation_input_token_cost" => Line::CacheWrite5m,
        "cache_creation_input_token_cost_above_1hr" => Line::CacheWrite1h,
        "input_cost_per_request" => Line::Request,
        _ => return None,
    };
    Some((line, tier, threshold))
}

fn resolve(figures: &Figures, tier: ServiceTier, threshold: u64) -> Rates {
    let find = |line| find(figures, line, tier, threshold);
    let input = find(Line::Input).unwrap_or(0);
    Rates {
        input,
        output: find(Line::Output).unwrap_or(0),
        cache_read: find(Line::CacheRead).unwrap_or_else(|| round_half_up(input, 10)),
        cache_write_5m: find(Line::CacheWrite5m).unwrap_or_else(|| round_half_up(input * 5, 4)),
        cache_write_1h: find(Line::CacheWrite1h).unwrap_or(input * 2),
    }
}

/// The figure for exactly this tier and threshold, else the dearer of what comes closest: the tier's own price
/// below the threshold, and the normal price above it.
fn find(figures: &Figures, line: Line, tier: ServiceTier, threshold: u64) -> Option<i128> {
    if let Some(&exact) = figures.get(&(line, tier, threshold)) {
        return Some(exact);
    }
    let below =
        |tier| figures.range((line, tier, 0)..=(line, tier, threshold)).next_back().map(|(_, &price)| price);
    match (below(tier), figures.get(&(line, ServiceTier::Standard, threshold)).copied()) {
        (None, None) => below(ServiceTier::Standard),
        (own, normal) if threshold > 0 => own.max(normal),
        (own, normal) => own.or(normal),
    }
}
