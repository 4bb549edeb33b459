//! The formats of JSON Schemas. Standard formats are asserted. There are additional formats for texts in
//! registries: e-mail addresses as web frameworks accept them, ORCID and ROR ids, durations, geometries.

use std::net::Ipv6Addr;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use jsonschema::ValidationOptions;
use wkt::Wkt;
use wkt::types::{Coord, LineString, Polygon};

/// Levels of parentheses that a geometry may have.
const GEOMETRY_DEPTH: usize = 32;
/// EPSG codes of coordinate systems lie in this range.
const EPSG: std::ops::RangeInclusive<u32> = 1024..=32_767;
/// Top-level domains that cannot receive mail (RFC 6761 and others).
const NOWHERE: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];

/// How every schema is compiled.
pub fn options() -> ValidationOptions<'static> {
    jsonschema::options()
        .should_validate_formats(true)
        .with_format("date", |text: &str| date(text).is_some())
        .with_format("email", email)
        .with_format("http-url", http_url)
        .with_format("uri", uri)
        .with_format("orcid", orcid)
        .with_format("ror", ror)
        .with_format("iso8601-duration", duration)
        .with_format("positive-number", positive_number)
        .with_format("ewkt", ewkt)
}

/// A day as `YYYY-MM-DD`, month and day of one or two digits: year, month, day.
pub fn date(text: &str) -> Option<(u16, u8, u8)> {
    let mut parts = text.split('-');
    let mut part = |digits: std::ops::RangeInclusive<usize>| {
        let part = parts.next()?;
        let fits = digits.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (year, month, day) = (part(4..=4)?, part(1..=2)?, part(1..=2)?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    let valid = parts.next().is_none() && year > 0 && (1..=days).contains(&day);
    valid.then_some((year, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
}

/// A bare address whose domain has a dot and can receive mail.
fn email(text: &str) -> bool {
    let options = Options {
        minimum_sub_domains: 2,
        allow_domain_literal: false,
        allow_display_text: false,
    };
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let top = domain.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    EmailAddress::parse_with_options(text, options).is_ok()
        && !local.contains('"')
        && !NOWHERE.contains(&top.as_str())
}

/// `http` or `https` in any case, a host, no white space, at most 65,536 characters; the path may hold any other character.
fn http_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    known && text.len() <= 65_536 && !text.chars().any(char::is_whitespace) && host_and_port(host)
}

fn host_and_port(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(address, port)| {
            Ipv6Addr::from_str(address).is_ok()
                && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        });
    }
    let (host, port) = text
        .split_once(':')
        .map_or((text, None), |(host, port)| (host, Some(port)));
    let host = host.strip_suffix('.').unwrap_or(host);
    let label = |label: &str| {
        let inner = label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
        inner && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    port.is_none_or(is_port) && host.split('.').all(label)
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.parse::<u16>().is_ok()
}

/// RFC 3986, with a scheme.
fn uri(text: &str) -> bool {
    fluent_uri::Uri::parse(text).is_ok()
}

/// `https://orcid.org/` and 16 digits whose last is the check digit (ISO 7064 11,2).
fn orcid(text: &str) -> bool {
    let Some(id) = text.strip_prefix("https://orcid.org/") else {
        return false;
    };
    let groups: Vec<&str> = id.split('-').collect();
    let digits = id.replace('-', "");
    let (Some(body), Some(check)) = (digits.get(..15), digits.get(15..)) else {
        return false;
    };
    if groups.len() != 4 || groups.iter().any(|g| g.len() != 4) || !body.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let total = body
        .bytes()
        .fold(0u32, |sum, digit| (sum + u32::from(digit - b'0')) * 2 % 11);
    match (12 - total) % 11 {
        10 => check == "X",
        digit => check == digit.to_string(),
    }
}

/// `https://ror.org/0` and six characters of Crockford's alphabet with two check digits.
fn ror(text: &str) -> bool {
    text.strip_prefix("https://ror.org/0").is_some_and(|rest| {
        rest.len() == 8
            && rest
                .bytes()
                .take(6)
                .all(|b| b.is_ascii_digit() || (b.is_ascii_lowercase() && !b"ilou".contains(&b)))
            && rest.bytes().skip(6).all(|b| b.is_ascii_digit())
    })
}

/// An ISO 8601 duration: a sign, fractions with a dot or comma in any part, nothing behind `T`, and the form of a date.
fn duration(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let Some(rest) = unsigned.strip_prefix('P') else {
        return false;
    };
    let (days, time) = rest
        .split_once('T')
        .map_or((rest, None), |(days, time)| (days, Some(time)));
    let designated = !rest.is_empty()
        && rest.starts_with(|c: char| c.is_ascii_alphanumeric())
        && in_order(days, "YMWD")
        && time.is_none_or(|time| in_order(time, "HMS"));
    designated || (unsigned == text && as_date_and_time(days, time))
}

/// Numbers each followed by its letter, the letters in this order, each at most once.
fn in_order(text: &str, letters: &str) -> bool {
    let mut left = letters;
    let mut rest = text;
    while !rest.is_empty() {
        let Some(end) = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',') else {
            return false;
        };
        let (number, behind) = rest.split_at(end);
        let mut behind = behind.chars();
        let place = behind.next().and_then(|letter| left.find(letter));
        let (Some(place), true) = (place, is_number(number)) else {
            return false;
        };
        left = left.get(place + 1..).unwrap_or_default();
        rest = behind.as_str();
    }
    true
}

fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match text.split_once(['.', ',']) {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

/// `0001-02-03` and `04:05:06`, or both without separators.
fn as_date_and_time(days: &str, time: Option<&str>) -> bool {
    let Some(time) = time else { return false };
    let plain = |text: &str, lengths: &[usize]| {
        lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    let days_fit = match days.len() {
        10 => date(days).is_some(),
        _ => plain(days, &[8]),
    };
    let hours_fit = match time.contains(':') {
        true => time.split(':').all(|part| plain(part, &[2])) && (2..=3).contains(&time.split(':').count()),
        false => plain(time, &[4, 6]),
    };
    days_fit && hours_fit
}

/// A number over zero as a text, as many programs read it: white space around it, a sign, an exponent, `5.`, `inf`.
fn positive_number(text: &str) -> bool {
    let text = text.trim();
    let grouped = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    grouped
        && text
            .replace('_', "")
            .parse::<f64>()
            .is_ok_and(|number| number > 0.0)
}

/// `SRID=<EPSG code>;<well-known text>`, with closed rings and no line of a single point.
fn ewkt(text: &str) -> bool {
    let Some((srid, geometry)) = text.strip_prefix("SRID=").and_then(|rest| rest.split_once(';')) else {
        return false;
    };
    let known =
        srid.bytes().all(|b| b.is_ascii_digit()) && srid.parse().is_ok_and(|code| EPSG.contains(&code));
    known
        && !nested_too_deep(geometry)
        && Wkt::<f64>::from_str(geometry).is_ok_and(|geometry| is_drawn(&geometry))
}

fn nested_too_deep(geometry: &str) -> bool {
    let mut level = 0usize;
    geometry.bytes().any(|byte| {
        match byte {
            b'(' => level += 1,
            b')' => level = level.saturating_sub(1),
            _ => {}
        }
        level > GEOMETRY_DEPTH
    })
}

fn is_drawn(geometry: &Wkt<f64>) -> bool {
    match geometry {
        Wkt::Point(_) | Wkt::MultiPoint(_) => true,
        Wkt::LineString(line) => is_line(line),
        Wkt::MultiLineString(lines) => lines.line_strings().iter().all(is_line),
        Wkt::Polygon(polygon) => is_area(polygon),
        Wkt::MultiPolygon(polygons) => polygons.polygons().iter().all(is_area),
        Wkt::GeometryCollection(geometries) => geometries.geometries().iter().all(is_drawn),
    }
}

fn is_line(line: &LineString<f64>) -> bool {
    line.coords().len() != 1
}

fn is_area(polygon: &Polygon<f64>) -> bool {
    let same = |a: &Coord<f64>, b: &Coord<f64>| a.x == b.x && a.y == b.y;
    polygon.rings().iter().all(|ring| {
        let points = ring.coords();
        match (points.first(), points.last()) {
            (Some(first), Some(last)) => points.len() >= 4 && same(first, last),
            _ => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(check: fn(&str) -> bool, right: &[&str], wrong: &[&str]) {
        for text in right {
            assert!(check(text), "{text} is refused");
        }
        for text in wrong {
            assert!(!check(text), "{text} is accepted");
        }
    }

    #[test]
    fn days_that_exist() {
        all(
            |text| date(text).is_some(),
            &["2026-02-28", "2024-02-29", "2000-2-29", "2026-1-5"],
            &[
                "2026-02-30",
                "2026-13-01",
                "1900-02-29",
                "2026-00-10",
                "0000-01-01",
                "26-01-01",
                "2026-01-01T00:00",
                "2026-01",
                "+026-01-01",
            ],
        );
    }

    #[test]
    fn addresses_mail_can_be_sent_to() {
        all(
            email,
            &["ada@example.org", "a.b+c@x.co.uk", "ünal@example.org"],
            &[
                "a@b",
                "<>@x.org",
                "ada@",
                "@x.org",
                "ada",
                "a b@x.org",
                "ada@x.test",
                "Ada <ada@x.org>",
                "a@[127.0.0.1]",
                "\"a b\"@x.org",
            ],
        );
    }

    #[test]
    fn addresses_of_the_web() {
        all(
            http_url,
            &[
                "http://a",
                "HTTPS://example.org/a|b",
                "https://u:p@x.org:8080/p?q#f",
                "http://[::1]:80/",
                "https://bücher.example",
                "http://127.0.0.1",
                "http://a.b./",
            ],
            &[
                "http://",
                "http://a b",
                "x",
                "",
                "ftp://x.org",
                "https://x.org/a b",
                "https:/x.org",
                "http://a:99999",
                "http://-a.b",
                "http://.a",
                "http://a..b",
                "http:///x",
            ],
        );
        assert!(!http_url(&format!("http://a/{}", "x".repeat(65_536))));
        all(
            uri,
            &["https://a.b/c", "urn:isbn:1", "doi:10.1/x"],
            &["https://a b", "https://a|b", "no scheme", ""],
        );
    }

    #[test]
    fn ids_of_people_and_organisations() {
        all(
            orcid,
            &[
                "https://orcid.org/0000-0002-1825-0097",
                "https://orcid.org/0000-0002-9079-593X",
            ],
            &[
                "0000-0001",
                "https://orcid.org/0000-0002-1825-0098",
                "https://orcid.org/0000000218250097",
                "http://orcid.org/0000-0002-1825-0097",
                "https://orcid.org/ä000-0002-1825-009",
            ],
        );
        all(
            ror,
            &["https://ror.org/03qn8fb07"],
            &[
                "",
                "https://ror.org/13qn8fb07",
                "https://ror.org/03qn8fb0",
                "https://ror.org/03qi8fb07",
            ],
        );
    }

    #[test]
    fn durations_with_fractions_signs_and_as_dates() {
        all(
            duration,
            &[
                "P1Y2M10DT2H30M",
                "P1D",
                "PT1S",
                "P1.5D",
                "PT1.5H",
                "P1,5D",
                "PT1,5S",
                "-P1D",
                "+P1W",
                "P1DT",
                "P0001-02-03T04:05:06",
                "P00010203T040506",
            ],
            &[
                "P", "PD", "P1", "1D", "P1D2M", "PT1D", "a day", "P1S", "P-1D", "P1.D", "P1DP1D", "p1d", "",
            ],
        );
    }

    #[test]
    fn numbers_over_zero() {
        all(
            positive_number,
            &["0.5", "1e-3", "1E2", "+1", "5.", ".5", " 1 ", "inf", "1_000"],
            &["0", "-1", "nan", "", "a", "1,5", "0x10", "_1", "1__0"],
        );
    }

    #[test]
    fn places_are_drawn_and_their_system_is_known() {
        all(
            ewkt,
            &[
                "SRID=4326;POINT(1 2)",
                "SRID=4326;POLYGON ((30 10, 40 40, 20 40, 10 20, 30 10))",
                "SRID=3857;POINT Z (1 2 3)",
                "SRID=4326;POINT EMPTY",
                "SRID=4326;GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(1 2,3 4))",
                "SRID=4326;MULTIPOINT((1 2),(3 4))",
            ],
            &[
                "POINT (1 2)",
                "SRID=99999;POINT(1 2)",
                "SRID=0;POINT(1 2)",
                "SRID=4326;BANANA(1 2)",
                "SRID=4326;POINT(1)",
                "SRID=4326;",
                "SRID=4326;POLYGON((0 0,1 0,1 1,0 2))",
                "SRID=4326;POLYGON((0 0,1 0,0 0))",
                "SRID=4326;LINESTRING(1 2)",
                "SRID=x;POINT(1 2)",
                "SRID=4326POINT(1 2)",
            ],
        );
        let deep = format!(
            "SRID=4326;{}POINT(1 2){}",
            "GEOMETRYCOLLECTION(".repeat(10_000),
            ")".repeat(10_000)
        );
        assert!(!ewkt(&deep));
    }
}
