//! How long the answers of a model have been lately.

use std::borrow::Cow;
use std::collections::HashMap;

use parking_lot::Mutex;

/// Models that are remembered; beyond that, the one that has not answered for longest is forgotten.
const MODELS: usize = 256;
/// Answers of each that are remembered.
const RECENT: usize = 64;
/// What every model is taken to have answered before anything is known of it: a short answer and a long one, in
/// tokens. They count like any other two, so eight short answers outvote them, and they age out like any other.
const PRIOR: [u32; 2] = [500, 2_000];
/// Four in five answers are not longer than what is expected. An answer that is longer than expected lets others
/// pass that should have waited; one that is shorter makes them wait for no reason, though not for long.
const QUANTILE: (usize, usize) = (4, 5);
/// Longer names are not remembered.
const LONGEST_NAME: usize = 128;

/// A running quantile of the recent answers of each model. It needs less than 200 KB, whatever is asked for.
#[derive(Debug, Default)]
pub(crate) struct OutputQuantile {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    models: HashMap<Box<str>, Recent>,
    observed: u64,
}

#[derive(Debug)]
struct Recent {
    /// The first `length` are answers; once it is full, `next` is the oldest.
    outputs: [u32; RECENT],
    length: usize,
    next: usize,
    quantile: u32,
    /// When it answered last, counted in answers of all models.
    last: u64,
}

impl OutputQuantile {
    /// A model has given a whole answer of so many tokens.
    pub(crate) fn observe(&self, model: &str, output_tokens: u64) {
        if model.len() > LONGEST_NAME {
            return;
        }
        let name = key(model);
        let output = u32::try_from(output_tokens).unwrap_or(u32::MAX);
        let State { models, observed } = &mut *self.state.lock();
        *observed += 1;
        if let Some(recent) = models.get_mut(name.as_ref()) {
            recent.push(output, *observed);
            return;
        }
        if models.len() >= MODELS {
            let oldest = models.iter().min_by_key(|(_, recent)| recent.last).map(|(name, _)| name.clone());
            if let Some(oldest) = oldest {
                models.remove(&oldest);
            }
        }
        let mut recent = Recent::prior();
        recent.push(output, *observed);
        models.insert(name.into(), recent);
    }

    /// How many tokens the next answer will probably not exceed; never more than `max_tokens`.
    pub(crate) fn expect(&self, model: &str, max_tokens: Option<u64>) -> u64 {
        let known = self.state.lock().models.get(key(model).as_ref()).map(|recent| recent.quantile);
        let quantile = known.unwrap_or_else(|| Recent::prior().quantile);
        u64::from(quantile).min(max_tokens.unwrap_or(u64::MAX))
    }
}

/// Prices don't care for the case of a model's name, and neither does this.
fn key(model: &str) -> Cow<'_, str> {
    if model.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(model.to_ascii_lowercase())
    } else {
        Cow::Borrowed(model)
    }
}

impl Recent {
    fn prior() -> Self {
        let mut outputs = [0; RECENT];
        for (place, prior) in outputs.iter_mut().zip(PRIOR) {
            *place = prior;
        }
        let mut recent =
            Self { outputs, length: PRIOR.len(), next: PRIOR.len() % RECENT, quantile: 0, last: 0 };
        recent.settle();
        recent
    }

    fn push(&mut self, output: u32, now: u64) {
        if let Some(place) = self.outputs.get_mut(self.next) {
            *place = output;
        }
        self.next = (self.next + 1) % RECENT;
        self.length = (self.length + 1).min(RECENT);
        self.last = now;
        self.settle();
    }

    /// Computed when an answer ends, so that asking costs nothing.
    fn settle(&mut self) {
        let mut sorted = self.outputs;
        let known = sorted.get_mut(..self.length).unwrap_or_default();
        let (share, whole) = QUANTILE;
        let rank = (known.len() * share).div_ceil(whole).saturating_sub(1);
        if rank < known.len() {
            self.quantile = *known.select_nth_unstable(rank).1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_NAME, MODELS, OutputQuantile, PRIOR, RECENT};

    fn observed(outputs: impl IntoIterator<Item = u64>) -> OutputQuantile {
        let quantile = OutputQuantile::default();
        for output in outputs {
            quantile.observe("m", output);
        }
        quantile
    }

    #[test]
    fn nothing_is_known_at_first() {
        let prior = OutputQuantile::default();
        assert_eq!(prior.expect("m", None), u64::from(PRIOR[1]));
        assert_eq!(prior.expect("m", Some(700)), 700);
        assert_eq!(prior.expect("m", Some(0)), 0);
    }

    #[test]
    fn a_few_answers_are_enough_to_learn_from() {
        assert_eq!(observed([9_000]).expect("m", None), 9_000, "one long answer raises it at once");
        assert!(observed([100; 4]).expect("m", None) <= 500);
        assert_eq!(observed([100; 8]).expect("m", None), 100, "eight short answers outvote the prior");
        assert_eq!(observed([9_000; 8]).expect("m", Some(4_096)), 4_096);
    }

    #[test]
    fn four_of_five_answers_are_not_longer() {
        // 1 to 1000 in an order that jumps about; the last 64 are spread evenly, too.
        let outputs = (0..1_000).map(|step| step * 618 % 1_000 + 1);
        let expected = observed(outputs).expect("m", None);
        assert!((770..=830).contains(&expected), "{expected}");
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let quantile = observed([20_000; 1_000]);
        assert_eq!(quantile.expect("m", None), 20_000);
        for _ in 0..=RECENT * 4 / 5 {
            quantile.observe("m", 50);
        }
        assert_eq!(quantile.expect("m", None), 50);
        // One freak among many changes nothing.
        quantile.observe("m", 1_000_000);
        assert_eq!(quantile.expect("m", None), 50);
    }

    #[test]
    fn models_are_told_apart_and_their_case_is_not() {
        let quantile = observed([100; 10]);
        assert_eq!((quantile.expect("M", None), quantile.expect("n", None)), (100, 2_000));
        quantile.observe("GPT-X", 5_000);
        assert_eq!(quantile.expect("gpt-x", None), 5_000);
    }

    #[test]
    fn memory_is_bounded_and_busy_models_stay() {
        let quantile = OutputQuantile::default();
        for number in 0..10 * MODELS {
            quantile.observe(&format!("passing-{number}"), 7);
            quantile.observe("busy", 100);
        }
        quantile.observe(&"x".repeat(LONGEST_NAME + 1), 1);
        assert_eq!(quantile.expect("busy", None), 100);
        let state = quantile.state.lock();
        assert_eq!(state.models.len(), MODELS);
        let names: usize = state.models.keys().map(|name| name.len()).sum();
        // A table of that many has up to twice as many places.
        let held = names + 2 * MODELS * size_of::<(Box<str>, super::Recent)>();
        assert!(held < 200_000, "{held}");
    }

    #[test]
    fn absurd_figures_are_kept_within_bounds() {
        let quantile = observed([u64::MAX; 70]);
        assert_eq!(quantile.expect("m", None), u64::from(u32::MAX));
        assert_eq!(quantile.expect("m", Some(10)), 10);
    }
}
