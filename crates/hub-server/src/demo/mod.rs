//! `hub-server demo`: the hub on embedded stores in a temporary directory, in front of a simulated provider,
//! showing what it does.

mod client;
mod report;
mod setup;

use std::path::Path;

use anyhow::Context;

use hub_app::App;
use hub_config::{Config, Environment};
use hub_lab::{Lab, LabConfig};

use crate::{output, serve};

/// The demo's own settings over the address that was asked for. Nothing else of the environment counts: the
/// demo must not touch a real database.
pub(crate) fn environment(asked: &Environment, scratch: &Path) -> Environment {
    let kept = ["APP_HOST", "APP_PORT", "LOG_LEVEL", "LOG_FORMAT"];
    let kept = kept.into_iter().filter_map(|name| Some((name.to_owned(), asked.get(name)?.to_owned())));
    let environment: Environment = kept.collect();
    let quiet = if environment.get("LOG_LEVEL").is_some() {
        environment
    } else {
        environment.with("LOG_LEVEL", "warn")
    };
    quiet.with("DATA_DIR", scratch.display().to_string()).with("PRICE_SYNC_INTERVAL_SECONDS", "0")
}

/// Shows the hub at work, then keeps serving until Ctrl-C.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let mut end = serve::End::listen()?;
    let lab = Lab::start(LabConfig::default()).await.context("the simulated provider does not start")?;
    let app = serve::start(config).await?;
    tokio::select! {
        shown = show(&app, &lab) => {
            shown?;
            end.asked_for().await;
        }
        () = end.asked_for() => {}
    }
    serve::shut_down(app).await;
    lab.stop().await;
    Ok(())
}

async fn show(app: &App, lab: &Lab) -> anyhow::Result<()> {
    let hub = format!("http://{}", app.address());
    output::print(&format!(
        "Claude Code Hub, demo: embedded stores in a temporary directory, a simulated provider at {}.\n",
        lab.url()
    ));
    let seeded = setup::seed(app.management(), &lab.url()).await?;
    app.catch_up().await;
    output::print("Three requests through the hub:\n");
    for shown in client::conversation(&hub, &seeded.key).await? {
        output::print(&shown);
    }
    report::print(app.management()).await?;
    output::print(&setup::instructions(&hub, &seeded.key, app.access().admin_token.expose()));
    output::print("Serving until Ctrl-C.");
    Ok(())
}
