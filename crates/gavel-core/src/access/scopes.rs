//! The scopes of an API key, and the text they are stored as.

use std::{fmt, str::FromStr};

use super::{Level, Resource};

/// What an API key may do. Written for storage as `full` or as a comma list such as `sessions:read,lists:write`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scopes {
    /// Everything.
    Full,
    /// A level per resource, in the order of [`Resource::ALL`].
    Limited([Level; Resource::ALL.len()]),
}

impl Scopes {
    /// The level of each resource named; all others have none.
    pub fn limited(levels: impl IntoIterator<Item = (Resource, Level)>) -> Self {
        let mut limited = [Level::None; Resource::ALL.len()];
        for (resource, level) in levels {
            limited[resource as usize] = level;
        }
        Self::Limited(limited)
    }

    /// The level of a resource.
    pub fn level(&self, resource: Resource) -> Level {
        match self {
            Self::Full => Level::Write,
            Self::Limited(levels) => levels[resource as usize],
        }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Limited(levels) = self else { return f.write_str("full") };
        let mut comma = "";
        for (resource, level) in Resource::ALL.iter().zip(levels).filter(|(_, level)| **level > Level::None) {
            write!(f, "{comma}{}:{}", resource.as_str(), level.as_str())?;
            comma = ",";
        }
        Ok(())
    }
}

/// The text is not one that [`Scopes`] are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotScopes;

impl fmt::Display for NotScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scopes are `full` or a comma list such as `sessions:read,lists:write`")
    }
}

impl std::error::Error for NotScopes {}

impl FromStr for Scopes {
    type Err = NotScopes;

    fn from_str(text: &str) -> Result<Self, NotScopes> {
        if text == "full" {
            return Ok(Self::Full);
        }
        let levels = text.split(',').filter(|_| !text.is_empty()).map(|scope| {
            let (resource, level) = scope.split_once(':').ok_or(NotScopes)?;
            Ok((Resource::from_name(resource).ok_or(NotScopes)?, Level::from_name(level).ok_or(NotScopes)?))
        });
        Ok(Self::limited(levels.collect::<Result<Vec<_>, _>>()?))
    }
}
