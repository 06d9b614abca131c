//! What an application may switch on to guard itself (`/x/`, all off by default): a second pair of eyes for changes of a
//! list, a look back after additions to blocklists, and how long personal values are kept.

use serde::{Deserialize, Serialize};

/// Which changes of a list need another person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "lowercase")]
pub enum Approval {
    /// None.
    None,
    /// All.
    Always,
    /// Those that touch more past sessions than this.
    Threshold {
        /// So many may be touched without asking.
        threshold: u64,
    },
}

impl Approval {
    /// Whether less needs approval under this policy than under another. Where it cannot be said, it does.
    pub fn is_looser_than(self, other: Self) -> bool {
        match (self, other) {
            (_, Self::None) | (Self::Always, _) => false,
            (Self::Threshold { threshold: new }, Self::Threshold { threshold: old }) => new > old,
            (Self::None | Self::Threshold { .. }, Self::Always) | (Self::None, Self::Threshold { .. }) => true,
        }
    }
}

/// What becomes of approved sessions that have shown a value when it comes to a blocklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// Nothing.
    Off,
    /// They are listed.
    Report,
    /// They are put back for a person to review.
    Review,
}

impl Sweep {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Report => "report",
            Self::Review => "review",
        }
    }

    /// The one of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Off, Self::Report, Self::Review].into_iter().find(|sweep| sweep.as_str() == name)
    }
}

impl Serialize for Sweep {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// After how many months personal values go, by kind; none: they stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// All that finished sessions hold of a person.
    pub sessions: Option<u64>,
    /// The files of finished sessions.
    pub media: Option<u64>,
    /// Personal values beside audit rows.
    pub audit_values: Option<u64>,
    /// What imports keep of their rows.
    pub imports: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_kept_as_they_are_shown() {
        for (policy, text) in [
            (Approval::None, r#"{"policy":"none"}"#),
            (Approval::Always, r#"{"policy":"always"}"#),
            (Approval::Threshold { threshold: 5 }, r#"{"policy":"threshold","threshold":5}"#),
        ] {
            assert_eq!(serde_json::to_string(&policy).unwrap(), text);
            assert_eq!(serde_json::from_str::<Approval>(text).unwrap(), policy);
        }
        assert_eq!(serde_json::from_str::<Retention>("{}").unwrap(), Retention::default());
    }

    #[test]
    fn looser_is_what_lets_more_through() {
        let few = Approval::Threshold { threshold: 1 };
        let many = Approval::Threshold { threshold: 9 };
        for (new, old, looser) in [
            (Approval::None, Approval::None, false),
            (Approval::None, few, true),
            (Approval::None, Approval::Always, true),
            (few, Approval::Always, true),
            (many, few, true),
            (few, many, false),
            (Approval::Always, few, false),
            (few, Approval::None, false),
        ] {
            assert_eq!(new.is_looser_than(old), looser, "{new:?} after {old:?}");
        }
    }

    #[test]
    fn names_read_back() {
        for sweep in [Sweep::Off, Sweep::Report, Sweep::Review] {
            assert_eq!(Sweep::from_name(sweep.as_str()), Some(sweep));
        }
        assert_eq!(Sweep::from_name("Off"), None);
    }
}
