//! The real thing: start, serve, and drain at a signal.

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use hub_app::{App, Parts};
use hub_config::Config;

use crate::output;

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let mut end = End::listen()?;
    let app = tokio::select! {
        started = start(config) => started?,
        // Nothing was served yet, so there is nothing to drain.
        () = end.asked_for() => return Ok(()),
    };
    output::print(&format!("Claude Code Hub listens on http://{}", app.address()));
    if let Some(file) = &app.access().made_in {
        output::print(&format!(
            "Admin token, made just now and kept in {file} (it is shown only this once): {}",
            app.access().admin_token.expose()
        ));
    }
    end.asked_for().await;
    shut_down(app).await;
    Ok(())
}

/// Binds the address and starts the hub on it.
pub(crate) async fn start(config: Config) -> anyhow::Result<App> {
    let listen = config.server.listen;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("can't listen on {listen}: choose another APP_HOST or APP_PORT"))?;
    Ok(App::start(Parts { config, listener }).await?)
}

/// SIGTERM and SIGINT. They mean a good end from the moment this is made, so make it first.
pub(crate) struct End {
    terminate: Signal,
    interrupt: Signal,
}

impl End {
    /// Takes the signals over from the system, which would end the process on the spot.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let take = |kind| signal(kind).context("can't listen for signals");
        Ok(Self { terminate: take(SignalKind::terminate())?, interrupt: take(SignalKind::interrupt())? })
    }

    /// Returns at a signal.
    pub(crate) async fn asked_for(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => tracing::info!("SIGTERM: draining"),
            _ = self.interrupt.recv() => tracing::info!("SIGINT: draining"),
        }
    }
}

/// Drains and says what was left.
pub(crate) async fn shut_down(app: App) {
    let drained = app.shut_down().await;
    tracing::info!(?drained, "ended");
}
