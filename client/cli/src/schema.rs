//! Shapes of events, from the JSON Schemas of `docs/spec/schema`: what a column of a table may hold.
//!
//! ```text
//! label.bind.json   {"properties":{"body":{"properties":{"gtins":{"type":"array","items":{"$ref":"common.json#/$defs/gtin"}}}}}}
//! ```
//! Only the shape is asked here; whether a value is right, and why not, is for `core` to say.

use std::sync::LazyLock;

use labelproof_core::event::Kind;
use serde_json::Value;

/// A place in the schema of a kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node(&'static Value);

/// What stands at a place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    Text,
    Integer,
    Boolean,
    List,
    Object,
    /// A word, or an object.
    Choice,
}

impl Node {
    /// An event of this kind.
    pub(crate) fn of(kind: Kind) -> Self {
        let at = Kind::ALL.iter().position(|other| *other == kind);
        Self(&SCHEMAS[at.expect("every kind is in the list")])
    }

    /// What may stand here.
    pub(crate) fn shape(self) -> Shape {
        let value = self.resolved();
        match value["type"].as_str() {
            Some("integer") => Shape::Integer,
            Some("boolean") => Shape::Boolean,
            Some("array") => Shape::List,
            Some("object") => Shape::Object,
            _ if value.get("oneOf").is_some() => Shape::Choice,
            _ => Shape::Text,
        }
    }

    /// A member of the object here, also of one that may be chosen.
    pub(crate) fn member(self, name: &str) -> Option<Self> {
        let value = self.resolved();
        let branches = value["oneOf"].as_array().map_or(&[][..], Vec::as_slice);
        std::iter::once(value)
            .chain(branches)
            .find_map(|object| object["properties"].get(name))
            .map(Self)
    }

    /// Every member that the object here may have.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'static str, Self)> {
        let value = self.resolved();
        let branches = value["oneOf"].as_array().map_or(&[][..], Vec::as_slice);
        std::iter::once(value)
            .chain(branches)
            .filter_map(|object| object["properties"].as_object())
            .flatten()
            .map(|(name, node)| (name.as_str(), Self(node)))
    }

    /// The members that the object here must have.
    pub(crate) fn required(self) -> impl Iterator<Item = (&'static str, Self)> {
        let names = self.resolved()["required"].as_array();
        let names = names.map_or(&[][..], Vec::as_slice);
        names
            .iter()
            .filter_map(Value::as_str)
            .filter_map(move |name| Some((name, self.member(name)?)))
    }

    /// What the elements of the list here are.
    pub(crate) fn element(self) -> Option<Self> {
        self.resolved().get("items").map(Self)
    }

    /// What stands here when nothing is said: an empty list or object, where those are right.
    pub(crate) fn default(self) -> Option<Value> {
        match self.shape() {
            Shape::List if self.resolved().get("minItems").is_none() => Some(Value::Array(vec![])),
            Shape::Object => self
                .required()
                .map(|(name, node)| Some((name.to_owned(), node.default()?)))
                .collect::<Option<_>>()
                .map(Value::Object),
            _ => None,
        }
    }

    /// Whether a product number stands here.
    pub(crate) fn is_gtin(self) -> bool {
        let target = self.0.get("$ref").and_then(Value::as_str);
        target.is_some_and(|target| target.ends_with("/gtin"))
    }

    fn resolved(self) -> &'static Value {
        let name = self.0.get("$ref").and_then(Value::as_str);
        match name.and_then(|name| name.strip_prefix("common.json#/$defs/")) {
            Some(name) => &COMMON["$defs"][name],
            None => self.0,
        }
    }
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("the tests read every schema")
}

static COMMON: LazyLock<Value> =
    LazyLock::new(|| read(include_str!("../../../docs/spec/schema/common.json")));

/// In the order of [`Kind::ALL`].
static SCHEMAS: LazyLock<Vec<Value>> =
    LazyLock::new(|| Kind::ALL.iter().map(|kind| read(text(*kind))).collect());

/// The schema of a kind, as it is published.
pub(crate) fn text(kind: Kind) -> &'static str {
    match kind {
        Kind::LogGenesis => include_str!("../../../docs/spec/schema/log.genesis.json"),
        Kind::MemberRoot => include_str!("../../../docs/spec/schema/member.root.json"),
        Kind::SchemeDefine => include_str!("../../../docs/spec/schema/scheme.define.json"),
        Kind::AuthorityAccredit => {
            include_str!("../../../docs/spec/schema/authority.accredit.json")
        }
        Kind::AuthorityKey => include_str!("../../../docs/spec/schema/authority.key.json"),
        Kind::AuthorityWithdraw => {
            include_str!("../../../docs/spec/schema/authority.withdraw.json")
        }
        Kind::LabelIssue => include_str!("../../../docs/spec/schema/label.issue.json"),
        Kind::LabelRenew => include_str!("../../../docs/spec/schema/label.renew.json"),
        Kind::LabelAmend => include_str!("../../../docs/spec/schema/label.amend.json"),
        Kind::LabelBind => include_str!("../../../docs/spec/schema/label.bind.json"),
        Kind::LabelUnbind => include_str!("../../../docs/spec/schema/label.unbind.json"),
        Kind::LabelSuspend => include_str!("../../../docs/spec/schema/label.suspend.json"),
        Kind::LabelReinstate => include_str!("../../../docs/spec/schema/label.reinstate.json"),
        Kind::LabelRevoke => include_str!("../../../docs/spec/schema/label.revoke.json"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_schema_and_each_reference_leads_somewhere() {
        fn walk(node: Node) {
            assert!(node.resolved().is_object(), "{:?}", node.0);
            node.members().for_each(|(_, node)| walk(node));
            node.element().into_iter().for_each(walk);
        }
        for kind in Kind::ALL {
            let node = Node::of(*kind);
            assert_eq!(
                node.member("kind").unwrap().0["const"],
                kind.as_str(),
                "{kind}"
            );
            walk(node);
        }
    }

    #[test]
    fn what_may_be_empty_has_a_default() {
        let body = |kind| Node::of(kind).member("body").unwrap();
        assert_eq!(
            body(Kind::LabelRevoke).default(),
            Some(serde_json::json!({}))
        );
        assert_eq!(body(Kind::LabelIssue).default(), None);
        let issue = body(Kind::LabelIssue);
        assert!(issue.member("gtins").unwrap().default().is_some());
        assert!(issue.member("models").unwrap().default().is_none());
        assert_eq!(issue.member("firmware").unwrap().shape(), Shape::Choice);
        assert!(issue.member("gtins").unwrap().element().unwrap().is_gtin());
    }
}
