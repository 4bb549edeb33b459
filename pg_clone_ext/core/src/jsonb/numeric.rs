//! PostgreSQL's on-disk `numeric`, to decimal text and back.
//!
//! A length word, then a header of one word of 16 bits (short form: sign, scale, weight) or two (long form: sign and
//! scale, weight), then digits to base 10,000. The weight is the power of 10,000 of the first digit, the scale the
//! number of decimals shown.

use super::JsonbError;

const FORM_MASK: u16 = 0xc000;
const NEGATIVE: u16 = 0x4000;
const SHORT: u16 = 0x8000;
const SPECIAL: u16 = 0xc000;
const LONG_SCALE_MASK: u16 = 0x3fff;

const SHORT_SIGN: u16 = 0x2000;
const SHORT_SCALE_MASK: u16 = 0x1f80;
const SHORT_SCALE_SHIFT: u32 = 7;
const SHORT_SCALE_MAX: usize = 63;
const SHORT_WEIGHT_MASK: u16 = 0x007f;
const SHORT_WEIGHT_SIGN: u16 = 0x0040;

/// Decimal digits in a digit.
const DIGIT: usize = 4;
const BASE: u16 = 10_000;

/// Whether a length word says "4 bytes of length, not compressed" for this many bytes.
#[cfg(target_endian = "little")]
const fn length_word(len: u32) -> u32 {
    len << 2
}
#[cfg(target_endian = "big")]
const fn length_word(len: u32) -> u32 {
    len
}

/// The decimal text of a `numeric` (its bytes with the length word), as PostgreSQL prints it: `1.50` stays `1.50`.
///
/// # Errors
/// [`JsonbError::Malformed`] for bytes that are no finite number.
pub fn to_text(numeric: &[u8]) -> Result<String, JsonbError> {
    Parts::read(numeric)
        .map(|parts| parts.text())
        .ok_or(JsonbError::Malformed {
            what: "no numeric",
            at: 0,
        })
}

/// The bytes of the `numeric` (with the length word) that PostgreSQL makes of a JSON number.
///
/// # Errors
/// [`JsonbError::Number`] when the text is no JSON number or too large.
pub fn from_text(text: &str) -> Result<Vec<u8>, JsonbError> {
    parse(text)
        .and_then(|parts| parts.bytes())
        .ok_or_else(|| JsonbError::Number(text.to_owned()))
}

struct Parts {
    negative: bool,
    scale: usize,
    weight: i32,
    digits: Vec<u16>,
}

impl Parts {
    fn read(numeric: &[u8]) -> Option<Parts> {
        let (length, rest) = numeric.split_first_chunk::<4>()?;
        if u32::from_ne_bytes(*length) != length_word(u32::try_from(numeric.len()).ok()?) {
            return None;
        }
        let (words, []) = rest.as_chunks::<2>() else {
            return None;
        };
        let mut words = words.iter().map(|word| u16::from_ne_bytes(*word));
        let header = words.next()?;
        let (negative, scale, weight) = match header & FORM_MASK {
            SPECIAL => return None,
            SHORT => {
                let weight = i32::from(header & (SHORT_WEIGHT_MASK & !SHORT_WEIGHT_SIGN))
                    - i32::from(header & SHORT_WEIGHT_SIGN);
                let scale = (header & SHORT_SCALE_MASK) >> SHORT_SCALE_SHIFT;
                (header & SHORT_SIGN != 0, scale, weight)
            }
            sign => (
                sign == NEGATIVE,
                header & LONG_SCALE_MASK,
                i32::from(words.next()?.cast_signed()),
            ),
        };
        let digits: Vec<u16> = words.collect();
        let valid = digits.iter().all(|digit| *digit < BASE);
        valid.then_some(Parts {
            negative,
            scale: usize::from(scale),
            weight,
            digits,
        })
    }

    fn digit(&self, power: i32) -> u16 {
        let index = usize::try_from(self.weight - power).ok();
        index
            .and_then(|index| self.digits.get(index))
            .copied()
            .unwrap_or(0)
    }

    fn text(&self) -> String {
        let mut text = String::from(if self.negative { "-" } else { "" });
        if self.weight < 0 {
            text.push('0');
        } else {
            text.push_str(&self.digit(self.weight).to_string());
            for power in (0..self.weight).rev() {
                text.push_str(&format!("{:04}", self.digit(power)));
            }
        }
        if self.scale > 0 {
            text.push('.');
            let end = text.len() + self.scale;
            let mut power = -1;
            while text.len() < end {
                text.push_str(&format!("{:04}", self.digit(power)));
                power -= 1;
            }
            text.truncate(end);
        }
        text
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        let weight = i16::try_from(self.weight).ok()?;
        let scale = u16::try_from(self.scale)
            .ok()
            .filter(|scale| *scale <= LONG_SCALE_MASK)?;
        let is_short = self.scale <= SHORT_SCALE_MAX && (-64..64).contains(&weight);
        let len = 4 + if is_short { 2 } else { 4 } + 2 * self.digits.len();
        let mut out = Vec::with_capacity(len);
        out.extend(length_word(u32::try_from(len).ok().filter(|len| *len < 1 << 30)?).to_ne_bytes());
        if is_short {
            let sign = if self.negative { SHORT_SIGN } else { 0 };
            let header =
                SHORT | sign | scale << SHORT_SCALE_SHIFT | (weight.cast_unsigned() & SHORT_WEIGHT_MASK);
            out.extend(header.to_ne_bytes());
        } else {
            let sign = if self.negative { NEGATIVE } else { 0 };
            out.extend((sign | scale).to_ne_bytes());
            out.extend(weight.to_ne_bytes());
        }
        out.extend(self.digits.iter().flat_map(|digit| digit.to_ne_bytes()));
        Some(out)
    }
}

/// Reads a JSON number.
fn parse(text: &str) -> Option<Parts> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (rest, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    let is_decimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_decimal(whole) || !is_decimal(fraction) {
        return None;
    }
    let scale = usize::try_from(fraction.len() as i64 - exponent).unwrap_or(0);
    // The power of ten of the first decimal digit decides how the digits group by four.
    let first = whole.len() as i64 - 1 + exponent;
    let weight = first.div_euclid(DIGIT as i64);
    let mut filled = DIGIT - 1 - first.rem_euclid(DIGIT as i64) as usize;
    let mut digits = Vec::with_capacity((filled + whole.len() + fraction.len()) / DIGIT + 1);
    let mut digit = 0;
    for decimal in whole.bytes().chain(fraction.bytes()) {
        digit = digit * 10 + u16::from(decimal - b'0');
        filled += 1;
        if filled == DIGIT {
            digits.push(digit);
            (digit, filled) = (0, 0);
        }
    }
    if filled > 0 {
        digits.push(digit * 10u16.pow((DIGIT - filled) as u32));
    }
    let leading = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..leading);
    digits.truncate(
        digits
            .iter()
            .rposition(|digit| *digit != 0)
            .map_or(0, |last| last + 1),
    );
    if digits.is_empty() {
        return Some(Parts {
            negative: false,
            scale,
            weight: 0,
            digits,
        });
    }
    let weight = i32::try_from(weight - leading as i64).ok()?;
    Some(Parts {
        negative,
        scale,
        weight,
        digits,
    })
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // Beyond this no numeric reaches, and sums with lengths of texts cannot overflow.
    is_number
        .then(|| {
            text.parse::<i64>()
                .ok()
                .filter(|exponent| exponent.abs() < 1 << 40)
        })
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_the_round_trip() {
        for text in [
            "0",
            "1",
            "-1",
            "9999",
            "10000",
            "1.50",
            "0.1",
            "0.0001",
            "0.00001",
            "-0.00000000001",
            "123456789012345678901234567890",
            "0.00",
            "100000000",
            "3.14159265358979323846",
            "1000000000000.0000000000001",
        ] {
            assert_eq!(to_text(&from_text(text).unwrap()).unwrap(), text);
        }
    }

    #[test]
    fn exponents_are_written_out_as_the_server_does() {
        for (text, expected) in [
            ("1e3", "1000"),
            ("1E+3", "1000"),
            ("1.5e1", "15"),
            ("1.50e1", "15.0"),
            ("1e-3", "0.001"),
            ("12.34e-5", "0.0001234"),
            ("-0", "0"),
            ("-0.0", "0.0"),
            ("0e5", "0"),
            ("0e-2", "0.00"),
        ] {
            assert_eq!(to_text(&from_text(text).unwrap()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn long_forms_begin_where_the_short_one_ends() {
        for text in [
            format!("1e{}", 4 * 64 - 1),
            format!("1e{}", 4 * 64),
            "1e-63".into(),
            "1e-64".into(),
            "1e1000".into(),
        ] {
            let bytes = from_text(&text).unwrap();
            let back = to_text(&bytes).unwrap();
            assert_eq!(from_text(&back).unwrap(), bytes, "{text}");
        }
        assert_eq!(from_text("1e255").unwrap().len(), 8);
        assert_eq!(from_text("1e256").unwrap().len(), 10);
    }

    #[test]
    fn what_is_no_number_or_too_large_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "e5",
            "1e",
            "1e+",
            "0x1",
            "NaN",
            "1 ",
            "--1",
            "1e200000",
            "1e-20000",
            "1e99999999999999999999",
        ] {
            assert!(from_text(text).is_err(), "{text}");
        }
        for bytes in [&[][..], &[0; 3], &[0; 6], &from_text("15").unwrap()[..7]] {
            assert!(to_text(bytes).is_err(), "{bytes:?}");
        }
    }
}
