//! `canary`: one label of a test product is issued and revoked, so that whoever watches the log has something to see.
//!
//! ```text
//! SCHEME/PREFIX ─▶ SCHEME/PREFIX20261129T060000Z     issued, proved · revoked, proved
//! NAME.events.jsonl                                  both signed notes of each run, before they are sent
//! ```
//! What the label says is taken from the log: the scheme's define and the authority's accredit event. A label that an
//! earlier run issued and could not revoke is revoked first.

use labelproof_core::{
    event::{
        Body, Category, Domain, Draft, Event, Grant, Kind, LabelId, LevelCode, NativeId,
        ReasonCode, Role, SchemeDefine, Subject, Territory,
    },
    state::record::Status,
    time::Time,
};
use labelproof_host::exit::Exit;
use serde_json::json;

use crate::{
    args::{Canary, Publish, TakeAway, Target, Why},
    deliver::{Destination, with_ending},
    event::read_draft,
    files::events_of,
    lookup::look_up,
    publish::{Desk, MAX_AGE, destination, file_name},
    report::{Failure, Report, Said, Tone},
    take_away, trust,
    world::World,
};

/// Issues a label of the test product, revokes it, and proves both.
pub(crate) fn run(args: Canary, world: &World) -> Result<Report, Failure> {
    let prefix = args.label;
    let name = args.out.unwrap_or_else(|| {
        let name = file_name(&Subject::Label(prefix.clone()));
        name.display().to_string().trim_end_matches('-').into()
    });
    let mut order = TakeAway {
        target: Target {
            label: None,
            file: None,
            decided_at: None,
        },
        why: Why {
            reason: Some(ReasonCode::HolderRequest),
            text: Some("a test of the alarm chain".into()),
        },
        publish: Publish {
            network: args.network,
            key: args.key,
            out: Some(name),
            no_submit: false,
            dry_run: false,
        },
    };
    let left_over = left_over(&order.publish, &prefix, world)?;
    if let Some(label) = &left_over {
        world.warn(format!(
            "{label} of an earlier run is in force; revoking it first"
        ));
        order.target.label = Some(label.clone());
        take_away::revoke(&order, world)?;
    }
    let label = label_at(&prefix, world.now())?;
    let subject = Subject::Label(label.clone());
    let desk = Desk::open(&order.publish, &subject, world)?;
    let draft = draft(&order.publish, &desk, &label, args.gtin.as_str(), world)?;
    let issued = desk.publish(&desk.sign(&draft, None)?)?;
    if issued.result["logged_before"] == json!(true) {
        let what = format!("{subject} was issued before, by another run in this second");
        return Err(Failure::new(Exit::Usage, what).next("run it again"));
    }
    order.target.label = Some(label);
    let revoked = take_away::revoke(&order, world)?;
    Ok(report(&subject, left_over, issued, revoked))
}

fn report(
    subject: &Subject,
    left_over: Option<LabelId>,
    issued: Report,
    revoked: Report,
) -> Report {
    let line = |of: &Report| {
        let (index, event) = (&of.result["index"], &of.result["event"]);
        format!(
            "entry {index}, event {}",
            event.as_str().unwrap_or_default()
        )
    };
    let mut body = format!(
        "  issued     {}\n  revoked    {}\n  proof      both are witnessed, and the label is revoked\n",
        line(&issued),
        line(&revoked)
    );
    if let Some(label) = &left_over {
        body.push_str(&format!(
            "  before     {label}, left by an earlier run, is revoked\n"
        ));
    }
    let result = json!({
        "subject": subject.to_string(),
        "issued": issued.result,
        "revoked": revoked.result,
        "left_over": left_over.map(|label| label.to_string()),
    });
    Report {
        exit: Exit::Done,
        said: vec![Said::Answer {
            tone: Tone::Good,
            word: "CANARY".into(),
            about: subject.to_string(),
            body,
        }],
        result,
    }
}

/// The label of a run at `now`.
fn label_at(prefix: &LabelId, now: Time) -> Result<LabelId, Failure> {
    let stamp = now.to_string().replace(['-', ':'], "");
    let native: Result<NativeId, _> = format!("{}{stamp}", prefix.native()).parse();
    native
        .and_then(|native| LabelId::new(prefix.scheme().clone(), native))
        .map_err(|error| {
            Failure::on(Exit::Usage, prefix, &error).next("give a shorter prefix with --label")
        })
}

/// The label of the newest run, if it was logged and is not revoked.
fn left_over(
    publish: &Publish,
    prefix: &LabelId,
    world: &World,
) -> Result<Option<LabelId>, Failure> {
    let name = publish.out.clone().unwrap_or_default();
    let journal = with_ending(&name, "events.jsonl");
    if !world.exists(journal.as_ref())? {
        return Ok(None);
    }
    let events = events_of(&journal, &world.read(journal.as_ref())?)?;
    let newest = events.iter().rev().find_map(|event| match event.subject() {
        Subject::Label(label) if event.kind() == Kind::LabelIssue => Some(label),
        _ => None,
    });
    let starts = |label: &&LabelId| {
        let native = label.native().as_str();
        label.scheme() == prefix.scheme() && native.starts_with(prefix.native().as_str())
    };
    let Some(label) = newest.filter(starts) else {
        return Ok(None);
    };
    let subject = Subject::Label(label.clone());
    let status = Desk::open(publish, &subject, world)?.look_up()?.status();
    Ok(match status {
        Some(Status::Active | Status::Suspended) => Some(label.clone()),
        Some(_) | None => None,
    })
}

/// The draft of the label, as scheme and accreditation allow it.
fn draft(
    publish: &Publish,
    desk: &Desk<'_>,
    label: &LabelId,
    gtin: &str,
    world: &World,
) -> Result<Draft, Failure> {
    let trust = trust::load(&publish.network.trust, world)?;
    let home = trust
        .home_of(&Subject::Label(label.clone()))
        .map_err(|error| Failure::of(Exit::Usage, &error))?;
    let to = destination(&publish.network, home, world)?;
    let scheme = Subject::Scheme(label.scheme().clone());
    let define = newest(&to, &scheme, Kind::SchemeDefine, world)?;
    let authority: Subject = format!("authority:{}", desk.signer())
        .parse()
        .map_err(|error| Failure::on(Exit::Usage, desk.signer(), &error))?;
    let accredit = newest(&to, &authority, Kind::AuthorityAccredit, world)?;
    let (Body::SchemeDefine(define), Body::AuthorityAccredit(accredit)) =
        (define.body(), accredit.body())
    else {
        return Err(Failure::new(Exit::Internal, "an event is not of its kind"));
    };
    let grants = accredit
        .grants
        .iter()
        .filter(|grant| grant.role == Role::Issuer && grant.schemes.contains(label.scheme()));
    let granted = grants.filter_map(|grant| Some((grant, level(define, grant)?)));
    let Some((grant, level)) = granted.into_iter().next() else {
        return Err(Failure::new(
            Exit::NotSigned,
            format!("{authority} issues no labels of {scheme}"),
        )
        .next("name a scheme of this authority with --label"));
    };
    let Some(host) = define.hosts.iter().next().map(Domain::as_str) else {
        return Err(Failure::new(
            Exit::NotSigned,
            format!("{scheme} has no host for the pages of labels, so it can have none"),
        ));
    };
    let first = |list: Option<&str>, or: &str| list.unwrap_or(or).to_owned();
    let categories = grant.categories.iter().flatten();
    let category = first(categories.map(Category::as_str).next(), "canary");
    let territories = grant.territory.iter().flatten();
    let territory = first(
        territories.map(Territory::as_str).next(),
        accredit.country.as_str(),
    );
    let versions = define.versions.as_slice();
    let holder = json!({ "name": accredit.name, "country": accredit.country, "ids": [] });
    let now = world.now();
    let body = json!({
        "native_id": label.native().as_str(),
        "aliases": [],
        "scheme_version": versions.last(),
        "level": level,
        "assurance": "self-declared",
        "standards": [],
        "holder": holder,
        "manufacturer": holder,
        "product": {
            "line": "Canary",
            "names": ["Not a product: a test of the alarm chain"],
            "category": category,
            "use": "consumer",
        },
        "models": [{ "number": "canary", "hw": [] }],
        "firmware": "any",
        "components": ["device"],
        "gtins": [gtin],
        "territory": [territory],
        "valid_from": now.to_string(),
        // What no run comes to revoke is over by itself.
        "valid_until": now.plus_seconds(2 * MAX_AGE.as_secs()).to_string(),
        "validity_reference": define.validity_reference,
        "support_end": "unsupported",
        "updates": { "mode": "none" },
        "contact": format!("https://{host}/"),
        "page": format!("https://{host}/{}", label.native()),
    });
    let value = json!({
        "subject": label.to_string(),
        "decided_at": now.to_string(),
        "body": body,
    });
    read_draft(Kind::LabelIssue, &value.to_string(), "the label")
}

/// The lowest level of the scheme that a grant allows.
fn level<'a>(scheme: &'a SchemeDefine, grant: &Grant) -> Option<&'a LevelCode> {
    let allowed = scheme.levels.iter().filter(|level| {
        let listed = grant.levels.as_ref();
        listed.is_none_or(|listed| listed.contains(&level.code))
    });
    Some(&allowed.min_by_key(|level| level.rank.get())?.code)
}

/// The newest event of this kind about a subject, as proved by the log.
fn newest(
    to: &Destination<'_>,
    subject: &Subject,
    kind: Kind,
    world: &World,
) -> Result<Event, Failure> {
    let looked = look_up(&to.server, to.log, &to.store, subject, world)?;
    let mut history = looked.history().iter().rev();
    let found = history.find(|past| past.event().kind() == kind);
    found.map(|past| past.event().clone()).ok_or_else(|| {
        Failure::new(
            Exit::NotSigned,
            format!(
                "{subject} is not in {}; the log proves that",
                to.log.origin()
            ),
        )
        .next("compare the names of the key and of the scheme with `labelproof status`")
    })
}
