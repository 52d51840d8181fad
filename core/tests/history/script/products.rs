//! Renewals, amends and bindings: mostly of what is there, sometimes of what is not.

use labelproof_core::event::Kind;
use serde_json::{Value, json};

use super::Script;
use crate::cast::{gtin, issue};

impl Script {
    pub(super) fn some_gtins(&mut self, most: usize) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for _ in 0..self.below(most + 1) {
            let gtin = gtin(self.below(14));
            if !found.contains(&gtin) {
                found.push(gtin);
            }
        }
        found
    }

    pub(super) fn printed_id(&mut self) -> &'static str {
        self.one_of(&["R-1", "r-1", "R 1", "R-2", "R/2", "Ř-3", "EX-4"])
    }

    pub(super) fn renew(&mut self) {
        let label = self.known_label();
        let ends = [
            "2029-02-03T00:00:00Z",
            "2030-02-03T00:00:00Z",
            "2027-02-03T00:00:00Z",
        ];
        let mut body = json!({});
        if self.below(4) > 0 {
            body["valid_until"] = json!(self.one_of(&ends));
        }
        if self.below(2) == 0 {
            body["aliases"] = json!([self.printed_id()]);
        }
        let by = self.label_signers(Kind::LabelRenew, label.split_once('/').unwrap().0);
        if self.send(Kind::LabelRenew, &label, body.clone(), &by) {
            let said = self.said(&label);
            match body.get("valid_until") {
                Some(until) => said["valid_until"] = until.clone(),
                None => drop(said.as_object_mut().unwrap().remove("valid_until")),
            }
            extend(&mut said["aliases"], body.get("aliases"));
        }
    }

    pub(super) fn amend(&mut self) {
        let label = self.known_label();
        let mut body = self.said(&label).clone();
        let number = self.one_of(&["1", "2", "3"]);
        body["models"] = json!([{"number": number, "hw": []}]);
        body["firmware"] = json!({"min": number});
        match self.below(24) {
            0 => body["level"] = json!("star2"),
            1 => body["valid_from"] = json!("2026-02-04T00:00:00Z"),
            2 => body["valid_until"] = json!("2031-02-03T00:00:00Z"),
            3 => body["gtins"] = json!(self.some_gtins(3)),
            4 => body["aliases"] = json!([self.printed_id()]),
            5 => body["page"] = json!("https://other.example/"),
            6 => body["territory"] = json!(["*"]),
            7 => body["validity_reference"] = json!("use"),
            8 => body["supersedes"] = json!(format!("{label}-other")),
            9 => body["lab"] = json!("label.jp.example"),
            10 => body["lab"] = json!("lab.jp.example"),
            11 => body["gtins"].as_array_mut().unwrap().reverse(),
            _ => {}
        }
        let by = self.label_signers(Kind::LabelAmend, label.split_once('/').unwrap().0);
        if self.send(Kind::LabelAmend, &label, body.clone(), &by) {
            *self.said(&label) = body;
        }
    }

    pub(super) fn bind(&mut self) {
        let label = self.known_label();
        let mut body = json!({"gtins": self.some_gtins(3), "models": []});
        if body["gtins"] == json!([]) || self.below(3) == 0 {
            body["models"] = json!([{"number": self.one_of(&["4", "5"]), "hw": ["A"]}]);
        }
        let by = self.label_signers(Kind::LabelBind, label.split_once('/').unwrap().0);
        if self.send(Kind::LabelBind, &label, body.clone(), &by) {
            let said = self.said(&label);
            extend(&mut said["gtins"], body.get("gtins"));
            extend(&mut said["models"], body.get("models"));
        }
    }

    pub(super) fn unbind(&mut self) {
        let label = self.known_label();
        let said = self.said(&label).clone();
        let mut body = json!({"gtins": [], "models": []});
        let list = self.one_of(&["gtins", "gtins", "gtins", "models"]);
        let there = said[list].as_array().unwrap();
        body[list] = match there.len() {
            0 if list == "gtins" => json!([gtin(self.below(14))]),
            some => json!([there[self.below(some)]]),
        };
        if self.below(6) == 0 {
            body["gtins"] = json!([gtin(self.below(14))]);
        }
        let by = self.label_signers(Kind::LabelUnbind, label.split_once('/').unwrap().0);
        if self.send(Kind::LabelUnbind, &label, body.clone(), &by) {
            let said = self.said(&label);
            for list in ["gtins", "models"] {
                let gone = body[list].as_array().unwrap();
                said[list]
                    .as_array_mut()
                    .unwrap()
                    .retain(|one| !gone.contains(one));
            }
        }
    }

    /// What a whole body of the label would say now; of one that was never issued, something.
    fn said(&mut self, label: &str) -> &mut Value {
        let native = label.split_once('/').unwrap().1;
        self.bodies
            .entry(label.to_owned())
            .or_insert_with(|| issue(native, "star1", "router", "JP"))
    }
}

fn extend(list: &mut Value, more: Option<&Value>) {
    let more = more.and_then(Value::as_array);
    let list = list.as_array_mut().unwrap();
    list.extend(more.into_iter().flatten().cloned());
}
