//! Tells a limiter a history, with a ledger at its side.

use std::collections::HashSet;

use hub_rate_limit::{Admission, Amount, Known, Payer, Restore, Ticket};
use hub_types::AttemptId;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{CALLERS, Cast, History, PROVIDERS, Payee, Scene, Seen, Sights, Step, payee, payers};
use crate::contract::{Desk, Subject};
use crate::ledger::{Entry, Ledger};

/// How often a limiter may ask the ledger before it knows.
const ROUNDS: usize = 3;

struct Player<'a, S> {
    desk: &'a Desk<S>,
    cast: Cast,
    scene: Scene,
    ledger: Ledger,
    requests: Vec<Ticket>,
    settled: HashSet<usize>,
    attempts: Vec<(AttemptId, Payer, Amount, Timestamp)>,
}

/// Plays a history and tells what was seen. Owners are those of the cast, which no other history has used; the
/// desk's calendar is moved to the history's zone.
pub(crate) async fn play<S: Subject>(desk: &Desk<S>, history: &History, cast: Cast) -> Sights {
    desk.calendar.set_zone(TimeZone::get(history.zone).unwrap());
    let scene = Scene::new(history);
    let mut ledger = Ledger::default();
    for (owner, millis, actual) in &history.past {
        ledger.write(&[cast.owner(*owner)], scene.before(*millis), entry(*actual));
    }
    let (requests, settled, attempts) = Default::default();
    let mut player = Player { desk, cast, scene, ledger, requests, settled, attempts };
    let mut sights = Vec::new();
    for (number, step) in history.steps.iter().enumerate() {
        player.scene.follow(step);
        if !is_only_told(step) {
            desk.subject.flush().await;
        }
        if let Some(seen) = player.take(step, number, &history.steps).await {
            sights.push((number, seen));
        }
    }
    desk.subject.flush().await;
    sights
}

/// Nobody waits for such a step. Several of them in a row travel together.
fn is_only_told(step: &Step) -> bool {
    matches!(
        step,
        Step::Settle { .. }
            | Step::Release { .. }
            | Step::Refresh { .. }
            | Step::ChargeProvider { .. }
            | Step::ChargeCaller { .. }
            | Step::ChargeAgain { .. }
            | Step::Pass { .. }
            | Step::Align { .. }
            | Step::Change { .. }
            | Step::Move { .. }
    )
}

fn entry(actual: Amount) -> Entry {
    Entry::Charge { nanos: actual.money.nanos(), tokens: i64::try_from(actual.tokens).unwrap() }
}

impl<S: Subject> Player<'_, S> {
    async fn take(&mut self, step: &Step, number: usize, steps: &[Step]) -> Option<Seen> {
        let now = self.scene.now;
        match step {
            Step::Admit { caller, .. } => {
                self.requests.push(self.cast.ticket(*caller));
                return Some(self.admit(step, false).await);
            }
            Step::Again => {
                let last = steps[..number].iter().rfind(|step| matches!(step, Step::Admit { .. }))?;
                return Some(self.admit(last, true).await);
            }
            Step::Settle { request, actual, late } => {
                let (place, ticket) = self.request(*request)?;
                let at = self.scene.late(*late);
                if self.settled.insert(place) {
                    let caller = self.cast.owner_numbers(ticket);
                    self.ledger.write(&caller.map(|owner| self.cast.owner(owner)), at, entry(*actual));
                }
                self.desk.limiter.settle(ticket, *actual, at);
            }
            Step::Release { request } => self.desk.limiter.release(self.request(*request)?.1, now),
            Step::Refresh { request } => self.desk.limiter.refresh(self.request(*request)?.1, now),
            Step::ChargeProvider { provider, actual, late } => {
                let payer = Payer::Provider(self.cast.provider(*provider));
                self.charge(&[5 + provider], payer, *actual, *late);
            }
            Step::ChargeCaller { caller, actual, late } => self.charge_caller(*caller, *actual, *late),
            Step::ChargeAgain { attempt } => {
                let place = self.attempts.len().checked_sub(1)? - attempt % self.attempts.len();
                let (attempt, payer, actual, at) = *self.attempts.get(place)?;
                self.desk.limiter.charge(attempt, payer, actual, at);
            }
            Step::Rooms => return Some(self.rooms().await),
            Step::Look { owner, meanwhile } => return Some(self.look(*owner, *meanwhile).await),
            Step::Reset { owner } => self.desk.limiter.reset(self.cast.owner(*owner), now).await.unwrap(),
            Step::Move { zone } => self.desk.calendar.set_zone(TimeZone::get(zone).unwrap()),
            Step::Sweep => self.desk.limiter.sweep(now).await,
            Step::Pass { .. } | Step::Align { .. } | Step::Change { .. } => {}
        }
        None
    }

    /// Counted from the latest.
    fn request(&self, number: usize) -> Option<(usize, Ticket)> {
        let place = self.requests.len().checked_sub(1)? - number % self.requests.len();
        Some((place, *self.requests.get(place)?))
    }

    fn charge_caller(&mut self, caller: usize, actual: Amount, late: i64) {
        let ticket = self.cast.ticket(caller);
        self.charge(&payers(caller), Payer::Caller(ticket.user, ticket.key), actual, late);
    }

    fn charge(&mut self, owners: &[usize], payer: Payer, actual: Amount, late: i64) {
        let (attempt, at) = (AttemptId::fresh(), self.scene.late(late));
        for owner in owners {
            self.ledger.write(&[self.cast.owner(*owner)], at, entry(actual));
        }
        self.desk.limiter.charge(attempt, payer, actual, at);
        self.attempts.push((attempt, payer, actual, at));
    }

    async fn answer(&self, questions: &[Restore]) {
        for question in questions {
            let answer = self.ledger.answer(question);
            self.desk.limiter.restore(question, &answer, self.scene.now).await.unwrap();
        }
    }

    async fn admit(&mut self, step: &Step, is_again: bool) -> Seen {
        let (Step::Admit { caller, estimate, worst_case, mode }, Some(ticket)) =
            (step, self.requests.last().copied())
        else {
            panic!("no admission: {step:?}")
        };
        let [key, user] = payers(*caller);
        let admission = Admission {
            ticket,
            user: self.scene.rows[user].limits(),
            key: self.scene.rows[key].limits(),
            estimate: *estimate,
            worst_case: *worst_case,
            mode: *mode,
        };
        for _ in 0..ROUNDS {
            match self.desk.limiter.admit(&admission, self.scene.now).await.unwrap() {
                Known::Yes(verdict) => {
                    if verdict == hub_rate_limit::Verdict::Admitted && !is_again {
                        let owners = [key, user].map(|owner| self.cast.owner(owner));
                        self.ledger.write(&owners, self.scene.now, Entry::Request);
                    }
                    return Seen::Verdict(verdict);
                }
                Known::Restore(questions) => self.answer(&questions).await,
                Known::Restoring => panic!("nobody is restoring"),
            }
        }
        panic!("restored, and yet unknown")
    }

    async fn rooms(&mut self) -> Seen {
        for _ in 0..ROUNDS {
            let provider = |number: usize| (self.cast.provider(number), self.scene.rows[5 + number].limits());
            let providers: Vec<_> = (0..PROVIDERS).map(provider).collect();
            let rooms = self.desk.limiter.room(&providers, self.scene.now).await.unwrap();
            let mut known = Vec::new();
            for room in rooms {
                match room {
                    Known::Yes(room) => known.push(room),
                    Known::Restore(questions) => self.answer(&questions).await,
                    Known::Restoring => panic!("nobody is restoring"),
                }
            }
            if known.len() == PROVIDERS {
                return Seen::Rooms(known);
            }
        }
        panic!("restored, and yet unknown")
    }

    async fn look(&mut self, owner: usize, meanwhile: Amount) -> Seen {
        let mut meanwhile = Some(meanwhile);
        for _ in 0..ROUNDS {
            let (whose, limits) = (self.cast.owner(owner), self.scene.rows[owner].limits());
            let known = self.desk.limiter.usage(whose, limits, self.scene.now).await.unwrap();
            if let Some(actual) = meanwhile.take() {
                match payee(owner) {
                    Payee::Caller(caller) => self.charge_caller(caller, actual, 0),
                    Payee::Provider(number) => {
                        let payer = Payer::Provider(self.cast.provider(number));
                        self.charge(&[owner], payer, actual, 0);
                    }
                }
                self.desk.subject.flush().await;
                if let Known::Restore(questions) = known {
                    self.answer(&questions).await;
                }
                continue;
            }
            match known {
                Known::Yes(usage) => return Seen::Usage(usage),
                Known::Restore(questions) => self.answer(&questions).await,
                Known::Restoring => panic!("nobody is restoring"),
            }
        }
        panic!("restored, and yet unknown")
    }
}

impl Cast {
    /// The numbers of a request's key and user.
    fn owner_numbers(self, ticket: Ticket) -> [usize; 2] {
        let is_it =
            |caller: &usize| self.owner(2 + caller) == hub_rate_limit::Owner::Key(ticket.user, ticket.key);
        payers((0..CALLERS).find(is_it).unwrap())
    }
}
