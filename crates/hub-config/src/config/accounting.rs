//! Prices.

use std::time::Duration;

use url::Url;

use super::web_address;
use crate::reader::Reader;
use crate::variables as of;

/// Which price counts, and where prices come from.
#[derive(Debug, Clone)]
pub struct Accounting {
    /// Which model's price counts after a redirect.
    pub billing: Billing,
    /// Where prices are refreshed from.
    pub price_sync_url: Url,
    /// How often; `None`: never.
    pub price_sync_interval: Option<Duration>,
}

/// Which model's price counts when a provider redirects a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Billing {
    /// The model that the client asked for.
    Original,
    /// The model that the provider was asked for.
    Redirected,
}

impl Accounting {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let billing = reader.value(&of::BILLING_MODEL_SOURCE, |text| match text {
            "original" => Some(Billing::Original),
            "redirected" => Some(Billing::Redirected),
            _ => None,
        });
        let price_sync_url = reader.value(&of::PRICE_SYNC_URL, web_address);
        let interval = reader.duration(&of::PRICE_SYNC_INTERVAL_SECONDS);
        Some(Self {
            billing: billing?,
            price_sync_url: price_sync_url?,
            price_sync_interval: interval.map(|interval| (!interval.is_zero()).then_some(interval))?,
        })
    }
}
