//! Sessions as the gateway and the management use them: a store, and the rule that nothing that was cleared
//! comes back.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::RwLock;

use hub_types::ProviderId;

use crate::{BindingChange, SessionEnd, SessionStore};

/// See the module's documentation.
pub struct Sessions {
    store: Arc<dyn SessionStore>,
    /// The oldest generation of each provider under which a request may have begun to bind its session now.
    floors: RwLock<HashMap<ProviderId, i64>>,
}

impl Sessions {
    /// Sessions over a store.
    pub fn new(store: Arc<dyn SessionStore>) -> Self {
        Self { store, floors: RwLock::default() }
    }

    /// What is remembered.
    pub fn store(&self) -> &dyn SessionStore {
        &*self.store
    }

    /// A request has ended. `generation` is that of the provider to bind to, as it was when the request chose
    /// it: if the provider's bindings were cleared since, there is no binding.
    pub fn leave(&self, end: &SessionEnd<'_>, generation: i64, now: Timestamp) {
        // Held until the store knows: whoever raises the floor and then clears meets the binding there.
        let floors = self.floors.read();
        match end.binding {
            BindingChange::Bind(provider)
                if floors.get(&provider).is_some_and(|floor| generation < *floor) =>
            {
                self.store
                    .leave(&SessionEnd { binding: BindingChange::Keep, trail: None, ..end.clone() }, now);
            }
            _ => self.store.leave(end, now),
        }
    }

    /// From now on no request that began under an earlier generation binds a session to the provider.
    pub fn raise_floor(&self, provider: ProviderId, generation: i64) {
        let mut floors = self.floors.write();
        let floor = floors.entry(provider).or_insert(generation);
        *floor = (*floor).max(generation);
    }
}
