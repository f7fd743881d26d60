//! The docket of one request: its record in the making. Whatever becomes of the request, the docket is closed
//! exactly once; one that is dropped on the way was left by its client.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::Time;

use hub_types::{Caller, Dialect, Endpoint, OpenRequest, Outcome, RequestId, RequestRecord};

use crate::ProxyError;
use crate::attempt::{Underway, micros_since};
use crate::booking::Booking;
use crate::pulse::Pulse;
use crate::relay::{Leaving, Left};
use crate::session::Ticket;
use crate::shared::Shared;

/// See the module's documentation.
pub(crate) struct Docket {
    shared: Arc<Shared>,
    started: Instant,
    record: RequestRecord,
    /// The request's place in its session, once it has one.
    ticket: Option<Ticket>,
    /// What it has booked in the budgets of key and user.
    booking: Option<Booking>,
    /// The attempts that were underway when the client left.
    left: Vec<Left>,
    /// Where the client waits with an answer's head already.
    pulse: Option<Arc<Pulse>>,
    is_closed: bool,
    /// Not every refusal is kept: a flood of them would fill the journal.
    is_kept: bool,
}

impl Docket {
    pub(crate) fn new(shared: &Arc<Shared>, now: Timestamp) -> Self {
        let id = RequestId::fresh();
        shared.metrics.in_flight.inc();
        Self {
            shared: Arc::clone(shared),
            started: Instant::now(),
            record: RequestRecord::new(id, now, Dialect::Claude, Endpoint::Generate, Outcome::ClientAborted),
            ticket: None,
            booking: None,
            left: Vec::new(),
            pulse: None,
            is_closed: false,
            is_kept: false,
        }
    }

    pub(crate) fn id(&self) -> RequestId {
        self.record.id
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// When the request came in.
    pub(crate) const fn came_in(&self) -> Instant {
        self.started
    }

    pub(crate) fn record(&mut self) -> &mut RequestRecord {
        &mut self.record
    }

    /// The request is counted into its session: closing the docket settles that, too.
    pub(crate) fn take_ticket(&mut self, ticket: Ticket) {
        self.ticket = Some(ticket);
    }

    pub(crate) fn ticket(&mut self) -> Option<&mut Ticket> {
        self.ticket.as_mut()
    }

    /// An attempt is over: its record becomes a part of the request's. The last one is the one that answered, or
    /// the one whose failure the client hears of.
    pub(crate) fn conclude(&mut self, underway: Underway) {
        let Underway { upstream, record, loss, .. } = underway;
        let timings = &mut self.record.timings;
        timings.first_byte_us = record.timings.first_byte_us.or(timings.first_byte_us);
        timings.first_content_us = record.timings.first_content_us.or(timings.first_content_us);
        self.record.attempts.push(record);
        self.record.loss = loss;
        if let Some(ticket) = &mut self.ticket {
            let provider = &upstream.provider;
            let own = provider.session_ttl.map(|seconds| Duration::from_secs(seconds.into()));
            ticket.chose(provider.generation, own.unwrap_or(self.shared.options.session_ttl));
        }
    }

    /// The client has left while this attempt was underway; its docket is about to be dropped.
    pub(crate) fn leave_behind(&mut self, left: Left) {
        self.left.push(left);
    }

    /// The request counts against limits: closing the docket settles that, too.
    pub(crate) fn take_booking(&mut self, booking: Option<Booking>) {
        self.booking = booking;
    }

    /// Input tokens as its budgets reckoned with; zero if nobody had to know.
    pub(crate) fn estimated_input(&self) -> u64 {
        self.booking.as_ref().map_or(0, Booking::estimated_input)
    }

    /// Keeps the reservation alive while the request runs: how long until that has to be done again, if there
    /// is any.
    pub(crate) fn refresh_booking(&mut self) -> Option<Duration> {
        self.booking.as_mut().map(|booking| booking.refresh(&self.shared))
    }

    /// The client may have to wait: what it has been told by then is known there.
    pub(crate) fn watch(&mut self, pulse: &Arc<Pulse>) {
        self.pulse = Some(Arc::clone(pulse));
    }

    pub(crate) const fn pulse(&self) -> Option<&Arc<Pulse>> {
        self.pulse.as_ref()
    }

    /// The client has a status already.
    pub(crate) fn head_is_out(&self) -> bool {
        self.pulse.as_ref().is_some_and(|pulse| pulse.head_is_out())
    }

    /// May two providers be paid for the request? Not where its budgets are held strictly: what is reserved is the
    /// worst case of one.
    pub(crate) fn may_pay_two(&self) -> bool {
        self.booking.as_ref().is_none_or(|booking| !booking.is_strict())
    }

    /// May another provider be paid for the request, after those whose attempts are over?
    pub(crate) async fn may_pay_another(&mut self, caller: &Caller) -> bool {
        match &mut self.booking {
            Some(booking) => booking.make_room(&self.shared, caller, &self.record).await,
            None => true,
        }
    }

    /// Waits for something. Meanwhile what the request has reserved is kept alive.
    pub(crate) async fn wait_for<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        loop {
            let Some(step) = self.refresh_booking() else { return work.await };
            if let Ok(done) = tokio::time::timeout(step, work.as_mut()).await {
                return done;
            }
        }
    }

    /// From here on the request is worth a record.
    pub(crate) fn keep(&mut self) {
        self.is_kept = true;
    }

    /// It was only asked what there is: that is no request worth a record.
    pub(crate) fn forget(&mut self) {
        self.is_kept = false;
    }

    /// The wall-clock time of the request in the hub's zone.
    pub(crate) fn local_time(&self) -> Time {
        self.record.created_at.to_zoned(self.shared.options.time_zone.clone()).time()
    }

    /// Microseconds since the request came in.
    pub(crate) fn elapsed_us(&self) -> u64 {
        micros_since(self.started)
    }

    /// Leaves a trace that outlives a crash.
    pub(crate) fn open(&mut self) {
        let record = &self.record;
        self.shared.sink.opened(&OpenRequest {
            id: record.id,
            created_at: record.created_at,
            user_id: record.user_id,
            key_id: record.key_id,
            dialect: record.dialect,
            endpoint: record.endpoint,
            stream: record.stream,
            model: record.model.clone(),
            session_id: record.session_id.clone(),
        });
    }

    /// Closes the docket of a request that is turned away before a provider has answered.
    pub(crate) fn refuse(self, error: ProxyError) -> ProxyError {
        self.close_with(Outcome::Refused, error)
    }

    /// Closes the docket of a request that the hub answers itself.
    pub(crate) fn close_with(mut self, outcome: Outcome, error: ProxyError) -> ProxyError {
        self.record.error_code = Some(error.code().to_owned());
        self.record.error_message = Some(error.to_string().chars().take(500).collect());
        self.close(outcome, error.status().as_u16());
        error
    }

    /// Closes the docket. The record is safe when this returns.
    pub(crate) fn close(&mut self, outcome: Outcome, status: u16) {
        if std::mem::replace(&mut self.is_closed, true) {
            return;
        }
        self.record.outcome = outcome;
        self.record.status = if self.head_is_out() { 200 } else { status };
        self.record.timings.total_us = self.elapsed_us();
        if let Some(attempt) = self.record.attempts.last_mut() {
            attempt.timings.total_us = self.record.timings.total_us;
        }
        if self.is_kept {
            self.shared.sink.settled(&self.record);
        }
        if let Some(booking) = self.booking.take() {
            booking.settle(&self.shared, &self.record);
        }
        if let Some(ticket) = self.ticket.take() {
            ticket.leave(&self.shared, &self.record);
        }
        self.shared.metrics.settled(&self.record);
        let record = &self.record;
        tracing::info!(
            request = %record.id,
            user = record.user_id.map(|id| id.0),
            key = record.key_id.map(|id| id.0),
            dialect = record.dialect.as_str(),
            endpoint = record.endpoint.as_str(),
            model = record.model.as_deref(),
            session = record.session_id.as_deref(),
            provider = record.last_attempt().map(|attempt| attempt.provider_name.as_str()),
            outcome = record.outcome.as_str(),
            status = record.status,
            error = record.error_code.as_deref(),
            attempts = record.attempts.len(),
            ms = record.timings.total_us / 1000,
            "request"
        );
    }
}

impl Docket {
    /// All of it; what stays is closed.
    fn hand_over(&mut self) -> Self {
        self.is_closed = true;
        self.shared.metrics.in_flight.inc();
        let RequestRecord { id, created_at, dialect, endpoint, outcome, .. } = self.record;
        let blank = RequestRecord::new(id, created_at, dialect, endpoint, outcome);
        Self {
            shared: Arc::clone(&self.shared),
            started: self.started,
            record: std::mem::replace(&mut self.record, blank),
            ticket: self.ticket.take(),
            booking: self.booking.take(),
            left: Vec::new(),
            pulse: self.pulse.clone(),
            is_closed: false,
            is_kept: self.is_kept,
        }
    }
}

impl Drop for Docket {
    fn drop(&mut self) {
        if !self.is_closed {
            let left = std::mem::take(&mut self.left);
            Leaving::begin(self.hand_over(), left);
        }
        self.shared.metrics.in_flight.dec();
    }
}
