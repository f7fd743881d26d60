//! Where lines end: LF, CR or CRLF, also when a CRLF is cut in two. U+2028 and its like are text, not line ends.

use memchr::memchr2;

/// Finds line ends over any sequence of chunks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LineEnds {
    after_cr: bool,
}

impl LineEnds {
    /// Drops the LF that completes a CRLF whose CR ended the chunk before (or the line before). Returns how many
    /// bytes of `rest` belong to that line end: 0 or 1.
    pub(crate) fn finish_crlf(&mut self, rest: &[u8]) -> usize {
        let Some(&first) = rest.first() else { return 0 };
        let completes = std::mem::take(&mut self.after_cr) && first == b'\n';
        usize::from(completes)
    }

    /// Splits `rest` at its first line end: the line, and what follows the CR or LF. A CR's LF stays in the
    /// rest; [`Self::finish_crlf`] takes it from there.
    pub(crate) fn split<'a>(&mut self, rest: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let at = memchr2(b'\r', b'\n', rest)?;
        let (line, end) = rest.split_at(at);
        self.after_cr = end.first() == Some(&b'\r');
        Some((line, end.get(1..).unwrap_or_default()))
    }
}
