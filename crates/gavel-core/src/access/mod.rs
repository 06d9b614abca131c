//! Who acts, and what they may do (conventions §3).
//!
//! An [`Actor`] is an API key with its [`Scopes`], a console user with a [`Role`], or the server itself. Every route
//! belongs to one [`Resource`] and asks for a [`Level`] of it; a few under `/x/` belong to none and ask for a
//! [`Power`]. [`Actor::may`] and [`Actor::has`] are the only questions.
//!
//! An actor also knows the names under which the contract shows it. Authentication, expiry and address allowlists
//! are not here: whoever has an `Actor` has passed them.

mod actor;
mod role;
mod scopes;

pub use actor::{Actor, ActorType};
pub use role::Role;
pub use scopes::{NotScopes, Scopes};

/// A part of the API that permission is given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Sessions, reviews, evidence, media, queue, standalone checks.
    Sessions,
    /// Lists, blocklist, screening.
    Lists,
    /// Users.
    Users,
    /// Businesses.
    Businesses,
    /// Transactions and their rules.
    Transactions,
    /// Workflows and questionnaires.
    Workflows,
    /// Webhook destinations, secrets, stored payloads.
    Webhooks,
    /// The audit log.
    Audit,
}

impl Resource {
    /// Every resource, in the order of the contract.
    pub const ALL: [Self; 8] = [
        Self::Sessions,
        Self::Lists,
        Self::Users,
        Self::Businesses,
        Self::Transactions,
        Self::Workflows,
        Self::Webhooks,
        Self::Audit,
    ];

    /// The name in scopes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Lists => "lists",
            Self::Users => "users",
            Self::Businesses => "businesses",
            Self::Transactions => "transactions",
            Self::Workflows => "workflows",
            Self::Webhooks => "webhooks",
            Self::Audit => "audit",
        }
    }

    /// The resource of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.as_str() == name)
    }
}

/// How much of a resource; each level includes those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing.
    #[default]
    None,
    /// GET and HEAD.
    Read,
    /// Every method.
    Write,
}

impl Level {
    /// The name in scopes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// The level of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::None, Self::Read, Self::Write].into_iter().find(|level| level.as_str() == name)
    }
}

/// What belongs to no resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Power {
    /// Change settings of the application.
    Settings,
    /// Manage API keys.
    Keys,
    /// Manage console users other than owners.
    Members,
    /// Read whom a comment can mention.
    MemberNames,
    /// Make, change and remove owners.
    Owners,
    /// Erase a person's data.
    Erasure,
    /// See personal data unmasked.
    PersonalData,
    /// See secrets unmasked.
    Secrets,
}

#[cfg(test)]
mod tests;
