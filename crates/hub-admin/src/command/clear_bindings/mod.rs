//! `clear-bindings`: choose providers, look at what would go, confirm, clear.

mod ask;

use std::sync::atomic::{AtomicBool, Ordering};

use hub_management::BindingFilter;
use hub_management::view::{ClearBindingsView, ProviderBindings};

use super::Context;
use crate::args::ClearArgs;
use crate::failure::{Failure, Result};
use crate::messages::{ClearMessages, fill};
use crate::progress::Progress;
use crate::{output, table, terminal};

/// Ctrl-C before anything is removed leaves everything as it was; later it stops half-way, and says so.
pub(super) async fn run(args: &ClearArgs, context: &Context<'_>) -> Result<()> {
    let has_begun = AtomicBool::new(false);
    let clearing = Clearing { args, context, has_begun: &has_begun };
    tokio::select! {
        biased;
        () = terminal::interrupted() => {
            if has_begun.load(Ordering::Relaxed) {
                return Err(Failure::partly(context.messages.clear.interrupted));
            }
            output::tell("");
            clearing.leave_as_it_is(&[])
        }
        outcome = clearing.run() => outcome,
    }
}

struct Clearing<'a> {
    args: &'a ClearArgs,
    context: &'a Context<'a>,
    /// Set before anything is removed.
    has_begun: &'a AtomicBool,
}

impl Clearing<'_> {
    async fn run(&self) -> Result<()> {
        let messages = self.messages();
        let mut filter = self.args.filter();
        filter.check()?;
        let has_terminal = terminal::can_ask();
        if !has_terminal && !self.args.yes && !self.args.dry_run {
            return Err(Failure::usage(messages.needs_yes));
        }
        if filter.is_empty() && !has_terminal && !self.args.dry_run {
            return Err(Failure::usage(messages.needs_filter));
        }
        if self.args.dry_run {
            self.say(messages.dry_run_begins)?;
        }
        if filter.is_empty() && has_terminal {
            match ask::filter(self.context.messages).await {
                Some(chosen) => filter = chosen,
                None => return self.leave_as_it_is(&[]),
            }
        }
        let surveyed = self.survey(&filter).await?;
        let sessions = ClearBindingsView::of_survey(surveyed.clone()).sessions;
        if self.args.dry_run {
            if sessions == 0 {
                self.say(messages.nothing_to_do)?;
            }
            self.say(messages.dry_run_ends)?;
            return self.report(&ClearBindingsView::of_survey(surveyed));
        }
        if sessions == 0 {
            self.say(messages.nothing_to_do)?;
            return self.report(&nothing(&surveyed));
        }
        if !self.args.yes && !ask::confirm(messages, sessions).await {
            return self.leave_as_it_is(&surveyed);
        }
        self.clear(&surveyed).await
    }

    /// Counts, and shows what was found.
    async fn survey(&self, filter: &BindingFilter) -> Result<Vec<ProviderBindings>> {
        let messages = self.messages();
        let progress = Progress::new(messages.counting, messages.keys);
        let observed = |seen| progress.show(seen);
        let surveyed = self.context.backend.survey_bindings(filter, &observed).await?;
        drop(progress);
        if surveyed.is_empty() {
            self.say(messages.no_provider)?;
        } else {
            self.say(&table::bindings(&surveyed, self.context.messages))?;
            let sessions = ClearBindingsView::of_survey(surveyed.clone()).sessions.to_string();
            self.say(&fill(&fill(messages.summary, &surveyed.len().to_string()), &sessions))?;
        }
        Ok(surveyed)
    }

    async fn clear(&self, surveyed: &[ProviderBindings]) -> Result<()> {
        let messages = self.messages();
        let progress = Progress::new(messages.clearing, messages.keys);
        let observed = |seen| progress.show(seen);
        self.has_begun.store(true, Ordering::Relaxed);
        let outcome = self.context.backend.clear_bindings(surveyed, &observed, messages).await;
        drop(progress);
        let view = outcome?;
        let text = fill(messages.done, &view.sessions.to_string());
        self.say(&fill(&text, &view.conversations.to_string()))?;
        self.report(&view)
    }

    /// Declined, or the input ended.
    fn leave_as_it_is(&self, surveyed: &[ProviderBindings]) -> Result<()> {
        let messages = self.messages();
        let is_dry = self.args.dry_run;
        self.say(if is_dry { messages.dry_run_ends } else { messages.unchanged })?;
        self.report(&ClearBindingsView { dry_run: is_dry, ..nothing(surveyed) })
    }

    /// What people read: on standard output, unless that is for a program.
    fn say(&self, text: &str) -> Result<()> {
        if self.context.json {
            output::tell(text);
            return Ok(());
        }
        output::print(text)
    }

    fn report(&self, view: &ClearBindingsView) -> Result<()> {
        if self.context.json { output::print_json(view) } else { Ok(()) }
    }

    fn messages(&self) -> &'static ClearMessages {
        &self.context.messages.clear
    }
}

/// The report of a clearing that did not take place.
fn nothing(surveyed: &[ProviderBindings]) -> ClearBindingsView {
    let providers = surveyed.iter().map(|row| ProviderBindings { sessions: 0, ..row.clone() }).collect();
    ClearBindingsView { dry_run: false, providers, sessions: 0, conversations: 0 }
}
