//! What a reader wants an answer to look like (RFC 9110, section 12.5.1).
//!
//! ```text
//! Accept: text/html,application/xhtml+xml,*/*;q=0.8
//! ```
//! The most specific range that fits a form gives its weight; of equal weights the form that is offered first wins.
//! What is not of this grammar is passed over, as if it were not there.

use axum::http::{HeaderMap, header};

/// Chooses one of the forms offered, each a media type; the first if the reader does not mind, none if nothing fits.
#[must_use]
pub fn choose<T: Copy>(request: &HeaderMap, offered: &[(&str, T)]) -> Option<T> {
    let ranges: Vec<Range<'_>> = request
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(Range::parse)
        .collect();
    if ranges.is_empty() {
        return offered.first().map(|(_, form)| *form);
    }
    let mut best: Option<(u16, T)> = None;
    for (media_type, form) in offered {
        let weight = weight_of(media_type, &ranges);
        if weight > best.map_or(0, |(known, _)| known) {
            best = Some((weight, *form));
        }
    }
    best.map(|(_, form)| form)
}

/// One range of media types and its weight in thousandths.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    weight: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut weight = 1_000;
        for parameter in parts {
            match parameter.split_once('=') {
                Some((name, value)) if name.eq_ignore_ascii_case("q") => {
                    weight = thousandths(value)?;
                }
                // Our forms have no parameter that somebody could ask for, except their charset, which is UTF-8.
                _ => {}
            }
        }
        (!kind.is_empty() && !subtype.is_empty()).then_some(Self {
            kind,
            subtype,
            weight,
        })
    }

    /// How precisely this range names the media type, if it does.
    fn fits(&self, media_type: &str) -> Option<u8> {
        let (kind, subtype) = media_type.split_once('/')?;
        match (self.kind, self.subtype) {
            ("*", "*") => Some(0),
            (own, "*") if own.eq_ignore_ascii_case(kind) => Some(1),
            (own, exact)
                if own.eq_ignore_ascii_case(kind) && exact.eq_ignore_ascii_case(subtype) =>
            {
                Some(2)
            }
            _ => None,
        }
    }
}

/// The weight that the most specific range gives.
fn weight_of(media_type: &str, ranges: &[Range<'_>]) -> u16 {
    let fitting = ranges
        .iter()
        .filter_map(|range| Some((range.fits(media_type)?, range.weight)));
    fitting.max().map_or(0, |(_, weight)| weight)
}

/// SPEC RFC 9110, 12.4.2: 0 to 1 with at most three digits behind the dot.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let is_short = rest.len() <= 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
    let rest: u16 = format!("{rest:0<3}").parse().ok()?;
    match whole {
        "0" if is_short => Some(rest),
        "1" if is_short && rest == 0 => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &str) -> Option<&'static str> {
        let mut request = HeaderMap::new();
        request.insert(header::ACCEPT, accept.parse().unwrap());
        let forms = ["application/json", "application/ld+json", "text/html"];
        choose(&request, &forms.map(|form| (form, form)))
    }

    #[test]
    fn the_reader_gets_the_form_it_weighs_most() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (accept, want) in [
            ("*/*", "application/json"),
            (browser, "text/html"),
            ("application/ld+json", "application/ld+json"),
            ("application/json;q=0.5, text/html;q=0.8", "text/html"),
            ("application/*, text/html;q=0.999", "application/json"),
            ("*/*, application/json;q=0", "application/ld+json"),
            ("TEXT/HTML; charset=utf-8", "text/html"),
            ("nonsense, text/html;q=0.1", "text/html"),
            ("", "application/json"),
        ] {
            assert_eq!(chosen(accept), Some(want), "{accept}");
        }
    }

    #[test]
    fn what_is_not_offered_or_has_no_weight_is_not_given() {
        for accept in [
            "image/png",
            "application/json;q=0",
            "text/html;q=2, image/*",
            "*/*;q=0.0",
        ] {
            assert_eq!(chosen(accept), None, "{accept}");
        }
    }
}
