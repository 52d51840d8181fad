//! The rows of a monitor that begins with an empty folder.

use std::io;

use super::{Sizes, network};
use crate::catch_up::Look;
use crate::ground::{Ground, cores};
use crate::table::rows::Row;

impl Sizes<'_> {
    /// One look at the whole log, and the most memory that it took.
    pub(super) fn monitor(&mut self, ground: &Ground) -> io::Result<Vec<Row>> {
        let look = match Look::first(network(ground)?)? {
            Ok(look) => look,
            Err(why) => return Ok(vec![Row::failed(&self.at(CATCH_UP), &why)]),
        };
        let limit = self
            .limits
            .map(|limits| limits.verifications * cores() as f64);
        Ok(vec![
            Row::said(self.at(CATCH_UP), look.rate(), look.to_string()).beside(
                "the Ed25519 limit of its cores",
                limit,
                0.8,
            ),
            // It holds the same map as the server, and little beside it.
            Row::amount(
                self.at("monitor: memory"),
                Some(look.usage.peak_mib),
                "MiB",
                self.most_mib(),
            ),
        ])
    }
}

const CATCH_UP: &str = "monitor: catch-up";
