//! The story that the demo tells while it happens.

use std::env;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use labelproof_tests::network::Network;
use labelproof_tests::world::WITNESSES;

use crate::check::Client;
use crate::labels::{End, Label, days_before, now};
use crate::monitor::Monitor;
use crate::publish::publish;
use crate::registry::{Keys, SCHEMES, foundation, genesis};
use crate::say;
use crate::tour::{NEVER_ISSUED, Tour};

/// What happens after the network is up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// The commands are run, and that is the end.
    Once,
    /// The network stays until it is told to go.
    Stay,
}

/// What becomes of the folder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Keeping {
    /// It stays.
    Kept,
    /// It goes with the demo.
    Passing,
}

/// A network that is up.
pub(crate) struct Story {
    network: Network,
    monitor: Monitor,
}

/// Brings the network up in `dir`, and says what happens.
///
/// # Errors
/// Whatever did not work, in words.
pub(crate) fn tell(dir: &Path, keeping: Keeping, mode: Mode) -> io::Result<Story> {
    let teller = Teller {
        begun: Instant::now(),
    };
    teller.greet(dir, keeping)?;
    let now = now();
    let keys = Keys::make(&dir.join("keys"))?;
    let entry_0 = genesis(&keys, &days_before(now, FOUNDED_DAYS_AGO + 7));
    let mut network = Network::lay_out_with(&env::current_exe()?, dir, &entry_0)?;
    teller.say(
        "genesis",
        "nine members sign entry 0: ca de fr gb it jp us eu, and sg as associate",
    )?;
    for code in WITNESSES {
        network.start_witness(code)?;
    }
    network.write_policy()?;
    teller.say(
        "witnesses",
        "seven processes, one a member, cosign only what grew; any five make a quorum",
    )?;
    network.start_log()?;
    network.wait_until_ready();
    teller.say(
        "log",
        &format!("{} appends what authorities sign", network.log_url()),
    )?;
    publish(
        &network.log_url(),
        vec![foundation(&keys, &days_before(now, FOUNDED_DAYS_AGO))],
    )?;
    network.make_trust()?;
    let ids = SCHEMES.map(|scheme| scheme.id).join(" ");
    teller.say("schemes", &format!("{ids}; six authorities accredited"))?;
    let labels = Label::all();
    publish(
        &network.log_url(),
        labels
            .iter()
            .map(|label| label.events(&keys, now))
            .collect(),
    )?;
    teller.say("labels", &tally(&labels))?;
    let tour = Tour::new(dir, network.programs().bin(), &network.trust(), &keys)?;
    let monitor = Monitor::start(dir, network.programs(), &network.trust(), mode)?;
    teller.say(
        "monitor",
        &format!(
            "{} verifies every entry, and watches one label",
            monitor.url()
        ),
    )?;
    check(&teller, &network, &labels)?;
    if mode == Mode::Once {
        tour.run()?;
    }
    tour.print(last_words(mode, keeping))?;
    Ok(Story { network, monitor })
}

/// What a person can do with the nine commands; they are on the screen when the network is gone.
fn last_words(mode: Mode, keeping: Keeping) -> &'static str {
    match (mode, keeping) {
        (Mode::Stay, _) => "Your turn, in another terminal. The nine commands at the end show",
        (Mode::Once, Keeping::Passing) => {
            "All nine did what they should. The network stops now, and its folder goes with it:\n\
             `--dir DIR` keeps the folder, and without `--once` all runs until Ctrl-C.\n\
             The nine commands at the end showed"
        }
        (Mode::Once, Keeping::Kept) => {
            "All nine did what they should. The network stops now, and its folder stays;\n\
             without `--once` all runs until Ctrl-C. The nine commands at the end showed"
        }
    }
}

impl Story {
    /// Stops every process cleanly, the monitor first, then the log.
    pub(crate) fn stop(self) -> ExitCode {
        match self.monitor.stop().and_then(|()| self.network.stop()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

/// Asks the log for one label of each kind, and believes only what its answer proves.
fn check(teller: &Teller, network: &Network, labels: &[Label]) -> io::Result<()> {
    let client = Client::new(&network.log_url(), &network.trust())?;
    teller.say(
        "checks",
        "one label of each kind, with the trust file and the log's answer alone:",
    )?;
    say("")?;
    for end in [
        End::Active,
        End::Expired,
        End::Suspended,
        End::Reinstated,
        End::Revoked,
    ] {
        let label = labels
            .iter()
            .find(|label| label.end() == end)
            .expect("labels.csv: some end in each way");
        let proved = client.check(label)?;
        let note = if end == End::Reinstated {
            ", again, after a suspension"
        } else {
            ""
        };
        say(format_args!(
            "{INDENT}{:<21} {:<10} {}{note}",
            label.id, proved.word, label.name
        ))?;
    }
    let proved = client.check_absent(NEVER_ISSUED)?;
    say(format_args!("{INDENT}{NEVER_ISSUED:<21} {}\n", proved.word))?;
    say(format_args!(
        "{INDENT}as of {}, by {} of {} witnesses over {} entries; until state verifiers exist",
        proved.as_of,
        proved.witnesses,
        WITNESSES.len(),
        proved.size
    ))?;
    say(format_args!(
        "{INDENT}the state is the log's word: provable when wrong, but not prevented\n"
    ))?;
    Ok(())
}

fn tally(labels: &[Label]) -> String {
    let count = |end| labels.iter().filter(|label| label.end() == end).count();
    format!(
        "{} issued, all invented; then {} suspended, {} suspended and reinstated, {} revoked",
        labels.len(),
        count(End::Suspended),
        count(End::Reinstated),
        count(End::Revoked)
    )
}

/// Says what was done, and when.
struct Teller {
    begun: Instant,
}

impl Teller {
    fn greet(&self, dir: &Path, keeping: Keeping) -> io::Result<()> {
        say("Labelproof, a registry of product labels that needs no trust in whoever runs it:")?;
        say("a log, seven witnesses, a monitor and two hundred labels, on this machine.\n")?;
        let fate = match keeping {
            Keeping::Kept => "stays there",
            Keeping::Passing => "goes with the demo",
        };
        say(format_args!(
            "Everything is in {} and {fate}; Ctrl-C stops it.\n",
            dir.display()
        ))
    }

    fn say(&self, what: &str, how: &str) -> io::Result<()> {
        say(format_args!(
            "  {:>5.1} s  {what:<10} {how}",
            self.begun.elapsed().as_secs_f32()
        ))
    }
}

/// As wide as the time and the word of a step.
const INDENT: &str = "                      ";

/// Before the oldest label of the file.
const FOUNDED_DAYS_AGO: u64 = 900;
