//! The operators of conditions (entities.md §4.4, §5.3), each with all its spellings.

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `equals`, `eq`
    Equals,
    /// `not_equals`, `ne`
    NotEquals,
    /// `greater_than`, `gt`
    GreaterThan,
    /// `greater_than_or_equals`, `gte`
    GreaterThanOrEquals,
    /// `less_than`, `lt`
    LessThan,
    /// `less_than_or_equals`, `lte`
    LessThanOrEquals,
    /// `contains`
    Contains,
    /// `not_contains`
    NotContains,
    /// `contains_any`
    ContainsAny,
    /// `in`
    In,
    /// `not_in`
    NotIn,
    /// `is_empty`, `is_null`, `not_exists`
    IsEmpty,
    /// `is_not_empty`, `is_not_null`, `exists`
    IsNotEmpty,
    /// `regex`
    Regex,
    /// `fuzzy_match`
    FuzzyMatch,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Equals,
        Self::NotEquals,
        Self::GreaterThan,
        Self::GreaterThanOrEquals,
        Self::LessThan,
        Self::LessThanOrEquals,
        Self::Contains,
        Self::NotContains,
        Self::ContainsAny,
        Self::In,
        Self::NotIn,
        Self::IsEmpty,
        Self::IsNotEmpty,
        Self::Regex,
        Self::FuzzyMatch,
    ];

    /// Every spelling; the first is its name.
    pub const fn spellings(self) -> &'static [&'static str] {
        match self {
            Self::Equals => &["equals", "eq"],
            Self::NotEquals => &["not_equals", "ne"],
            Self::GreaterThan => &["greater_than", "gt"],
            Self::GreaterThanOrEquals => &["greater_than_or_equals", "gte"],
            Self::LessThan => &["less_than", "lt"],
            Self::LessThanOrEquals => &["less_than_or_equals", "lte"],
            Self::Contains => &["contains"],
            Self::NotContains => &["not_contains"],
            Self::ContainsAny => &["contains_any"],
            Self::In => &["in"],
            Self::NotIn => &["not_in"],
            Self::IsEmpty => &["is_empty", "is_null", "not_exists"],
            Self::IsNotEmpty => &["is_not_empty", "is_not_null", "exists"],
            Self::Regex => &["regex"],
            Self::FuzzyMatch => &["fuzzy_match"],
        }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        self.spellings()[0]
    }

    /// The operator of this spelling, case included.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.spellings().contains(&name))
    }

    /// For the operators that can be asked of a list: whether being on it makes them true.
    pub const fn of_list(self) -> Option<bool> {
        match self {
            Self::Equals | Self::In | Self::Contains | Self::ContainsAny => Some(true),
            Self::NotEquals | Self::NotIn | Self::NotContains => Some(false),
            Self::GreaterThan
            | Self::GreaterThanOrEquals
            | Self::LessThan
            | Self::LessThanOrEquals
            | Self::IsEmpty
            | Self::IsNotEmpty
            | Self::Regex
            | Self::FuzzyMatch => None,
        }
    }

    /// Whether it compares one value with one other, so that an instant may stand there.
    pub(super) const fn is_comparison(self) -> bool {
        match self {
            Self::Equals
            | Self::NotEquals
            | Self::GreaterThan
            | Self::GreaterThanOrEquals
            | Self::LessThan
            | Self::LessThanOrEquals => true,
            Self::Contains
            | Self::NotContains
            | Self::ContainsAny
            | Self::In
            | Self::NotIn
            | Self::IsEmpty
            | Self::IsNotEmpty
            | Self::Regex
            | Self::FuzzyMatch => false,
        }
    }

    /// Whether several values may be written beside it.
    pub(super) const fn takes_several(self) -> bool {
        matches!(self, Self::In | Self::NotIn | Self::ContainsAny)
    }

    /// Whether it asks only if there is anything.
    pub(super) const fn asks_presence(self) -> bool {
        matches!(self, Self::IsEmpty | Self::IsNotEmpty)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_spelling_leads_to_one_operator() {
        let mut seen = HashSet::new();
        for operator in Operator::ALL {
            for spelling in operator.spellings() {
                assert_eq!(Operator::from_name(spelling), Some(operator));
                assert!(seen.insert(*spelling), "{spelling}");
            }
        }
        assert_eq!(seen.len(), 25);
        for unknown in ["", "EQ", "equal", " in", "matches"] {
            assert_eq!(Operator::from_name(unknown), None, "{unknown}");
        }
    }
}
