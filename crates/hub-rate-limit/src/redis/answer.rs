//! What the scripts say.

use std::collections::VecDeque;

use hub_redis::RedisReply;
use jiff::Timestamp;
use smallvec::SmallVec;

use super::ask;
use crate::counter::Counter;
use crate::judge::{Amount, BudgetMode, Refusal, Standing, longest};
use crate::limit::{LimitType, Owner};
use crate::limiter::{LimiterUnavailable, WindowUsage};
use crate::memory::Asked;
use crate::restore::{Restore, Wanted};
use crate::rule::Rule;
use crate::time::{Ms, timestamp};

pub(super) type Result<T> = std::result::Result<T, LimiterUnavailable>;

/// How a limit stands in Redis.
#[derive(Debug)]
pub(crate) struct Told {
    /// The counter, as far as it was told: a sliding one has the buckets that were asked for.
    pub(crate) counter: Counter,
    /// What requests in flight may take.
    pub(crate) reserved: i128,
}

pub(super) fn strange(answer: &RedisReply) -> LimiterUnavailable {
    let mut text = format!("Redis gave an unexpected answer: {answer:?}");
    text.truncate(text.floor_char_boundary(300));
    LimiterUnavailable(text)
}

/// The first word of an answer, and the rest.
pub(super) fn word(answer: &RedisReply) -> Result<(&str, &[RedisReply])> {
    let (first, rest) = answer.list().split_first().ok_or_else(|| strange(answer))?;
    Ok((first.text().ok_or_else(|| strange(answer))?, rest))
}

/// How the rules of an owner stand.
pub(super) fn standings(asked: &Asked, answer: &RedisReply) -> Result<Vec<Told>> {
    let [money, tokens, rules @ ..] = answer.list() else { return Err(strange(answer)) };
    if rules.len() != asked.rules.len() {
        return Err(strange(answer));
    }
    let (money, tokens) = whole(money).zip(whole(tokens)).ok_or_else(|| strange(answer))?;
    let one = |(rule, told): (&Rule, &RedisReply)| {
        let reserved = match rule.kind {
            LimitType::Rpm => 0,
            LimitType::TokensTotal => tokens,
            _ => money,
        };
        counter(rule, told).map(|counter| Told { counter, reserved }).ok_or_else(|| strange(told))
    };
    asked.rules.iter().zip(rules).map(one).collect()
}

/// A sum of reservations may be more than 64 bits hold.
fn whole(told: &RedisReply) -> Option<i128> {
    told.int().map(i128::from).or_else(|| told.text()?.parse().ok())
}

/// A sum, if there is nothing else to tell; or a list of it, the window, and the buckets that were asked for.
fn counter(rule: &Rule, told: &RedisReply) -> Option<Counter> {
    let [sum, start, till, buckets @ ..] = told.list() else {
        return Some(Counter::told(rule, None, told.int()?, VecDeque::new()));
    };
    let bucket = |bucket: &[RedisReply]| match bucket {
        [start, amount] => Some((start.int()?, amount.int()?)),
        _ => None,
    };
    let buckets = buckets.chunks(2).map(bucket).collect::<Option<_>>()?;
    let window = (ask::moment_of(start.int()?), ask::moment_of(till.int()?));
    Some(Counter::told(rule, Some(window), sum.int()?, buckets))
}

/// What the ledger has to be asked for an owner: a question for each moment that counting began at.
pub(super) fn questions(owner: Owner, answer: &RedisReply) -> Result<Vec<Restore>> {
    let mut wanted: Vec<(Ms, Wanted)> = Vec::new();
    for told in answer.list().chunks(3) {
        let read = || {
            let [slot, before, from] = told else { return None };
            let slot = ask::slot(slot.int()?)?;
            let from = ask::from_when(from.int()?);
            Some((before.int()?, Wanted { slot, from, grain: ask::grain(slot) }))
        };
        wanted.push(read().ok_or_else(|| strange(answer))?);
    }
    wanted.sort_by_key(|(before, wanted)| (*before, wanted.slot));
    let mut questions: Vec<Restore> = Vec::new();
    for (before, wanted) in wanted {
        let before: Timestamp = timestamp(before);
        match questions.iter_mut().find(|question| question.before == before) {
            Some(question) => question.wanted.push(wanted),
            None => questions.push(Restore { owner, before, wanted: SmallVec::from_iter([wanted]) }),
        }
    }
    Ok(questions)
}

/// The limit of this owner that refuses for longest.
pub(super) fn refusal(
    asked: &Asked,
    told: &[Told],
    amount: Amount,
    mode: BudgetMode,
    now: Ms,
) -> Option<Refusal> {
    let refusals = asked.rules.iter().zip(told).filter_map(|(rule, told)| {
        let standing = Standing {
            used: told.counter.used(now),
            reserved: told.reserved,
            limit: rule.limit,
            amount: match rule.kind {
                LimitType::Rpm => 1,
                LimitType::TokensTotal => amount.whole_tokens(),
                _ => amount.nanos(),
            },
        };
        let cause = standing.judge(mode)?;
        let name = (asked.owner, rule.kind);
        Some(standing.refusal(name, cause, mode, now, |target| told.counter.falls_to(target, now)))
    });
    longest(refusals)
}

/// How much of each limit is taken.
pub(super) fn usage(asked: &Asked, told: &[Told], now: Ms) -> Vec<WindowUsage> {
    let one = |(rule, told): (&Rule, &Told)| {
        let quantity = |number| rule.kind.quantity(number);
        WindowUsage {
            limit_type: rule.kind,
            used: quantity(told.counter.used(now).into()),
            reserved: quantity(told.reserved),
            limit: quantity(rule.limit.into()),
            reset: told.counter.empties(now).map(timestamp),
        }
    };
    asked.rules.iter().zip(told).map(one).collect()
}
