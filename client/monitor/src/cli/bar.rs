//! How far a pass is, on a terminal only.

use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};

use crate::follow::Progress;

/// One bar that comes once a step takes a while, and goes when it is over.
#[derive(Debug, Default)]
pub(super) struct Bar(Mutex<Option<ProgressBar>>);

impl Bar {
    pub(super) fn at(&self, progress: Progress) {
        let (what, done, total) = match progress {
            Progress::Copying { done, total } => ("copied", done, total),
            Progress::Verifying { done, total } => ("verified", done, total),
            Progress::Over => {
                let bar = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                }
                return;
            }
        };
        let mut bar = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What is done before anybody could read it needs none.
        if bar.is_none() && total - done.min(total) < MIN_SHOWN {
            return;
        }
        let bar = bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}, {eta} left")
                .expect("a constant template");
            ProgressBar::new(total).with_style(style)
        });
        if bar.message() != what {
            bar.set_message(what);
            bar.reset_eta();
        }
        bar.set_length(total);
        bar.set_position(done);
    }
}

/// Tiles or entries: a part of a second.
const MIN_SHOWN: u64 = 2_000;
