//! What a change makes of a version, of workflows as of questionnaires (contract, entities §5.2).

use super::Error;

/// What is to be done with the version that was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It is changed and stays what it is.
    Change,
    /// It is a draft, is changed, and published.
    Publish,
    /// It stays as it is, and the next one is made from it; a draft of the group goes.
    Next,
}

impl Step {
    /// By what the version is and the `status` that was sent: published, draft, or none.
    pub(super) fn of(is_published: bool, publish: Option<bool>) -> Result<Self, Error> {
        match (is_published, publish) {
            (true, Some(false)) => Err(Error::field("status", "Cannot revert a published version to draft.")),
            (true, Some(true)) => Ok(Self::Next),
            (true, None) | (false, Some(false)) => Ok(Self::Change),
            (false, Some(true) | None) => Ok(Self::Publish),
        }
    }
}
