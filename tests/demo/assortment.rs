//! The assortment of an invented shop: one product of each kind, as a stock system writes them.
//!
//! ```text
//! article;ean;shelf
//! A-1;9521234002062;1        with labels of three schemes, one of them revoked
//! …
//! A-7;9521234987659;7        without a label
//! ```

use std::io;
use std::path::{Path, PathBuf};

use crate::labels::{End, Label};

/// A product that no row of `labels.csv` names.
const UNLABELLED: &str = "9521234987659";

/// Writes the file into `dir`.
///
/// # Errors
/// The disk.
pub(crate) fn write(dir: &Path) -> io::Result<PathBuf> {
    let path = dir.join("assortment.csv");
    std::fs::write(&path, text())?;
    Ok(path)
}

fn text() -> String {
    let mut text = "article;ean;shelf\n".to_owned();
    for (number, ean) in (1..).zip(eans()) {
        text.push_str(&format!("A-{number};{ean};{number}\n"));
    }
    text
}

fn eans() -> Vec<String> {
    let labels = Label::all();
    let of = |end| {
        let found = labels.iter().find(|label| label.end() == end);
        found.expect("labels.csv: some end in each way").gtin
    };
    // Not the first one that is active: the last command of the tour revokes its label.
    let active = labels
        .iter()
        .filter(|label| label.end() == End::Active)
        .nth(1);
    let labelled = [
        Label::gtin_of_three(),
        active.expect("labels.csv: most are active").gtin,
        of(End::Expired),
        of(End::Suspended),
        of(End::Reinstated),
        of(End::Revoked),
    ];
    // A box carries thirteen digits, and so do most files.
    let thirteen = labelled.map(|gtin| gtin.trim_start_matches('0').to_owned());
    thirteen
        .into_iter()
        .chain([UNLABELLED.to_owned()])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_told_apart_and_one_has_no_label() {
        let mut eans = eans();
        assert!(
            Label::all()
                .iter()
                .all(|label| !label.gtin.ends_with(UNLABELLED))
        );
        assert!(
            eans.iter()
                .all(|ean| ean.len() == 13 && ean.starts_with("952"))
        );
        eans.sort_unstable();
        eans.dedup();
        assert_eq!(eans.len(), 7);
    }
}
