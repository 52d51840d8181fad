//! Kinds of events: the closed set of this version of the state function.

use super::form::words;

words! {
    /// What an event does.
    Kind, "a kind of event":
    /// Entry 0: members, their roots, domains and territories.
    LogGenesis = "log.genesis",
    /// Replaces the root keys of a member.
    MemberRoot = "member.root",
    /// Defines a labelling scheme.
    SchemeDefine = "scheme.define",
    /// Accredits an authority.
    AuthorityAccredit = "authority.accredit",
    /// Adds, retires or revokes a key of an authority.
    AuthorityKey = "authority.key",
    /// Ends an accreditation.
    AuthorityWithdraw = "authority.withdraw",
    /// Issues a label.
    LabelIssue = "label.issue",
    /// Lengthens the validity of a label, perhaps under a further printed id.
    LabelRenew = "label.renew",
    /// Says anew what a label says, but for what must stay.
    LabelAmend = "label.amend",
    /// Adds products and models to a label.
    LabelBind = "label.bind",
    /// Takes products and models from a label.
    LabelUnbind = "label.unbind",
    /// Suspends a label.
    LabelSuspend = "label.suspend",
    /// Lifts a suspension.
    LabelReinstate = "label.reinstate",
    /// Revokes a label.
    LabelRevoke = "label.revoke",
}

impl Kind {
    /// Whether the kind always opens its subject, so that `prev` is absent.
    #[must_use]
    pub fn opens_subject(self) -> bool {
        match self {
            Kind::LogGenesis | Kind::SchemeDefine | Kind::AuthorityAccredit | Kind::LabelIssue => {
                true
            }
            Kind::MemberRoot
            | Kind::AuthorityKey
            | Kind::AuthorityWithdraw
            | Kind::LabelRenew
            | Kind::LabelAmend
            | Kind::LabelBind
            | Kind::LabelUnbind
            | Kind::LabelSuspend
            | Kind::LabelReinstate
            | Kind::LabelRevoke => false,
        }
    }

    /// Whether `prev` may be left out so that the event works blind.
    #[must_use]
    pub fn may_be_blind(self) -> bool {
        matches!(self, Kind::LabelSuspend | Kind::LabelRevoke)
    }

    /// Whether up to 64 of its signature lines count instead of 8.
    #[must_use]
    pub fn is_signed_by_roots_together(self) -> bool {
        matches!(self, Kind::LogGenesis | Kind::MemberRoot)
    }
}
