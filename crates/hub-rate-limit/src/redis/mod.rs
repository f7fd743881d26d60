//! Counters in Redis, for several instances of the hub.
//!
//! An admission is one script over the keys of one slot, and one round trip; so is everything else. What has to
//! happen at once happens in scripts, which know numbers only: windows and rules are worked out here (`ask`), and
//! what a limit that refuses is told, too (`answer`), by the code that the limiter in memory uses. What nobody
//! waits for goes through a bounded queue (`writer`). Nothing is without a time to live (`keys`), and whatever
//! Redis has lost is read from the ledger again.

mod answer;
mod ask;
mod keys;
mod scripts;
mod unpaid;
mod write;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hub_redis::{Argument, Batch, RedisConnection, RedisReply};
use hub_types::{AttemptId, ProviderId};
use jiff::Timestamp;
use smallvec::SmallVec;

pub(crate) use self::answer::Told;
use self::answer::{Result, strange, word};
use self::scripts::{ADMIT, LOOK, RESET, RESTORE};
use self::write::Write;
pub use self::writer::WriteFigures;
use self::writer::Writer;
use crate::calendar::Calendar;
use crate::judge::{Amount, BudgetMode, longest};
use crate::limit::{Limits, Owner};
use crate::limiter::{
    Admission, Known, LimiterUnavailable, Payer, RESERVATION_TTL, RESTORE_LEASE, RateLimiter, Room, Ticket,
    Verdict, WindowUsage,
};
use crate::memory::Asked;
use crate::restore::{Past, Restore};
use crate::rule::rules;
use crate::time::{Ms, ms, span};

/// How long somebody who looks after limits waits for the queue to be empty.
const MANAGEMENT: Duration = Duration::from_secs(5);

/// The bounds of a [`RedisRateLimiter`].
#[derive(Debug, Clone, Copy)]
pub struct RedisLimits {
    /// How long a reservation lasts by itself.
    pub reservation_ttl: Duration,
    /// Requests in flight of one user. Beyond, admissions fail.
    pub max_reservations: u32,
    /// Charges that wait for a Redis that is away.
    pub max_waiting: usize,
}

impl Default for RedisLimits {
    fn default() -> Self {
        Self { reservation_ttl: RESERVATION_TTL, max_reservations: 10_000, max_waiting: 65_536 }
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct RedisRateLimiter {
    connection: Arc<RedisConnection>,
    calendar: Arc<Calendar>,
    bounds: RedisLimits,
    writer: Writer,
}

/// The answer to an admission, with what it tells of limits.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) verdict: Known<Verdict>,
    /// Of each owner with limits how they stood before the admission; empty unless it was let in.
    pub(crate) told: SmallVec<[(Asked, Vec<Told>); 2]>,
}

/// A provider that was asked about, and what was told of its limits.
pub(crate) type Looked = (Asked, Room, Vec<Told>);

impl RedisRateLimiter {
    /// A limiter over a connection. Must be called within a tokio runtime: it starts a task, which ends with
    /// [`RedisRateLimiter::close`] or soon after the limiter is dropped.
    pub fn new(connection: Arc<RedisConnection>, bounds: RedisLimits, calendar: Arc<Calendar>) -> Self {
        let ttl = span(bounds.reservation_ttl);
        let writer = Writer::start(Arc::clone(&connection), ttl, bounds.max_waiting);
        Self { connection, calendar, bounds, writer }
    }

    /// Sends what waits to be written, at most for the patience. What is offered later is lost.
    pub async fn close(&self, patience: Duration) {
        self.writer.close(patience).await;
    }

    /// What became of charges and all else that nobody waits for.
    pub fn writes(&self) -> WriteFigures {
        self.writer.figures()
    }

    /// Waits until everything that was told before is written; false = not within the patience.
    pub async fn flush(&self, patience: Duration) -> bool {
        self.writer.flush(patience).await
    }

    /// Has Redis yet to be told what happened while it was away?
    pub(crate) fn is_behind(&self) -> bool {
        self.writer.is_behind()
    }

    /// Lets a request in, and tells how its limits stand.
    pub(crate) async fn try_admit(&self, admission: &Admission<'_>, now: Timestamp) -> Result<Admitted> {
        let now = ms(now);
        let Ticket { user, request, .. } = admission.ticket;
        let asked = self.limited(admission, now);
        if asked.is_empty() {
            return Ok(Admitted { verdict: Known::Yes(Verdict::Admitted), told: SmallVec::new() });
        }
        let amount = admission.reserved();
        let mut names: Vec<String> = vec![keys::held(user), keys::done_of_user(user)];
        names.extend(asked.iter().flat_map(|asked| keys::of_owner(asked.owner)));
        let mut arguments = head(now);
        arguments.push(request.to_string().into());
        arguments.push(i64::from(admission.mode == BudgetMode::Strict).into());
        arguments.extend(ask::amounts(amount));
        let ttl = span(self.bounds.reservation_ttl);
        arguments.extend([ttl.into(), ttl.saturating_add(keys::HELD_SLACK).into()]);
        arguments.push(i64::from(self.bounds.max_reservations).into());
        for asked in &asked {
            arguments.extend([keys::name_in_held(asked.owner).into(), ask::packed(&asked.rules)]);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut batch = Batch::new();
        batch.script_with(&ADMIT, &names, arguments);
        let answer = self.ask_one(batch).await?;
        verdict(asked, &answer, amount, admission.mode, now)
    }

    /// Tells Redis of a request that was let in without it.
    pub(crate) fn book(&self, admission: &Admission<'_>, now: Timestamp) {
        let (ticket, amount, at) = (admission.ticket, admission.reserved(), ms(now));
        let owners: SmallVec<[Owner; 2]> =
            self.limited(admission, at).into_iter().map(|asked| asked.owner).collect();
        if !owners.is_empty() {
            self.writer.offer(Write::Booked { ticket, owners, amount, at });
        }
    }

    /// Key and user, if they have limits.
    fn limited(&self, admission: &Admission<'_>, now: Ms) -> SmallVec<[Asked; 2]> {
        let Ticket { user, key, .. } = admission.ticket;
        let asked = [
            Asked { owner: Owner::Key(user, key), rules: rules(admission.key, &self.calendar, now) },
            Asked { owner: Owner::User(user), rules: rules(admission.user, &self.calendar, now) },
        ];
        asked.into_iter().filter(|asked| !asked.rules.is_empty()).collect()
    }

    /// How the limits of providers stand.
    pub(crate) async fn look(
        &self,
        providers: &[(ProviderId, Limits<'_>)],
        now: Timestamp,
    ) -> Result<Vec<Looked>> {
        let now = ms(now);
        let asked = |(id, limits): &(ProviderId, Limits<'_>)| Asked {
            owner: Owner::Provider(*id),
            rules: rules(*limits, &self.calendar, now),
        };
        let asked: Vec<Asked> = providers.iter().map(asked).collect();
        let mut batch = Batch::new();
        for asked in asked.iter().filter(|asked| !asked.rules.is_empty()) {
            put_look(&mut batch, asked, false, now);
        }
        let mut answers = self.ask(batch).await?.into_iter();
        let mut rooms = Vec::with_capacity(asked.len());
        for asked in asked {
            if asked.rules.is_empty() {
                rooms.push((asked, Known::Yes(None), Vec::new()));
                continue;
            }
            let answer = answers.next().unwrap_or(RedisReply::Nil);
            let (room, told) = match read_look(&asked, &answer)? {
                Known::Yes(told) => {
                    // Nothing is reserved at providers, so there is room as long as anything is left.
                    let refusal = answer::refusal(&asked, &told, ask::NOTHING, BudgetMode::Balanced, now);
                    (Known::Yes(refusal), told)
                }
                Known::Restore(questions) => (Known::Restore(questions), Vec::new()),
                Known::Restoring => (Known::Restoring, Vec::new()),
            };
            rooms.push((asked, room, told));
        }
        Ok(rooms)
    }

    async fn ask(&self, batch: Batch) -> Result<Vec<RedisReply>> {
        let unavailable = |error: hub_redis::RedisError| LimiterUnavailable(error.to_string());
        let answers = self.connection.run(batch).await.map_err(unavailable)?;
        answers.into_iter().collect::<std::result::Result<_, _>>().map_err(unavailable)
    }

    async fn ask_one(&self, batch: Batch) -> Result<RedisReply> {
        self.ask(batch).await.map(|mut answers| answers.pop().unwrap_or(RedisReply::Nil))
    }
}

/// What every script that follows counters is told first.
fn head(now: Ms) -> Vec<Argument> {
    vec![now.into(), keys::OWNER.into(), span(RESTORE_LEASE).into()]
}

fn put_look(batch: &mut Batch, asked: &Asked, has_all_buckets: bool, now: Ms) {
    let ([held, done], name) = match asked.owner {
        Owner::User(user) | Owner::Key(user, _) => {
            ([keys::held(user), keys::done_of_user(user)], keys::name_in_held(asked.owner))
        }
        Owner::Provider(provider) => (keys::of_provider(provider), String::new()),
    };
    let names = [done, held].into_iter().chain(keys::of_owner(asked.owner));
    let names: SmallVec<[String; 7]> = names.collect();
    let names: SmallVec<[&str; 7]> = names.iter().map(String::as_str).collect();
    let mut arguments = head(now);
    arguments.extend([name.into(), i64::from(has_all_buckets).into(), ask::packed(&asked.rules)]);
    batch.script_with(&LOOK, &names, arguments);
}

fn read_look(asked: &Asked, answer: &RedisReply) -> Result<Known<Vec<Told>>> {
    match word(answer)? {
        ("in", [told]) => Ok(Known::Yes(answer::standings(asked, told)?)),
        ("unknown", [question]) => {
            let questions = answer::questions(asked.owner, question)?;
            Ok(if questions.is_empty() { Known::Restoring } else { Known::Restore(questions) })
        }
        _ => Err(strange(answer)),
    }
}

fn verdict(
    asked: SmallVec<[Asked; 2]>,
    answer: &RedisReply,
    amount: Amount,
    mode: BudgetMode,
    now: Ms,
) -> Result<Admitted> {
    let (word, rest) = word(answer)?;
    let just = |verdict| Ok(Admitted { verdict, told: SmallVec::new() });
    match word {
        "again" => return just(Known::Yes(Verdict::Admitted)),
        "many" => return Err(LimiterUnavailable("too many requests in flight".to_owned())),
        "unknown" => {
            let mut questions = Vec::new();
            for (asked, answer) in asked.iter().zip(rest) {
                questions.extend(answer::questions(asked.owner, answer)?);
            }
            return just(if questions.is_empty() { Known::Restoring } else { Known::Restore(questions) });
        }
        _ => {}
    }
    let mut told: SmallVec<[(Asked, Vec<Told>); 2]> = SmallVec::new();
    for (asked, answer) in asked.into_iter().zip(rest) {
        let standings = answer::standings(&asked, answer)?;
        told.push((asked, standings));
    }
    if word == "in" {
        return Ok(Admitted { verdict: Known::Yes(Verdict::Admitted), told });
    }
    let refusals = told.iter().filter_map(|(asked, told)| answer::refusal(asked, told, amount, mode, now));
    let refusal = longest(refusals).ok_or_else(|| strange(answer))?;
    just(Known::Yes(Verdict::Refused(refusal)))
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn admit(&self, admission: &Admission<'_>, now: Timestamp) -> Result<Known<Verdict>> {
        self.try_admit(admission, now).await.map(|admitted| admitted.verdict)
    }

    fn refresh(&self, ticket: Ticket, now: Timestamp) {
        self.writer.offer(Write::Refreshed { ticket, at: ms(now) });
    }

    fn settle(&self, ticket: Ticket, actual: Amount, now: Timestamp) {
        self.writer.offer(Write::Settled { ticket, actual, at: ms(now) });
    }

    fn release(&self, ticket: Ticket, now: Timestamp) {
        self.writer.offer(Write::Released { ticket, at: ms(now) });
    }

    fn charge(&self, attempt: AttemptId, payer: Payer, actual: Amount, now: Timestamp) {
        self.writer.offer(Write::Charged { attempt, payer, actual, at: ms(now) });
    }

    async fn room(&self, providers: &[(ProviderId, Limits<'_>)], now: Timestamp) -> Result<Vec<Room>> {
        Ok(self.look(providers, now).await?.into_iter().map(|(_, room, _)| room).collect())
    }

    async fn usage(
        &self,
        owner: Owner,
        limits: Limits<'_>,
        now: Timestamp,
    ) -> Result<Known<Vec<WindowUsage>>> {
        let now = ms(now);
        let asked = Asked { owner, rules: rules(limits, &self.calendar, now) };
        if asked.rules.is_empty() {
            return Ok(Known::Yes(Vec::new()));
        }
        let mut batch = Batch::new();
        put_look(&mut batch, &asked, true, now);
        Ok(match read_look(&asked, &self.ask_one(batch).await?)? {
            Known::Yes(told) => Known::Yes(answer::usage(&asked, &told, now)),
            Known::Restore(questions) => Known::Restore(questions),
            Known::Restoring => Known::Restoring,
        })
    }

    async fn restore(&self, question: &Restore, answer: &[Past], now: Timestamp) -> Result<()> {
        let is_asked = |past: &&Past| {
            question.wanted.contains(&past.wanted) && past.wanted.grain == ask::grain(past.wanted.slot)
        };
        let answer: SmallVec<[&Past; 4]> = answer.iter().filter(is_asked).collect();
        let head = [ms(now).into(), keys::OWNER.into(), ask::moment(ms(question.before)).into()];
        let arguments = head.into_iter().chain(answer.into_iter().flat_map(ask::past));
        let names = keys::of_owner(question.owner);
        let mut batch = Batch::new();
        batch.script_with(&RESTORE, &names.each_ref().map(String::as_str), arguments);
        self.ask_one(batch).await.map(drop)
    }

    fn outdate(&self, owner: Owner, at: Timestamp) {
        self.writer.offer(Write::Outdated { owner, at: ms(at) });
    }

    async fn reset(&self, owner: Owner, at: Timestamp) -> Result<()> {
        let names = keys::of_owner(owner);
        let mut batch = Batch::new();
        batch.script(&RESET, &names.each_ref().map(String::as_str), [ms(at).into(), keys::OWNER.into()]);
        self.ask_one(batch).await.map(drop)
    }

    fn is_shared(&self) -> bool {
        true
    }

    /// What lapses leaves Redis by itself: this only waits for the queue.
    async fn sweep(&self, _now: Timestamp) {
        self.writer.flush(MANAGEMENT).await;
    }
}
