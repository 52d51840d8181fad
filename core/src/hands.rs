//! Hands: who does the same work on many things, one after the other or on every core.
//!
//! ```text
//! things ─cut─▶ parts ─work, at once─▶ results, in order of the parts
//! ```
//! Nothing here has threads: whoever has some brings its own [`Hands`]. What is worked out does not depend on
//! how many hands there are, nor does which of several errors is told: the first in order.

/// Does work on parts of a list.
pub trait Hands {
    /// Cuts `all` into consecutive parts, does `work` to each, perhaps at once, and gives the results in order.
    ///
    /// There is at least one part, which is empty if `all` is.
    fn in_parts<T: Sync, R: Send>(&self, all: &[T], work: impl Fn(&[T]) -> R + Sync) -> Vec<R>;

    /// Does `work` to each and gives the results in order.
    ///
    /// # Errors
    /// The first in order of the list.
    fn try_each<T: Sync, R: Send, E: Send>(
        &self,
        all: &[T],
        work: impl Fn(&T) -> Result<R, E> + Sync,
    ) -> Result<Vec<R>, E> {
        let parts = self.in_parts(all, |part| {
            part.iter().map(&work).collect::<Result<Vec<R>, E>>()
        });
        let mut results = Vec::with_capacity(all.len());
        for part in parts {
            results.extend(part?);
        }
        Ok(results)
    }
}

/// Does everything itself, one thing after the other.
#[derive(Clone, Copy, Debug)]
pub struct OneHand;

impl Hands for OneHand {
    fn in_parts<T: Sync, R: Send>(&self, all: &[T], work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
        vec![work(all)]
    }
}
