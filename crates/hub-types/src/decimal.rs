//! Fixed-point numbers as decimal text and back, without allocating: every record of a request holds a dozen.

/// The shortest exact decimal of `magnitude` / 10^`places`.
pub(crate) struct Decimal {
    buffer: [u8; Self::ROOM],
    start: usize,
}

impl Decimal {
    /// A sign, a point, and the 20 digits of the largest number.
    const ROOM: usize = 22;

    /// Writes it from the last digit to the first. At most 19 places.
    pub(crate) fn new(is_negative: bool, magnitude: u64, places: u32) -> Self {
        let mut decimal = Self { buffer: [0; Self::ROOM], start: Self::ROOM };
        let (mut rest, mut has_fraction) = (magnitude, false);
        for _ in 0..places {
            let digit = rest % 10;
            rest /= 10;
            // Zeros at the end say nothing.
            if digit != 0 || has_fraction {
                has_fraction = true;
                decimal.push_front(digit);
            }
        }
        if has_fraction {
            decimal.push_byte(b'.');
        }
        loop {
            decimal.push_front(rest % 10);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if is_negative && magnitude != 0 {
            decimal.push_byte(b'-');
        }
        decimal
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        self.buffer.get(self.start..).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }

    fn push_front(&mut self, digit: u64) {
        self.push_byte(b'0' + u8::try_from(digit).unwrap_or(0));
    }

    fn push_byte(&mut self, byte: u8) {
        self.start = self.start.saturating_sub(1);
        if let Some(place) = self.buffer.get_mut(self.start) {
            *place = byte;
        }
    }
}

/// Why a text is no fixed-point number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoDecimal {
    /// Something other than digits with at most one point.
    Malformed,
    /// More decimals than places.
    TooFine,
    /// Beyond 64 bits.
    TooLarge,
}

/// Reads an unsigned decimal as a multiple of 10^-`places`.
pub(crate) fn parse(text: &str, places: u32) -> Result<u64, NoDecimal> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(NoDecimal::Malformed);
    }
    let fraction = fraction.trim_end_matches('0');
    let missing = places
        .checked_sub(u32::try_from(fraction.len()).map_err(|_| NoDecimal::TooFine)?)
        .ok_or(NoDecimal::TooFine)?;
    let digits = whole.bytes().chain(fraction.bytes()).map(|byte| u64::from(byte - b'0'));
    let value = digits.into_iter().try_fold(0_u64, |value, digit| value.checked_mul(10)?.checked_add(digit));
    value.and_then(|value| value.checked_mul(10_u64.checked_pow(missing)?)).ok_or(NoDecimal::TooLarge)
}
