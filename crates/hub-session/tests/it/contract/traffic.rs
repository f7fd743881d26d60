//! Traffic of clients that send no ids.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{DefaultHasher, Hash, Hasher};

use hub_types::{ProviderId, SessionId};

use super::{Desk, Subject};

/// Numbers that look like chance, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

struct Conversation {
    /// Its first three messages.
    hashes: [u64; 3],
    turns: u64,
    turn: u64,
    /// Who served its last turn.
    provider: Option<ProviderId>,
    /// The request under way.
    session: Option<(SessionId, usize)>,
}

fn chain(messages: [u64; 3]) -> [u64; 3] {
    let mut last = 0_u64;
    messages.map(|message| {
        let mut hasher = DefaultHasher::new();
        (last, message).hash(&mut hasher);
        last = hasher.finish();
        last
    })
}

fn conversations(dice: &mut Dice, count: u64) -> Vec<Conversation> {
    let one = |number| {
        // A third of them begin in one of ten usual ways.
        let opening = if dice.roll(3) == 0 { dice.roll(10) } else { 1000 + number };
        let hashes = chain([opening, 10_000 + number, 20_000 + number]);
        Conversation { hashes, turns: 2 + dice.roll(39), turn: 0, provider: None, session: None }
    };
    (0..count).map(one).collect()
}

pub(crate) async fn conversations_without_ids_keep_their_providers<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let crowd = desk.subject.crowd();
    let mut talks = conversations(&mut dice, crowd);
    let mut agenda: BinaryHeap<_> =
        (0..talks.len()).map(|number| Reverse((dice.roll(crowd * 6 / 5), number))).collect();
    let (mut later_turns, mut hits) = (0_u32, 0_u32);
    while let Some(Reverse((second, number))) = agenda.pop() {
        let talk = &mut talks[number];
        let hashes = if talk.turn == 0 { &talk.hashes[..1] } else { &talk.hashes[..] };
        let now = i64::try_from(second).unwrap();
        if let Some((session, known)) = talk.session.take() {
            let provider = talk.provider.unwrap();
            desk.finish(&session, hashes, known, provider, now).await;
            talk.turn += 1;
            if talk.turn < talk.turns {
                agenda.push(Reverse((second + 2 + dice.roll(30), number)));
            }
            continue;
        }
        let (session, known) = desk.recognised(hashes, now).await;
        let bound = desk.enter(&session, now).await.bound;
        if talk.turn > 0 {
            later_turns += 1;
            hits += u32::from(bound.is_some() && bound == talk.provider);
        }
        talk.provider = Some(bound.unwrap_or(ProviderId(1 + i64::try_from(dice.roll(5)).unwrap())));
        talk.session = Some((session, known));
        agenda.push(Reverse((second + 1 + dice.roll(8), number)));
    }
    assert!(u64::from(later_turns) > crowd * 15, "{later_turns} turns are too few to tell");
    assert!(hits * 100 >= later_turns * 95, "{hits} of {later_turns} later turns found their provider");
}
