//! Time zone, logs, metrics and traces.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use url::Url;

use super::web_address;
use crate::reader::Reader;
use crate::variables as of;

/// What the hub tells about itself, and in which zone it thinks of days.
#[derive(Debug, Clone)]
pub struct Observability {
    /// The zone of wall-clock limits where the settings name no other.
    pub time_zone: TimeZone,
    /// A filter of the tracing library.
    pub log_filter: String,
    /// The form of the log; `None`: text on a terminal, else JSON.
    pub log_format: Option<LogFormat>,
    /// Whether `/metrics` is offered.
    pub metrics: bool,
    /// Where traces are sent.
    pub otlp_endpoint: Option<Url>,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Observability {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        // The bundled database: a container without zone files, or with old ones, answers alike.
        let time_zone = reader.value(&of::TZ, |name| TimeZoneDatabase::bundled().get(name).ok());
        let log_filter = reader.value(&of::LOG_LEVEL, |text| is_filter(text).then(|| text.to_owned()));
        let log_format = reader.optional(&of::LOG_FORMAT, |text| match text {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        });
        let metrics = reader.boolean(&of::METRICS);
        let otlp_endpoint = reader.optional(&of::OTEL_EXPORTER_OTLP_ENDPOINT, web_address);
        Some(Self {
            time_zone: time_zone?,
            log_filter: log_filter?,
            log_format: log_format?,
            metrics: metrics?,
            otlp_endpoint: otlp_endpoint?,
        })
    }
}

/// The tracing library takes a bare unknown word for a target to log in full: `LOG_LEVEL=verbose` would silence
/// everything. So a directive must end in a level.
fn is_filter(text: &str) -> bool {
    text.split(',').all(|directive| {
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level).trim();
        ["off", "error", "warn", "info", "debug", "trace"]
            .iter()
            .any(|known| level.eq_ignore_ascii_case(known))
    })
}
