//! The form of one journal entry: payload length (u32, little-endian), CRC-32 of kind and payload, kind, payload.
//!
//! The payload is JSON, so that a later version of the hub, or a person, can read what an earlier one wrote.

use serde::Serialize;

/// Bytes before the payload.
pub(crate) const HEADER: usize = 9;
/// No entry's payload is larger: a length beyond it is damage, not data.
pub(crate) const MAX_PAYLOAD: usize = 16 << 20;

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A request was admitted.
    Opened = 1,
    /// A request ended.
    Settled = 2,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Opened),
            2 => Some(Self::Settled),
            _ => None,
        }
    }
}

/// A whole entry inside a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// What it says.
    pub(crate) kind: Kind,
    /// The JSON text.
    pub(crate) payload: &'a [u8],
    /// Bytes of header and payload.
    pub(crate) size: usize,
}

/// What stands at the beginning of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    /// A whole, sound entry.
    Entry(Frame<'a>),
    /// The beginning of an entry that takes `needed` bytes in all.
    Incomplete { needed: usize },
    /// Nothing that was ever written as an entry.
    Damaged,
}

/// Writes an entry. Fails only if the value can't be JSON or is too large.
pub(crate) fn encode(kind: Kind, value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    // What most of them take, so that they are not moved while they grow.
    let usual = match kind {
        Kind::Opened => 512,
        Kind::Settled => 4096,
    };
    let mut entry = Vec::with_capacity(usual);
    entry.extend_from_slice(&[0; HEADER - 1]);
    entry.push(kind as u8);
    serde_json::to_writer(&mut entry, value)?;
    let length = entry.len() - HEADER;
    if length > MAX_PAYLOAD {
        return Err(serde::ser::Error::custom("the entry is larger than the journal takes"));
    }
    let length = u32::try_from(length).map_err(serde::ser::Error::custom)?;
    let (header, body) = entry.split_at_mut(HEADER - 1);
    let (length_field, crc_field) = header.split_at_mut(4);
    length_field.copy_from_slice(&length.to_le_bytes());
    crc_field.copy_from_slice(&crc32fast::hash(body).to_le_bytes());
    Ok(entry)
}

/// Reads the entry at the beginning of `bytes`.
pub(crate) fn next(bytes: &[u8]) -> Next<'_> {
    let Some((header, rest)) = bytes.split_first_chunk::<{ HEADER - 1 }>() else {
        return Next::Incomplete { needed: HEADER };
    };
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *header;
    let Ok(length) = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])) else { return Next::Damaged };
    if length == 0 || length > MAX_PAYLOAD {
        return Next::Damaged;
    }
    if let Some(kind) = rest.first()
        && Kind::from_byte(*kind).is_none()
    {
        return Next::Damaged;
    }
    let Some(body) = rest.get(..=length) else { return Next::Incomplete { needed: HEADER + length } };
    if crc32fast::hash(body) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Next::Damaged;
    }
    match body.split_first().and_then(|(kind, payload)| Some((Kind::from_byte(*kind)?, payload))) {
        Some((kind, payload)) => Next::Entry(Frame { kind, payload, size: HEADER + length }),
        None => Next::Damaged,
    }
}

/// The offset of the first sound entry at or after `from`: where reading goes on behind damage.
pub(crate) fn resync(bytes: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len().saturating_sub(HEADER)).find(|&offset| {
        // Every payload is a JSON object: its first byte sorts out nearly all offsets before a checksum is made.
        bytes.get(offset + HEADER) == Some(&b'{')
            && bytes.get(offset..).is_some_and(|rest| matches!(next(rest), Next::Entry(_)))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_encoded_is_read_back() {
        let entry = encode(Kind::Settled, &json!({"id": 7})).unwrap();
        let Next::Entry(frame) = next(&entry) else { panic!("no entry") };
        assert_eq!(
            (frame.kind, frame.payload, frame.size),
            (Kind::Settled, br#"{"id":7}"#.as_slice(), entry.len())
        );
    }

    proptest! {
        #[test]
        fn a_cut_entry_is_never_read_as_a_whole_one(text in ".{0,80}", cut in 0.0..1.0f64) {
            let entry = encode(Kind::Opened, &json!({ "text": text })).unwrap();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a short length")]
            let cut = (entry.len() as f64 * cut) as usize;
            let is_incomplete = matches!(next(&entry[..cut]), Next::Incomplete { needed } if needed > cut);
            prop_assert!(is_incomplete);
        }

        #[test]
        fn a_changed_byte_is_noticed(at in 0usize..60, by in 1u8..) {
            let mut entry = encode(Kind::Opened, &json!({ "text": "something long enough to be hit by a flip" })).unwrap();
            entry[at] = entry[at].wrapping_add(by);
            prop_assert!(!matches!(next(&entry), Next::Entry(_)));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = next(&bytes);
            let _ = resync(&bytes, 0);
        }
    }

    #[test]
    fn reading_goes_on_behind_damage() {
        let first = encode(Kind::Opened, &json!({"n": 1})).unwrap();
        let second = encode(Kind::Settled, &json!({"n": 2})).unwrap();
        let mut bytes = first.clone();
        bytes[HEADER + 2] ^= 0x40;
        bytes.extend_from_slice(&second);
        assert_eq!(next(&bytes), Next::Damaged);
        assert_eq!(resync(&bytes, 1), Some(first.len()));
    }
}
