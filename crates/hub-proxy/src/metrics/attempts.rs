//! What is counted of attempts: why they were made, what became of them, and how often a second provider was started
//! beside a slow one.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use hub_types::{Attempt, AttemptReason, ErrorClass};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    reason: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HedgeLabels {
    event: &'static str,
}

/// See the module's documentation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempts {
    ended: Family<AttemptLabels, Counter>,
    hedges: Family<HedgeLabels, Counter>,
}

impl Attempts {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "hub_attempts",
            "Attempts at providers, by why they were made and what became of them",
            self.ended.clone(),
        );
        registry.register(
            "hub_hedges",
            "Second providers started beside a slow one, and those of them that had content first",
            self.hedges.clone(),
        );
    }

    /// An attempt is on the record of a request that has ended.
    pub(super) fn ended(&self, attempt: &Attempt) {
        let labels = AttemptLabels { reason: reason(attempt.reason), result: result(attempt) };
        self.ended.get_or_create(&labels).inc();
    }

    /// A second provider was started.
    pub(crate) fn hedge_started(&self) {
        self.hedges.get_or_create(&HedgeLabels { event: "started" }).inc();
    }

    /// The second provider had content first.
    pub(crate) fn hedge_won(&self) {
        self.hedges.get_or_create(&HedgeLabels { event: "won" }).inc();
    }
}

/// The word of the record.
const fn reason(reason: AttemptReason) -> &'static str {
    match reason {
        AttemptReason::SessionReuse => "session_reuse",
        AttemptReason::InitialSelection => "initial_selection",
        AttemptReason::RetryFailed => "retry_failed",
        AttemptReason::Failover => "failover",
        AttemptReason::ConcurrentLimitFailed => "concurrent_limit_failed",
        AttemptReason::HedgeLaunched => "hedge_launched",
        AttemptReason::HedgeWon => "hedge_won",
        AttemptReason::HedgeLost => "hedge_lost",
    }
}

/// The class of the failure, else how it ended without one.
const fn result(attempt: &Attempt) -> &'static str {
    match (attempt.class, attempt.reason) {
        (Some(failure), _) => class(failure),
        (None, AttemptReason::HedgeLost) => "cancelled",
        (None, AttemptReason::ConcurrentLimitFailed) => "passed_over",
        (None, _) => "ok",
    }
}

/// The word of the record.
const fn class(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::ClientAbort => "client_abort",
        ErrorClass::Network => "network",
        ErrorClass::ProviderError => "provider_error",
        ErrorClass::Overloaded => "overloaded",
        ErrorClass::Throttled => "throttled",
        ErrorClass::Credential => "credential",
        ErrorClass::NotServed => "not_served",
        ErrorClass::Timeout => "timeout",
        ErrorClass::RequestFault => "request_fault",
        ErrorClass::FakeSuccess => "fake_success",
        ErrorClass::Truncated => "truncated",
    }
}

#[cfg(test)]
mod tests {
    use hub_types::{AttemptReason, ErrorClass};
    use serde_json::to_value;

    use super::{class, reason};

    #[test]
    fn the_words_are_those_of_the_record() {
        for one in [
            AttemptReason::SessionReuse,
            AttemptReason::InitialSelection,
            AttemptReason::RetryFailed,
            AttemptReason::Failover,
            AttemptReason::ConcurrentLimitFailed,
            AttemptReason::HedgeLaunched,
            AttemptReason::HedgeWon,
            AttemptReason::HedgeLost,
        ] {
            assert_eq!(to_value(one).unwrap(), reason(one));
        }
        for one in [
            ErrorClass::ClientAbort,
            ErrorClass::Network,
            ErrorClass::ProviderError,
            ErrorClass::Overloaded,
            ErrorClass::Throttled,
            ErrorClass::Credential,
            ErrorClass::NotServed,
            ErrorClass::Timeout,
            ErrorClass::RequestFault,
            ErrorClass::FakeSuccess,
            ErrorClass::Truncated,
        ] {
            assert_eq!(to_value(one).unwrap(), class(one));
        }
    }
}
