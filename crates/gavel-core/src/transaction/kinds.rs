//! The closed sets of transactions, with their names on the wire.

use serde::{Serialize, Serializer};

use crate::session::SessionKind;

/// What kind of event it is: `transaction_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// Money moves.
    Finance,
    /// A check of somebody's identity.
    Kyc,
    /// A transfer under the travel rule.
    TravelRule,
    /// Something a user did.
    UserEvent,
    /// Something to keep.
    AuditTrailEvent,
    /// A bet.
    GamblingBet,
    /// Another limit.
    GamblingLimitChange,
    /// Another bonus.
    GamblingBonusChange,
}

impl Category {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 8] = [
        Self::Finance,
        Self::Kyc,
        Self::TravelRule,
        Self::UserEvent,
        Self::AuditTrailEvent,
        Self::GamblingBet,
        Self::GamblingLimitChange,
        Self::GamblingBonusChange,
    ];

    /// The name on the wire, and how the category is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finance => "finance",
            Self::Kyc => "kyc",
            Self::TravelRule => "travel_rule",
            Self::UserEvent => "user_event",
            Self::AuditTrailEvent => "audit_trail_event",
            Self::GamblingBet => "gambling_bet",
            Self::GamblingLimitChange => "gambling_limit_change",
            Self::GamblingBonusChange => "gambling_bonus_change",
        }
    }

    /// The other spelling that is accepted.
    const fn camel_case(self) -> &'static str {
        match self {
            Self::Finance => "finance",
            Self::Kyc => "kyc",
            Self::TravelRule => "travelRule",
            Self::UserEvent => "userEvent",
            Self::AuditTrailEvent => "auditTrailEvent",
            Self::GamblingBet => "gamblingBet",
            Self::GamblingLimitChange => "gamblingLimitChange",
            Self::GamblingBonusChange => "gamblingBonusChange",
        }
    }

    /// The category of this exact name, in either spelling.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == name || category.camel_case() == name)
    }
}

/// Which way the money goes, seen from the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To the subject.
    Inbound,
    /// Away from it.
    Outbound,
}

impl Direction {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "INBOUND",
            Self::Outbound => "OUTBOUND",
        }
    }

    /// The direction of this name, long or short, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let is = |names: [&str; 2]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        match name {
            _ if is(["inbound", "in"]) => Some(Self::Inbound),
            _ if is(["outbound", "out"]) => Some(Self::Outbound),
            _ => None,
        }
    }
}

/// What kind of money it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CurrencyKind {
    /// Issued by a state.
    Fiat,
    /// On a block chain.
    Crypto,
}

impl CurrencyKind {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fiat => "fiat",
            Self::Crypto => "crypto",
        }
    }

    /// The kind of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Fiat, Self::Crypto].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Where a transaction came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// It was sent as it happened.
    Live,
    /// It came with a file.
    Imported,
}

impl Source {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::Imported => "IMPORTED",
        }
    }

    /// The source of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Live, Self::Imported].into_iter().find(|source| source.as_str() == name)
    }
}

/// Where a transaction stands. The order is that of severity, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransactionStatus {
    /// Nothing stands against it.
    Approved,
    /// A person is to look at it.
    InReview,
    /// The subject has to do something.
    AwaitingUser,
    /// It is refused.
    Declined,
}

impl TransactionStatus {
    /// All of them, in the order of severity.
    pub const ALL: [Self; 4] = [Self::Approved, Self::InReview, Self::AwaitingUser, Self::Declined];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::InReview => "IN_REVIEW",
            Self::AwaitingUser => "AWAITING_USER",
            Self::Declined => "DECLINED",
        }
    }

    /// The status of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl Serialize for TransactionStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// A score below 25.
    Low,
    /// Below 50.
    Medium,
    /// Below 80.
    High,
    /// From 80 on, and every blocklist match.
    Critical,
}

impl Severity {
    /// All of them, the mildest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The severity of a score.
    pub const fn of_score(score: u8) -> Self {
        match score {
            0..25 => Self::Low,
            25..50 => Self::Medium,
            50..80 => Self::High,
            80.. => Self::Critical,
        }
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }

    /// The severity of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == name)
    }
}

impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Which of the two parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The customer's own user or business.
    Subject,
    /// Whoever is on the other side.
    Counterparty,
}

impl Side {
    /// Both, in the order they are looked at.
    pub const BOTH: [Self; 2] = [Self::Subject, Self::Counterparty];

    /// The name in alerts and facts, and how it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Counterparty => "counterparty",
        }
    }

    /// The side of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|side| side.as_str() == name)
    }

    /// The `role` of its party.
    pub const fn role(self) -> &'static str {
        match self {
            Self::Subject => "APPLICANT",
            Self::Counterparty => "COUNTERPARTY",
        }
    }

    /// The `role` of its payment method: money goes from the source to the destination.
    pub const fn method_role(self, direction: Direction) -> &'static str {
        match (self, direction) {
            (Self::Subject, Direction::Outbound) | (Self::Counterparty, Direction::Inbound) => "SOURCE",
            (Self::Subject, Direction::Inbound) | (Self::Counterparty, Direction::Outbound) => "DESTINATION",
        }
    }
}

/// What transactions call a person or a company.
pub const fn entity_name(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::User => "individual",
        SessionKind::Business => "company",
    }
}

/// The kind of this name, in any case.
pub(super) fn entity_from_name(name: &str) -> Option<SessionKind> {
    let is = |names: [&str; 2]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    match name {
        _ if is(["individual", "person"]) => Some(SessionKind::User),
        _ if is(["company", "business"]) => Some(SessionKind::Business),
        _ => None,
    }
}
