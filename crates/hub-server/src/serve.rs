//! The real thing: start, serve, and drain at a signal.

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use hub_app::{App, Parts};
use hub_config::Config;

use crate::output;

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let app = start(config).await?;
    output::print(&format!("Claude Code Hub listens on http://{}", app.address()));
    if let Some(file) = &app.access().made_in {
        output::print(&format!(
            "Admin token, made just now and kept in {file} (it is shown only this once): {}",
            app.access().admin_token.expose()
        ));
    }
    wait_for_the_end().await?;
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

/// Returns at SIGTERM or SIGINT.
pub(crate) async fn wait_for_the_end() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: draining"),
        _ = interrupt.recv() => tracing::info!("SIGINT: draining"),
    }
    Ok(())
}

/// Drains and says what was left.
pub(crate) async fn shut_down(app: App) {
    let drained = app.shut_down().await;
    tracing::info!(?drained, "ended");
}
