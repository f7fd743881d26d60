//! What is running of a request at the moment, until there is content, or nobody left who could give any.

use crate::docket::Docket;
use crate::failure::Failure;
use crate::forward::Course;
use crate::running::Running;

/// See the module's documentation. If the client leaves meanwhile, what is running is left behind on the docket.
pub(crate) struct Round<'a> {
    docket: &'a mut Docket,
    running: Option<Box<Running>>,
}

/// How a round ended.
pub(crate) enum Ended {
    /// This attempt has an answer for the client.
    Answered(Box<Running>),
    /// No attempt has. The failure is not noted yet.
    Failed(Failure, Box<Running>),
    /// The drain time is over before a provider has answered.
    CutOff,
}

impl<'a> Round<'a> {
    pub(crate) fn begin(docket: &'a mut Docket, running: Box<Running>) -> Self {
        Self { docket, running: Some(running) }
    }

    pub(crate) async fn end(mut self, course: &mut Course<'_>) -> Ended {
        let Self { docket, running } = &mut self;
        let opened = tokio::select! {
            biased;
            opened = docket.wait_for(open(running, course)) => Some(opened),
            () = course.shared.cut_off.cancelled() => None,
        };
        let Some(mut running) = self.running.take() else { return Ended::CutOff };
        match opened {
            // The client has the head of a stream, and can't be given anything else.
            Some(Ok(())) if self.docket.head_is_out() && !running.is_event_stream() => {
                running.hang_up();
                Ended::Failed(Failure::no_stream(), running)
            }
            Some(Ok(())) => Ended::Answered(running),
            Some(Err(failure)) => Ended::Failed(failure, running),
            None => {
                self.docket.conclude(running.underway);
                Ended::CutOff
            }
        }
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.docket.leave_behind(running.left_by_client());
        }
    }
}

/// Waits for an attempt's content; for ever if there is no attempt.
async fn open(running: &mut Option<Box<Running>>, course: &Course<'_>) -> Result<(), Failure> {
    match running {
        Some(running) => running.open(course.shared, course.admitted).await,
        None => std::future::pending().await,
    }
}
