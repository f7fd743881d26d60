//! The person in front of the terminal: questions, answers, Ctrl-C.

use std::io::{self, BufRead, IsTerminal, Read};

use tokio::sync::oneshot;

use crate::output;

/// Longer answers are cut.
const MOST_BYTES: u64 = 64 << 10;

/// Is there somebody to ask?
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks and waits for a line, given without the blanks around it; `None` = the input ended.
///
/// The line is read on a thread of its own, which nobody waits for: the connections go on meanwhile, and
/// Ctrl-C is heard.
pub(crate) async fn ask(question: &str) -> Option<String> {
    output::draw(&format!("{question} "));
    let (sender, answer) = oneshot::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().take(MOST_BYTES).read_until(b'\n', &mut bytes);
        // Whoever asked may be gone.
        drop(sender.send(read.is_ok_and(|count| count > 0).then_some(bytes)));
    });
    let Some(bytes) = answer.await.ok().flatten() else {
        // The question stands alone on its line.
        output::tell("");
        return None;
    };
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// Ends with Ctrl-C. Where that can't be heard it ends never, and Ctrl-C the whole program.
pub(crate) async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
