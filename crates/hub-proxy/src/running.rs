//! An attempt that is running: its request is out, or its answer waits at the gate. It has everything that is its
//! own, and can be waited for, given up, or made the client's answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};

use hub_http::Body;

use crate::ProxyError;
use crate::answer::{Answer, Asked};
use crate::attempt::{self, Deadline, Underway};
use crate::bill::Bill;
use crate::docket::Docket;
use crate::failure::Failure;
use crate::forward::Admitted;
use crate::outgoing::{Conversion, Outgoing};
use crate::receive::Call;
use crate::relay::Left;
use crate::shared::Shared;

/// See the module's documentation.
pub(crate) struct Running {
    pub(crate) underway: Underway,
    /// Taken when it is sent.
    request: Option<Request<Bytes>>,
    /// The hub asked for usage where the client had not.
    asks_for_usage: bool,
    /// How the answer gets back into the client's words, if the provider has other ones.
    conversion: Option<Box<Conversion>>,
    deadline: Deadline,
    answer: Option<Answer>,
}

impl Running {
    /// An attempt whose request is written. `budget` is when the time for attempts is over, `whole` how long that is
    /// in all.
    pub(crate) fn begin(
        mut underway: Underway,
        outgoing: Outgoing,
        call: &Call,
        budget: Instant,
        whole: Duration,
    ) -> Box<Self> {
        let Outgoing { request, model, asks_for_usage, conversion } = outgoing;
        underway.record.sent_model = Some(model);
        if let Some(conversion) = &conversion {
            underway.loss = conversion.losses.iter().map(|loss| loss.code.to_string()).collect();
        }
        let deadline = Deadline::new(&underway.upstream, call, budget, whole);
        Box::new(Self {
            underway,
            request: Some(request),
            asks_for_usage,
            conversion,
            deadline,
            answer: None,
        })
    }

    /// Sends the request and waits until there is content in the answer. Of a failure the operator's rules have
    /// been asked.
    pub(crate) async fn open(&mut self, shared: &Shared, admitted: &Admitted) -> Result<(), Failure> {
        let opened = self.send_and_wait(shared, admitted).await;
        opened.map_err(|failure| {
            if self.deadline.excuses(&failure, self.underway.record.status) {
                self.underway.excuse();
            }
            let (provider, status) = (&self.underway.upstream.provider, self.underway.record.status);
            failure.judged_by(admitted.catalogue.error_rules(), provider.id, provider.provider_type, status)
        })
    }

    async fn send_and_wait(&mut self, shared: &Shared, admitted: &Admitted) -> Result<(), Failure> {
        let Some(request) = self.request.take() else { return Err(Failure::out_of_time()) };
        let call = &admitted.received.call;
        let response = attempt::send(shared, &mut self.underway, call, request, &mut self.deadline).await?;
        let billed = match &self.underway.record.sent_model {
            Some(sent) if !shared.options.bill_requested_model => sent,
            _ => &call.model,
        };
        let bill = Bill::new(&admitted.catalogue, &admitted.received, billed);
        let asked = Asked {
            received: &admitted.received,
            upstream: &self.underway.upstream,
            for_usage: self.asks_for_usage,
            deadline: self.deadline.at,
        };
        let answer = self.answer.insert(Answer::begin(&asked, self.conversion.take(), bill, response));
        let opened = answer.open(&mut self.underway, self.deadline.at).await;
        if let Err(hollow) = opened
            && let Some(answer) = self.answer.take()
        {
            return Err(answer.give_up(&mut self.underway, &hollow));
        }
        if let Some(answer) = &mut self.answer {
            answer.reckon(admitted);
        }
        Ok(())
    }

    /// Makes the answer that came the client's.
    pub(crate) fn into_response(
        self,
        shared: &Arc<Shared>,
        mut docket: Docket,
        admitted: &Admitted,
    ) -> Result<Response<Body>, ProxyError> {
        let Some(answer) = self.answer else {
            docket.conclude(self.underway);
            return Failure::out_of_time().into_answer(docket, admitted.received.call.dialect);
        };
        Ok(answer.into_response(shared, docket, self.underway, &admitted.received))
    }

    /// Can its answer follow the head of an event stream that has gone out already?
    pub(crate) fn is_event_stream(&self) -> bool {
        self.answer.as_ref().is_some_and(Answer::is_event_stream)
    }

    /// Nobody wants its answer any more. What that used so far is written on the attempt: it will be paid for.
    pub(crate) fn hang_up(&mut self) {
        self.request = None;
        if let Some(answer) = self.answer.take() {
            answer.hang_up(&mut self.underway);
        }
        self.underway.record.timings.total_us = self.underway.elapsed_us();
    }

    /// The client has left.
    pub(crate) fn left_by_client(self) -> Left {
        match self.answer {
            Some(answer) => answer.left_by_client(self.underway),
            None => Left { underway: self.underway, answer: None },
        }
    }
}
