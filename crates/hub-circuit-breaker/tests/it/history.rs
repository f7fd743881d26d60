//! Random histories of one breaker, and what the machine makes of them.

use hub_circuit_breaker::{
    BreakerConfig, BreakerState, BreakerStore, Event, Permission, Phase, Transition, Trial, step,
};
use hub_types::ProviderId;
use jiff::Timestamp;

/// Numbers by chance; the same seed gives the same.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) % limit
    }

    pub(crate) fn small(&mut self, limit: u64) -> u32 {
        u32::try_from(self.below(limit)).unwrap()
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    pub(crate) fn span(&mut self, limit: u64) -> i64 {
        i64::try_from(self.below(limit)).unwrap()
    }

    pub(crate) fn config(&mut self) -> BreakerConfig {
        BreakerConfig {
            failure_threshold: self.pick(&[0, 1, 2, 3, 3, 4]),
            open_duration_ms: self.below(8) * 500,
            half_open_success_threshold: self.small(4),
        }
    }

    /// How long nothing happens: mostly less than anything lasts, sometimes as long as an opening or a lease.
    pub(crate) fn pause(&mut self) -> i64 {
        match self.below(10) {
            0..4 => self.span(3),
            4..7 => self.span(600),
            7..9 => 500 * self.span(9),
            _ => self.pick(&[59_999, 60_000, 60_000, 60_001]),
        }
    }
}

/// One thing that happens in a history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happening {
    pub(crate) now: i64,
    pub(crate) config: BreakerConfig,
    pub(crate) deed: Deed,
}

/// What somebody does. Those who end trials have the one that was given last, or one from long ago.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed {
    Take,
    Success { has_trial: bool },
    Failure { has_trial: bool },
    GiveBack { is_last: bool },
    Reset,
    Probe,
}

#[derive(Debug)]
pub(crate) struct History {
    pub(crate) provider: ProviderId,
    pub(crate) happenings: Vec<Happening>,
}

impl History {
    pub(crate) fn random(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let (mut now, mut config) = (1_750_000_000_000, chance.config());
        let length = 1 + chance.below(20);
        let happening = |_| {
            now += chance.pause();
            if chance.below(30) == 0 {
                config = chance.config();
            }
            let deed = match chance.below(20) {
                0..5 => Deed::Take,
                5..9 => Deed::Success { has_trial: chance.below(2) == 0 },
                9..16 => Deed::Failure { has_trial: chance.below(3) == 0 },
                16..18 => Deed::GiveBack { is_last: chance.below(3) > 0 },
                18 => Deed::Reset,
                _ => Deed::Probe,
            };
            Happening { now, config, deed }
        };
        let happenings = (0..length).map(happening).collect();
        Self { provider: ProviderId(i64::try_from(seed).unwrap() + 1), happenings }
    }
}

pub(crate) fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

impl Deed {
    pub(crate) fn event(self, last: Trial) -> Event {
        let old = Trial { until: 1_750_000_000_123 };
        match self {
            Self::Take => Event::TrialTaken,
            Self::Success { has_trial } => Event::Success { trial: has_trial.then_some(last) },
            Self::Failure { has_trial } => Event::Failure { trial: has_trial.then_some(last) },
            Self::GiveBack { is_last } => Event::TrialGivenBack { trial: if is_last { last } else { old } },
            Self::Reset => Event::Reset,
            Self::Probe => Event::ProbeSuccess,
        }
    }
}

/// What should come back, told by the states alone.
fn expected(
    provider: ProviderId,
    before: BreakerState,
    after: BreakerState,
    happening: &Happening,
) -> Option<Transition> {
    let Happening { now, config, .. } = *happening;
    let open_ms = i64::try_from(config.open_duration_ms).unwrap();
    // An event without effect shows what time alone has done.
    let nothing = Event::TrialGivenBack { trial: Trial { until: -1 } };
    let aged = step(before, nothing, now, config);
    let from = if aged.changed_at == after.changed_at { before.phase } else { aged.phase };
    (from != after.phase).then(|| Transition {
        provider,
        from,
        to: after.phase,
        failures: if after.phase == Phase::Closed { before.failures } else { after.failures },
        reopens_at: (after.phase == Phase::Open).then(|| time(after.opened_at + open_ms)),
    })
}

/// Lives the history in the store and in the machine, and compares all that is told. The last state.
pub(crate) async fn compare(store: &dyn BreakerStore, history: &History) -> BreakerState {
    let provider = history.provider;
    let mut state = BreakerState::default();
    let mut last = Trial { until: 0 };
    for (number, happening) in history.happenings.iter().enumerate() {
        let Happening { now, config, deed } = *happening;
        let what = || format!("{happening:?}, number {number} of {provider}");
        let before = state;
        let stood = store.health(provider, config, time(now));
        let event = deed.event(last);
        let next = step(state, event, now, config);
        let told = if let Deed::Take = deed {
            let answer = store.take_trial(provider, config, time(now)).await;
            match answer.permission {
                Permission::Free => assert_eq!(stood.phase(), Phase::Closed, "{}", what()),
                Permission::Trial(trial) => {
                    assert_eq!(trial.until, now + 60_000, "{}", what());
                    assert_eq!(trial.until, next.trial_until, "{}", what());
                    last = trial;
                }
                Permission::Refused => assert!(!stood.admits(), "{}", what()),
            }
            // A closed one lets everybody through, and is left alone.
            if answer.permission != Permission::Free {
                state = next;
            }
            answer.transition
        } else {
            state = next;
            store.record(provider, event, config, time(now)).await
        };
        let expected = if state == before { None } else { expected(provider, before, state, happening) };
        assert_eq!(told, expected, "{}", what());
        let listed = store.health(provider, config, time(now));
        assert_eq!(listed.phase(), shown(state, happening), "{}", what());
    }
    state
}

fn shown(state: BreakerState, happening: &Happening) -> Phase {
    let nothing = Event::TrialGivenBack { trial: Trial { until: -1 } };
    step(state, nothing, happening.now, happening.config).phase
}
