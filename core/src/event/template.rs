//! Templates: a draft of each kind to fill in, as `event new KIND` prints it.

use super::Kind;

/// A draft of this kind with invented values, in the order in which a person fills it in.
#[must_use]
pub fn template(kind: Kind) -> &'static str {
    match kind {
        Kind::LogGenesis => include_str!("template/log.genesis.json"),
        Kind::MemberRoot => include_str!("template/member.root.json"),
        Kind::SchemeDefine => include_str!("template/scheme.define.json"),
        Kind::AuthorityAccredit => include_str!("template/authority.accredit.json"),
        Kind::AuthorityKey => include_str!("template/authority.key.json"),
        Kind::AuthorityWithdraw => include_str!("template/authority.withdraw.json"),
        Kind::LabelIssue => include_str!("template/label.issue.json"),
        Kind::LabelRenew => include_str!("template/label.renew.json"),
        Kind::LabelAmend => include_str!("template/label.amend.json"),
        Kind::LabelBind => include_str!("template/label.bind.json"),
        Kind::LabelUnbind => include_str!("template/label.unbind.json"),
        Kind::LabelSuspend => include_str!("template/label.suspend.json"),
        Kind::LabelReinstate => include_str!("template/label.reinstate.json"),
        Kind::LabelRevoke => include_str!("template/label.revoke.json"),
    }
}
