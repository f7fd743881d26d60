//! Finding a byte that is probably near: quotes and backslashes stand close together in JSON, where setting up a
//! search over long distances costs more than the search.

use memchr::memchr;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;
/// Words that are looked at one by one before the long search begins.
const NEAR: usize = 4;

/// Where `wanted` stands first.
#[inline]
pub(super) fn find(wanted: u8, bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<8>();
    let pattern = ONES * u64::from(wanted);
    for (index, word) in words.iter().take(NEAR).enumerate() {
        // A byte that is equal becomes zero, and of the lowest zero byte exactly the highest bit is left.
        let differing = u64::from_le_bytes(*word) ^ pattern;
        let zeros = differing.wrapping_sub(ONES) & !differing & HIGHS;
        if zeros != 0 {
            return Some(index * 8 + zeros.trailing_zeros() as usize / 8);
        }
    }
    let looked_at = words.len().min(NEAR) * 8;
    memchr(wanted, bytes.get(looked_at..)?).map(|at| at + looked_at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::find;

    proptest! {
        #[test]
        fn it_finds_what_a_plain_search_finds(bytes in prop::collection::vec(0x20_u8..0x24, 0..80), filler in any::<u8>(), lead in 0_usize..50) {
            let bytes: Vec<u8> = std::iter::repeat_n(filler, lead).chain(bytes).collect();
            for wanted in [b'"', b'!', 0xA2] {
                prop_assert_eq!(find(wanted, &bytes), bytes.iter().position(|&byte| byte == wanted));
            }
        }
    }
}
