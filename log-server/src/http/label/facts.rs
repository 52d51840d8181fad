//! What a label's history says of it, in the words of the events, for people and shops.

use labelproof_core::{
    event::{Body, Event, Gtin14, LabelId, LabelIssue, Model, Organisation, ReasonCode, Subject},
    merkle::LeafIndex,
    state::record::StateRecord,
    time::Time,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A label and what it says of a product.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Label)]
pub(in crate::http) struct Facts {
    /// Scheme and native id.
    #[schema(example = "jp.jc-star/EX-000123")]
    pub(in crate::http) id: String,
    /// The scheme.
    pub(in crate::http) scheme: String,
    /// The id that the scheme gave.
    pub(in crate::http) native_id: String,
    /// Where it stands by its own record: before the reader's clock, and before any doubt about its issuer.
    pub(in crate::http) status: Word,
    /// Why, if something was taken away.
    #[schema(required)]
    pub(in crate::http) reason: Option<String>,
    /// From this instant.
    #[schema(format = DateTime)]
    pub(in crate::http) valid_from: String,
    /// Up to this instant, which is outside; null: no end is set. The reader's clock decides.
    #[schema(required, format = DateTime)]
    pub(in crate::http) not_after: Option<String>,
    /// The level reached, a code of the scheme.
    pub(in crate::http) level: String,
    /// How it was found to conform.
    pub(in crate::http) assurance: String,
    /// Who holds the label.
    pub(in crate::http) holder: Holder,
    /// Who made the product.
    pub(in crate::http) manufacturer: Holder,
    /// The names the product is sold under.
    pub(in crate::http) product: Vec<String>,
    /// Its kind.
    pub(in crate::http) category: String,
    /// The numbers of the models.
    pub(in crate::http) models: Vec<String>,
    /// The product numbers that it covers now, 14 digits each.
    pub(in crate::http) gtins: Vec<String>,
    /// Other ids printed on the product.
    pub(in crate::http) aliases: Vec<String>,
    /// Where the label is meant to be used: countries, or `*`.
    pub(in crate::http) territory: Vec<String>,
    /// Until when the maker supports it: a day, a month, `unsupported` or `unknown`.
    pub(in crate::http) support_end: String,
    /// Who starts an update: `automatic`, `prompted`, `manual` or `none`.
    pub(in crate::http) updates: String,
    /// Pages of the maker and of the scheme.
    pub(in crate::http) pages: Pages,
    /// This label, for people and shops.
    pub(in crate::http) url: String,
    /// The bundle that proves it.
    pub(in crate::http) status_url: String,
}

/// An organisation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Organisation)]
pub(in crate::http) struct Holder {
    /// Its registered name.
    pub(in crate::http) name: String,
    /// Where it is registered.
    pub(in crate::http) country: String,
    /// All its ids that are known.
    #[schema(example = json!(["gln:9521234000006"]))]
    pub(in crate::http) ids: Vec<String>,
}

/// Pages that belong to a label.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::http) struct Pages {
    /// The page the printed code points to.
    pub(in crate::http) label: String,
    /// How to report a vulnerability.
    pub(in crate::http) contact: String,
    /// How to change the password.
    #[schema(required)]
    pub(in crate::http) password: Option<String>,
    /// How to set it up safely.
    #[schema(required)]
    pub(in crate::http) secure_config: Option<String>,
    /// About updates.
    #[schema(required)]
    pub(in crate::http) updates: Option<String>,
}

/// Where a label stands, as the record in the state map says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Status)]
pub(in crate::http) enum Word {
    /// Issued and in force.
    Active,
    /// Suspended until reinstated.
    Suspended,
    /// Replaced by another label.
    Superseded,
    /// Revoked.
    Revoked,
    /// Withdrawn without blame.
    Withdrawn,
    /// Ended because a requirement, the support or the scheme ended.
    Lapsed,
    /// Void from the start.
    Annulled,
}

/// The events of a label, folded: what it covers now.
#[derive(Clone, Debug)]
pub(in crate::http) struct Folded<'a> {
    body: &'a LabelIssue,
    gtins: Vec<Gtin14>,
    models: Vec<Model>,
    aliases: Vec<String>,
}

impl<'a> Folded<'a> {
    /// Folds a whole history; none if it does not begin with an issue.
    pub(in crate::http) fn of(events: impl IntoIterator<Item = &'a Event>) -> Option<Self> {
        let mut events = events.into_iter();
        let Body::LabelIssue(issue) = events.next()?.body() else {
            return None;
        };
        let mut folded = Self::begin(issue);
        for event in events {
            folded.step(event.body());
        }
        Some(folded)
    }

    fn begin(body: &'a LabelIssue) -> Self {
        Self {
            body,
            gtins: body.gtins.as_slice().to_vec(),
            models: body.models.as_slice().to_vec(),
            aliases: body.aliases.iter().map(ToString::to_string).collect(),
        }
    }

    fn step(&mut self, body: &'a Body) {
        match body {
            // SPEC event.md: an amendment is a whole new body; what is printed on a box stays printed there.
            Body::LabelAmend(amended) => {
                let printed = std::mem::take(&mut self.aliases);
                *self = Self::begin(amended);
                add(&mut self.aliases, printed);
            }
            Body::LabelRenew(renewed) => {
                let printed = renewed.added_aliases().iter().map(ToString::to_string);
                add(&mut self.aliases, printed);
            }
            Body::LabelBind(bound) => {
                add(&mut self.gtins, bound.gtins.iter().cloned());
                add(&mut self.models, bound.models.iter().cloned());
            }
            Body::LabelUnbind(unbound) => {
                self.gtins
                    .retain(|gtin| !unbound.gtins.as_slice().contains(gtin));
                self.models
                    .retain(|model| !unbound.models.as_slice().contains(model));
            }
            _ => {}
        }
    }

    /// Whether it covers this product now.
    pub(in crate::http) fn covers(&self, gtin: &Gtin14) -> bool {
        self.gtins.contains(gtin)
    }

    /// Who holds the label now.
    pub(in crate::http) fn holder(&self) -> &Organisation {
        &self.body.holder
    }
}

fn add<T: PartialEq>(known: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    for one in more {
        if !known.contains(&one) {
            known.push(one);
        }
    }
}

impl Facts {
    /// Writes down a label from its record and its whole history; none if that is no label's.
    pub(in crate::http) fn of<'a>(
        record: &StateRecord,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Option<Self> {
        let mut events = events.into_iter().peekable();
        let Subject::Label(label) = events.peek()?.subject().clone() else {
            return None;
        };
        let folded = Folded::of(events)?;
        let body = folded.body;
        let path = format!("{}/{}", label.scheme(), label.native());
        Some(Self {
            scheme: label.scheme().to_string(),
            native_id: label.native().to_string(),
            status: Word::of(record),
            reason: ReasonCode::from_number(record.reason()).map(|reason| reason.to_string()),
            valid_from: body.valid_from.to_string(),
            not_after: record.not_after().map(|end| end.to_string()),
            level: body.level.to_string(),
            assurance: body.assurance.to_string(),
            holder: Holder::of(&body.holder),
            manufacturer: Holder::of(&body.manufacturer),
            product: body.product.names.iter().map(ToString::to_string).collect(),
            category: body.product.category.to_string(),
            models: folded
                .models
                .iter()
                .map(|model| model.number.to_string())
                .collect(),
            gtins: folded.gtins.iter().map(ToString::to_string).collect(),
            aliases: folded.aliases,
            territory: body.territory.iter().map(ToString::to_string).collect(),
            support_end: body.support_end.to_string(),
            updates: body.updates.mode.to_string(),
            pages: Pages::of(body),
            url: format!("/v1/labels/{path}"),
            status_url: format!("/v1/status/label/{path}"),
            id: path,
        })
    }

    /// How it stands at an instant, for people.
    pub(in crate::http) fn standing(&self, record: &StateRecord, now: Time) -> Standing {
        let begins: Option<Time> = self.valid_from.parse().ok();
        match self.status {
            Word::Active if record.not_after().is_some_and(|end| end <= now) => Standing::Expired,
            Word::Active if begins.is_some_and(|begin| begin > now) => Standing::NotYet,
            word => Standing::As(word),
        }
    }
}

/// How a label stands by a clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::http) enum Standing {
    /// As its record says.
    As(Word),
    /// Active, but not valid yet.
    NotYet,
    /// Active, but its validity has ended.
    Expired,
}

impl Word {
    pub(in crate::http) fn of(record: &StateRecord) -> Self {
        use labelproof_core::state::record::Status;
        match record.status() {
            Status::Active => Self::Active,
            Status::Suspended => Self::Suspended,
            Status::Superseded => Self::Superseded,
            Status::Revoked => Self::Revoked,
            Status::Withdrawn => Self::Withdrawn,
            Status::Lapsed => Self::Lapsed,
            Status::Annulled => Self::Annulled,
        }
    }

    pub(in crate::http) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Superseded => "superseded",
            Self::Revoked => "revoked",
            Self::Withdrawn => "withdrawn",
            Self::Lapsed => "lapsed",
            Self::Annulled => "annulled",
        }
    }

    /// Every word, in the order of the records.
    pub(in crate::http) const ALL: [Self; 7] = [
        Self::Active,
        Self::Suspended,
        Self::Superseded,
        Self::Revoked,
        Self::Withdrawn,
        Self::Lapsed,
        Self::Annulled,
    ];
}

impl Holder {
    fn of(organisation: &Organisation) -> Self {
        Self {
            name: organisation.name.to_string(),
            country: organisation.country.to_string(),
            ids: organisation.ids.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Pages {
    fn of(body: &LabelIssue) -> Self {
        let text = |uri: &Option<_>| uri.as_ref().map(ToString::to_string);
        Self {
            label: body.page.to_string(),
            contact: body.contact.to_string(),
            password: text(&body.password_uri),
            secure_config: text(&body.secure_config_uri),
            updates: text(&body.updates.uri),
        }
    }
}

/// One event of a history.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LabelEvent)]
pub(in crate::http) struct Told {
    /// Where it stands in the log.
    pub(in crate::http) index: u64,
    /// Its id.
    pub(in crate::http) event: String,
    /// What it did.
    #[schema(example = "label.issue")]
    pub(in crate::http) kind: String,
    /// The label that it issued in the place of this one.
    #[schema(required)]
    pub(in crate::http) in_its_place: Option<String>,
    /// When it was decided.
    #[schema(format = DateTime)]
    pub(in crate::http) decided_at: String,
    /// Why, if it took something away.
    #[schema(required)]
    pub(in crate::http) reason: Option<String>,
}

impl Told {
    /// Tells an event in the history of a label.
    pub(in crate::http) fn of(label: &LabelId, index: LeafIndex, event: &Event) -> Self {
        let other = match event.subject() {
            Subject::Label(other) if other != label => Some(other.to_string()),
            _ => None,
        };
        Self {
            in_its_place: other,
            index: index.get(),
            event: event.id().to_string(),
            kind: event.kind().as_str().to_owned(),
            decided_at: event.decided_at().to_string(),
            reason: event.reason().map(|reason| reason.code().to_string()),
        }
    }
}
