//! The course of a storm: fair weather, the storm, and what is left when it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::watch;

use super::plan::Plan;
use super::report::Report;
use super::scene::Scene;
use super::talker::{Sent, Town, everybody_asks, talk};
use super::{edits, providers, stores, verdict};
use crate::harness::{Admin, Look, eventually};

/// What was done to the hubs.
#[derive(Debug, Default)]
pub(super) struct Deeds {
    pub(super) moods: AtomicU64,
    pub(super) vendors_gone: AtomicU64,
    pub(super) connections_reset: AtomicU64,
    pub(super) redis_killed: AtomicU64,
    pub(super) redis_frozen: AtomicU64,
    pub(super) postgres_killed: AtomicU64,
    pub(super) postgres_frozen: AtomicU64,
    pub(super) edits: AtomicU64,
    pub(super) edits_refused: AtomicU64,
}

/// Whether a part of the course is over.
#[derive(Debug, Clone)]
pub(super) struct Over(watch::Receiver<bool>);

impl Over {
    pub(super) fn is_over(&self) -> bool {
        *self.0.borrow()
    }

    /// False: it was over before that.
    pub(super) async fn sleep(&self, time: Duration) -> bool {
        let mut told = self.0.clone();
        let over = tokio::time::timeout(time, told.wait_for(|is_over| *is_over)).await;
        over.is_err()
    }
}

/// What there is to be judged.
pub(super) struct Aftermath<'a> {
    pub(super) plan: &'a Plan,
    pub(super) scene: &'a Scene,
    pub(super) sent: Vec<Sent>,
    /// The hubs after the warm-up.
    pub(super) before: Vec<Look>,
    /// How long it took until every dialect was served again; `None`: it never was.
    pub(super) recovery: Option<Duration>,
}

/// Everything should be as it was within this time.
const CALM: Duration = Duration::from_secs(60);

pub(super) async fn run(plan: &Plan) -> Report {
    let scene = Scene::build().await;
    let town = Town {
        hubs: scene.hubs.iter().map(|hub| hub.address).collect(),
        key: scene.key.clone(),
        serials: Arc::new(AtomicU64::new(1)),
        heard: Arc::default(),
        is_patient: !plan.has("leaving"),
    };
    let (deeds, began) = (Deeds::default(), Instant::now());
    // What a hub needs in a storm it keeps for the next one: memory is compared from one to the other.
    let mut sent = weather(plan, &scene, &town, &deeds, "warm-up", plan.warm_up).await;
    come_to_rest(&scene).await;
    let before = scene.look();
    sent.extend(weather(plan, &scene, &town, &deeds, "storm", plan.storm).await);
    edits::restore(Admin(scene.hubs[0].address), &scene.providers).await;
    for hub in &scene.hubs {
        hub.until_redis_is("up").await;
    }
    let recovery = recover(&town, &mut sent).await;
    come_to_rest(&scene).await;
    let aftermath = Aftermath { plan, scene: &scene, sent, before, recovery };
    let invariants = verdict::judge(&aftermath).await;
    let mut report = Report::new(plan, &deeds, &aftermath.sent, invariants, began.elapsed());
    let (sites, hubs) = (scene.sites, scene.hubs);
    for hub in hubs {
        hub.stop().await;
    }
    report.closes(&sites);
    report
}

/// Everything at once, for so long; when it is over, the stores are up and the vendors well.
async fn weather(
    plan: &Plan,
    scene: &Scene,
    town: &Town,
    deeds: &Deeds,
    name: &str,
    time: Duration,
) -> Vec<Sent> {
    let (end, over) = watch::channel(false);
    let over = Over(over);
    let chance = |part: &str| plan.chance(&format!("{name} {part}"));
    let moody = scene.labs.iter().enumerate().map(|(place, lab)| {
        let chance = chance(&format!("vendor {place}"));
        only(plan.has("vendors"), providers::be_moody(lab, chance, deeds, &over))
    });
    let talkers = |number| chance(&format!("talker {number}"));
    let (sent, ..) = tokio::join!(
        talk(town, plan.talkers, talkers, &over),
        join_all(moody),
        only(plan.has("redis"), stores::trouble_redis(scene, chance("redis"), deeds, &over)),
        only(plan.has("postgres"), stores::trouble_postgres(scene, chance("postgres"), deeds, &over)),
        only(plan.has("edits"), edits::edit(scene, chance("admin"), deeds, &over)),
        tell(plan, scene, town, deeds, &over, (name, time)),
        async {
            tokio::time::sleep(time).await;
            end.send_replace(true);
        },
    );
    for admin in scene.admins() {
        let is_up = async || (admin.get("/system/status").await["database"]["state"] == "up").then_some(());
        eventually("the hub has its database again", CALM, is_up).await;
    }
    sent
}

async fn only(takes_part: bool, part: impl Future<Output = ()>) {
    if takes_part {
        part.await;
    }
}

/// Until there is nothing under way and everything is in the database.
async fn come_to_rest(scene: &Scene) {
    for hub in &scene.hubs {
        let at_rest = async || (hub.metric("hub_requests_in_flight").await == Some(0.0)).then_some(());
        // If it never is, the verdict says so.
        let _ = tokio::time::timeout(CALM / 2, eventually("no request is under way", CALM, at_rest)).await;
        Admin(hub.address).wait_for_records().await;
    }
}

/// Asks until everybody is served by every hub.
async fn recover(town: &Town, sent: &mut Vec<Sent>) -> Option<Duration> {
    let began = Instant::now();
    let mut round = 0;
    while began.elapsed() < CALM {
        round += 1;
        let all = everybody_asks(town, round).await;
        let are_served = all.iter().all(Sent::is_served);
        sent.extend(all);
        if are_served {
            return Some(began.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    None
}

/// A line every few seconds, for whoever watches a long storm.
async fn tell(
    plan: &Plan,
    scene: &Scene,
    town: &Town,
    deeds: &Deeds,
    over: &Over,
    (name, time): (&str, Duration),
) {
    let began = Instant::now();
    while plan.is_told && over.sleep(Duration::from_secs(5)).await {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let memory: Vec<String> =
            scene.look().iter().map(|look| format!("{} MiB", look.resident_kib / 1024)).collect();
        eprintln!(
            "{name}, {:>4} of {} s: {} requests, {} moods of vendors, Redis gone {} times, PostgreSQL {} times, \
             {} edits, memory {}",
            began.elapsed().as_secs(),
            time.as_secs(),
            count(&town.heard),
            count(&deeds.moods),
            count(&deeds.redis_killed) + count(&deeds.redis_frozen),
            count(&deeds.postgres_killed) + count(&deeds.postgres_frozen),
            count(&deeds.edits),
            memory.join(" and "),
        );
    }
}
