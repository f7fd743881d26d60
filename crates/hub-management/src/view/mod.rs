//! What people see and write: rows with the columns' names as field names, money as decimal strings.
//!
//! `…Fields` are the columns that people write, `…View` adds those that the hub writes.

mod audit;
mod bindings;
mod error_rule;
mod key;
mod limit_event;
mod limits;
mod list;
mod provider;
mod provider_group;
mod provider_health;
mod provider_test;
mod request;
pub(crate) mod routing;
mod secret;
mod session;
mod session_pool;
mod status;
mod usage;
mod usage_of_limits;
mod user;
mod webhook_target;
mod what_if;

pub use audit::AuditView;
pub use bindings::{ClearBindingsFields, ClearBindingsView, ProviderBindings};
pub use error_rule::{ErrorRuleFields, ErrorRuleTestFields, ErrorRuleTestView, ErrorRuleView, ErrorSeenView};
pub use key::{KeyFields, KeyView, NewKeyView};
pub use limit_event::LimitEventView;
pub use limits::LimitFields;
pub use list::List;
pub use provider::{ProviderFields, ProviderView, RedirectView, RuleView};
pub use provider_group::{ProviderGroupFields, ProviderGroupView};
pub use provider_health::ProviderHealthView;
pub use provider_test::{ProviderModelsView, ProviderTestFields, ProviderTestView};
pub use request::{AttemptView, CostBreakdownView, RequestDetailView, RequestView, StageView};
pub use routing::{
    BindingStepView, CandidateView, ChoiceView, DroppedView, ExplanationVerdict, ExplanationView,
    SimulateFields, SimulationView, StageSurveyView, Unexplained,
};
pub use secret::WriteOnly;
pub(crate) use session::names_wanted;
pub use session::{
    EndOutcome, SessionDetailView, SessionEndView, SessionView, TerminateFields, TerminatedView,
};
pub use session_pool::{
    NewPoolKeyView, PoolClearedView, PoolConfigView, PoolKeyView, PoolStatsView, PoolSwitchView,
};
pub use status::{ActorView, DatabaseView, HubReport, JournalView, StatusView, StoreView};
pub use usage::{UsageSummaryView, UsageView};
pub use usage_of_limits::{KeyLimitsView, LimitsView, OwnLimitsView, QuantityView, WindowView};
pub use user::{UserFields, UserView};
pub use webhook_target::{WebhookTargetFields, WebhookTargetView, WebhookTestView};
pub use what_if::{WhatIfBase, WhatIfFields, WhatIfMoveView, WhatIfProviderView, WhatIfSessions, WhatIfView};
