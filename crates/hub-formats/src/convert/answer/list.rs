//! The items of a JSON list that comes in pieces.

use crate::error::{ErrorKind, Failure};
use crate::sse::MAX_EVENT_BYTES;

/// Cuts a list into its items, as soon as each is complete. What stands between them is not looked at.
#[derive(Debug, Default)]
pub(super) struct ListItems {
    /// The item that has begun.
    item: Vec<u8>,
    /// Brackets that are open, the list's own among them.
    open: usize,
    in_text: bool,
    after_backslash: bool,
}

impl ListItems {
    /// Takes the next bytes and hands out every item that they complete.
    pub(super) fn push(&mut self, piece: &[u8], mut on_item: impl FnMut(&[u8])) -> Result<(), Failure> {
        // Where the part of this piece begins that belongs to the item.
        let mut begin = 0;
        for (at, &byte) in piece.iter().enumerate() {
            if self.in_text {
                match byte {
                    _ if std::mem::take(&mut self.after_backslash) => {}
                    b'\\' => self.after_backslash = true,
                    b'"' => self.in_text = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => {
                    if self.open == 1 {
                        begin = at;
                    }
                    self.open += 1;
                }
                b'}' | b']' => {
                    self.open = self.open.saturating_sub(1);
                    if self.open == 1 {
                        let rest = piece.get(begin..=at).unwrap_or_default();
                        if self.item.is_empty() {
                            on_item(rest);
                        } else {
                            self.item.extend_from_slice(rest);
                            on_item(&self.item);
                            self.item.clear();
                            self.item.shrink_to(64 * 1024);
                        }
                    }
                }
                _ => {}
            }
        }
        if self.open > 1 {
            self.item.extend_from_slice(piece.get(begin..).unwrap_or_default());
        }
        if self.item.len() > MAX_EVENT_BYTES {
            return Err(Failure::new(ErrorKind::Api, "an item of the upstream's list is too large"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ListItems;

    #[test]
    fn items_come_out_the_same_however_the_list_is_cut() {
        let list = r#"[{"a":"]}\"[{"},
 {"b":[1,{"c":2}]}
,{}]"#;
        for size in 1..list.len() {
            let (mut items, mut splitter) = (Vec::new(), ListItems::default());
            for piece in list.as_bytes().chunks(size) {
                splitter.push(piece, |item| items.push(String::from_utf8(item.to_vec()).unwrap())).unwrap();
            }
            assert_eq!(items, [r#"{"a":"]}\"[{"}"#, r#"{"b":[1,{"c":2}]}"#, "{}"], "{size}");
        }
    }
}
