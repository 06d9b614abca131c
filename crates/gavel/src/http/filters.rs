//! What those may ask for whose answers are masked: a filter over what they may not see would tell them, value by value,
//! what is there. Like the mask it refuses by default: a parameter that is new and not listed here is refused.

use axum::extract::RawPathParams;
use url::form_urlencoded;

use crate::actions::Error;

/// Parameters that ask for nothing a masked answer would hide: pages and their order, states, kinds, times, ids.
const OPEN: &[&str] = &[
    "actor",
    "api_service",
    "as_of",
    "bundle",
    "category",
    "claimed",
    "cursor",
    "date_from",
    "date_to",
    "didit_internal_id",
    "entry_type",
    "euuid",
    "from",
    "import_type",
    "include",
    "is_kyc_to_be_reviewed",
    "is_system",
    "item_type",
    "kind",
    "limit",
    "list_type",
    "method",
    "mode",
    "object",
    "offset",
    "ordering",
    "session_kind",
    "session_type",
    "since",
    "source",
    "status",
    "status_code",
    "status_initialized_as_in_review",
    "to",
    "until",
    "values",
    "warning",
    "with_expired",
    "workflow_id",
];

/// Refuses a query with a filter over what is hidden. One without a value is none.
pub(super) fn must_be_open(query: Option<&str>) -> Result<(), Error> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    match pairs.all(|(name, value)| value.is_empty() || OPEN.contains(&name.as_ref())) {
        true => Ok(()),
        false => Err(Error::Forbidden),
    }
}

/// Refuses a path that names somebody by a value that is hidden: whether there is such a record would be the answer.
pub(super) fn must_name_by_id(params: &RawPathParams) -> Result<(), Error> {
    if params.iter().any(|(name, _)| name == "vendor_data") { Err(Error::Forbidden) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_be_open_is_refused() {
        for open in [
            None,
            Some(""),
            Some("limit=5&offset=10&status=Approved"),
            Some("search="),
            Some("search"),
            Some("search=&warning=X"),
        ] {
            assert!(must_be_open(open).is_ok(), "{open:?}");
        }
        for closed in ["search=ana", "limit=5&vendor_data=x", "%73earch=ana", "search=&search=ana", "new=1", "country=ESP"] {
            assert!(must_be_open(Some(closed)).is_err(), "{closed}");
        }
    }
}
