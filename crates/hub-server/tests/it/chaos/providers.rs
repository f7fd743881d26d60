//! Vendors with moods: well, flaky, ill, or gone. What a request gets in each mood is drawn by chance.

use std::sync::atomic::Ordering;

use hub_lab::{Behaviour, Lab, ModelRule, Scenario};

use super::storm::{Deeds, Over};
use crate::harness::Chance;

/// What can go wrong with an answer, in the short form of the lab. Time limits of the providers are 1 s before
/// and between the pieces of a stream and 2 s for a whole answer: `first_chunk_ms=4000` is a hang.
const FAULTS: [&str; 30] = [
    "status=500",
    "status=502; malformed=html",
    "status=503",
    "status=529",
    "status=429; retry_after=1",
    "status=429; retry_after=700",
    "status=401",
    "status=404",
    "status=400",
    "status=413",
    "status=408",
    "no_head",
    "no_head; cut=reset",
    "latency_ms=4000",
    "first_chunk_ms=4000",
    "chunk_ms=4000",
    "malformed=empty",
    "malformed=html",
    "malformed=json",
    "error_in_200; error_type=api_error",
    "error_in_200; error_type=overloaded_error; error_after=0",
    "error_in_200; error_type=api_error; error_after=3",
    "truncate_after=0; cut=clean",
    "truncate_after=0; cut=reset",
    "truncate_after=2; cut=clean",
    "truncate_after=2; cut=close",
    "truncate_after=2; cut=reset",
    "no_usage",
    "body_bytes=200000; chunks=40",
    "chunk_ms=60; chunks=12",
];
/// Shapes of good answers.
const GOOD: [&str; 6] = [
    "",
    "chunks=3; latency_ms=20",
    "chunk_ms=5",
    "crlf; split=7",
    "unicode; chunks=20",
    "tool_call; thinking",
];

/// Lets one vendor's mood change until the storm is over; leaves it well.
pub(super) async fn be_moody(lab: &Lab, mut chance: Chance, deeds: &Deeds, over: &Over) {
    while !over.is_over() {
        let mood = chance.number() % 10;
        match mood {
            0..4 => plays(lab, &mut chance, 0),
            4..7 => plays(lab, &mut chance, 4),
            7 => plays(lab, &mut chance, 1),
            8 => {
                lab.die().await;
                deeds.vendors_gone.fetch_add(1, Ordering::Relaxed);
            }
            _ => {
                lab.reset_connections();
                deeds.connections_reset.fetch_add(1, Ordering::Relaxed);
            }
        }
        deeds.moods.fetch_add(1, Ordering::Relaxed);
        over.sleep(chance.millis(200..1500)).await;
        if mood == 8 {
            lab.revive().await.unwrap();
        }
    }
    plays(lab, &mut chance, 0);
}

/// One in `once_in` answers is faulty from now on; 0 = none.
pub(super) fn plays(lab: &Lab, chance: &mut Chance, once_in: u64) {
    let mut pick = |from: &[&str]| {
        let at = usize::try_from(chance.number() % from.len() as u64).unwrap();
        (Behaviour::from_header(from[at]).unwrap(), chance.once_in(once_in.max(1)))
    };
    let draw = |_| {
        let (good, is_faulty) = pick(&GOOD);
        if once_in > 0 && is_faulty { pick(&FAULTS).0 } else { good }
    };
    let sequence = (0..64).map(draw).collect();
    let rule = ModelRule { model: "*".to_owned(), sequence, repeat: true, ..ModelRule::default() };
    lab.set_scenario(Scenario { default: Behaviour::default(), models: vec![rule] });
}
