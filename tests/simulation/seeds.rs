//! Seeds, many of them; and the proof that the simulation can fail.

use std::ops::Range;

use labelproof_host::fs::Call;

use crate::world::{Broken, Disks, run};

/// `LABELPROOF_SEEDS`: a count, or one range `a..b`; else these.
pub(crate) fn seeds(usual: Range<u64>) -> Range<u64> {
    let Ok(text) = std::env::var("LABELPROOF_SEEDS") else {
        return usual;
    };
    let range = match text.split_once("..") {
        Some((from, to)) => from
            .parse()
            .ok()
            .zip(to.parse().ok())
            .map(|(from, to)| from..to),
        None => text.parse().ok().map(|count| 0..count),
    };
    range.unwrap_or_else(|| panic!("LABELPROOF_SEEDS is a count or a range a..b, not {text:?}"))
}

fn tell(seed: u64, broken: &Broken) -> String {
    let trace = broken.trace.join("\n");
    format!(
        "{trace}\nseed {seed}: {}\nagain: LABELPROOF_SEEDS={seed}..{}",
        broken.wrong,
        seed + 1
    )
}

#[test]
fn nothing_signed_or_acknowledged_is_lost() {
    let (mut acknowledged, mut power_cuts, mut runs) = (0, 0, 0);
    for seed in seeds(0..200) {
        match run(seed, Disks::Honest) {
            Ok(run) => {
                acknowledged += run.acknowledged;
                power_cuts += run.power_cuts;
                runs += 1;
            }
            Err(broken) => panic!("{}", tell(seed, &broken)),
        }
    }
    println!("{runs} seeds, {acknowledged} entries acknowledged, {power_cuts} power cuts");
    assert!(
        acknowledged > 10 * runs && power_cuts > runs.try_into().unwrap(),
        "nothing happened"
    );
}

#[test]
fn same_seed_gives_the_same_trace() {
    for seed in 0..10 {
        let once = run(seed, Disks::Honest).unwrap();
        let again = run(seed, Disks::Honest).unwrap();
        assert_eq!(once.trace, again.trace, "seed {seed}");
    }
}

/// What the simulation says about the first seeds on such disks; silence means that it is blind.
fn caught(disks: Disks) -> Vec<String> {
    let caught: Vec<String> = (0..20)
        .filter_map(|seed| run(seed, disks).err())
        .map(|broken| broken.wrong)
        .collect();
    assert!(!caught.is_empty(), "nothing is seen on {disks:?}");
    caught
}

#[test]
fn log_on_a_disk_that_ignores_syncs_is_caught() {
    for sync in [Call::SyncFile, Call::SyncDir] {
        println!("{sync:?}: {:#?}", caught(Disks::LogIgnores(sync)));
    }
}

#[test]
fn witness_on_a_disk_that_ignores_syncs_is_caught() {
    for sync in [Call::SyncFile, Call::SyncDir] {
        println!("{sync:?}: {:#?}", caught(Disks::WitnessesIgnore(sync)));
    }
}
