//! The console's addresses for the same resources (contract, console-routes): clients that grew up with the vendor's
//! console call `/v3/organization/{organization_id}/application/{application_id}/…` with a bearer token.
//!
//! An alias is rewritten to its target before routing, so scopes, bodies and answers are the target's own; only links to
//! neighbouring pages name the path as it was sent.

use gavel_core::ids::{ApplicationId, parse_uuid};
use http::Method;

/// Where an alias leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Path of the resource.
    pub path: String,
    /// Method of the resource, where the alias has another.
    pub method: Option<Method>,
    /// The application the alias names.
    pub application: Option<ApplicationId>,
    /// Methods the alias takes beside those of this path: with them it leads elsewhere.
    pub also: &'static [&'static str],
}

/// Resolves a path in its one spelling. `Ok(None)`: not an alias. `Err`: an alias that leads nowhere, or to another
/// application than the caller's.
pub(super) fn resolve(path: &str, method: &Method, theirs: impl Fn(ApplicationId) -> bool) -> Result<Option<Target>, NoTarget> {
    let Some(rest) = path.strip_prefix("/v3/organization/") else { return Ok(None) };
    let segments: Vec<&str> = rest.split('/').collect();
    let (organization, inside) = segments.split_first().ok_or(NoTarget)?;
    parse_uuid(organization).map_err(|_| NoTarget)?;
    let (application, inside) = match inside {
        ["sessions"] => (None, inside),
        ["application", id, inside @ ..] => {
            let id = id.parse::<ApplicationId>().ok().filter(|id| theirs(*id)).ok_or(NoTarget)?;
            (Some(id), inside)
        }
        _ => return Err(NoTarget),
    };
    if let [noun @ ("vendor-users" | "vendor-businesses"), rest @ ..] = inside {
        return subjects(noun, rest, method).map(|target| Some(Target { application, ..target }));
    }
    if inside == ["audit-logs"] {
        return Ok(Some(Target { path: "/x/audit/logs".to_owned(), method: None, application, also: &[] }));
    }
    let (base, rest) = match inside {
        ["sessions", ..] => ("sessions", &inside[1..]),
        ["lists", ..] => ("lists", &inside[1..]),
        ["blocklist", ..] => ("blocklist", &inside[1..]),
        ["webhook", "destinations", ..] => ("webhook/destinations", &inside[2..]),
        ["questionnaires", ..] => ("questionnaires", &inside[1..]),
        ["verification-settings", ..] => ("workflows", &inside[1..]),
        ["transactions", ..] => ("transactions", &inside[1..]),
        _ => return Err(NoTarget),
    };
    // Of a single session only its reviews have an alias.
    if base == "sessions" && !matches!(rest, [] | ["delete"] | [_, "reviews"]) {
        return Err(NoTarget);
    }
    // Of what lies below transactions only rules are no single transaction.
    if let ("transactions", [first, ..]) = (base, rest)
        && !(*first == "rules" || rest.len() == 1 && parse_uuid(first).is_ok())
    {
        return Err(NoTarget);
    }
    let path = rest.iter().fold(format!("/v3/{base}"), |path, segment| path + "/" + segment);
    let may_delete = base == "sessions" && rest == ["delete"];
    let also: &[_] = if may_delete { &["DELETE"] } else { &[] };
    let deletes = may_delete && *method == Method::DELETE;
    Ok(Some(Target { path, method: deletes.then_some(Method::POST), application, also }))
}

/// Users and businesses: the console has a word of its own for each call.
fn subjects(noun: &str, rest: &[&str], method: &Method) -> Result<Target, NoTarget> {
    let nouns = noun.trim_start_matches("vendor-");
    let post = Some(Method::POST);
    let also: &[_] = match rest {
        [] | ["bulk-status"] => &["POST"],
        ["delete"] => &["DELETE", "GET", "HEAD", "PATCH"], // Somebody may be called that.
        _ => &[],
    };
    let (path, method) = match rest {
        [] if *method == Method::POST => (format!("/v3/{nouns}/create"), None),
        [] => (format!("/v3/{nouns}"), None),
        ["bulk-status"] if *method == Method::POST => (format!("/x/{nouns}/bulk-status"), None),
        ["delete"] if matches!(*method, Method::DELETE | Method::POST) => (format!("/v3/{nouns}/delete"), post),
        [vendor_data] => (format!("/v3/{nouns}/{vendor_data}"), None),
        [vendor_data, "update"] => (format!("/v3/{nouns}/{vendor_data}"), None),
        _ => return Err(NoTarget),
    };
    Ok(Target { path, method, application: None, also })
}

/// The path looks like an alias and is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoTarget;

#[cfg(test)]
mod tests {
    use super::*;

    const ORGANIZATION: &str = "11111111-2222-4333-8444-555555555555";
    const APPLICATION: &str = "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10";

    fn resolved(rest: &str) -> Result<Option<String>, NoTarget> {
        let path = format!("/v3/organization/{ORGANIZATION}/{rest}");
        resolve(&path, &Method::GET, |id| id.to_string() == APPLICATION).map(|target| target.map(|target| target.path))
    }

    #[test]
    fn aliases_lead_to_their_targets() {
        for (alias, target) in [
            ("sessions", "/v3/sessions"),
            ("application/{a}/sessions", "/v3/sessions"),
            ("application/{a}/sessions/x/reviews", "/v3/sessions/x/reviews"),
            ("application/{a}/lists", "/v3/lists"),
            ("application/{a}/lists/x/entries/y", "/v3/lists/x/entries/y"),
            ("application/{a}/webhook/destinations/x/deliveries", "/v3/webhook/destinations/x/deliveries"),
            ("application/{a}/verification-settings", "/v3/workflows"),
            ("application/{a}/questionnaires/x", "/v3/questionnaires/x"),
            ("application/{a}/vendor-users", "/v3/users"),
            ("application/{a}/transactions", "/v3/transactions"),
            ("application/{a}/transactions/{a}", "/v3/transactions/{a}"),
            ("application/{a}/transactions/rules/{a}", "/v3/transactions/rules/{a}"),
            ("application/{a}/vendor-users/a%2Fb", "/v3/users/a%2Fb"),
            ("application/{a}/vendor-users/delete", "/v3/users/delete"),
            ("application/{a}/vendor-businesses/x/update", "/v3/businesses/x"),
            ("application/{a}/audit-logs", "/x/audit/logs"),
        ] {
            let target = target.replace("{a}", APPLICATION);
            assert_eq!(resolved(&alias.replace("{a}", APPLICATION)), Ok(Some(target)), "{alias}");
        }
        let path = format!("/v3/organization/{ORGANIZATION}/application/{APPLICATION}/lists");
        let target = resolve(&path, &Method::GET, |_| true).unwrap().unwrap();
        assert_eq!(target.application.map(|id| id.to_string()).as_deref(), Some(APPLICATION));
        assert_eq!(resolve("/v3/lists", &Method::GET, |id| id.to_string() == APPLICATION), Ok(None));
    }

    #[test]
    fn other_applications_and_unknown_paths_lead_nowhere() {
        for alias in [
            "",
            "lists",
            "application",
            "application/{a}",
            "application/{a}/cases",
            "application/{a}/transactions/screen-wallet",
            "application/{a}/transactions/{a}/notes",
            "application/{a}/sessions/x",
            "application/{a}/webhook",
            "application/{a}/vendor-users/x/update/y",
            "application/{a}/vendor-users/x/update-status",
            "application/not-an-id/lists",
            "application/9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f11/lists",
        ] {
            assert_eq!(resolved(&alias.replace("{a}", APPLICATION)), Err(NoTarget), "{alias}");
        }
    }

    #[test]
    fn users_are_made_and_set_by_words_of_their_own() {
        let found = |method: Method, rest: &str| {
            let path = format!("/v3/organization/{ORGANIZATION}/application/{APPLICATION}/vendor-users{rest}");
            let target = resolve(&path, &method, |_| true).unwrap().unwrap();
            (target.path, target.method)
        };
        assert_eq!(found(Method::POST, ""), ("/v3/users/create".to_owned(), None));
        assert_eq!(found(Method::POST, "/bulk-status"), ("/x/users/bulk-status".to_owned(), None));
        assert_eq!(found(Method::GET, "/bulk-status"), ("/v3/users/bulk-status".to_owned(), None), "somebody of that name");
        assert_eq!(found(Method::DELETE, "/delete"), ("/v3/users/delete".to_owned(), Some(Method::POST)));
    }

    #[test]
    fn a_batch_delete_may_be_a_delete() {
        let path = format!("/v3/organization/{ORGANIZATION}/application/{APPLICATION}/sessions/delete");
        let target = resolve(&path, &Method::DELETE, |id| id.to_string() == APPLICATION).unwrap().unwrap();
        assert_eq!((target.path.as_str(), target.method), ("/v3/sessions/delete", Some(Method::POST)));
    }
}
