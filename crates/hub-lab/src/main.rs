//! The `hub-lab` program: simulated providers on an address of your choice, and a load generator.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use hub_lab::load::{self, Limit, LoadPlan};
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
    /// Send many requests and print one JSON line: rates, latencies in microseconds, bytes, errors.
    ///
    /// Each of the `--concurrency` connections sends its next request when the last answer is complete. An
    /// answer counts as an error if its status is not 2xx, if it breaks off, or if it holds another number of
    /// events than `--expect-chunks`.
    Load(Load),
}

#[derive(Debug, Args)]
struct Load {
    /// Where to send (http only). Without a path: /v1/messages.
    #[arg(long)]
    url: String,
    /// A header to send, as `name: value`. May be repeated.
    #[arg(long = "header", short = 'H')]
    headers: Vec<String>,
    /// Connections, each with one request at a time.
    #[arg(long, short, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    concurrency: u32,
    /// Stop after so many requests.
    #[arg(long, conflicts_with = "seconds", required_unless_present = "seconds")]
    requests: Option<u64>,
    /// Stop after so many seconds; requests under way are still finished and counted.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
    /// Size of the request body, a Claude message. It is never smaller than the message's frame.
    #[arg(long, default_value_t = 1024)]
    body_bytes: usize,
    /// The model to ask for.
    #[arg(long, default_value = "claude-sonnet-4-5")]
    model: String,
    /// Ask for streams.
    #[arg(long)]
    stream: bool,
    /// Server-sent events that every answer must hold. (A lab's plain Claude stream of N chunks has N + 5.)
    #[arg(long)]
    expect_chunks: Option<u64>,
    /// Seconds until a request counts as failed.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
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
        Command::Load(arguments) => run_load(arguments).await,
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

async fn run_load(arguments: Load) -> anyhow::Result<()> {
    let limit = match (arguments.requests, arguments.seconds) {
        (Some(requests), _) => Limit::Requests(requests),
        (None, seconds) => Limit::Time(Duration::from_secs(seconds.unwrap_or(1))),
    };
    let plan = LoadPlan {
        url: arguments.url,
        headers: arguments.headers,
        concurrency: arguments.concurrency,
        limit,
        body: load::claude_body(&arguments.model, arguments.body_bytes, arguments.stream),
        expect_chunks: arguments.expect_chunks,
        timeout: Duration::from_secs(arguments.timeout),
    };
    let report = load::run(plan).await?;
    say(&serde_json::to_string(&report)?);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the program's output")]
fn say(line: &str) {
    println!("{line}");
}
