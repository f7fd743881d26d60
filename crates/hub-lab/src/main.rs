//! The `hub-lab` program: simulated providers on an address of your choice.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use hub_lab::{Lab, LabConfig, Scenario};

/// Simulated AI providers, for tests and benchmarks.
#[derive(Debug, Parser)]
#[command(name = "hub-lab", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer as Anthropic, OpenAI (chat and Responses), Gemini and Code Assist do, by path.
    ///
    /// A request's `x-lab` header scripts its answer, e.g. `x-lab: status=429; retry_after=2` or
    /// `x-lab: {"chunks":20,"chunk_ms":50,"truncate_after":7,"cut":"reset"}`. What was received and answered is at
    /// GET /lab/witness?since=N; POST /lab/scenario takes a new scenario; POST /lab/reset begins again.
    Serve(Serve),
}

#[derive(Debug, Args)]
struct Serve {
    /// Address to listen on. Port 0 takes a free one; the URL is printed.
    #[arg(long, default_value = "127.0.0.1:9100")]
    listen: SocketAddr,
    /// JSON file: {"default": BEHAVIOUR, "models": [{"model": "claude-*", "sequence": [BEHAVIOUR, …],
    /// "repeat": false, "then": BEHAVIOUR}]}.
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// Do not hash bodies (for benchmarks).
    #[arg(long)]
    no_hash: bool,
    /// Answers whose details the witness keeps; 0 keeps totals only, which is fastest.
    #[arg(long, default_value_t = 10_000)]
    keep: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Serve(arguments) => serve(arguments).await,
    }
}

async fn serve(arguments: Serve) -> anyhow::Result<()> {
    let scenario = match &arguments.scenario {
        Some(path) => {
            let text =
                tokio::fs::read(path).await.with_context(|| format!("cannot read {}", path.display()))?;
            Scenario::from_json(&text)?
        }
        None => Scenario::default(),
    };
    let config =
        LabConfig { listen: arguments.listen, scenario, keep: arguments.keep, hash: !arguments.no_hash };
    let lab = Lab::start(config).await?;
    say(&lab.url());
    tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")?;
    lab.stop().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the program's output")]
fn say(line: &str) {
    println!("{line}");
}
