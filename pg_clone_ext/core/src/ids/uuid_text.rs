//! The 8-4-4-4-12 text form of a UUID, on bytes.

use super::Id;

/// Length of the text form in bytes.
pub const LEN: usize = 36;

/// Offsets of the 16 bytes in the text form: the first of each byte's two digits.
const DIGITS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// Value of a hexadecimal digit, or 0xff for any other byte.
const HEX: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut digit = 0;
    while digit < 10 {
        table[b'0' as usize + digit] = digit as u8;
        digit += 1;
    }
    let mut letter = 0;
    while letter < 6 {
        table[b'a' as usize + letter] = 10 + letter as u8;
        table[b'A' as usize + letter] = 10 + letter as u8;
        letter += 1;
    }
    table
};

/// Reads a UUID of any case; `None` if a dash is missing or a digit is not valid.
#[inline]
pub fn parse(text: &[u8; LEN]) -> Option<Id> {
    let dashes = (text[8] ^ b'-') | (text[13] ^ b'-') | (text[18] ^ b'-') | (text[23] ^ b'-');
    let mut id = [0; 16];
    let mut invalid = 0;
    for (byte, at) in id.iter_mut().zip(DIGITS) {
        let (high, low) = (HEX[text[at] as usize], HEX[text[at + 1] as usize]);
        invalid |= high | low;
        *byte = high << 4 | (low & 0xf);
    }
    (dashes == 0 && invalid <= 0xf).then_some(id)
}

/// Reads a UUID from a slice of exactly 36 bytes; `None` for any other length too.
#[inline]
pub fn parse_slice(text: &[u8]) -> Option<Id> {
    parse(text.try_into().ok()?)
}

/// Writes the text form, in upper or lower case.
#[inline]
pub fn write(id: &Id, upper: bool, out: &mut [u8; LEN]) {
    let digits: &[u8; 16] = if upper {
        b"0123456789ABCDEF"
    } else {
        b"0123456789abcdef"
    };
    for (byte, at) in id.iter().zip(DIGITS) {
        out[at] = digits[(byte >> 4) as usize];
        out[at + 1] = digits[(byte & 0xf) as usize];
    }
    for dash in [8, 13, 18, 23] {
        out[dash] = b'-';
    }
}

/// Length in bytes of the form without dashes.
pub const PLAIN_LEN: usize = 32;

/// Whether a byte is a hexadecimal digit.
#[inline]
pub fn is_digit(byte: u8) -> bool {
    HEX[usize::from(byte)] != 0xff
}

/// Reads a UUID without dashes from a slice of exactly 32 bytes; `None` when a byte is no digit, and for any other length.
#[inline]
pub fn parse_plain(text: &[u8]) -> Option<Id> {
    let text: &[u8; PLAIN_LEN] = text.try_into().ok()?;
    let mut id = [0; 16];
    let mut invalid = 0;
    for (byte, at) in id.iter_mut().zip((0..PLAIN_LEN).step_by(2)) {
        let (high, low) = (HEX[usize::from(text[at])], HEX[usize::from(text[at + 1])]);
        invalid |= high | low;
        *byte = high << 4 | (low & 0xf);
    }
    (invalid <= 0xf).then_some(id)
}

/// Reads a UUID with dashes or without; `None` when the whole slice is neither.
#[inline]
pub fn parse_either(text: &[u8]) -> Option<Id> {
    parse_slice(text).or_else(|| parse_plain(text))
}

/// Reads a UUID as PostgreSQL's input function of type `uuid` does: of any case, in braces or not, with a dash or none
/// after every four digits; `None` when the whole slice is not one.
pub fn parse_input(text: &[u8]) -> Option<Id> {
    let text = match text {
        [b'{', inner @ .., b'}'] => inner,
        _ => text,
    };
    let mut digits = [0; PLAIN_LEN];
    let mut found = 0;
    let mut after_dash = true;
    for byte in text {
        if *byte == b'-' && found % 4 == 0 && found < PLAIN_LEN && !after_dash {
            after_dash = true;
            continue;
        }
        *digits.get_mut(found)? = *byte;
        found += 1;
        after_dash = false;
    }
    (found == PLAIN_LEN).then(|| parse_plain(&digits)).flatten()
}

/// The text of a UUID that [`parse_input`] reads, with the digits of `id`, in lower case, in place of its own.
pub fn with_digits_of(text: &str, id: &Id) -> String {
    let digits = to_string(id).replace('-', "");
    let mut digits = digits.chars();
    text.chars()
        .map(|c| match c {
            '{' | '}' | '-' => c,
            _ => digits.next().unwrap_or(c),
        })
        .collect()
}

/// Writes a UUID over one of the same form: with dashes over 36 bytes, without over 32. Other lengths are left alone.
#[inline]
pub fn overwrite(id: &Id, upper: bool, out: &mut [u8]) {
    let mut text = [0; LEN];
    write(id, upper, &mut text);
    match out.len() {
        LEN => out.copy_from_slice(&text),
        PLAIN_LEN => {
            let digits = text.iter().filter(|byte| **byte != b'-');
            out.iter_mut().zip(digits).for_each(|(out, digit)| *out = *digit);
        }
        _ => {}
    }
}

/// Whether a UUID's text is in upper case: it has an upper-case digit and no lower-case one.
#[inline]
pub fn is_upper(text: &[u8]) -> bool {
    // Bit 5 tells the cases of a letter apart; digits and dashes have it set and bit 6 clear.
    let (mut upper, mut lower) = (false, false);
    for byte in text {
        upper |= byte & 0x60 == 0x40;
        lower |= byte & 0x60 == 0x60;
    }
    upper && !lower
}

/// The text form in lower case, as a `String`.
pub fn to_string(id: &Id) -> String {
    let mut out = [0; LEN];
    write(id, false, &mut out);
    out.iter().map(|&byte| char::from(byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8; LEN] = b"0197a3c4-0f5e-7abc-8def-0123456789ab";

    #[test]
    fn reads_every_form_that_the_server_reads_and_keeps_it() {
        let (id, other) = (parse(TEXT).unwrap(), [0xfe; 16]);
        for (text, new) in [
            (
                "0197A3C4-0F5E-7ABC-8DEF-0123456789AB",
                "fefefefe-fefe-fefe-fefe-fefefefefefe",
            ),
            (
                "0197a3c40f5e7abc8def0123456789ab",
                "fefefefefefefefefefefefefefefefe",
            ),
            (
                "{0197a3c4-0f5e-7abc-8def-0123456789ab}",
                "{fefefefe-fefe-fefe-fefe-fefefefefefe}",
            ),
            (
                "{0197a3c40f5e7abc8def0123456789ab}",
                "{fefefefefefefefefefefefefefefefe}",
            ),
            (
                "0197-a3c40f5e-7abc8def-01234567-89ab",
                "fefe-fefefefe-fefefefe-fefefefe-fefe",
            ),
        ] {
            assert_eq!(parse_input(text.as_bytes()), Some(id), "{text}");
            assert_eq!(with_digits_of(text, &other), new);
        }
        for text in [
            "",
            "{}",
            "-0197a3c40f5e7abc8def0123456789ab",
            "0197a3c40f5e7abc8def0123456789ab-",
            "0197--a3c40f5e7abc8def0123456789ab",
            "019-7a3c40f5e7abc8def0123456789ab",
            "{0197a3c40f5e7abc8def0123456789ab",
            "0197a3c40f5e7abc8def0123456789a",
            "0197a3c40f5e7abc8def0123456789abc",
            "0197a3c40f5e7abc8def0123456789ag",
        ] {
            assert_eq!(parse_input(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn reads_either_case_and_writes_the_asked_one() {
        let id = parse(TEXT).unwrap();
        assert_eq!(id[0], 0x01);
        assert_eq!(id[15], 0xab);
        let upper: [u8; LEN] = TEXT.map(|b| b.to_ascii_uppercase());
        assert_eq!(parse(&upper), Some(id));
        let mut out = [0; LEN];
        write(&id, false, &mut out);
        assert_eq!(&out, TEXT);
        write(&id, true, &mut out);
        assert_eq!(out, upper);
        assert_eq!(to_string(&id).as_bytes(), TEXT);
    }

    #[test]
    fn the_form_without_dashes_is_read_and_written_in_either_case() {
        let plain = b"0197a3c40f5e7abc8def0123456789ab";
        let id = parse_plain(plain).unwrap();
        assert_eq!(Some(id), parse(TEXT));
        for (upper, expected) in [(false, plain.to_vec()), (true, plain.to_ascii_uppercase())] {
            let mut out = [0; PLAIN_LEN];
            overwrite(&id, upper, &mut out);
            assert_eq!(out.to_vec(), expected);
            assert_eq!(is_upper(&out), upper);
        }
        assert_eq!(parse_plain(&plain[1..]), None);
        assert_eq!(parse_plain(&TEXT[..PLAIN_LEN]), None);
    }

    #[test]
    fn refuses_any_single_wrong_byte() {
        for at in 0..LEN {
            for wrong in [b'g', b'-', b' ', 0, 0xff, b'@', b'`', b'/', b':'] {
                let mut text = *TEXT;
                if text[at] == wrong {
                    continue;
                }
                text[at] = wrong;
                assert_eq!(parse(&text), None, "byte {at} = {wrong}");
            }
        }
        assert_eq!(parse_slice(&TEXT[..35]), None);
    }

    #[test]
    fn case_is_upper_only_without_lower_case_digits() {
        assert!(!is_upper(TEXT));
        assert!(is_upper(&TEXT.map(|b| b.to_ascii_uppercase())));
        assert!(!is_upper(b"0197A3c4-0f5e-7abc-8def-0123456789ab"));
        assert!(
            !is_upper(b"01970304-0050-7000-8000-012345678900"),
            "no letters: lower case"
        );
    }
}
