//! The hub, as a server: arguments, environment, allocator, TLS provider, runtime. Everything else is hub-app.

mod arguments;
mod demo;
mod output;
mod serve;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use hub_config::{Config, Environment, hints};

use crate::arguments::{Arguments, Command};

/// Quicker than the system's for many small, short-lived pieces on several threads. Its second version (see
/// Cargo.toml) gives back at once what it does not need: docs/architecture.md, "Memory".
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// With huge pages, the allocator's first touch of each arena takes 2 MiB at once: an idle hub was 20 MB larger.
/// Where programs have to ask for them, it does not ask (its feature `no_thp`); this is for where they do not.
fn use_small_pages() {
    // A kernel that does not know the call has no huge pages to avoid.
    let _ = nix::sys::prctl::set_thp_disable(true);
}

/// Wrong usage or configuration.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    use_small_pages();
    let arguments = Arguments::parse();
    #[expect(clippy::disallowed_methods, reason = "the one place of this binary that reads the environment")]
    let process = std::env::vars_os();
    let environment = match Environment::read(process, Path::new(".env")) {
        Ok(environment) => arguments.over(environment),
        Err(error) => return output::fail(&error.to_string(), USAGE),
    };
    for hint in hints(environment.names()) {
        output::note(&hint.to_string());
    }
    let is_demo = matches!(arguments.command, Some(Command::Demo));
    let scratch = match is_demo.then(tempfile::tempdir).transpose() {
        Ok(scratch) => scratch,
        Err(error) => return output::fail(&format!("no temporary directory: {error}"), 1),
    };
    let environment = match &scratch {
        Some(scratch) => demo::environment(&environment, scratch.path()),
        None => environment,
    };
    let config = match Config::from_lookup(&|name| environment.get(name).map(str::to_owned)) {
        Ok(config) => config,
        Err(errors) => return output::fail(&errors.to_string(), USAGE),
    };
    if arguments.print_config {
        output::print(config.print().trim_end());
        return ExitCode::SUCCESS;
    }
    if let Err(error) = hub_app::logging::start(&config.observability) {
        return output::fail(&error.to_string(), 1);
    }
    // An error here means that a provider is installed already, which is all that is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&format!("no runtime: {error}"), 1),
    };
    let ended =
        runtime.block_on(async { if is_demo { demo::run(config).await } else { serve::run(config).await } });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&format!("{error:#}"), 1),
    }
}
