//! What a process has used, as the kernel counts it under `/proc`.

use std::fs;
use std::time::Duration;

/// Processor time and memory of a process at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// User and system time since it began.
    pub(crate) cpu: Duration,
    /// Resident memory in MiB.
    pub(crate) rss_mib: f64,
    /// The most it ever was, in MiB.
    pub(crate) peak_mib: f64,
}

/// Looks at a process; none if it is gone.
pub(crate) fn usage(process: u32) -> Option<Usage> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold spaces; the fields begin behind it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    Some(Usage {
        cpu: Duration::from_millis(ticks * MS_A_TICK),
        rss_mib: kib("VmRSS:")? / 1_024.0,
        peak_mib: kib("VmHWM:")? / 1_024.0,
    })
}

/// Microseconds of processor time an item took between two looks.
pub(crate) fn micros_each(before: Option<Usage>, after: Option<Usage>, items: u64) -> f64 {
    match (before, after) {
        (Some(before), Some(after)) if items > 0 => {
            after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6 / items as f64
        }
        _ => f64::NAN,
    }
}

/// Linux counts processor time in hundredths of a second for everyone.
const MS_A_TICK: u64 = 10;
