//! The course of a storm: fair weather, the storm, and what is left when it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::watch;

use super::plan::Plan;
use super::process::Look;
use super::report::Report;
use super::scene::Scene;
use super::talker::{Sent, Town, everybody_asks, talk};
use super::{edits, providers, stores, verdict};
use crate::harness::{Admin, eventually};

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

    let mut chance = plan.chance("warm-up");
    for lab in &scene.labs {
        providers::plays(lab, &mut chance, 4);
    }
    let (end, over) = watch::channel(false);
    let over = Over(over);
    let chances = |number| plan.chance(&format!("warming-{number}"));
    let (mut sent, ()) = tokio::join!(talk(&town, plan.talkers, chances, &over), async {
        tokio::time::sleep(plan.warm_up).await;
        end.send_replace(true);
    });
    for lab in &scene.labs {
        providers::plays(lab, &mut chance, 0);
    }
    come_to_rest(&scene).await;
    let before = scene.look();

    let (end, over) = watch::channel(false);
    let over = Over(over);
    let moody =
        scene.labs.iter().enumerate().map(|(place, lab)| {
            providers::be_moody(lab, plan.chance(&format!("vendor-{place}")), &deeds, &over)
        });
    let chances = |number| plan.chance(&format!("talker-{number}"));
    let (stormy, ..) = tokio::join!(
        talk(&town, plan.talkers, chances, &over),
        async {
            if plan.has("vendors") {
                join_all(moody).await;
            }
        },
        async {
            if plan.has("redis") {
                stores::trouble_redis(&scene, plan.chance("redis"), &deeds, &over).await;
            }
        },
        async {
            if plan.has("postgres") {
                stores::trouble_postgres(&scene, plan.chance("postgres"), &deeds, &over).await;
            }
        },
        async {
            if plan.has("edits") {
                edits::edit(&scene, plan.chance("admin"), &deeds, &over).await;
            }
        },
        tell(plan, &town, &deeds, &over),
        async {
            tokio::time::sleep(plan.storm).await;
            end.send_replace(true);
        },
    );
    sent.extend(stormy);

    for admin in scene.admins() {
        let is_up = async || (admin.get("/system/status").await["database"]["state"] == "up").then_some(());
        eventually("the hub has its database again", CALM, is_up).await;
    }
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
async fn tell(plan: &Plan, town: &Town, deeds: &Deeds, over: &Over) {
    let began = Instant::now();
    while plan.is_told && over.sleep(Duration::from_secs(5)).await {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        eprintln!(
            "{:>4} of {} s: {} requests, {} moods of vendors, Redis gone {} times, PostgreSQL {} times, {} edits",
            began.elapsed().as_secs(),
            plan.storm.as_secs(),
            count(&town.heard),
            count(&deeds.moods),
            count(&deeds.redis_killed) + count(&deeds.redis_frozen),
            count(&deeds.postgres_killed) + count(&deeds.postgres_frozen),
            count(&deeds.edits),
        );
    }
}
