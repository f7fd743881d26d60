//! The conversation in an order that every vendor takes: turns alternate, and every call is answered at once.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use hub_types::Dialect;

use super::ir::{Part, Request, Role, Turn};
use super::loss::LossReport;
use super::opaque::{Opaque, Origin};
use super::request::SignatureStash;
use super::target::Target;

const INTERRUPTED: &str = "[no result: the tool call was interrupted]";

/// Brings a request's conversation into the form that the target takes.
pub(crate) fn prepare(request: &mut Request<'_>, target: &Target, losses: &mut LossReport) {
    give_signatures_to_calls(&mut request.turns);
    drop_foreign_thoughts(&mut request.turns, target, losses);
    normalise(&mut request.turns, losses);
    let wants_user_first = !matches!(target.dialect, Dialect::OpenAi | Dialect::Responses);
    let knows_system = !wants_user_first || (target.dialect == Dialect::Claude && target.facts.mid_system);
    if !knows_system {
        wrap_system(&mut request.turns, losses);
    }
    if wants_user_first {
        begin_with_user(&mut request.turns);
    }
}

/// What a client could not carry was kept for it.
pub(crate) fn give_kept_signatures(turns: &mut [Turn<'_>], stash: &dyn SignatureStash) {
    for part in turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        if let Part::Call { id, opaque: opaque @ None, .. } = part {
            *opaque = stash
                .signature(id)
                .and_then(|kept| Opaque::read(Origin::GeminiCall, Cow::Owned(kept)))
                .filter(|kept| kept.origin.is_gemini());
        }
    }
}

/// A signature of a call may have travelled as a thought before it.
fn give_signatures_to_calls(turns: &mut [Turn<'_>]) {
    for turn in turns {
        let mut waiting = None;
        for part in &mut turn.parts {
            match part {
                Part::Reasoning { opaque, .. }
                    if opaque.as_ref().is_some_and(|opaque| opaque.origin == Origin::GeminiCall) =>
                {
                    waiting = opaque.take();
                }
                Part::Call { opaque, .. } if opaque.is_none() => *opaque = waiting.take(),
                _ => {}
            }
        }
    }
}

/// Nothing that one vendor issued reaches another one, and what nobody signed is not shown as signed.
fn drop_foreign_thoughts(turns: &mut [Turn<'_>], target: &Target, losses: &mut LossReport) {
    let keeps_text = target.dialect == Dialect::OpenAi && target.options.replay_reasoning_content;
    for turn in turns {
        turn.parts.retain(|part| {
            let Part::Reasoning { opaque, .. } = part else { return true };
            let native = match (opaque.as_ref().map(|opaque| opaque.origin), target.dialect) {
                (Some(Origin::Claude | Origin::ClaudeRedacted), Dialect::Claude)
                | (Some(Origin::OpenAi), Dialect::Responses)
                | (Some(Origin::GeminiThought), Dialect::Gemini | Dialect::GeminiCli) => true,
                _ => keeps_text,
            };
            if !native {
                losses.note("reasoning_history");
            }
            native
        });
    }
}

/// System turns become a user's text between marks.
fn wrap_system(turns: &mut Vec<Turn<'_>>, losses: &mut LossReport) {
    for turn in turns.iter_mut().filter(|turn| turn.role == Role::System) {
        losses.note("mid_system_wrapped");
        turn.role = Role::User;
        for part in &mut turn.parts {
            if let Part::Text(text) = part {
                *text = Cow::Owned(format!("<system-reminder>\n{text}\n</system-reminder>"));
            }
        }
    }
    merge(turns);
}

/// Does what the specification asks of every request (4.1, points 1 to 4 and 6).
fn normalise(turns: &mut Vec<Turn<'_>>, losses: &mut LossReport) {
    drop_empty(turns);
    merge(turns);
    answer_calls(turns, losses);
    drop_empty(turns);
    merge(turns);
}

/// Claude and Gemini want a user's turn first.
fn begin_with_user(turns: &mut Vec<Turn<'_>>) {
    if turns.first().is_none_or(|turn| turn.role != Role::User) {
        turns.insert(0, Turn { role: Role::User, parts: vec![Part::Text(Cow::Borrowed("."))] });
    }
}

fn drop_empty(turns: &mut Vec<Turn<'_>>) {
    for turn in turns.iter_mut() {
        turn.parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    }
    turns.retain(|turn| !turn.parts.is_empty());
}

fn merge(turns: &mut Vec<Turn<'_>>) {
    let mut merged: Vec<Turn<'_>> = Vec::with_capacity(turns.len());
    for turn in turns.drain(..) {
        match merged.last_mut() {
            Some(last) if last.role == turn.role && turn.role != Role::System => {
                last.parts.extend(turn.parts);
            }
            _ => merged.push(turn),
        }
    }
    *turns = merged;
}

fn answer_calls(turns: &mut Vec<Turn<'_>>, losses: &mut LossReport) {
    let mut out: Vec<Turn<'_>> = Vec::with_capacity(turns.len());
    // Calls of the assistant's last turn that wait for their results, and system turns that came in between.
    let mut waiting: Vec<(Cow<'_, str>, bool)> = Vec::new();
    let mut between: Vec<Turn<'_>> = Vec::new();
    for turn in turns.drain(..) {
        match turn.role {
            Role::System if !waiting.is_empty() => between.push(turn),
            Role::System => out.push(turn),
            Role::Assistant => {
                if !waiting.is_empty() {
                    out.push(results(&mut waiting, Vec::new(), losses));
                }
                out.append(&mut between);
                waiting = calls(&turn);
                out.push(turn);
            }
            Role::User => {
                out.push(results(&mut waiting, turn.parts, losses));
                out.append(&mut between);
            }
        }
    }
    out.append(&mut between);
    *turns = out;
}

fn calls<'a>(turn: &Turn<'a>) -> Vec<(Cow<'a, str>, bool)> {
    let mut seen = HashSet::new();
    turn.parts
        .iter()
        .filter_map(|part| match part {
            Part::Call { id, custom, .. } => Some((id.clone(), *custom)),
            _ => None,
        })
        .filter(|(id, _)| seen.insert(id.clone()))
        .collect()
}

/// A user's turn that begins with one result for each call, in their order.
fn results<'a>(
    waiting: &mut Vec<(Cow<'a, str>, bool)>,
    parts: Vec<Part<'a>>,
    losses: &mut LossReport,
) -> Turn<'a> {
    let expected: HashSet<Cow<'a, str>> = waiting.iter().map(|(id, _)| id.clone()).collect();
    let mut found: HashMap<Cow<'a, str>, Part<'a>> = HashMap::new();
    let mut rest = Vec::new();
    for part in parts {
        match part {
            Part::Result { ref id, .. } if expected.contains(id) => {
                if found.insert(id.clone(), part).is_some() {
                    losses.note("duplicate_result");
                }
            }
            Part::Result { id, parts, .. } => {
                losses.note("orphan_result");
                rest.push(Part::Text(Cow::Owned(format!("[result of tool call {id}]"))));
                rest.extend(parts);
            }
            other => rest.push(other),
        }
    }
    let mut all: Vec<Part<'a>> = waiting
        .drain(..)
        .map(|(id, is_custom)| {
            let mut found = found.remove(&id);
            if let Some(Part::Result { custom, .. }) = &mut found {
                *custom = is_custom;
            }
            found.unwrap_or_else(|| {
                losses.note("missing_result");
                let parts = vec![Part::Text(Cow::Borrowed(INTERRUPTED))];
                Part::Result { id, name: None, parts, is_error: true, custom: is_custom }
            })
        })
        .collect();
    all.extend(rest);
    Turn { role: Role::User, parts: all }
}

#[cfg(test)]
mod tests {
    use super::{Part, Role, Turn, normalise};
    use crate::convert::loss::LossReport;

    fn call(id: &'static str) -> Part<'static> {
        Part::Call { id: id.into(), name: "f".into(), args: "{}".into(), custom: false, opaque: None }
    }

    fn result(id: &'static str, text: &'static str) -> Part<'static> {
        let parts = vec![Part::Text(text.into())];
        Part::Result { id: id.into(), name: None, parts, is_error: false, custom: false }
    }

    fn text(text: &'static str) -> Part<'static> {
        Part::Text(text.into())
    }

    fn turn(role: Role, parts: Vec<Part<'static>>) -> Turn<'static> {
        Turn { role, parts }
    }

    fn normal(turns: Vec<Turn<'static>>) -> (Vec<Turn<'static>>, LossReport) {
        let (mut turns, mut losses) = (turns, LossReport::default());
        normalise(&mut turns, &mut losses);
        (turns, losses)
    }

    #[test]
    fn results_come_in_the_order_of_their_calls_and_before_all_else() {
        use Role::{Assistant, User};
        let (turns, losses) = normal(vec![
            turn(User, vec![text("go")]),
            turn(Assistant, vec![call("a")]),
            turn(Assistant, vec![call("b")]),
            turn(User, vec![text("hm"), result("b", "2")]),
            turn(User, vec![result("a", "1")]),
        ]);
        assert_eq!(turns.len(), 3);
        assert_eq!(turns[2].parts, [result("a", "1"), result("b", "2"), text("hm")]);
        assert!(losses.is_empty());
    }

    #[test]
    fn a_missing_result_is_made_up_only_where_the_conversation_went_on() {
        use Role::{Assistant, User};
        let (turns, losses) = normal(vec![turn(Assistant, vec![call("a")]), turn(User, vec![text("next")])]);
        assert!(matches!(&turns[1].parts[0], Part::Result { is_error: true, .. }));
        assert!(losses.has("missing_result"));
        let (turns, losses) = normal(vec![turn(User, vec![text("x")]), turn(Assistant, vec![call("a")])]);
        assert_eq!(turns.len(), 2);
        assert!(losses.is_empty());
    }

    #[test]
    fn a_result_without_a_call_becomes_text() {
        let (turns, _) = normal(vec![turn(Role::User, vec![result("z", "out")])]);
        assert_eq!(turns[0].parts, [text("[result of tool call z]"), text("out")]);
    }

    #[test]
    fn of_two_results_the_last_counts() {
        use Role::{Assistant, User};
        let (turns, losses) = normal(vec![
            turn(Assistant, vec![call("a")]),
            turn(User, vec![result("a", "1"), result("a", "2")]),
        ]);
        assert_eq!(turns[1].parts, [result("a", "2")]);
        assert!(losses.has("duplicate_result"));
    }

    #[test]
    fn a_system_turn_does_not_come_between_calls_and_results() {
        use Role::{Assistant, System, User};
        let (turns, _) = normal(vec![
            turn(Assistant, vec![call("a")]),
            turn(System, vec![text("mind")]),
            turn(User, vec![result("a", "1")]),
        ]);
        assert_eq!(turns.iter().map(|turn| turn.role).collect::<Vec<_>>(), [Assistant, User, System]);
    }
}
