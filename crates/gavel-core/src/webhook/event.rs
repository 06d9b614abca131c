//! The closed set of events (webhooks §1).

use std::fmt;

use serde::{Serialize, Serializer};

/// What happened: the `webhook_type` of a payload, and what a destination subscribes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// A session was created or its status set.
    StatusUpdated,
    /// A session's data was changed by hand.
    DataUpdated,
    /// A user's status changed.
    UserStatusUpdated,
    /// Other fields of a user changed.
    UserDataUpdated,
    /// A business's status changed.
    BusinessStatusUpdated,
    /// Other fields of a business changed.
    BusinessDataUpdated,
    /// A transaction was created.
    TransactionCreated,
    /// A transaction's status changed later.
    TransactionStatusUpdated,
    /// May be subscribed; never sent by this version.
    ActivityCreated,
    /// May be subscribed; never sent by this version.
    TravelRuleStatusUpdated,
}

impl EventType {
    /// Every event, in the order the console lists them.
    pub const ALL: [Self; 10] = [
        Self::StatusUpdated,
        Self::DataUpdated,
        Self::UserStatusUpdated,
        Self::UserDataUpdated,
        Self::BusinessStatusUpdated,
        Self::BusinessDataUpdated,
        Self::TransactionCreated,
        Self::TransactionStatusUpdated,
        Self::ActivityCreated,
        Self::TravelRuleStatusUpdated,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StatusUpdated => "status.updated",
            Self::DataUpdated => "data.updated",
            Self::UserStatusUpdated => "user.status.updated",
            Self::UserDataUpdated => "user.data.updated",
            Self::BusinessStatusUpdated => "business.status.updated",
            Self::BusinessDataUpdated => "business.data.updated",
            Self::TransactionCreated => "transaction.created",
            Self::TransactionStatusUpdated => "transaction.status.updated",
            Self::ActivityCreated => "activity.created",
            Self::TravelRuleStatusUpdated => "travel_rule.status.updated",
        }
    }

    /// The event of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == name)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_and_no_other() {
        for event in EventType::ALL {
            assert_eq!(EventType::from_name(event.as_str()), Some(event));
        }
        for other in ["", "status.*", "*", "Status.Updated", "status.updated "] {
            assert_eq!(EventType::from_name(other), None, "{other}");
        }
    }
}
