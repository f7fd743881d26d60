//! How far a long piece of work has come: one line on the terminal, drawn over and over.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::output;

/// Drawn again each time so many more keys were seen.
const STEP: u64 = 500;
/// How wide the bar is, and the piece that wanders in it: how many keys there are is not known.
const WIDTH: u64 = 24;
const PIECE: u64 = 6;

/// A line that is wiped when it is dropped. Without a terminal there is none.
pub(crate) struct Progress {
    label: &'static str,
    unit: &'static str,
    is_shown: bool,
    /// The step that was drawn last.
    drawn: AtomicU64,
}

impl Progress {
    pub(crate) fn new(label: &'static str, unit: &'static str) -> Self {
        let progress =
            Self { label, unit, is_shown: io::stderr().is_terminal(), drawn: AtomicU64::new(u64::MAX) };
        progress.show(0);
        progress
    }

    /// So many keys were seen.
    pub(crate) fn show(&self, seen: u64) {
        let step = seen / STEP;
        if self.is_shown && self.drawn.swap(step, Ordering::Relaxed) != step {
            output::draw(&format!("\r\x1b[K{} [{}] {seen} {}", self.label, bar(step), self.unit));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            output::draw("\r\x1b[K");
        }
    }
}

/// A piece that wanders to and fro.
fn bar(step: u64) -> String {
    let room = WIDTH - PIECE;
    let phase = step % (2 * room);
    let start = if phase > room { 2 * room - phase } else { phase };
    (0..WIDTH).map(|at| if (start..start + PIECE).contains(&at) { '=' } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn the_piece_stays_in_the_bar() {
        for step in [0, 1, 17, 18, 19, 35, 36, u64::MAX] {
            let bar = bar(step);
            assert_eq!((bar.len(), bar.trim().len()), (24, 6), "{step}");
        }
        assert_ne!(bar(3), bar(4));
    }
}
