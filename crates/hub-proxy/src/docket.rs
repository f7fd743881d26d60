//! The docket of one request: its record in the making. Whatever becomes of the request, the docket is closed
//! exactly once; one that is dropped on the way was left by its client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::Time;

use hub_types::{Attempt, Dialect, Endpoint, ErrorClass, OpenRequest, Outcome, RequestId, RequestRecord};

use crate::ProxyError;
use crate::booking::Booking;
use crate::breaker::{Judgement, Trying};
use crate::session::Ticket;
use crate::shared::Shared;

/// See the module's documentation.
pub(crate) struct Docket {
    shared: Arc<Shared>,
    started: Instant,
    record: RequestRecord,
    /// The request's place in its session, once it has one.
    ticket: Option<Ticket>,
    /// The provider that it is with.
    trying: Option<Trying>,
    /// What it has booked in the budgets of key and user.
    booking: Option<Booking>,
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
            trying: None,
            booking: None,
            is_closed: false,
            is_kept: false,
        }
    }

    pub(crate) fn id(&self) -> RequestId {
        self.record.id
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

    /// The request goes to a provider, which will be judged by what becomes of it.
    pub(crate) fn try_at(&mut self, trying: Trying) {
        self.trying = Some(trying);
    }

    /// The attempt is over.
    pub(crate) fn judge(&mut self, judgement: Judgement) {
        if let Some(trying) = self.trying.take() {
            trying.judge(judgement);
        }
    }

    /// The request counts against limits: closing the docket settles that, too.
    pub(crate) fn take_booking(&mut self, booking: Option<Booking>) {
        self.booking = booking;
    }

    /// Keeps the reservation alive while the request runs: how long until that has to be done again, if there
    /// is any.
    pub(crate) fn refresh_booking(&mut self) -> Option<Duration> {
        self.booking.as_mut().map(|booking| booking.refresh(&self.shared))
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
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub(crate) fn attempts(&self) -> &[Attempt] {
        &self.record.attempts
    }

    pub(crate) fn last_attempt(&mut self) -> Option<&mut Attempt> {
        self.record.attempts.last_mut()
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
        self.record.status = status;
        self.record.timings.total_us = self.elapsed_us();
        if let Some(attempt) = self.record.attempts.last_mut() {
            attempt.timings.total_us = self.record.timings.total_us;
        }
        if self.is_kept {
            self.shared.sink.settled(&self.record);
        }
        if self.trying.is_some() {
            let judgement = match outcome {
                Outcome::Interrupted | Outcome::Refused => Judgement::Nothing,
                _ => {
                    Judgement::of(&self.shared, self.record.last_attempt().and_then(|attempt| attempt.class))
                }
            };
            self.judge(judgement);
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

impl Drop for Docket {
    fn drop(&mut self) {
        if !self.is_closed {
            self.record.error_code.get_or_insert_with(|| Outcome::ClientAborted.as_str().to_owned());
            if let Some(attempt) = self.record.attempts.last_mut() {
                attempt.class.get_or_insert(ErrorClass::ClientAbort);
            }
            // 499 is the usual word for a client that left before there was a status.
            let status = if self.record.status == 0 { 499 } else { self.record.status };
            self.close(Outcome::ClientAborted, status);
        }
        self.shared.metrics.in_flight.dec();
    }
}
