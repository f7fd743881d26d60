//! Structured logs: text for people on a terminal, JSON for everything else.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use hub_config::{LogFormat, Observability};

/// Starts logging to standard error, for the whole process.
pub fn start(settings: &Observability) -> Result<(), TryInitError> {
    let filter = EnvFilter::new(&settings.log_filter);
    let format = settings
        .log_format
        .unwrap_or_else(|| if std::io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json });
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => {
            let layer = tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(std::io::stderr().is_terminal());
            registry.with(layer).try_init()
        }
        LogFormat::Json => {
            let layer =
                tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
            registry.with(layer).try_init()
        }
    }
}
