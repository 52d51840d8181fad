//! A bundle or pack about products: which are proved, and what each product's labels are worth.
//!
//! ```text
//! retail.labelproof proves something about 3 products: 09521234001010, …
//! REVOKED  09521234001010  de.bsi/X-1
//! ```
//! One product is shown in full; of many the rows, and every row in `--json`.

use std::collections::BTreeMap;

use labelproof_core::event::Gtin14;
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use super::Bench;
use crate::{
    age::Limits,
    finding::STATE_IS_THE_LOGS_WORD,
    held::{Held, Reading},
    product::{Judged, Verdict},
    report::{Failure, Report, Said},
    status,
};

impl Bench<'_> {
    /// Answers for the product in hand, or for every product in the file.
    pub(super) fn products(&self, name: &str, bytes: &[u8]) -> Result<Report, Failure> {
        let reading = Reading {
            trust: &self.trust,
            store: &self.store,
            now: self.now,
            at: self.args.age.at,
            limits: Limits::online(Some(self.args.age.max_age)),
            evidence: self.args.evidence.as_deref(),
        };
        let held = Held::from_file(name, bytes, &reading, self.world)?;
        if let Some(events) = &self.events {
            let all = || {
                held.proved()
                    .findings()
                    .flat_map(|(_, found)| found.events())
            };
            let missing = |id| !all().any(|past| past.event().id() == id);
            if let Some(event) = events.iter().find(|event| missing(event.id())) {
                let what = format!(
                    "{name}: does not hold event {} ({})",
                    event.id(),
                    event.kind()
                );
                return Err(Failure::new(Exit::NotInLog, what));
            }
        }
        let gtins: Vec<Gtin14> = match &self.args.gtin {
            Some(product) => vec![product.gtin().clone()],
            None => held.gtins().into_iter().collect(),
        };
        let mut judged = Vec::new();
        for gtin in &gtins {
            let found = held.judge(gtin).ok_or_else(|| {
                Failure::new(
                    Exit::NotInLog,
                    format!("{name}: proves nothing about product {gtin}"),
                )
                .next("`labelproof inspect` shows what the file is about")
            })?;
            judged.push(found);
        }
        // One absence may be that of anything; among many products it is the answer for one of them.
        if let ([only], None) = (judged.as_slice(), &self.args.gtin)
            && only.labels().is_empty()
        {
            let what = format!("{name}: proves that a product has no label");
            return Err(Failure::new(Exit::Usage, what)
                .next("say what you hold with --gtin, or the absence may be that of anything"));
        }
        let exit =
            Exit::worst(judged.iter().map(|one| one.verdict().exit())).unwrap_or(Exit::Malformed);
        let mut said = vec![Said::Plain(made(name, &judged, &held))];
        let proved: Value = match judged.as_slice() {
            [only] => {
                let report = status::told(only, &held);
                said.extend(report.said);
                json!([report.result])
            }
            several => {
                said.push(Said::Plain(rows(several, &held)));
                several.iter().map(row_json).collect()
            }
        };
        let result = json!({
            "kind": "products",
            "proved": proved,
            "as_of": held.proved().as_of().to_string(),
            "age": held.age().json(),
            "origin": held.origin(),
            "size": held.size(),
            "remark": STATE_IS_THE_LOGS_WORD,
        });
        Ok(Report { exit, said, result })
    }
}

fn row_json(judged: &Judged) -> Value {
    json!({
        "gtin": judged.gtin().as_str(),
        "verdict": judged.verdict().word(),
        "exit": judged.verdict().exit().code(),
        "labels": judged.labels_json(),
    })
}

fn made(name: &str, judged: &[Judged], held: &Held) -> String {
    let named: Vec<&str> = judged
        .iter()
        .take(MAX_SHOWN)
        .map(|one| one.gtin().as_str())
        .collect();
    let more = if judged.len() > MAX_SHOWN {
        ", …"
    } else {
        ""
    };
    let products = if judged.len() == 1 {
        "product"
    } else {
        "products"
    };
    let mut text = format!(
        "{name} proves something about {} {products}: {}{more}\n",
        judged.len(),
        named.join(", ")
    );
    for check in held.proved().checks() {
        text.push_str(&format!("  checked    {check}\n"));
    }
    text
}

/// The first rows, those that need attention before the others, and how many there are of each.
fn rows(judged: &[Judged], held: &Held) -> String {
    let mut shown: Vec<&Judged> = judged.iter().collect();
    shown.sort_by_key(|one| std::cmp::Reverse(one.verdict().exit().severity()));
    let mut text = String::new();
    for one in shown.iter().take(MAX_SHOWN) {
        let label = one.decisive().map(|label| format!("  {}", label.label));
        text.push_str(&format!(
            "{:<15}  {}{}\n",
            one.verdict().shown(),
            one.gtin(),
            label.unwrap_or_default()
        ));
    }
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for one in judged {
        *counts.entry(one.verdict()).or_default() += 1;
    }
    for (verdict, rows) in counts {
        text.push_str(&format!("  {rows:>7}  {}\n", verdict.shown()));
    }
    text.push_str(&format!(
        "  as of {}. {}\n\n  {STATE_IS_THE_LOGS_WORD}\n",
        held.proved().as_of(),
        held.age().says()
    ));
    text
}

/// What a screen holds; a report of all is `labelproof check`.
const MAX_SHOWN: usize = 20;
