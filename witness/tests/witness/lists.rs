//! Lists of logs.

use std::sync::Arc;

use labelproof_core::checkpoint::Origin;
use labelproof_core::key::Vkey;
use labelproof_host::fs::{Fs, SimulatedFs};
use labelproof_witness::known_logs::{KnownLogs, ListFault, ListedLog, parse_list, write_list};

use super::log::Log;
use super::{folder, set_up, witness_key};

fn vkey(name: &str) -> String {
    Log::new(name, 0, 0).key().vkey().to_string()
}

#[test]
fn a_list_with_comments_spaces_and_origins_is_read() {
    let text = format!(
        "#\n# List: testing\n\nlogs/v0\n\n# one\n  vkey {a}  \nqpd 86400\ncontact a (at) log.example\n\
         vkey\t{b}\norigin some other line\nqpd 1\ncontact none\n",
        a = vkey("a.example"),
        b = vkey("b.example/2026")
    );
    let logs = parse_list(&text).unwrap();
    assert_eq!(logs.len(), 2);
    assert_eq!(
        (logs[0].origin().as_str(), logs[0].requests_per_day()),
        ("a.example", 86_400)
    );
    assert_eq!(
        (logs[1].origin().as_str(), logs[1].contact()),
        ("some other line", "none")
    );
    assert_eq!(parse_list(&write_list(&logs)).unwrap(), logs);
    assert_eq!(parse_list("logs/v0\n").unwrap(), []);
}

#[test]
fn other_lists_are_refused_at_their_line() {
    let key = vkey("a.example");
    let cosigner = witness_key().vkey().to_string();
    let table = [
        (String::new(), 0, ListFault::Header),
        ("logs/v1\n".to_owned(), 1, ListFault::Header),
        (format!("vkey {key}\n"), 1, ListFault::Header),
        (
            "logs/v0\nqpd 1\n".to_owned(),
            2,
            ListFault::Missing { word: "vkey" },
        ),
        (
            format!("logs/v0\nvkey {key}\n"),
            2,
            ListFault::Missing { word: "qpd" },
        ),
        (
            format!("logs/v0\nvkey {key}\nqpd 1\n"),
            3,
            ListFault::Missing { word: "contact" },
        ),
        (
            format!("logs/v0\nvkey {key}\ncontact x\nqpd 1\n"),
            3,
            ListFault::Missing { word: "qpd" },
        ),
        (
            format!("logs/v0\nvkey {key}\nqpd 1\norigin x\ncontact x\n"),
            4,
            ListFault::Missing { word: "contact" },
        ),
        (
            format!("logs/v0\nvkey {key}\nqpd 0\ncontact x\n"),
            3,
            ListFault::Qpd,
        ),
        (
            format!("logs/v0\nvkey {key}\nqpd 01\ncontact x\n"),
            3,
            ListFault::Qpd,
        ),
        (
            format!("logs/v0\nvkey {key}\nqpd 2147483648\ncontact x\n"),
            3,
            ListFault::Qpd,
        ),
        (
            format!("logs/v0\nvkey {cosigner}\nqpd 1\ncontact x\n"),
            2,
            ListFault::KeyType,
        ),
    ];
    for (text, line, fault) in table {
        let error = parse_list(&text).unwrap_err();
        assert_eq!(error.to_string(), format!("line {line}: {fault}"), "{text}");
    }
    assert!(parse_list("logs/v0\nvkey x\nqpd 1\ncontact x\n").is_err());
}

#[test]
fn a_log_in_both_lists_is_retired() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    let log = Log::new("a.example", 1, 1).key().vkey().clone();
    set_up(Arc::clone(&fs), &folder(), std::slice::from_ref(&log));
    let origin: Origin = "a.example".parse().unwrap();
    let list = fs.read(&folder().join("logs")).unwrap();
    // A crash between the two writes leaves it in both.
    fs.write(&folder().join("retired"), &list).unwrap();
    let known = KnownLogs::load(fs.as_ref(), &folder()).unwrap();
    assert_eq!((known.keys(&origin), known.active().len()), (None, 0));
    assert_eq!(known.keys_ever(&origin), Some(vec![log]));
}

#[test]
fn a_second_key_of_an_origin_is_trusted_beside_the_first() {
    let (one, other) = (vkey("a.example"), vkey("b.example"));
    let list = format!(
        "logs/v0\nvkey {one}\nqpd 1\ncontact x\nvkey {other}\norigin a.example\nqpd 1\ncontact x\n"
    );
    let logs = parse_list(&list).unwrap();
    let known = KnownLogs::default().with(logs.clone());
    let origin: Origin = "a.example".parse().unwrap();
    assert_eq!(known.keys(&origin).map(|keys| keys.len()), Some(2));
    let again = known.with(logs);
    assert_eq!(again.active().iter().map(ListedLog::origin).count(), 2);
}

#[test]
fn keys_are_found_wherever_they_stand_in_the_list() {
    let names = ["c.example", "a.example", "b.example"];
    let mut list = String::from("logs/v0\n");
    for (name, origin) in names.iter().flat_map(|name| [(name, "all"), (name, *name)]) {
        let vkey = vkey(name);
        list += &format!("vkey {vkey}\norigin {origin}\nqpd 1\ncontact x\n");
    }
    let known = KnownLogs::default().with(parse_list(&list).unwrap());
    let keys = |origin: &str| known.keys(&origin.parse().unwrap());
    let key = |name: &str| Vkey::parse(&vkey(name)).unwrap();
    // In the order of the list, which is kept.
    assert_eq!(keys("all"), Some(names.map(key).to_vec()));
    for name in names {
        assert_eq!(keys(name), Some(vec![key(name)]));
    }
    for unknown in ["a", "aa", "b.example ", "d.example"] {
        assert_eq!(keys(unknown), None, "{unknown}");
    }
    let listed: Vec<&str> = known
        .active()
        .iter()
        .map(|log| log.vkey().name().as_str())
        .collect();
    assert_eq!(
        listed,
        [
            "c.example",
            "c.example",
            "a.example",
            "a.example",
            "b.example",
            "b.example"
        ]
    );
}

#[test]
fn logs_added_together_bring_back_retired_ones_with_all_their_keys() {
    let (one, other, new) = (vkey("a.example"), vkey("b.example"), vkey("c.example"));
    let list = format!(
        "logs/v0\nvkey {one}\nqpd 1\ncontact x\nvkey {other}\norigin a.example\nqpd 1\ncontact x\n"
    );
    let origin: Origin = "a.example".parse().unwrap();
    let known = KnownLogs::default().with(parse_list(&list).unwrap());
    let retired = known.without(&origin).unwrap();
    assert_eq!((retired.keys(&origin), retired.retired().len()), (None, 2));
    let key = |text: &String| Vkey::parse(text).unwrap();
    let added = [&one, &new, &new].map(|text| ListedLog::of_key(key(text)).unwrap());
    let back = retired.with(added);
    assert_eq!(back.retired(), []);
    assert_eq!(back.keys(&origin), Some(vec![key(&one), key(&other)]));
    assert_eq!(
        back.keys(&"c.example".parse().unwrap()),
        Some(vec![key(&new)])
    );
    assert_eq!(back.active().len(), 3);
}
