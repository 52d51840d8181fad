//! A bar on standard error while many rows are worked on; nothing at all where that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for `rows` of something; without a number it only counts.
pub(crate) fn bar(what: &'static str, rows: Option<usize>) -> ProgressBar {
    let (bar, form) = match rows {
        Some(rows) => (
            ProgressBar::new(u64::try_from(rows).unwrap_or(u64::MAX)),
            "{msg:10} {wide_bar} {human_pos}/{human_len} {eta}",
        ),
        None => (ProgressBar::new_spinner(), "{msg:10} {human_pos} {per_sec}"),
    };
    let style = ProgressStyle::with_template(form).expect("the template is well formed");
    bar.with_style(style).with_message(what)
}
