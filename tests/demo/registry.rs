//! The registry before its first label: keys, genesis, four schemes, six authorities.
//!
//! The schemes are shaped like real ones; everything else is invented. Keys are made anew for
//! each demo and kept in `DIR/keys`, so that a person can sign with them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use labelproof_core::event::{Event, EventId, Kind};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_host::keyfile;
use labelproof_tests::world::{MEMBERS, ORIGIN, entry};
use serde_json::{Value, json};

/// A scheme of the demo.
pub(crate) struct Scheme {
    pub(crate) id: &'static str,
    /// Name by language.
    names: &'static [(&'static str, &'static str)],
    /// Code and English name, by rank.
    levels: &'static [(&'static str, &'static str)],
    /// Where its printed codes point.
    pub(crate) host: &'static str,
    pub(crate) version: &'static str,
    pub(crate) validity_reference: &'static str,
    /// What its labels say of the way conformity was found.
    pub(crate) assurance: &'static str,
    pub(crate) territory: &'static str,
    /// The authority that issues its labels.
    pub(crate) issuer: &'static str,
}

/// The schemes, in the order of the story.
pub(crate) const SCHEMES: [Scheme; 4] = [
    Scheme {
        id: "jp.jc-star",
        names: &[
            ("en", "Star label for connected products"),
            ("ja", "つながる製品の星ラベル"),
        ],
        levels: &[
            ("star1", "★1"),
            ("star2", "★2"),
            ("star3", "★3"),
            ("star4", "★4"),
        ],
        host: "jc-star.jp.example",
        version: "2025-03",
        validity_reference: "placing",
        assurance: "self-declared",
        territory: "JP",
        issuer: "label.jp.example",
    },
    Scheme {
        id: "de.it-sik",
        names: &[
            ("de", "IT-Sicherheitskennzeichen (Beispiel)"),
            ("en", "IT security label (example)"),
        ],
        levels: &[("label", "Label")],
        host: "it-sik.de.example",
        version: "2024-11",
        validity_reference: "placing",
        assurance: "authority-checked",
        territory: "DE",
        issuer: "label.de.example",
    },
    Scheme {
        id: "sg.cls",
        names: &[("en", "Labelling scheme in four levels (example)")],
        levels: &[
            ("1", "Level 1"),
            ("2", "Level 2"),
            ("3", "Level 3"),
            ("4", "Level 4"),
        ],
        host: "cls.sg.example",
        version: "5.0",
        validity_reference: "supply",
        assurance: "third-party-test",
        territory: "SG",
        issuer: "label.sg.example",
    },
    Scheme {
        id: "us.mark",
        names: &[("en", "Consumer mark for connected products (example)")],
        levels: &[("mark", "Mark")],
        host: "mark.us.example",
        version: "1.0",
        validity_reference: "use",
        assurance: "third-party-test",
        territory: "US",
        issuer: "label.us.example",
    },
];

/// Authorities beside the four issuers: name, role, schemes.
const OTHERS: [(&str, &str, &[&str]); 2] = [
    ("watch.jp.example", "supervisor", &["jp.jc-star"]),
    ("watch.de.example", "supervisor", &["de.it-sik"]),
];

/// The keys of everybody, also in files.
pub(crate) struct Keys {
    folder: PathBuf,
    keys: BTreeMap<String, SigningKey>,
}

impl Keys {
    /// Makes the keys of members and authorities and writes each to `folder/NAME.key`.
    pub(crate) fn make(folder: &Path) -> io::Result<Keys> {
        std::fs::create_dir_all(folder)?;
        let roots = MEMBERS.iter().map(|(code, ..)| root_name(code));
        let authorities = SCHEMES
            .iter()
            .map(|scheme| scheme.issuer)
            .chain(OTHERS.iter().map(|(name, ..)| *name));
        let mut keys = BTreeMap::new();
        for name in roots.chain(authorities.map(str::to_owned)) {
            let key_name = name.parse().map_err(io::Error::other)?;
            let key = keyfile::generate(key_name, KeyType::Note).map_err(io::Error::other)?;
            keyfile::create(&folder.join(format!("{name}.key")), &key).map_err(io::Error::other)?;
            keys.insert(name, key);
        }
        Ok(Keys {
            folder: folder.to_owned(),
            keys,
        })
    }

    /// The key of a member's root or an authority.
    pub(crate) fn of(&self, name: &str) -> &SigningKey {
        self.keys
            .get(name)
            .expect("everybody of the demo got a key")
    }

    /// The file that holds it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.key"))
    }

    /// Signs a draft as `name`.
    pub(crate) fn sign(
        &self,
        name: &str,
        kind: Kind,
        draft: &Value,
        prev: Option<EventId>,
    ) -> Event {
        Event::parse(&entry(kind, draft, prev, &[self.of(name)]))
            .expect("the demo writes well-formed events")
    }
}

/// The scheme of a label or scheme id.
pub(crate) fn scheme(id: &str) -> &'static Scheme {
    SCHEMES
        .iter()
        .find(|scheme| scheme.id == id)
        .expect("a scheme of the demo")
}

/// Entry 0, signed by all nine roots.
pub(crate) fn genesis(keys: &Keys, decided_at: &str) -> Vec<u8> {
    let member = |(code, name, territories): &(&str, &str, &[&str])| {
        json!({
            "id": code,
            "name": name,
            "roots": [keys.of(&root_name(code)).vkey().to_string()],
            "threshold": 1,
            "territories": territories,
            "domains": [format!("{code}.example")],
            "associate": *code == "sg",
        })
    };
    let draft = json!({
        "subject": format!("log:{ORIGIN}"),
        "decided_at": decided_at,
        "body": { "rules": "state/0.2", "members": MEMBERS.iter().map(member).collect::<Vec<_>>() },
    });
    let roots: Vec<_> = MEMBERS
        .iter()
        .map(|(code, ..)| keys.of(&root_name(code)))
        .collect();
    entry(Kind::LogGenesis, &draft, None, &roots)
}

/// The events that define the schemes and accredit the authorities.
pub(crate) fn foundation(keys: &Keys, decided_at: &str) -> Vec<Event> {
    let schemes = SCHEMES.iter().map(|scheme| {
        let names: serde_json::Map<_, _> =
            scheme.names.iter().map(|(language, name)| ((*language).to_owned(), json!(name))).collect();
        let level = |(place, (code, name)): (usize, &(&str, &str))| {
            json!({ "code": code, "rank": place + 1, "names": { "en": name } })
        };
        let draft = json!({
            "subject": format!("scheme:{}", scheme.id),
            "decided_at": decided_at,
            "body": {
                "names": names,
                "levels": scheme.levels.iter().enumerate().map(level).collect::<Vec<_>>(),
                "hosts": [scheme.host],
                "versions": [scheme.version],
                "id_rule": "upper",
                "validity_reference": scheme.validity_reference,
                "late_renewal": false,
            },
        });
        keys.sign(&root_name(&scheme.id[..2]), Kind::SchemeDefine, &draft, None)
    });
    let issuers = SCHEMES
        .iter()
        .map(|scheme| (scheme.issuer, "issuer", vec![scheme.id]));
    let others = OTHERS
        .iter()
        .map(|(name, role, schemes)| (*name, *role, schemes.to_vec()));
    let authorities = issuers.chain(others).map(|(name, role, schemes)| {
        let member = name.split('.').nth(1).expect("a name with its member");
        let draft = json!({
            "subject": format!("authority:{name}"),
            "decided_at": decided_at,
            "body": {
                "member": member,
                "name": format!("Example {} office", if role == "issuer" { "label" } else { "oversight" }),
                "country": member.to_uppercase(),
                "keys": [keys.of(name).vkey().to_string()],
                "grants": [{ "role": role, "schemes": schemes }],
            },
        });
        keys.sign(&root_name(member), Kind::AuthorityAccredit, &draft, None)
    });
    schemes.chain(authorities).collect()
}

fn root_name(code: &str) -> String {
    format!("root.{code}.example")
}
