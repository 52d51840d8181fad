//! What services count, and the page on which they say it (Prometheus text format 0.0.4).
//!
//! ```text
//! # HELP labelproof_log_batch_entries Entries in a batch, its state head included.
//! # TYPE labelproof_log_batch_entries histogram
//! labelproof_log_batch_entries_bucket{le="4"} 2
//! ```
//! Counters are values that a service hands to those who count; there are none for a whole process. Names and
//! what they mean belong to the services.

use std::fmt::{Display, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The type of a page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many of something there are now; clones count the same.
#[derive(Clone, Debug, Default)]
pub struct Held(Arc<AtomicU64>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Hold(Held);

impl Held {
    /// One more, until what this gives is dropped.
    #[must_use]
    pub fn hold(&self) -> Hold {
        self.0.fetch_add(1, Ordering::Relaxed);
        Hold(self.clone())
    }

    /// How many there are.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many values lay at or below each of a few bounds.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// How many of what is recorded make one of what is shown.
    parts: u64,
    /// One more than bounds: the last is of what lies above all.
    counts: Vec<Counter>,
    sum: AtomicU64,
}

impl Histogram {
    /// An empty one; `bounds` grow. What is recorded is shown divided by `parts`.
    #[must_use]
    pub fn new(bounds: &'static [u64], parts: u64) -> Self {
        assert!(bounds.is_sorted() && parts > 0);
        Self {
            bounds,
            parts,
            counts: (0..=bounds.len()).map(|_| Counter::default()).collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// Takes up a value.
    pub fn record(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.counts[place].count();
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    fn shown(&self, value: u64) -> f64 {
        value as f64 / self.parts as f64
    }
}

/// What sort of number a metric is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sort {
    /// It only grows, and begins anew with the process.
    Counter,
    /// What is so now.
    Gauge,
    /// Counts of values by size.
    Histogram,
}

impl Sort {
    const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A name with what it means.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Lower case, with the unit at its end.
    pub name: &'static str,
    /// What sort of number it is.
    pub sort: Sort,
    /// One sentence, without a line break or a backslash.
    pub meaning: &'static str,
}

/// A page that is being written.
#[derive(Debug, Default)]
pub struct Page(String);

/// The place of one metric on a page.
#[derive(Debug)]
pub struct Samples<'a> {
    page: &'a mut Page,
    name: &'static str,
}

impl Page {
    /// Begins a metric; each may come once.
    pub fn metric(&mut self, metric: Metric) -> Samples<'_> {
        let Metric {
            name,
            sort,
            meaning,
        } = metric;
        let word = sort.word();
        let _ = write!(self.0, "# HELP {name} {meaning}\n# TYPE {name} {word}\n");
        Samples { page: self, name }
    }

    /// The page.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

impl Samples<'_> {
    /// Writes the one number of a metric without labels.
    pub fn value(&mut self, value: impl Display) {
        let _ = writeln!(self.page.0, "{} {value}", self.name);
    }

    /// Writes one number of several.
    pub fn labelled(&mut self, label: &str, of: &str, value: impl Display) {
        let name = self.name;
        let of = escape(of);
        let _ = writeln!(self.page.0, "{name}{{{label}=\"{of}\"}} {value}");
    }

    /// Writes a number that has two labels.
    pub fn labelled_twice(&mut self, labels: [(&str, &str); 2], value: impl Display) {
        let name = self.name;
        let [(first, of_first), (second, of_second)] =
            labels.map(|(label, of)| (label, escape(of)));
        let _ = writeln!(
            self.page.0,
            "{name}{{{first}=\"{of_first}\",{second}=\"{of_second}\"}} {value}"
        );
    }

    /// Writes all of a histogram.
    pub fn histogram(&mut self, histogram: &Histogram) {
        let name = self.name;
        let mut total = 0;
        let bounds = histogram.bounds.iter().map(|bound| histogram.shown(*bound));
        let bounds = bounds.map(|bound| bound.to_string());
        let above = std::iter::once("+Inf".to_owned());
        for (bound, count) in bounds.chain(above).zip(&histogram.counts) {
            total += count.get();
            let _ = writeln!(self.page.0, "{name}_bucket{{le=\"{bound}\"}} {total}");
        }
        let sum = histogram.shown(histogram.sum.load(Ordering::Relaxed));
        let _ = write!(self.page.0, "{name}_sum {sum}\n{name}_count {total}\n");
    }
}

/// Names of witnesses are an operator's text.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_the_format_says() {
        let mut page = Page::default();
        let metric = |name, sort| Metric {
            name,
            sort,
            meaning: "What it means.",
        };
        page.metric(metric("a_total", Sort::Counter))
            .labelled("name", "a\\\"\nb", 7);
        page.metric(metric("b", Sort::Gauge)).value(0.5);
        page.metric(metric("c", Sort::Gauge))
            .labelled_twice([("x", "1"), ("y", "2")], 3);
        assert_eq!(
            page.into_text(),
            "# HELP a_total What it means.\n# TYPE a_total counter\na_total{name=\"a\\\\\\\"\\nb\"} 7\n\
             # HELP b What it means.\n# TYPE b gauge\nb 0.5\n\
             # HELP c What it means.\n# TYPE c gauge\nc{x=\"1\",y=\"2\"} 3\n"
        );
    }

    #[test]
    fn a_histogram_counts_what_lies_at_or_below_each_bound() {
        let histogram = Histogram::new(&[1_000, 2_500], 1_000);
        for value in [1, 1_000, 1_001, 2_501] {
            histogram.record(value);
        }
        let mut page = Page::default();
        let metric = Metric {
            name: "d_seconds",
            sort: Sort::Histogram,
            meaning: "M.",
        };
        page.metric(metric).histogram(&histogram);
        assert_eq!(
            page.into_text(),
            "# HELP d_seconds M.\n# TYPE d_seconds histogram\nd_seconds_bucket{le=\"1\"} 2\n\
             d_seconds_bucket{le=\"2.5\"} 3\nd_seconds_bucket{le=\"+Inf\"} 4\nd_seconds_sum 4.503\nd_seconds_count 4\n"
        );
    }

    #[test]
    fn what_is_held_is_counted_until_it_is_dropped() {
        let held = Held::default();
        let (first, second) = (held.hold(), held.clone().hold());
        assert_eq!(held.get(), 2);
        drop(first);
        assert_eq!(held.get(), 1);
        drop(second);
        assert_eq!(held.get(), 0);
    }
}
