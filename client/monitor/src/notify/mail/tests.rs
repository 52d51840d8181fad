//! Mails against an SMTP sink on loopback, read back by another parser.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread::{self, JoinHandle},
};

use labelproof_host::clock::ManualClock;
use mailparse::{MailHeaderMap as _, ParsedMail};

use super::*;
use crate::{
    alert::Proof,
    notify::tests::{alert, titled},
    samples,
};

/// One session of a mail server: what it was told, and the mail.
struct Session {
    commands: Vec<String>,
    mail: String,
}

/// Serves one session; a command that begins with the first word is answered with the second.
fn sink(answers: &'static [(&'static str, &'static str)]) -> (MailServer, JoinHandle<Session>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string().parse().unwrap();
    let serve = move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        say(&mut reader, "220 sink.example ESMTP");
        session(&mut reader, answers)
    };
    (server, thread::spawn(serve))
}

fn say(stream: &mut BufReader<impl Read + Write>, text: &str) {
    let line = format!("{text}\r\n");
    stream.get_mut().write_all(line.as_bytes()).unwrap();
}

fn session<S: Read + Write>(reader: &mut BufReader<S>, answers: &[(&str, &str)]) -> Session {
    let mut session = Session {
        commands: Vec::new(),
        mail: String::new(),
    };
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or_default() > 0 {
        let command = std::mem::take(&mut line).trim_end().to_owned();
        session.commands.push(command.clone());
        let special = answers.iter().find(|(word, _)| command.starts_with(word));
        match (special, command.split(' ').next().unwrap()) {
            (Some((_, answer)), _) => say(reader, answer),
            (None, "EHLO") => say(
                reader,
                "250-sink.example\r\n250-AUTH PLAIN\r\n250 SIZE 10000000",
            ),
            (None, "DATA") => {
                say(reader, "354 go on");
                while reader.read_line(&mut line).unwrap() > 0 && line != ".\r\n" {
                    // SPEC RFC 5321, 4.5.2: a dot more than was meant.
                    session.mail += line.strip_prefix('.').unwrap_or(&line);
                    line.clear();
                }
                line.clear();
                let end = answers.iter().find(|(word, _)| *word == ".");
                say(reader, end.map_or("250 taken", |(_, answer)| answer));
            }
            (None, "QUIT") => {
                say(reader, "221 bye");
                break;
            }
            (None, _) => say(reader, "250 ok"),
        }
    }
    session
}

/// How a session of a mail server comes to be in TLS.
#[derive(Clone, Copy)]
enum Begins {
    AtOnce,
    WhenAsked,
}

/// Serves one session in TLS, under this certificate; none if the other end does not believe it.
fn tls_sink(
    known: &rcgen::CertifiedKey<rcgen::KeyPair>,
    begins: Begins,
) -> (MailServer, JoinHandle<Option<Session>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string().parse().unwrap();
    let chain = vec![known.cert.der().clone()];
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(known.signing_key.serialize_der());
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key.into())
        .unwrap();
    let serve = move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = match begins {
            Begins::AtOnce => stream,
            Begins::WhenAsked => start_tls(stream),
        };
        let mut tls = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        tls.complete_io(&mut stream).ok()?;
        let mut reader = BufReader::new(rustls::StreamOwned::new(tls, stream));
        if matches!(begins, Begins::AtOnce) {
            say(&mut reader, "220 sink.example ESMTP");
        }
        Some(session(&mut reader, &[("AUTH", "235 ok")]))
    };
    (server, thread::spawn(serve))
}

/// Until both ends agree to go on in TLS.
fn start_tls(stream: TcpStream) -> TcpStream {
    let mut reader = BufReader::new(stream);
    say(&mut reader, "220 sink.example ESMTP");
    for (want, answer) in [
        ("EHLO", "250-sink.example\r\n250 STARTTLS"),
        ("STARTTLS", "220 go on"),
    ] {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(line.starts_with(want), "{line}");
        say(&mut reader, answer);
    }
    reader.into_inner()
}

fn address(text: &str) -> Address {
    text.to_owned().try_into().unwrap()
}

fn mail(server: &MailServer) -> Mail {
    let clock = Arc::new(ManualClock::at(1_800_000_000_000));
    let from = address("Monitor <monitor@authority.example>");
    Mail::new(
        server,
        None,
        None,
        from,
        address("desk@authority.example"),
        clock,
    )
    .unwrap()
}

fn sent(alert: &Numbered) -> Session {
    let (server, session) = sink(&[]);
    mail(&server).send(alert).unwrap();
    session.join().unwrap()
}

fn files(mail: &ParsedMail<'_>) -> Vec<(String, Vec<u8>)> {
    let name = |part: &ParsedMail<'_>| part.get_content_disposition().params["filename"].clone();
    let files = mail.subparts[1..].iter();
    files
        .map(|part| (name(part), part.get_body_raw().unwrap()))
        .collect()
}

#[test]
fn a_mail_says_what_happened_and_carries_the_proof() {
    let session = sent(&alert(7));
    assert!(
        session
            .commands
            .iter()
            .any(|line| line == "MAIL FROM:<monitor@authority.example>")
    );
    assert!(
        session
            .commands
            .iter()
            .any(|line| line == "RCPT TO:<desk@authority.example>")
    );
    let mail = mailparse::parse_mail(session.mail.as_bytes()).unwrap();
    let header = |name: &str| mail.headers.get_first_value(name).unwrap();
    let told = alert(7);
    assert_eq!(
        header("Subject"),
        "[labelproof warning] label.revoke jp.jc-star/EX-000123: vulnerability"
    );
    assert_eq!(
        header("Message-ID"),
        format!("<{}@authority.example>", told.alert().id())
    );
    assert_eq!(header("Date"), "Fri, 15 Jan 2027 08:00:00 +0000");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    let text = mail.subparts[0].get_body().unwrap().replace("\r\n", "\n");
    assert!(
        text.contains("entry     5\n") && text.contains(told.alert().detail()),
        "{text}"
    );
    let Proof::Entry { event, proof } = told.alert().proof() else {
        panic!("an event");
    };
    let line = format!("{}\n", told.to_json()).into_bytes();
    let want = [
        ("alert.json", line),
        ("entry.note", event.bytes().to_vec()),
        ("entry.tlog-proof", proof.to_bytes()),
    ];
    assert_eq!(
        files(&mail),
        want.map(|(name, bytes)| (name.to_owned(), bytes))
    );
}

#[test]
fn evidence_is_a_file_that_can_be_checked() {
    let evidence = samples::fork();
    let session = sent(&Numbered::new(
        1,
        Alert::evidence(&evidence, samples::at(0)),
    ));
    let mail = mailparse::parse_mail(session.mail.as_bytes()).unwrap();
    let (name, bytes) = files(&mail).remove(1);
    assert_eq!(
        (name.as_str(), bytes),
        ("fork.evidence", evidence.to_bytes())
    );
}

#[test]
fn nothing_of_an_alert_becomes_a_header_or_a_command() {
    let evil = "x\r\nBcc: all@elsewhere.example\r\n\r\n.\r\nMAIL FROM:<evil@elsewhere.example>\u{0}\u{85}\u{2028}ü";
    for title in [
        evil.to_owned(),
        format!("{}{evil}", "long ".repeat(50)),
        ".\r\n.\r\n".repeat(3),
    ] {
        let session = sent(&titled(&title));
        let mails = session
            .commands
            .iter()
            .filter(|line| line.starts_with("MAIL"));
        assert_eq!(mails.count(), 1, "{:?}", session.commands);
        let mail = mailparse::parse_mail(session.mail.as_bytes()).unwrap();
        assert!(mail.headers.get_first_value("Bcc").is_none());
        assert_eq!(mail.headers.get_all_values("From").len(), 1);
        assert!(
            mail.headers
                .get_first_value("Subject")
                .unwrap()
                .starts_with("[labelproof warning] ")
        );
        assert_eq!(mail.subparts.len(), 2, "text and alert");
        let line = format!("{}\n", titled(&title).to_json());
        assert_eq!(files(&mail)[0].1, line.into_bytes());
        assert!(
            session
                .mail
                .lines()
                .all(|line| line.len() <= 998 && line.is_ascii())
        );
    }
}

#[test]
fn who_logs_in_says_so_once_and_the_password_is_never_shown() {
    let (server, session) = sink(&[("AUTH", "235 ok")]);
    let clock = Arc::new(ManualClock::at(0));
    let to = address("desk@authority.example");
    let login = Some(("user".to_owned(), "pass-word".to_owned()));
    let mail = Mail::new(&server, None, login, to.clone(), to, clock).unwrap();
    mail.send(&alert(1)).unwrap();
    let commands = session.join().unwrap().commands;
    // base64 of \0user\0pass-word
    assert!(
        commands
            .iter()
            .any(|line| line == "AUTH PLAIN AHVzZXIAcGFzcy13b3Jk"),
        "{commands:?}"
    );
    assert!(!format!("{mail:?}").contains("pass-word"), "{mail:?}");
}

#[test]
fn what_a_server_says_of_this_mail_is_told_from_what_it_says_of_all() {
    let down = Outcome::Down { after: None };
    for (answers, want) in [
        (
            &[(".", "554 looks like spam")] as &[(&str, &str)],
            Outcome::Refused,
        ),
        (&[("MAIL", "552 too large")], Outcome::Refused),
        (&[(".", "451 later")], down),
        (&[("RCPT", "550 no such mailbox")], down),
        (&[("RCPT", "452 mailbox is full")], down),
        (&[("EHLO", "421 closing")], down),
    ] {
        let (server, session) = sink(answers);
        let error = mail(&server).send(&alert(1)).unwrap_err();
        assert_eq!(error.outcome(), want, "{answers:?}: {error:?}");
        session.join().unwrap();
    }
    let gone: MailServer = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string().parse().unwrap()
    };
    assert_eq!(mail(&gone).send(&alert(1)).unwrap_err().outcome(), down);
}

#[test]
fn nothing_is_said_to_a_server_elsewhere_without_tls() {
    let (server, session) = sink(&[]);
    let tls = Tls::Required(TlsParameters::new("mail.authority.example".to_owned()).unwrap());
    let clock = Arc::new(ManualClock::at(0));
    let to = address("desk@authority.example");
    let login = Some(("user".to_owned(), "pass-word".to_owned()));
    let mail = Mail::over(tls, &server, login, to.clone(), to, clock);
    assert_eq!(
        mail.send(&alert(1)).unwrap_err().outcome(),
        Outcome::Down { after: None }
    );
    let commands = session.join().unwrap().commands;
    assert!(
        commands
            .iter()
            .all(|line| line.starts_with("EHLO") || line == "QUIT"),
        "{commands:?}"
    );
}

#[test]
fn tls_goes_on_only_with_a_certificate_that_is_believed() {
    let certify = || rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (known, stranger) = (certify(), certify());
    let send = |begins: Begins, authority: Option<&[u8]>| {
        let (server, session) = tls_sink(&known, begins);
        // The name in the certificate; the address is the sink's.
        let named = MailServer {
            host: "localhost".to_owned(),
            ..server.clone()
        };
        let parameters = tls(&named, authority).unwrap();
        let tls = match begins {
            Begins::AtOnce => Tls::Wrapper(parameters),
            Begins::WhenAsked => Tls::Required(parameters),
        };
        let clock = Arc::new(ManualClock::at(0));
        let to = address("desk@authority.example");
        let login = Some(("user".to_owned(), "pass-word".to_owned()));
        let mail = Mail::over(tls, &server, login, to.clone(), to, clock);
        let sent = mail.send(&alert(1));
        drop(mail);
        (sent, session.join().unwrap())
    };
    for begins in [Begins::AtOnce, Begins::WhenAsked] {
        let (sent, session) = send(begins, Some(known.cert.pem().as_bytes()));
        sent.unwrap();
        let session = session.unwrap();
        assert!(session.mail.contains("Subject: [labelproof warning]"));
        assert!(
            session
                .commands
                .iter()
                .any(|line| line.starts_with("AUTH PLAIN "))
        );
        for authority in [None, Some(stranger.cert.pem())] {
            let (sent, session) = send(begins, authority.as_ref().map(String::as_bytes));
            assert_eq!(sent.unwrap_err().outcome(), Outcome::Down { after: None });
            assert!(session.is_none(), "nothing is said");
        }
    }
}

#[test]
fn the_port_says_how_tls_begins_and_no_certificate_is_none() {
    let asked = |server: &str| asked_of(&server.parse().unwrap(), None).unwrap();
    assert!(matches!(
        asked("mail.authority.example:465"),
        Tls::Wrapper(_)
    ));
    assert!(matches!(
        asked("mail.authority.example:587"),
        Tls::Required(_)
    ));
    assert!(matches!(asked("localhost:465"), Tls::None));
    let server: MailServer = "mail.authority.example:587".parse().unwrap();
    let refused = asked_of(&server, Some(b"no certificate"));
    assert!(matches!(refused, Err(MailError::NoCertificate)));
}

#[test]
fn mailboxes_have_channels_of_their_own_and_strangers_learn_nothing() {
    let server: MailServer = "localhost:25".parse().unwrap();
    let label = |to: &str| {
        let clock = Arc::new(ManualClock::at(0));
        Mail::new(
            &server,
            None,
            None,
            address("m@authority.example"),
            address(to),
            clock,
        )
        .unwrap()
        .label()
    };
    assert_ne!(label("a@authority.example"), label("b@authority.example"));
    assert_eq!(label("a@authority.example").len(), 8);
    // A name written before it makes no other mailbox of it.
    assert_eq!(
        label("Desk <a@authority.example>"),
        label("a@authority.example")
    );
}

#[test]
fn addresses_and_servers_are_read_strictly() {
    for wrong in [
        "",
        "desk",
        "@x",
        "a@b@c",
        "a@x\r\nBcc: b@y",
        "A\r\nB <a@x.example>",
        "a b@x",
        "<a@x",
    ] {
        assert_eq!(
            Address::try_from(wrong.to_owned()),
            Err(BadMail::Address),
            "{wrong:?}"
        );
    }
    for wrong in [
        "",
        "mail",
        "mail:",
        ":25",
        "mail:0",
        "mail:65536",
        "a b:25",
        "[x]:25",
        "::1:25",
        "u@h:25",
        "h\r\n:25",
    ] {
        assert_eq!(
            wrong.parse::<MailServer>(),
            Err(BadMail::Server),
            "{wrong:?}"
        );
    }
    for (right, is_here) in [
        ("mail.authority.example:587", false),
        ("localhost:25", true),
        ("127.0.0.1:25", true),
        ("[::1]:25", true),
        ("10.0.0.1:25", false),
        ("localhost.authority.example:25", false),
    ] {
        assert_eq!(
            right.parse::<MailServer>().unwrap().is_here(),
            is_here,
            "{right}"
        );
    }
}
