//! Writing a request for a Claude provider: how it is told to think, and how many tokens that leaves.

use crate::convert::context::Context;
use crate::convert::facts::ThinkingStyle;
use crate::convert::ir::{Choice, Part, Request, Role, Thinking, Turn};
use crate::convert::json::{Json, n, obj};
use crate::convert::level::Level;

/// The members that say it.
pub(super) struct Thought {
    pub(super) thinking: Option<Json<'static>>,
    pub(super) effort: Option<&'static str>,
    pub(super) max_tokens: u64,
    /// Is there a budget? Then sampling is not free.
    pub(super) manual: bool,
}

/// The least budget that the vendor takes.
const MIN_BUDGET: u64 = 1024;

pub(super) fn thinking(
    request: &Request<'_>,
    open_loop: bool,
    max_tokens: u64,
    context: &mut Context<'_>,
) -> Thought {
    let none = Thought { thinking: None, effort: None, max_tokens, manual: false };
    let facts = &context.target.facts;
    let level = match request.thinking {
        Thinking::Unset => return none,
        Thinking::Off => {
            let can = facts.can_stop_thinking
                && matches!(facts.style, ThinkingStyle::Adaptive | ThinkingStyle::Budget);
            let thinking = can.then(|| obj([("type", "disabled".into())]));
            return Thought { thinking, ..none };
        }
        Thinking::Level(level) => level,
        Thinking::Budget(tokens) => Level::of_budget(tokens).unwrap_or(Level::Minimal),
    };
    let forced = matches!(request.choice, Some(Choice::Any | Choice::Tool(_))) && !request.tools.is_empty();
    if facts.style == ThinkingStyle::None || forced {
        context.losses.note_detail("reasoning_dropped", if forced { "forced_tool" } else { "model" });
        return none;
    }
    let by_budget = facts.style == ThinkingStyle::Budget
        || (facts.style == ThinkingStyle::Unknown && matches!(request.thinking, Thinking::Budget(_)));
    if !by_budget {
        let supported = if level == Level::Minimal { Level::Low } else { level };
        let clamped = supported.clamp_to(&facts.levels);
        if clamped != level {
            context.losses.note("effort_clamped");
        }
        let display = if request.show_thoughts == Some(false) { "omitted" } else { "summarized" };
        let thinking = obj([("type", "adaptive".into()), ("display", display.into())]);
        return Thought { thinking: Some(thinking), effort: Some(clamped.as_str()), ..none };
    }
    if open_loop {
        context.losses.note_detail("reasoning_dropped", "tool_loop");
        return none;
    }
    let wanted = match request.thinking {
        Thinking::Budget(tokens) => tokens,
        _ => level.budget(),
    };
    let (least, most) = facts.budget.unwrap_or((MIN_BUDGET, u64::MAX));
    let budget = wanted.clamp(least.max(MIN_BUDGET), most.max(MIN_BUDGET));
    let (budget, max_tokens) = if request.max_output.is_some() {
        (budget.min(max_tokens.saturating_sub(1)), max_tokens)
    } else {
        let all = budget.saturating_add(max_tokens).min(facts.max_output.unwrap_or(u64::MAX));
        (budget.min(all.saturating_sub(1)), all)
    };
    if budget < MIN_BUDGET {
        context.losses.note_detail("reasoning_dropped", "max_tokens");
        return none;
    }
    let thinking = obj([("type", "enabled".into()), ("budget_tokens", n(budget))]);
    Thought { thinking: Some(thinking), max_tokens, manual: true, ..none }
}

/// Does the request go on with calls whose turn does not begin with a thought of Claude's own?
pub(super) fn in_open_loop(turns: &[Turn<'_>]) -> bool {
    let answers = |turn: &Turn<'_>| {
        turn.role == Role::User && turn.parts.iter().any(|part| matches!(part, Part::Result { .. }))
    };
    let [.., calls, last] = turns else { return false };
    answers(last)
        && calls.role == Role::Assistant
        && !matches!(calls.parts.first(), Some(Part::Reasoning { .. }))
}
