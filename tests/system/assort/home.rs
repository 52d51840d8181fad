//! Whose labels a log may speak of: the trust file's `schemes`, for products and packs as for single labels.

use labelproof_tests::network::Ended;
use labelproof_tests::paper_log::Parrot;

use super::{JP, THREE, paper, subjects};
use crate::client::{AT, Desk, then};

const ALL: &str = r#""de.it-sik", "jp.jc-star", "sg.cls", "us.mark""#;
const WITHOUT_SG: &str = r#""de.it-sik", "jp.jc-star", "us.mark""#;

/// A product with one label alone, in force, and the scheme of none but that label.
const ONE: &str = "09521234002017";

/// A desk whose trust file gives the log these schemes, and what a log answers.
fn desk(schemes: &str) -> (Desk, Parrot) {
    let log = paper(then());
    let mut answers = log.answers(&[JP]);
    answers.insert("/v1/pack".to_owned(), log.pack(&subjects()));
    for gtin in [THREE, ONE] {
        answers.insert(format!("/v1/status/gtin/{gtin}"), log.product_bundle(gtin));
    }
    let parrot = Parrot::start(answers).unwrap();
    let desk = Desk::trusting(parrot.url());
    let trust = std::fs::read_to_string(desk.path("trust.toml")).unwrap();
    let named = trust.replace(r#"schemes = ["*"]"#, &format!("schemes = [{schemes}]"));
    assert_ne!(trust, named);
    desk.write("trust.toml", named.as_bytes());
    desk.write("assortment.csv", format!("{THREE}\n{ONE}\n").as_bytes());
    desk.write("retail.labelproof", &log.pack(&subjects()));
    desk.write("three.labelproof", &log.product_bundle(THREE));
    (desk, parrot)
}

fn run(desk: &Desk, command: &str) -> Ended {
    let line = format!("{command} --trust trust.toml --at {AT}");
    desk.run(&line.split(' ').collect::<Vec<_>>())
}

/// Every command that answers for a product, and its exit when the log is the home of every scheme.
const COMMANDS: [(&str, i32); 6] = [
    ("status 09521234001010", 13),
    ("verify three.labelproof --gtin 09521234001010", 13),
    ("verify retail.labelproof --gtin 09521234002017", 0),
    ("pack verify retail.labelproof", 0),
    (
        "check --file assortment.csv --pack retail.labelproof --report out.json",
        13,
    ),
    ("check --file assortment.csv --report out.json", 13),
];

#[test]
fn a_log_that_is_the_home_of_every_scheme_answers() {
    let (desk, _parrot) = desk(ALL);
    for (command, exit) in COMMANDS {
        let ended = run(&desk, command);
        assert_eq!(ended.code, exit, "{command}: {ended:?}");
    }
}

#[test]
fn a_label_of_a_scheme_with_another_home_spoils_the_whole_answer() {
    let (desk, _parrot) = desk(WITHOUT_SG);
    for (command, _) in COMMANDS {
        let ended = run(&desk, command);
        assert_eq!(ended.code, 12, "{command}: {ended:?}");
        assert!(
            ended.stderr.contains("not the home of scheme sg.cls")
                || ended.stdout.contains("not the home of scheme sg.cls"),
            "{command}: {ended:?}"
        );
        assert!(!ended.stdout.contains("ACTIVE"), "{command}: {ended:?}");
        assert!(!desk.exists("out.json"), "{command}");
    }
    // What is its own the log may still speak of, and no head was lost with what it may not.
    assert_eq!(run(&desk, &format!("status {JP}")).code, 0);
    assert_eq!(run(&desk, &format!("status {ONE}")).code, 0);
    let made = "pack make --file assortment.csv --out new.labelproof --trust trust.toml";
    let made = desk.run(&made.split(' ').collect::<Vec<_>>());
    assert_eq!(made.code, 12, "{made:?}");
    assert!(!desk.exists("new.labelproof"));
}

#[test]
fn one_of_several_logs_does_not_answer_for_a_product() {
    let (desk, _parrot) = desk(ALL);
    let trust = std::fs::read_to_string(desk.path("trust.toml")).unwrap();
    let (head, log) = trust.split_once("[[log]]").unwrap();
    let other = log
        .replacen("labels.g7.example", "other.g7.example", 1)
        .replace(ALL, r#""fr.mark""#);
    let both = format!("{head}[[log]]{log}\n[[log]]{other}");
    desk.write("trust.toml", both.as_bytes());
    for (command, _) in COMMANDS {
        let ended = run(&desk, command);
        assert_eq!(ended.code, 2, "{command}: {ended:?}");
        assert!(!ended.stdout.contains("ACTIVE"), "{command}: {ended:?}");
        assert!(!desk.exists("out.json"), "{command}");
    }
    assert_eq!(run(&desk, &format!("status {JP}")).code, 0, "it has a home");
}
