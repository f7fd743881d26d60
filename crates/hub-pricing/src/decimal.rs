//! Decimal number text to pico-dollars, without a float in between.

const PICO_EXPONENT: i32 = 12;
/// A million dollars a token is a mistake, not a price.
const MAX_PICO: i128 = 1_000_000_000_000_000_000;

/// Pico-dollars (10⁻¹² USD) of a JSON number such as `3e-06` or `0.0000015`, rounded half up where the text is
/// finer (`3.7500000000000005e-07` occurs in the wild). `None`: not a number, negative, or too large.
pub(crate) fn pico(text: &str) -> Option<i128> {
    let text = text.trim().trim_matches('"');
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok().filter(|exponent: &i32| exponent.abs() < 1000)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut digits: i128 = 0;
    let mut scale = PICO_EXPONENT + exponent - i32::try_from(fraction.len()).ok()?;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
        // Beyond 36 digits the rest can't change the rounded result of any sane price.
        if digits < 10_i128.pow(36) { digits = digits * 10 + digit } else { scale += 1 }
    }
    let value = if digits == 0 {
        0
    } else if scale >= 0 {
        digits.checked_mul(10_i128.checked_pow(scale.unsigned_abs())?)?
    } else {
        match 10_i128.checked_pow(scale.unsigned_abs()) {
            Some(divisor) => round_half_up(digits, divisor),
            None => 0,
        }
    };
    (value <= MAX_PICO).then_some(value)
}

/// Division of what is not negative, halves up.
pub(crate) fn round_half_up(amount: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (amount / divisor, amount % divisor);
    quotient + i128::from(rest >= divisor - rest)
}

#[cfg(test)]
mod tests {
    use super::pico;

    #[test]
    fn number_text_is_read_exactly() {
        for (text, expected) in [
            ("3e-06", Some(3_000_000)),
            ("0.0000015", Some(1_500_000)),
            ("1.25E-07", Some(125_000)),
            ("3.7500000000000005e-07", Some(375_000)),
            ("0", Some(0)),
            ("0.0", Some(0)),
            ("5e-13", Some(1)),
            ("4.9e-13", Some(0)),
            ("0.01", Some(10_000_000_000)),
            ("\"2e-6\"", Some(2_000_000)),
            ("-1e-6", None),
            ("1e300", None),
            ("1e-300", Some(0)),
            ("null", None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(pico(text), expected, "{text}");
        }
    }
}
