//! Who acts, and under which names the contract shows them (reviews §4, lists §4).

use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::{Level, Power, Resource, Role, Scopes};
use crate::ids::KeyId;

/// Whoever performs an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// An API key.
    ApiKey {
        /// The key.
        id: KeyId,
        /// What it may do.
        scopes: Scopes,
    },
    /// A console user.
    Member {
        /// The user's account.
        id: Uuid,
        /// Full name; may be empty.
        name: String,
        /// E-mail address as stored in the account.
        email: String,
        /// What they may do.
        role: Role,
    },
    /// The server itself: rules, timers, automatic entries.
    System,
}

const API_CLIENT: &str = "API Client";

impl Actor {
    /// Whether this actor may use a resource at a level.
    pub fn may(&self, resource: Resource, level: Level) -> bool {
        match self {
            Self::ApiKey { scopes, .. } => scopes.level(resource) >= level,
            Self::Member { role, .. } => role.level(resource) >= level,
            Self::System => true,
        }
    }

    /// Whether this actor has a power. Of keys only those with full access have powers over the application; what a
    /// key may read it reads unmasked.
    pub fn has(&self, power: Power) -> bool {
        match self {
            Self::ApiKey { scopes, .. } => *scopes == Scopes::Full || matches!(power, Power::PersonalData | Power::Secrets),
            Self::Member { role, .. } => role.has(power),
            Self::System => true,
        }
    }

    /// Whether this actor may give a person, who has `now`, the role `then`. `None` is no role at all: somebody new, or
    /// a removal. Whoever is an owner or becomes one is a matter of owners.
    pub fn may_appoint(&self, now: Option<Role>, then: Option<Role>) -> bool {
        let owners = [now, then].contains(&Some(Role::Owner));
        self.has(Power::Members) && (!owners || self.has(Power::Owners))
    }

    /// The key or the person; the server itself has no id.
    pub fn id(&self) -> Option<Uuid> {
        match self {
            Self::ApiKey { id, .. } => Some(id.0),
            Self::Member { id, .. } => Some(*id),
            Self::System => None,
        }
    }

    /// The name in an activity feed (`actor_display`).
    pub fn display(&self) -> &str {
        match self {
            Self::ApiKey { .. } => API_CLIENT,
            Self::Member { name, email, .. } if name.trim().is_empty() => email.split('@').next().unwrap_or(email),
            Self::Member { name, .. } => name,
            Self::System => "System",
        }
    }

    /// The address, of console users only (`actor_email`).
    pub fn email(&self) -> Option<&str> {
        match self {
            Self::Member { email, .. } => Some(email),
            Self::ApiKey { .. } | Self::System => None,
        }
    }

    /// The kind in an activity feed (`actor_type`).
    pub const fn actor_type(&self) -> ActorType {
        match self {
            Self::ApiKey { .. } => ActorType::ApiKey,
            Self::Member { .. } => ActorType::ConsoleUser,
            Self::System => ActorType::System,
        }
    }

    /// The name in answers to a review and in events (`user`, `actor`): the address of a console user.
    pub fn signed_as(&self) -> &str {
        self.email().unwrap_or_else(|| self.display())
    }

    /// The name beside an entry of a list (`added_by`).
    pub fn added_by(&self) -> &str {
        match self {
            Self::ApiKey { .. } => "api",
            Self::Member { email, .. } => email,
            Self::System => "system",
        }
    }
}

/// The kind of an actor on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorType {
    /// `API_KEY`
    ApiKey,
    /// `CONSOLE_USER`
    ConsoleUser,
    /// `SYSTEM`
    System,
}

impl ActorType {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "API_KEY",
            Self::ConsoleUser => "CONSOLE_USER",
            Self::System => "SYSTEM",
        }
    }

    /// The kind of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::ApiKey, Self::ConsoleUser, Self::System].into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Serialize for ActorType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
