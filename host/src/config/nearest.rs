//! The key that a misspelt one was most likely meant to be.

/// Adds the nearest known key to an error about an unknown one.
///
/// The words are serde's: ``unknown field `a`, expected one of `b`, `c` ``; a message of any other form stays as it is.
pub(super) fn with_nearest(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let is_about_a_key = message.starts_with("unknown field ");
    let Some(unknown) = quoted.next().filter(|_| is_about_a_key) else {
        return message.to_owned();
    };
    let nearest = quoted
        .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
        .min()
        .filter(|(edits, known)| *edits <= known.len().max(unknown.len()) / 3 + 1);
    match nearest {
        Some((_, known)) => format!("unknown key `{unknown}`; did you mean `{known}`?"),
        None => message.replacen("unknown field", "unknown key", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_named_and_no_far_one() {
        let known = "expected one of `listen`, `dir`, `policy`";
        for (written, meant) in [("lissten", "listen"), ("polciy", "policy"), ("Dir", "dir")] {
            let message = format!("unknown field `{written}`, {known}");
            let want = format!("unknown key `{written}`; did you mean `{meant}`?");
            assert_eq!(with_nearest(&message), want);
        }
        let message = format!("unknown field `storage`, {known}");
        assert_eq!(
            with_nearest(&message),
            format!("unknown key `storage`, {known}")
        );
        for other in ["missing field `dir`", "unknown field", ""] {
            assert_eq!(with_nearest(other), other);
        }
    }
}
