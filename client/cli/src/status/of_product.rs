//! `status` of a product: every label that names it, and the one that decides.

use labelproof::trust::store::TrustStore;
use labelproof_host::exit::Exit;
use serde_json::json;

use crate::{
    age::Limits,
    args::Status,
    asked::Product,
    finding::STATE_IS_THE_LOGS_WORD,
    held::{Held, Reading, only_log},
    lookup::look_up_product,
    product::Judged,
    publish::destination,
    report::{Failure, Report, Said, Tone, meaning},
    trust,
    world::World,
};

/// Asks the log for all labels of a product.
pub(super) fn run(product: &Product, args: &Status, world: &World) -> Result<Report, Failure> {
    let trust = trust::load(&args.network.trust, world)?;
    let log = only_log(&trust)?;
    let to = destination(&args.network, log, world)?;
    let gtin = product.gtin();
    let looked = look_up_product(&to.server, log, &to.store, gtin, world)?;
    let reading = Reading {
        trust: &trust,
        store: &TrustStore::beside(&args.network.trust, world.fs()),
        now: args.age.at.unwrap_or_else(|| world.now()),
        at: args.age.at,
        limits: Limits::online(Some(args.age.max_age)),
        evidence: None,
    };
    let held = Held::from_log(&looked, log, &reading)?;
    let judged = held.judge(gtin).ok_or_else(|| {
        Failure::new(
            Exit::NotInLog,
            format!("nothing is proved of product {gtin}"),
        )
    })?;
    if let Some(file) = &args.save {
        world.write(file, looked.bytes())?;
    }
    let mut report = told(&judged, &held);
    if let Some(dropped) = product.dropped() {
        world.warn(format!(
            "{dropped} was left away; the log was asked about the product alone"
        ));
    }
    report.result["dropped"] = json!(product.dropped());
    report.result["saved"] = json!(args.save.as_ref().map(|file| file.display().to_string()));
    Ok(report)
}

/// A product's answer in full, for people and for programs.
pub(crate) fn told(judged: &Judged, held: &Held) -> Report {
    let exit = judged.verdict().exit();
    let authentic = match judged.labels().is_empty() {
        true => "nothing to check: nobody signed such a thing".to_owned(),
        false => "yes: each label was issued by an authority that was accredited for its scheme"
            .to_owned(),
    };
    let body = format!(
        "  {}\n{}\n  authentic  {authentic}\n  witnessed  yes, as the trust file asks: {} cosigned size {} of {}\n  \
         status     as of {}. {}\n\n  {STATE_IS_THE_LOGS_WORD}\n",
        judged.says(),
        judged.labels_text(),
        held.cosigners().join(" "),
        held.size(),
        held.origin(),
        held.proved().as_of(),
        held.age().says(),
    );
    let tone = match exit {
        Exit::Done => Tone::Good,
        Exit::TooOld | Exit::Undecidable | Exit::UnknownLabel => Tone::Unsure,
        _ => Tone::Bad,
    };
    let checks = held.proved().checks().iter();
    let result = json!({
        "gtin": judged.gtin().as_str(),
        "found": !judged.labels().is_empty(),
        "verdict": judged.verdict().word(),
        "exit": exit.code(),
        "meaning": meaning(exit),
        "labels": judged.labels_json(),
        "as_of": held.proved().as_of().to_string(),
        "age_seconds": held.age().seconds(),
        "fresh": held.age().counts(),
        "origin": held.origin(),
        "size": held.size(),
        "cosigners": held.cosigners(),
        "checks": checks
            .map(|check| json!({ "step": check.step().word(), "found": check.text() }))
            .collect::<Vec<_>>(),
        "remark": STATE_IS_THE_LOGS_WORD,
    });
    Report {
        exit,
        said: vec![Said::Answer {
            tone,
            word: judged.verdict().shown().into(),
            about: judged.gtin().to_string(),
            body,
        }],
        result,
    }
}
