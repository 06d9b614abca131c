//! The roles of console users, as the table of conventions §3 has them.

use serde::{Serialize, Serializer};

use super::{Level, Power, Resource};

/// What a console user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but owners.
    Admin,
    /// Decides.
    ComplianceOfficer,
    /// Integrates.
    Developer,
    /// Looks.
    Reader,
}

impl Role {
    /// Every role, the most powerful first.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::ComplianceOfficer, Self::Developer, Self::Reader];

    /// The name shown and stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Admin",
            Self::ComplianceOfficer => "Compliance Officer",
            Self::Developer => "Developer",
            Self::Reader => "Reader",
        }
    }

    /// The role of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The level this role has of a resource.
    pub const fn level(self, resource: Resource) -> Level {
        use Resource::{Audit, Businesses, Lists, Sessions, Transactions, Users, Webhooks, Workflows};
        match (self, resource) {
            (Self::Owner | Self::Admin, _) => Level::Write,
            (Self::ComplianceOfficer, Sessions | Lists | Users | Businesses | Transactions | Audit) => Level::Write,
            (Self::ComplianceOfficer, Workflows | Webhooks) => Level::None,
            (Self::Developer, Workflows | Webhooks) => Level::Write,
            (Self::Developer, Sessions | Lists | Users | Businesses | Transactions | Audit) => Level::Read,
            (Self::Reader, _) => Level::Read,
        }
    }

    /// Whether this role has a power.
    pub const fn has(self, power: Power) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => !matches!(power, Power::Owners),
            Self::ComplianceOfficer => matches!(power, Power::MemberNames | Power::Erasure | Power::PersonalData),
            Self::Developer => matches!(power, Power::Keys | Power::Secrets),
            Self::Reader => false,
        }
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
