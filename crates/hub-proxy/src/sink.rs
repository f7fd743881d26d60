//! Where records go.

use hub_types::{OpenRequest, RequestRecord};

use crate::alert::{Alert, AlertSink};

/// Takes what happened. Both calls are on the request path: they must be quick, and return only when what
/// they were given will survive the end of the process, as far as the sink promises that at all.
pub trait RecordSink: Send + Sync + 'static {
    /// A request was admitted and is about to go to a provider.
    fn opened(&self, open: &OpenRequest);
    /// A request has ended; called once for each, before its last byte is released.
    fn settled(&self, record: &RequestRecord);
}

/// Keeps nothing: for embedding without accounts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Discard;

impl RecordSink for Discard {
    fn opened(&self, _: &OpenRequest) {}
    fn settled(&self, _: &RequestRecord) {}
}

impl AlertSink for Discard {
    fn raise(&self, _: Alert) {}
}

impl<F: Fn(&RequestRecord) + Send + Sync + 'static> RecordSink for F {
    fn opened(&self, _: &OpenRequest) {}
    fn settled(&self, record: &RequestRecord) {
        self(record);
    }
}
