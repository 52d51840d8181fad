//! Times as people read them.

use labelproof_core::time::Time;

/// An instant: `2026-11-29 06:00:04 UTC`; other text stays as it is.
#[must_use]
pub fn moment(instant: &str) -> String {
    match instant.strip_suffix('Z') {
        Some(instant) => instant.replacen('T', " ", 1) + " UTC",
        None => instant.to_owned(),
    }
}

/// How long ago an instant was, in the largest unit of which there are two: `90 seconds ago`, `47 hours ago`.
#[must_use]
pub fn ago(then: Time, now: Time) -> String {
    let seconds = now.seconds_since(then);
    let units = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let unit = units.into_iter().find(|(unit, _)| seconds >= 2 * unit);
    match (seconds, unit) {
        (_, Some((unit, name))) => format!("{} {name} ago", seconds / unit),
        (1, None) => "1 second ago".to_owned(),
        (seconds, None) => format!("{seconds} seconds ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_the_largest_unit_of_which_there_are_two() {
        let then: Time = "2026-11-01T12:00:00Z".parse().unwrap();
        for (seconds, want) in [
            (0, "0 seconds ago"),
            (1, "1 second ago"),
            (119, "119 seconds ago"),
            (120, "2 minutes ago"),
            (7_199, "119 minutes ago"),
            (7_200, "2 hours ago"),
            (172_799, "47 hours ago"),
            (172_800, "2 days ago"),
        ] {
            assert_eq!(ago(then, then.plus_seconds(seconds)), want);
        }
        // A clock that is behind: as if it were just now.
        assert_eq!(ago(then.plus_seconds(9), then), "0 seconds ago");
        assert_eq!(moment(&then.to_string()), "2026-11-01 12:00:00 UTC");
    }
}
