//! `hub-server demo`, as somebody sees it who tries the hub for the first time.

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{Connection, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_shows_the_hub_and_goes_on_to_serve() {
    let site = Site::embedded();
    let mut demo = site.launch(&["demo"]);
    let mut printed = String::new();
    while !printed.contains("Serving until Ctrl-C.") {
        let line = demo.line().await.unwrap_or_else(|| panic!("it ended:\n{printed}\n{}", site.log()));
        printed.push_str(&line);
        printed.push('\n');
    }
    for part in [
        "Three requests through the hub:",
        "POST /v1/messages ",
        "the last one `message_stop`",
        "POST /v1/messages/count_tokens",
        "On record (newest first):",
        "Admin token:",
        "\ncurl\n",
        "\nClaude Code\n  export ANTHROPIC_BASE_URL=http://127.0.0.1:",
        "\nCodex CLI ",
        "wire_api = \"responses\"",
        "\nGemini CLI\n  export GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:",
    ] {
        assert!(printed.contains(part), "no {part:?} in:\n{printed}");
    }
    let rows: Vec<Vec<&str>> = printed
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|cells| matches!(cells[..], ["generate" | "count_tokens", ..]))
        .collect();
    assert_eq!(rows.len(), 3, "{printed}");
    let billed: Vec<_> = rows.iter().filter(|cells| cells.first() == Some(&"generate")).collect();
    assert_eq!(billed.len(), 2, "{printed}");
    for cells in billed {
        let number = |at: usize| cells.get(at).and_then(|cell: &&str| cell.parse::<f64>().ok());
        assert!(cells.get(2) == Some(&"simulated-claude"), "{cells:?}");
        assert!((3..=5).all(|at| number(at) > Some(0.0)), "input, output and cost: {cells:?}");
    }

    let after = |mark: &str| {
        let at = printed.find(mark).unwrap_or_else(|| panic!("no {mark:?} in:\n{printed}")) + mark.len();
        printed[at..].split_whitespace().next().unwrap().to_owned()
    };
    let key = after("Hub key of \"ada\":");
    let address = after("export ANTHROPIC_BASE_URL=http://").parse().unwrap();
    let mut connection = Connection::open(address).await.unwrap();
    let headers = format!("x-api-key: {key}\r\nanthropic-version: 2023-06-01\r\n");
    let body = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}],
    });
    connection.send("POST", "/v1/messages", &headers, &body.to_string()).await.unwrap();
    let answer = connection.read().await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["type"], "message");
    let bearer = format!("authorization: Bearer {}\r\n", after("Admin token:"));
    connection.send("GET", "/api/v1/requests", &bearer, "").await.unwrap();
    assert_eq!(connection.read().await.unwrap().status, 200);

    demo.signal(Signal::SIGINT);
    assert_eq!(demo.wait().await.code(), Some(0), "{}", site.log());
    assert!(!site.data_dir().exists(), "the demo keeps nothing");
}
