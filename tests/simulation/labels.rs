//! The labels of a monitor's simulated log, by number, all of one issuer.

use labelproof_tests::world;

const ISSUER: &str = "label.jp.example";

pub(crate) fn label(number: u64) -> String {
    format!("jp.jc-star/EX-{number:06}")
}

pub(crate) fn issue(number: u64) -> Vec<u8> {
    world::issue(&label(number), ISSUER)
}

pub(crate) fn revoke(number: u64) -> Vec<u8> {
    let prev = world::id_of(&issue(number));
    world::revoke(&label(number), Some(prev), ISSUER)
}
