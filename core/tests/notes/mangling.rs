//! One byte changed in a signed checkpoint never makes another one.

use labelproof_core::checkpoint::SignedCheckpoint;
use labelproof_core::note::Note;
use labelproof_core::policy::Policy;
use labelproof_core::time::Time;

use super::{log_key, signed, witness_key};

#[test]
fn no_changed_byte_is_accepted_as_other_content() {
    let good = signed();
    let bytes = good.note().to_bytes();
    let policy = format!(
        "log {}\nwitness a {}\nwitness b {}\ngroup g all a b\nquorum g\n",
        log_key().vkey(),
        witness_key(1).vkey(),
        witness_key(2).vkey()
    );
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let now = Time::from_unix(1_679_400_000).unwrap();
    let accept = |bytes: &[u8]| {
        let note = Note::parse(bytes).ok()?;
        let signed = SignedCheckpoint::open(note, log_key().vkey()).ok()?;
        policy.accept(signed, now).ok()
    };
    let accepted = accept(&bytes).unwrap();
    assert_eq!(accepted.as_of().unix(), 1_679_315_148);
    for at in 0..bytes.len() {
        for flip in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            let mut mangled = bytes.clone();
            mangled[at] ^= flip;
            assert!(accept(&mangled).is_none(), "byte {at} ^ {flip:#x}");
        }
        assert!(accept(&bytes[..at]).is_none(), "cut at {at}");
        let twice = [&bytes[..=at], &bytes[at..]].concat();
        assert!(accept(&twice).is_none(), "byte {at} twice");
        let without = [&bytes[..at], &bytes[at + 1..]].concat();
        assert!(accept(&without).is_none(), "byte {at} left out");
    }
}
