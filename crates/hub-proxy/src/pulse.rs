//! The pulse of a request whose client waits: is there a connection to an upstream that an answer may come on, and
//! has the client been told to wait for it?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    beats: AtomicUsize,
    head_is_out: AtomicBool,
}

/// As long as this is there, so is a connection.
#[derive(Debug)]
pub(crate) struct Beat(Arc<Pulse>);

impl Pulse {
    pub(crate) fn beat(self: &Arc<Self>) -> Beat {
        self.beats.fetch_add(1, Ordering::Relaxed);
        Beat(Arc::clone(self))
    }

    /// Is there a connection at least?
    pub(crate) fn is_felt(&self) -> bool {
        self.beats.load(Ordering::Relaxed) > 0
    }

    /// The client has a status, and nothing can change it any more.
    pub(crate) fn head_went_out(&self) {
        self.head_is_out.store(true, Ordering::Relaxed);
    }

    pub(crate) fn head_is_out(&self) -> bool {
        self.head_is_out.load(Ordering::Relaxed)
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.0.beats.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_felt_as_long_as_one_connection_is_there() {
        let pulse = Arc::new(Pulse::default());
        assert!(!pulse.is_felt());
        let (one, two) = (pulse.beat(), pulse.beat());
        drop(one);
        assert!(pulse.is_felt());
        drop(two);
        assert!(!pulse.is_felt());
    }
}
