//! What becomes of a session's binding when a request has ended: the one place that decides it.

use hub_types::ProviderId;

/// How a request ended, as far as its session's binding is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The provider answered, and content came (or a whole answer that has none).
    Answered(ProviderId),
    /// No provider answered, or the client left before the first content.
    Unanswered,
}

/// What to do with a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingChange {
    /// Leave it as it is.
    Keep,
    /// Bind to this provider from now on, or keep to it for another while.
    Bind(ProviderId),
    /// Forget it: the provider is gone, or can't serve this session any more.
    Drop,
}

/// The table. `was_dropped`: the binding was found to lead to a provider that can't serve the session.
///
/// Whoever answered gets the binding: the first one, the one after a failover, the better one after its
/// recovery. A failure binds nobody, so that a short illness of a provider costs no cache.
pub const fn after(was_dropped: bool, ended: Ended) -> BindingChange {
    match ended {
        Ended::Answered(provider) => BindingChange::Bind(provider),
        Ended::Unanswered if was_dropped => BindingChange::Drop,
        Ended::Unanswered => BindingChange::Keep,
    }
}

#[cfg(test)]
mod tests {
    use hub_types::ProviderId;

    use super::{BindingChange, Ended, after};

    #[test]
    fn whoever_answered_gets_the_binding() {
        let answered = Ended::Answered(ProviderId(3));
        assert_eq!(after(false, answered), BindingChange::Bind(ProviderId(3)));
        assert_eq!(after(true, answered), BindingChange::Bind(ProviderId(3)));
    }

    #[test]
    fn a_failure_leaves_the_binding_unless_it_leads_nowhere() {
        assert_eq!(after(false, Ended::Unanswered), BindingChange::Keep);
        assert_eq!(after(true, Ended::Unanswered), BindingChange::Drop);
    }
}
