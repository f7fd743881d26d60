//! A request's place in the budgets of its key and user: booked at admission, settled when it has ended.

use std::time::{Duration, Instant};

use hub_rate_limit::{Admission, Amount, BudgetMode, Known, Limits, Payer, Ticket, Verdict};
use hub_types::{Attempt, Caller, Endpoint, Money, Outcome, RequestId, RequestRecord, Usage, UsageSource};
use jiff::Timestamp;
use smallvec::SmallVec;

use crate::catalogue::Prospects;
use crate::expectation::{Expectation, Expected, Question, Thread, expect};
use crate::limit::LimitReached;
use crate::receive::Received;
use crate::shared::Shared;

/// A reservation is prolonged so many times while it lasts.
const REFRESHES: u32 = 4;

/// What has to be settled.
pub(crate) struct Booking {
    ticket: Ticket,
    refreshed: Instant,
    /// What the next request of the session is judged by.
    thread: Thread,
    estimated_input: u64,
    /// No window may end above its limit: nothing beyond what is reserved may be spent.
    is_strict: bool,
    /// Reservations beside the first, which is for one attempt: what earlier attempts were charged for.
    further: SmallVec<[Ticket; 1]>,
    /// What those hold together.
    held_for_charged: Amount,
}

/// Books what a request may take. `None`: nothing of it is charged to anybody.
pub(crate) async fn book(
    shared: &Shared,
    request: RequestId,
    caller: &Caller,
    received: &Received,
    thread: Thread,
    prospects: &Prospects<'_>,
    now: Timestamp,
) -> Result<Option<Booking>, LimitReached> {
    if !received.call.endpoint.is_billable() {
        return Ok(None);
    }
    let ticket = Ticket { request, user: caller.user.id, key: caller.key.id };
    let mut booking = Booking::new(ticket, thread);
    let Some(mode) = shared.options.limits else {
        // Counters that others look at, too, have to stay right.
        return Ok(shared.limiter.is_shared().then_some(booking));
    };
    let (user, key) = (Limits::from(&caller.user), Limits::from(&caller.key));
    if !user.are_set() && !key.are_set() {
        return Ok(Some(booking));
    }
    let mut admission =
        Admission { ticket, user, key, estimate: Amount::default(), worst_case: Amount::default(), mode };
    // Of a form with sound or pictures nobody knows what it will take.
    let is_foreseeable = received.call.endpoint == Endpoint::Generate || received.facts.model.is_some();
    if is_foreseeable && (user.are_budgets() || key.are_budgets()) {
        let expected = expected(shared, received, prospects, thread);
        booking.estimated_input = expected.estimated_input;
        booking.is_strict = mode == BudgetMode::Strict;
        (admission.estimate, admission.worst_case) = (amount(expected.likely), amount(expected.worst));
    }
    match shared.limiter.admit(&admission, now).await {
        Ok(Known::Yes(Verdict::Refused(refusal))) => {
            shared.metrics.limited(&refusal);
            Err(LimitReached::window(caller, &refusal, &shared.options.time_zone))
        }
        Ok(Known::Yes(Verdict::Admitted)) => Ok(Some(booking)),
        // Not known: it is let in, and charged all the same.
        unknown => {
            tracing::debug!(?unknown, "a request passes without its limits");
            shared.metrics.unlimited();
            Ok(Some(booking))
        }
    }
}

fn expected(shared: &Shared, received: &Received, prospects: &Prospects<'_>, thread: Thread) -> Expectation {
    let by_name_sent = !shared.options.bill_requested_model;
    let rates = prospects.rates(by_name_sent);
    let question = Question {
        dialect: received.call.dialect,
        model: &received.call.model,
        body: &received.body,
        facts: &received.facts,
        rates: &rates,
        last: shared.previous.last(thread),
    };
    expect(&question, &shared.outputs)
}

fn taken(attempt: &Attempt, usage: Usage) -> Amount {
    Amount { money: attempt.cost.unwrap_or_default(), tokens: usage.total() }
}

/// What all attempts together used; `None` if none of them used anything.
fn charged(record: &RequestRecord) -> Option<Amount> {
    let mut total: Option<Amount> = None;
    for attempt in &record.attempts {
        let Some(usage) = attempt.usage else { continue };
        let amount = taken(attempt, usage);
        let sum = total.get_or_insert_default();
        sum.money += amount.money;
        sum.tokens = sum.tokens.saturating_add(amount.tokens);
    }
    total
}

const fn amount(expected: Expected) -> Amount {
    Amount { money: expected.money, tokens: expected.tokens }
}

impl Booking {
    fn new(ticket: Ticket, thread: Thread) -> Self {
        Self {
            ticket,
            refreshed: Instant::now(),
            thread,
            estimated_input: 0,
            is_strict: false,
            further: SmallVec::new(),
            held_for_charged: Amount::default(),
        }
    }

    /// Input tokens by the body; zero if no budget had to know.
    pub(crate) const fn estimated_input(&self) -> u64 {
        self.estimated_input
    }

    /// Does it hold only what one attempt can take?
    pub(crate) const fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// How long until the reservation wants to be prolonged; prolongs it if that time has come.
    pub(crate) fn refresh(&mut self, shared: &Shared) -> Duration {
        let interval = shared.options.reservation_ttl / REFRESHES;
        let left = interval.saturating_sub(self.refreshed.elapsed());
        if !left.is_zero() {
            return left;
        }
        self.refreshed = Instant::now();
        for ticket in self.tickets() {
            shared.limiter.refresh(ticket, shared.clock.now());
        }
        interval
    }

    fn tickets(&self) -> impl Iterator<Item = Ticket> {
        [self.ticket].into_iter().chain(self.further.iter().copied())
    }

    /// May another provider be asked, after what the attempts so far were charged for? Held strictly, the first
    /// reservation is the worst case of the next attempt, and what is charged already needs room beside it.
    pub(crate) async fn make_room(
        &mut self,
        shared: &Shared,
        caller: &Caller,
        record: &RequestRecord,
    ) -> bool {
        let charged = charged(record).filter(|_| self.is_strict).unwrap_or_default();
        let more = Amount {
            money: charged.money - self.held_for_charged.money,
            tokens: charged.tokens.saturating_sub(self.held_for_charged.tokens),
        };
        if more.money <= Money::ZERO && more.tokens == 0 {
            return true;
        }
        let ticket = Ticket { request: RequestId::fresh(), ..self.ticket };
        let admission = Admission {
            ticket,
            // It is the same request.
            user: Limits { rpm: None, ..Limits::from(&caller.user) },
            key: Limits { rpm: None, ..Limits::from(&caller.key) },
            estimate: more,
            worst_case: more,
            mode: BudgetMode::Strict,
        };
        if let Ok(Known::Yes(Verdict::Refused(refusal))) =
            shared.limiter.admit(&admission, shared.clock.now()).await
        {
            tracing::debug!(?refusal, "no budget for another attempt");
            return false;
        }
        self.further.push(ticket);
        self.held_for_charged = charged;
        true
    }

    /// Charges what the request used to its key and user, and each attempt to its provider: at the very time
    /// that the ledger has, from which counters come back when they are lost.
    pub(crate) fn settle(self, shared: &Shared, record: &RequestRecord) {
        let at = record.settled_at();
        for attempt in &record.attempts {
            let Some(usage) = attempt.usage else { continue };
            if attempt.usage_source == Some(UsageSource::Reported) {
                self.learn(shared, record, usage);
            }
            let amount = taken(attempt, usage);
            shared.limiter.charge(attempt.id, Payer::Provider(attempt.provider_id), amount, at);
        }
        match charged(record) {
            Some(actual) => shared.limiter.settle(self.ticket, actual, at),
            None => shared.limiter.release(self.ticket, at),
        }
        // After the charge: in between more would seem to be left than is.
        for ticket in self.further {
            shared.limiter.release(ticket, at);
        }
    }

    fn learn(&self, shared: &Shared, record: &RequestRecord, usage: Usage) {
        if record.outcome == Outcome::Completed
            && let Some(model) = &record.model
        {
            shared.outputs.observe(model, usage.output);
        }
        if self.estimated_input > 0 {
            shared.previous.remember(self.thread, self.estimated_input, usage);
        }
    }
}
