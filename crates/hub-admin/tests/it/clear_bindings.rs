//! `clear-bindings` on a real Redis and a real SQLite database.

use std::time::Duration;

use hub_testkit::{Redis, WireTap};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::fixture::{Admin, Run};
use crate::pty::Pty;
use crate::redis_keys::{Keys, Seed};

/// A hub's stores: four providers, the third of them deleted, and sessions bound to them.
struct Hub {
    admin: Admin,
    redis: Redis,
    keys: Keys,
}

const SEEDS: [Seed; 6] = [
    Seed { key: 1, name: "a", provider: 1 },
    Seed { key: 1, name: "with:colon", provider: 1 },
    Seed { key: 2, name: "0193-b", provider: 2 },
    Seed { key: 2, name: "left-over", provider: 3 },
    Seed { key: 3, name: "stays", provider: 4 },
    Seed { key: 3, name: "of-nobody", provider: 99 },
];

impl Hub {
    async fn start() -> Self {
        let redis = Redis::start().await.unwrap();
        let keys = Keys::of(&redis).await;
        for seed in &SEEDS {
            keys.seed(seed).await;
        }
        let admin = Admin::new().with("REDIS_URL", &redis.url());
        for (name, kind, priority) in [
            ("Main relay", "claude", 0),
            ("台北线路", "codex", 1),
            ("gone", "claude", 2),
            ("100%_flat", "gemini", 5),
        ] {
            let priority = format!("priority={priority}");
            admin
                .run(&["providers", "add", name, "--url", "https://a.example", "--type", kind, &priority])
                .ok();
        }
        admin.run(&["providers", "rm", "gone", "-y"]).ok();
        Self { admin, redis, keys }
    }

    fn run(&self, args: &[&str]) -> Run {
        self.admin.run(&[&["clear-bindings"], args].concat())
    }

    fn at_terminal(&self, args: &[&str]) -> Pty {
        Pty::run(&self.admin, &[&["clear-bindings"], args].concat())
    }

    fn generation(&self, id: usize) -> Value {
        self.admin.run(&["--json", "providers", "list"]).json()["items"][id - 1]["generation"].clone()
    }
}

/// The ids of the providers in a report.
fn meant(report: &Value) -> Vec<i64> {
    report["providers"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_are_combined() {
    let hub = Hub::start().await;
    for (filter, ids) in [
        (&["-p", "2"][..], vec![1, 2]),
        (&["--priority", "0"], vec![]),
        (&["--priority=-1"], vec![]),
        (&["--id", "1,3,99"], vec![1, 3, 99]),
        (&["--id", "3", "--type", "claude"], vec![3]),
        (&["--id", "3", "--type", "codex"], vec![]),
        (&["--name", "RELAY"], vec![1]),
        (&["--name", "线路", "-p", "2", "--type", "codex"], vec![2]),
        (&["--name", "线路", "-p", "1"], vec![]),
        (&["--name", "%_"], vec![4]),
        (&["--name", "M%n"], vec![]),
        (&["--name", "10__"], vec![]),
        (&["--type", "gemini-cli"], vec![]),
        (&["--type", "claude"], vec![1]),
        (&[], vec![1, 2, 3, 4]),
    ] {
        let report = hub.run(&[filter, &["--dry-run", "--json"]].concat()).json();
        assert_eq!(meant(&report), ids, "{filter:?}");
        assert_eq!(report["dry_run"], json!(true));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_so_first_and_last_and_changes_nothing() {
    let hub = Hub::start().await;
    let before = hub.keys.all().await;
    let said = hub.run(&["-p", "5", "--dry-run"]).ok();
    let lines: Vec<_> = said.lines().collect();
    for line in [lines[0], lines[lines.len() - 1]] {
        assert!(line.starts_with("[DRY RUN]") && line.contains("othing"), "{said}");
    }
    assert!(said.contains("\n2 providers, 3 session bindings\n"), "{said}");
    assert!(said.contains("Main relay") && said.contains("台北线路") && !said.contains("gone"), "{said}");
    assert_eq!(hub.keys.all().await, before);
    assert_eq!(hub.generation(1), 0);
    let said = hub.run(&["--type", "gemini-cli", "--dry-run"]).ok();
    assert_eq!(said.lines().filter(|line| line.starts_with("[DRY RUN]")).count(), 2, "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_remembered_of_the_sessions_goes_and_the_rest_stays() {
    let hub = Hub::start().await;
    let before = hub.keys.all().await;
    let report = hub.run(&["--id", "1,3,99", "--json", "-y"]).json();
    let row = |id: i64,
               name: Option<&str>,
               kind: Option<&str>,
               priority: Option<i64>,
               is_deleted: bool,
               sessions: i64| {
        json!({"id": id, "name": name, "type": kind, "priority": priority, "is_deleted": is_deleted, "sessions": sessions})
    };
    let providers = [
        row(1, Some("Main relay"), Some("claude"), Some(0), false, 2),
        row(3, Some("gone"), Some("claude"), Some(2), true, 1),
        row(99, None, None, None, true, 1),
    ];
    assert_eq!(report, json!({"dry_run": false, "providers": providers, "sessions": 4, "conversations": 8}));
    let after = hub.keys.all().await;
    for seed in &SEEDS {
        let sid = format!("k{}.{}", seed.key, seed.name);
        let is_gone = [1, 3, 99].contains(&seed.provider);
        let own = |all: &std::collections::BTreeMap<String, String>| {
            all.iter()
                .filter(|(key, value)| {
                    key.contains(&format!(":{sid}:")) || key.starts_with("hash:") && value.contains(&sid)
                })
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(own(&before).len(), 11, "{sid}");
        assert_eq!(own(&after), if is_gone { Vec::new() } else { own(&before) }, "{sid}");
        for roster in
            ["global", "user:7", &format!("key:{}", seed.key), &format!("provider:{}", seed.provider)]
        {
            let members = hub.keys.members(&format!("{roster}:active_sessions")).await;
            assert_eq!(members.contains(&sid), !is_gone, "{sid} in {roster}");
        }
    }
    assert_eq!((hub.generation(1), hub.generation(2)), (json!(1), json!(0)));
    let again = hub.run(&["--id", "1,3,99", "-y"]).ok();
    assert!(again.contains("Nothing to do") && again.contains("3 providers, 0 session bindings"), "{again}");
    assert_eq!(hub.generation(1), 1, "nothing to do, nothing done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_line_up_whatever_the_names_are_written_in() {
    let mut hub = Hub::start().await;
    for (language, titles, marked) in [
        ("C.UTF-8", ["ID", "Name", "Type", "Priority", "Sessions"], "gone (deleted)"),
        ("zh_CN.UTF-8", ["编号", "名称", "类型", "优先级", "会话数"], "gone（已删除）"),
    ] {
        hub.admin = hub.admin.with("LANG", language);
        let said = hub.run(&["--id", "1,2,3,4,99", "--dry-run"]).ok();
        let table: Vec<_> = said.lines().skip(1).take_while(|line| !line.starts_with('5')).collect();
        assert!(table.len() >= 5 + 3, "{said}");
        let widths: Vec<_> = table.iter().map(|line| line.width()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}\n{said}");
        let head = table.iter().find(|line| line.contains(titles[1])).unwrap();
        assert!(titles.iter().all(|title| head.contains(title)), "{said}");
        // Where a column ends is seen best where it is aligned to the right.
        let end = |line: &str, text: &str| line[..line.rfind(text).unwrap() + text.len()].width();
        let row = table.iter().find(|line| line.contains("台北线路")).unwrap();
        assert_eq!(end(row, "1"), end(head, titles[4]), "{said}");
        assert!(said.contains(marked), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_speaks_chinese_where_people_do() {
    let hub = Hub::start().await;
    for variable in ["LC_ALL", "LC_MESSAGES", "LANG"] {
        let admin = Admin::new().with("REDIS_URL", &hub.redis.url()).with(variable, "zh_CN.UTF-8");
        let said = admin.run(&["clear-bindings", "--id", "1", "--dry-run"]).ok();
        assert!(said.contains("1 个供应商，2 个会话绑定"), "{said}");
        assert!(
            said.starts_with("[DRY RUN] 仅为预览") && said.ends_with("[DRY RUN] 未做任何更改。\n"),
            "{said}"
        );
        let refused = admin.run(&["clear-bindings", "--id", "1"]).refused(2);
        assert!(refused.contains("没有可供确认的终端"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_terminal_it_asks_nobody() {
    let hub = Hub::start().await;
    let before = hub.keys.all().await;
    let refused = hub.run(&["-p", "3"]).refused(2);
    assert!(refused.contains("--yes") && refused.contains("--dry-run"), "{refused}");
    let refused = hub.run(&["--yes"]).refused(2);
    assert!(refused.contains("--priority"), "{refused}");
    for wrong in
        [&["--id", "1,x"][..], &["--type", "Claude"], &["-p", "high"], &["--name", ""], &["--id", ""]]
    {
        hub.run(&[wrong, &["-y"]].concat()).refused(2);
    }
    assert_eq!(hub.keys.all().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_redis_it_says_where_the_sessions_are() {
    let refused = Admin::new().run(&["clear-bindings", "-p", "1", "-y"]).refused(2);
    assert!(refused.contains("REDIS_URL") && refused.contains("--server"), "{refused}");
    let redis = Redis::start().await.unwrap();
    let admin = Admin::new().with("REDIS_URL", &redis.url());
    redis.stop().await.unwrap();
    let failed = admin.run(&["clear-bindings", "--id", "1", "-y"]);
    assert_eq!(failed.code, 1, "{failed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_goes_in_the_middle_leaves_the_rest_for_the_next_time() {
    let hub = Hub::start().await;
    hub.keys.bind_many(4000, 1).await;
    let tap = WireTap::before(hub.redis.port()).await.unwrap();
    tap.set_delay(Duration::from_millis(40));
    let admin = Admin::new().with("REDIS_URL", &format!("redis://{}", tap.address()));
    let run = tokio::task::spawn_blocking(move || admin.run(&["clear-bindings", "--id", "1", "--yes"]));
    while hub.keys.count("session:*:provider").await == 4006 {
        assert!(!run.is_finished(), "{:?}", run.await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    drop(tap);
    let run = run.await.unwrap();
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stderr.contains("partly done") && run.stderr.contains("run it again"), "{run:?}");
    let left = hub.keys.count("session:*:provider").await;
    assert!((5..4006).contains(&left), "{left}");
    let report = hub.run(&["--id", "1", "--json", "-y"]).json();
    assert_eq!(report["sessions"], json!(left - 4));
    assert_eq!(hub.keys.count("session:*:provider").await, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_terminal_it_asks_how_and_whether() {
    let hub = Hub::start().await;
    let mut pty = hub.at_terminal(&[]);
    pty.expect("Your choice [1-5]:");
    pty.type_line("7");
    pty.expect("from 1 to 5");
    pty.type_line("1");
    pty.expect("less than:");
    pty.type_line("high");
    pty.expect("whole number");
    pty.type_line("1");
    pty.expect("Counting [");
    pty.expect("Main relay");
    pty.expect("1 providers, 2 session bindings");
    pty.expect("Clear 2 session bindings? [y/N]");
    pty.type_line("y");
    pty.expect("Clearing [");
    pty.expect("Cleared 2 session bindings and 4 conversation hashes.");
    assert_eq!(pty.end().0, 0);
    assert_eq!(hub.keys.count("session:*:provider").await, 4);

    for (choice, condition, summary) in [
        ("2", "2，99", "2 providers, 2 session bindings"),
        ("3", "线", "1 providers, 1 session bindings"),
        ("4", "gemini", "1 providers, 1 session bindings"),
    ] {
        let mut pty = hub.at_terminal(&["--dry-run"]);
        pty.expect("[DRY RUN]");
        pty.expect("Your choice [1-5]:");
        pty.type_line(choice);
        pty.expect(":");
        pty.type_line(condition);
        pty.expect(summary);
        pty.expect("[DRY RUN] Nothing was changed.");
        assert_eq!(pty.end().0, 0);
    }
    let mut pty = hub.at_terminal(&["--yes"]);
    pty.expect("Your choice [1-5]:");
    pty.type_line("5");
    pty.expect("4 providers, 3 session bindings");
    pty.expect("Cleared 3 session bindings");
    assert_eq!(pty.end().0, 0);
    assert_eq!(hub.keys.count("session:*:provider").await, 1, "nobody knows of a provider 99");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_while_it_clears_says_that_it_is_not_finished() {
    let mut hub = Hub::start().await;
    hub.keys.bind_many(4000, 1).await;
    let tap = WireTap::before(hub.redis.port()).await.unwrap();
    tap.set_delay(Duration::from_millis(40));
    hub.admin = hub.admin.with("REDIS_URL", &format!("redis://{}", tap.address()));
    let mut pty = hub.at_terminal(&["--name", "relay", "-y"]);
    while hub.keys.count("session:*:provider").await == 4006 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    pty.press_ctrl_c();
    pty.expect("run it again to finish");
    let (code, screen) = pty.end();
    assert_eq!(code, 3, "{screen}");
    assert!(hub.keys.count("session:*:provider").await > 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_and_ctrl_c_and_the_end_of_input_leave_everything_as_it_was() {
    let hub = Hub::start().await;
    let before = hub.keys.all().await;
    let stop: [fn(&mut Pty); 2] = [Pty::press_ctrl_c, Pty::end_input];
    for stop in stop {
        for answers in 0..3 {
            let mut pty = hub.at_terminal(&[]);
            let script = [("Your choice [1-5]:", "1"), ("less than:", "9"), ("[y/N]", "")];
            for (question, answer) in &script[..answers] {
                pty.expect(question);
                pty.type_line(answer);
            }
            pty.expect(script[answers].0);
            stop(&mut pty);
            pty.expect("Nothing was changed.");
            let (code, screen) = pty.end();
            assert_eq!(code, 0, "{screen}");
        }
    }
    for no in ["", "n", "maybe"] {
        let mut pty = hub.at_terminal(&["--name", "relay"]);
        pty.expect("[y/N]");
        pty.type_line(no);
        pty.expect("Nothing was changed.");
        assert_eq!(pty.end().0, 0);
    }
    assert_eq!(hub.keys.all().await, before);
    assert_eq!(hub.generation(1), 0);
}
