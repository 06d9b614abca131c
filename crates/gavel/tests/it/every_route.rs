//! Every line of the table of routes: no key, a key that may not, other people's objects, slashes, ids that are none.
//!
//! A new route fails here until it has its case in [`body_for`] and, for a new kind of id, in [`Theirs::path`].

use gavel::http::{
    routes::{Access, RouteFacts},
    table,
};
use gavel_core::access::{Level, Resource, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{
        Answer, Client, Receiver, Server,
        client::send,
        eventually,
        files::import_file,
        inside::{questionnaire, upload},
        redacted, text,
    },
};

const UNKNOWN: &str = "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10";

/// The body with which the owner of the objects in the path succeeds; null for none. `None`: nobody has thought of this
/// route yet.
fn body_for(method: &str, path: &str) -> Option<Value> {
    Some(match (method, path) {
        ("GET", "/media/{media_uuid}/")
        | ("GET", "/v3/session/{session_id}/decision/")
        | ("DELETE", "/v3/session/{session_id}/delete/")
        | ("GET", "/v3/sessions/{session_id}/reviews/")
        | ("GET", "/v3/session/imports/{import_id}/")
        | ("GET", "/v3/session/imports/{import_id}/errors/")
        | ("GET", "/v3/lists/{list_uuid}/")
        | ("DELETE", "/v3/lists/{list_uuid}/")
        | ("GET", "/v3/lists/{list_uuid}/entries/")
        | ("DELETE", "/v3/lists/{list_uuid}/entries/{entry_uuid}/")
        | ("GET", "/x/sessions/{session_id}/tags/")
        | ("DELETE", "/x/sessions/{session_id}/tags/{tag}/")
        | ("GET", "/x/sessions/{session_id}/files/")
        | ("DELETE", "/x/sessions/{session_id}/files/{file_uuid}/")
        | ("GET", "/x/sessions/{session_id}/queue/")
        | ("POST", "/x/sessions/{session_id}/claim/")
        | ("POST", "/x/sessions/{session_id}/renew/")
        | ("POST", "/x/sessions/{session_id}/release/")
        | ("GET", "/x/sessions/{session_id}/presence/")
        | ("POST", "/x/sessions/{session_id}/presence/")
        | ("GET", "/x/sessions/{session_id}/pending-review/")
        | ("DELETE", "/x/sessions/{session_id}/pending-review/")
        | ("GET", "/x/sessions/{session_id}/screening/")
        | ("POST", "/x/sessions/{session_id}/screening/replay/")
        | ("GET", "/x/lists/{list_uuid}/")
        | ("GET", "/x/lists/{list_uuid}/entries/")
        | ("GET", "/x/lists/{list_uuid}/entries/{entry_uuid}/")
        | ("GET", "/x/lists/{list_uuid}/history/")
        | ("GET", "/x/lists/{list_uuid}/entries/export/")
        | ("GET", "/x/lists/{list_uuid}/imports/")
        | ("GET", "/x/lists/{list_uuid}/imports/{import_uuid}/")
        | ("GET", "/x/lists/{list_uuid}/imports/{import_uuid}/verdicts/")
        | ("GET", "/x/lists/{list_uuid}/imports/{import_uuid}/rejects/")
        | ("GET", "/x/lists/{list_uuid}/diff/")
        | ("GET", "/x/subjects/erasures/{erasure_uuid}/")
        | ("DELETE", "/x/api-keys/{key_uuid}/")
        | ("GET", "/x/lists/{list_uuid}/sweeps/")
        | ("GET", "/x/lists/{list_uuid}/sweeps/{sweep_uuid}/")
        | ("GET", "/x/lists/{list_uuid}/sweeps/{sweep_uuid}/sessions/")
        | ("GET", "/x/lists/{list_uuid}/proposals/")
        | ("GET", "/x/lists/{list_uuid}/proposals/{proposal_uuid}/")
        | ("POST", "/x/lists/{list_uuid}/proposals/{proposal_uuid}/approve/")
        | ("POST", "/x/lists/{list_uuid}/proposals/{proposal_uuid}/reject/")
        | ("POST", "/x/lists/{list_uuid}/proposals/{proposal_uuid}/withdraw/")
        | ("GET", "/v3/workflows/{workflow_uuid}/")
        | ("DELETE", "/v3/workflows/{workflow_uuid}/")
        | ("GET", "/v3/questionnaires/{questionnaire_uuid}/")
        | ("DELETE", "/v3/questionnaires/{questionnaire_uuid}/")
        | ("GET", "/v3/webhook/destinations/{destination_uuid}/")
        | ("DELETE", "/v3/webhook/destinations/{destination_uuid}/")
        | ("GET", "/v3/webhook/destinations/{destination_uuid}/deliveries/")
        | ("GET", "/v3/webhook/destinations/{destination_uuid}/deliveries/{delivery_uuid}/")
        | ("POST", "/v3/webhook/destinations/{destination_uuid}/deliveries/{delivery_uuid}/resend/")
        | ("GET", "/v3/users/{vendor_data}/")
        | ("GET", "/v3/businesses/{vendor_data}/")
        | ("GET", "/v3/transactions/{transaction_uuid}/")
        | ("GET", "/x/users/{user_uuid}/")
        | ("GET", "/x/businesses/{business_uuid}/")
        | ("GET", "/x/users/{user_uuid}/tags/")
        | ("DELETE", "/x/users/{user_uuid}/tags/{tag}/")
        | ("GET", "/x/businesses/{business_uuid}/tags/")
        | ("DELETE", "/x/businesses/{business_uuid}/tags/{tag}/")
        | ("GET", "/x/sessions/{session_id}/entries/")
        | ("GET", "/x/transactions/{transaction_uuid}/entries/")
        | ("GET", "/x/webhook/destinations/{destination_uuid}/")
        | ("POST", "/x/webhook/destinations/{destination_uuid}/test/")
        | ("POST", "/x/webhook/destinations/{destination_uuid}/pause/")
        | ("POST", "/x/webhook/destinations/{destination_uuid}/resume/")
        | ("GET", "/x/webhook/destinations/{destination_uuid}/dead-letters/") => Value::Null,
        ("POST", "/x/webhook/destinations/{destination_uuid}/rotate-secret/") => json!({ "overlap_hours": 1 }),
        ("POST", "/x/webhook/destinations/{destination_uuid}/replay/") => json!({ "since": "2020-01-01T00:00:00Z" }),
        ("PATCH", "/v3/session/{session_id}/update-status/") => json!({ "new_status": "Declined" }),
        ("PATCH", "/v3/session/{session_id}/features/{node_id}/update-status/") => json!({ "new_status": "Declined" }),
        ("PATCH", "/v3/session/{session_id}/update-data/") => json!({ "first_name": "Ana" }),
        ("PATCH", "/v3/session/{session_id}/update-poa-data/") => json!({ "issuer": "Bank" }),
        ("PATCH", "/v3/session/{session_id}/update-aml-hit-status/") => {
            json!({ "hit_id": "h", "review_status": "Confirmed Match" })
        }
        ("PATCH", "/v3/session/{session_id}/bulk-update-aml-hit-status/") => {
            json!({ "hit_updates": [{ "hit_id": "h", "review_status": "Confirmed Match" }] })
        }
        ("POST", "/v3/session/{session_id}/share/") => json!({ "for_application_id": "{application_uuid}" }),
        ("POST", "/v3/sessions/{session_id}/reviews/") => json!({ "new_status": "Declined" }),
        ("PATCH", "/x/sessions/{session_id}/queue/") => json!({ "priority": 5 }),
        ("POST", "/x/sessions/{session_id}/pending-review/") => json!({ "new_status": "Declined" }),
        ("PATCH", "/v3/lists/{list_uuid}/") => json!({ "description": "new" }),
        ("POST", "/v3/lists/{list_uuid}/entries/") => json!({ "value": "new@example.com" }),
        ("PATCH", "/x/lists/{list_uuid}/") => json!({ "flood_guard": { "min_hits": 50 } }),
        ("PATCH", "/x/lists/{list_uuid}/entries/{entry_uuid}/") => json!({ "comment": "new" }),
        // The JSON text "value" is a CSV file whose first row names one column.
        ("POST", "/x/lists/{list_uuid}/entries/import/") => json!("value"),
        ("POST", "/x/lists/{list_uuid}/proposals/") => json!({ "changes": [{ "op": "add", "value": "new@example.com" }] }),
        ("POST", "/x/lists/{list_uuid}/revert/") => json!({ "to": 0 }),
        ("PATCH", "/v3/users/{vendor_data}/" | "/v3/businesses/{vendor_data}/") => json!({ "display_name": "new" }),
        ("PATCH", "/v3/users/{vendor_data}/update-status/" | "/v3/businesses/{vendor_data}/update-status/") => {
            json!({ "status": "FLAGGED" })
        }
        ("PATCH", "/x/transactions/{transaction_uuid}/") => json!({ "status": "DECLINED" }),
        ("GET" | "DELETE", "/v3/transactions/rules/{rule_uuid}/") => Value::Null,
        ("PATCH", "/v3/transactions/rules/{rule_uuid}/") => json!({ "mode": "TEST" }),
        ("PATCH", "/v3/workflows/{workflow_uuid}/") => json!({ "workflow_label": "new" }),
        ("PATCH", "/v3/questionnaires/{questionnaire_uuid}/") => json!({ "title": "new" }),
        ("PATCH", "/x/workflows/{workflow_uuid}/") => json!({ "auto_blocklist_on_decline": true }),
        ("PATCH", "/v3/webhook/destinations/{destination_uuid}/") => json!({ "label": "new" }),
        ("PATCH", "/x/members/{member_uuid}/") => json!({ "role": "Admin" }),
        ("DELETE", "/x/members/{member_uuid}/") => Value::Null,
        ("POST", "/x/sessions/{session_id}/evidence/") => json!({ "email_verifications": [{ "email": "a@b.example" }] }),
        ("POST", "/x/users/{user_uuid}/comments/") => json!({ "comment": "c" }),
        ("POST", "/x/users/{user_uuid}/tags/" | "/x/businesses/{business_uuid}/tags/") => json!({ "tag": "new" }),
        ("POST", "/x/sessions/{session_id}/comments/") => json!({ "comment": "c" }),
        ("POST", "/x/sessions/{session_id}/tags/") => json!({ "tag": "new" }),
        ("POST", "/x/sessions/{session_id}/files/") => json!({ "media": "{media_uuid}" }),
        _ => return None,
    })
}

/// Objects of somebody, fresh for every route, because the owner may delete them in the end.
struct Theirs {
    open: String,
    finished: String,
    in_review: String,
    list: String,
    entry: String,
    import: String,
    session_import: String,
    proposal: String,
    erasure: String,
    sweep: String,
    key: String,
    member: String,
    destination: String,
    delivery: String,
    file: String,
    media: String,
    vendor_data: String,
    user: String,
    business: String,
    workflow: String,
    questionnaire: String,
    transaction: String,
    rule: String,
}

impl Theirs {
    async fn make(client: &Client, receiver: &Receiver) -> Self {
        let workflow = text(&client.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"]);
        let body = json!({ "label": "w", "url": receiver.url(), "subscribed_events": ["status.updated"] });
        let destination = text(&client.post("/v3/webhook/destinations/", body).await.ok(201)["uuid"]);
        let session = async || text(&client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201)["session_id"]);
        let (open, finished) = (session().await, session().await);
        let evidence = json!({
            "email_verifications": [{ "email": "a@b.example" }], "id_verifications": [{}], "poa_verifications": [{}],
            "aml_screenings": [{ "hits": [{ "id": "h" }] }],
        });
        client.post(&format!("/x/sessions/{finished}/evidence/"), evidence).await.ok(200);
        let in_review = in_review(client, session().await).await;
        let body = json!({ "name": "Mine", "list_type": "blocklist", "entry_type": "email" });
        let list = text(&client.post("/v3/lists/", body).await.ok(201)["uuid"]);
        let entry =
            client.post(&format!("/v3/lists/{list}/entries/?sweep=report"), json!({ "value": "old@example.com" })).await.ok(201);
        let file = client.request(Method::POST, &format!("/x/lists/{list}/entries/import/")).body("value\nfile@example.com\n");
        let import = text(&send(file).await.ok(200)["uuid"]);
        let proposal = json!({ "changes": [{ "op": "add", "value": "proposed@example.com" }] });
        let proposal = client.post(&format!("/x/lists/{list}/proposals/"), proposal).await.ok(201);
        let sweep = text(&client.get(&format!("/x/lists/{list}/sweeps/")).await.ok(200)["results"][0]["uuid"]);
        let key = client.post("/x/api-keys/", json!({ "name": "spare", "scopes": "full" })).await.ok(201);
        let key = text(&key["uuid"]);
        let erased = session().await;
        let erasure = client.post("/x/subjects/erase/", json!({ "session_id": erased })).await.ok(201);
        let erasure = text(&erasure["uuid"]);
        let deliveries = format!("/v3/webhook/destinations/{destination}/deliveries/");
        let delivery = eventually("a delivery", || async {
            client.get(&deliveries).await.ok(200)["results"].get(0).map(|row| text(&row["uuid"]))
        });
        let delivery = delivery.await;
        let media = upload(client).await;
        let notes = format!("/x/sessions/{finished}");
        client.post(&format!("{notes}/tags/"), json!({ "tag": "vip" })).await.ok(201);
        let file = text(&client.post(&format!("{notes}/files/"), json!({ "media": media })).await.ok(201)["uuid"]);
        let media = upload(client).await;
        let workflow = text(&client.post("/v3/workflows/", json!({ "features": [{ "feature": "OCR" }] })).await.ok(201)["uuid"]);
        let questionnaire = text(&client.post("/v3/questionnaires/", questionnaire()).await.ok(201)["questionnaire_id"]);
        let somebody = json!({ "email": format!("{list}@acme.example"), "role": "Reader" });
        let member = text(&client.post("/x/members/", somebody).await.ok(201)["uuid"]);
        let (entry, proposal) = (text(&entry["uuid"]), text(&proposal["uuid"]));
        let vendor_data = format!("theirs {}", uuid::Uuid::now_v7());
        let subject = json!({ "vendor_data": vendor_data });
        let user = text(&client.post("/v3/users/create/", subject.clone()).await.ok(201)["didit_internal_id"]);
        let business = text(&client.post("/v3/businesses/create/", subject).await.ok(201)["didit_internal_id"]);
        for path in [format!("/x/users/{user}/tags/"), format!("/x/businesses/{business}/tags/")] {
            client.post(&path, json!({ "tag": "vip" })).await.ok(201);
        }
        let transaction = json!({
            "transaction_id": vendor_data, "transaction_category": "finance",
            "transaction_details": { "direction": "in", "amount": 1, "currency": "EUR" },
            "subject": { "vendor_data": vendor_data, "full_name": "Somebody" },
        });
        let transaction = text(&client.post("/v3/transactions/", transaction).await.ok(201)["uuid"]);
        let vendor_data = vendor_data.replace(' ', "%20");
        let rule = json!({
            "title": format!("rule {list}"), "category": "c", "mode": "DISABLED",
            "conditions": [{ "field": "amount", "operator": "gt", "value": 1 }],
        });
        let rule = text(&client.post("/v3/transactions/rules/", rule).await.ok(201)["uuid"]);
        Self {
            open,
            finished,
            in_review,
            list,
            entry,
            import,
            session_import: UNKNOWN.to_owned(),
            proposal,
            erasure,
            sweep,
            key,
            member,
            destination,
            delivery,
            file,
            media,
            workflow,
            questionnaire,
            vendor_data,
            user,
            business,
            transaction,
            rule,
        }
    }

    /// The path with ids of these objects.
    fn path(&self, template: &str) -> String {
        let session = match template {
            "/x/sessions/{session_id}/evidence/" => &self.open,
            _ if ["comments", "tags", "files"].iter().any(|notes| template.contains(&format!("/{notes}/"))) => &self.finished,
            _ if template.starts_with("/x/sessions/") => &self.in_review,
            _ => &self.finished,
        };
        fill(template, |placeholder| match placeholder {
            "session_id" => session,
            "node_id" => "feature_email_1",
            "tag" => "vip",
            "file_uuid" => &self.file,
            "list_uuid" => &self.list,
            "entry_uuid" => &self.entry,
            "import_uuid" => &self.import,
            "import_id" => &self.session_import,
            "proposal_uuid" => &self.proposal,
            "erasure_uuid" => &self.erasure,
            "sweep_uuid" => &self.sweep,
            "key_uuid" => &self.key,
            "destination_uuid" => &self.destination,
            "delivery_uuid" => &self.delivery,
            "media_uuid" => &self.media,
            "vendor_data" => &self.vendor_data,
            "user_uuid" => &self.user,
            "business_uuid" => &self.business,
            "workflow_uuid" => &self.workflow,
            "questionnaire_uuid" => &self.questionnaire,
            "transaction_uuid" => &self.transaction,
            "rule_uuid" => &self.rule,
            "member_uuid" => &self.member,
            other => panic!("{template}: make an object for {{{other}}} in every_route.rs, `Theirs`"),
        })
    }

    /// Takes away what stands in the way of the next ones.
    async fn clear(&self, client: &Client) {
        client.delete(&format!("/v3/webhook/destinations/{}/", self.destination)).await;
        client.delete(&format!("/v3/lists/{}/", self.list)).await;
        client.delete(&format!("/v3/workflows/{}/", self.workflow)).await;
        client.delete(&format!("/v3/transactions/rules/{}/", self.rule)).await;
    }
}

/// A file of another system that is done with.
async fn session_import(client: &Client) -> String {
    text(&import_file(client, &[("import_type", "transactions")], "t.csv", "transaction_id\n").await["uuid"])
}

/// Makes a session one that waits for a person, is the caller's, and has a decision that can be undone.
async fn in_review(client: &Client, session: String) -> String {
    let path = format!("/x/sessions/{session}");
    let evidence = json!({ "email_verifications": [{ "email": "a@b.example", "status": "In Review" }] });
    client.post(&format!("{path}/evidence/"), evidence).await.ok(200);
    client.post(&format!("{path}/claim/"), json!({})).await.ok(200);
    let decision = json!({ "new_status": "Approved", "undo_seconds": 60 });
    client.post(&format!("{path}/pending-review/"), decision).await.ok(201);
    session
}

fn placeholders(template: &str) -> Vec<&str> {
    template.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')).collect()
}

/// Placeholders for ids of objects; what a node or a tag is called says nothing about whose it is.
fn ids(template: &str) -> Vec<&str> {
    placeholders(template).into_iter().filter(|placeholder| !["node_id", "tag"].contains(placeholder)).collect()
}

fn fill<'a>(template: &str, with: impl Fn(&str) -> &'a str) -> String {
    let segment = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(placeholder) => with(placeholder).to_owned(),
        None => segment.to_owned(),
    };
    template.split('/').map(segment).collect::<Vec<_>>().join("/")
}

async fn call(client: &Client, method: &Method, path: &str, body: &Value) -> Answer {
    let request = client.request(method.clone(), path);
    send(if body.is_null() { request } else { request.json(body) }).await
}

fn routes() -> Vec<RouteFacts> {
    table(1 << 20).into_iter().map(|route| route.facts).collect()
}

/// A path in which every id is well-formed and nobody's.
fn unknown(facts: &RouteFacts) -> String {
    fill(facts.path, |_| UNKNOWN)
}

db_test!(needs_a_key_with_the_right_scope, server => {
    server.account("lea@acme.example", Role::Reader).await;
    for facts in routes() {
        let (path, name) = (unknown(&facts), format!("{} {}", facts.method, facts.path));
        let nobody = call(&server.client.without_key(), &facts.method, &path, &json!({})).await;
        if facts.access == Access::Public {
            assert_ne!(nobody.status, 401, "{name}: a public route asks for a key");
            continue;
        }
        server.app.clock.advance(2); // There are more routes than wrong keys are let pass within a minute.
        nobody.is(401, json!({ "detail": "Authentication credentials were not provided." }));
        assert_eq!(nobody.header("www-authenticate"), "Bearer", "{name}");
        server.app.clock.advance(61); // Wrong keys are counted within a minute.
        call(&server.client.with_key("wrong"), &facts.method, &path, &json!({})).await.is(401, json!({ "detail": "Invalid API key." }));
        let everything_but = |left_out: Option<Resource>| {
            let all = Resource::ALL.iter().filter(|resource| Some(**resource) != left_out);
            all.map(|resource| format!("{}:write", resource.as_str())).collect::<Vec<_>>().join(",")
        };
        let (refused, needed) = match facts.access {
            Access::Member => (vec![everything_but(None), "full".to_owned()], Vec::new()),
            Access::Public => unreachable!("dealt with above"),
            Access::Scope(resource, Level::Write) => {
                (vec![everything_but(Some(resource)), format!("{}:read", resource.as_str())], vec![(resource, Level::Write)])
            }
            Access::Scope(resource, level) => (vec![everything_but(Some(resource))], vec![(resource, level)]),
            Access::Power(_) => (vec![everything_but(None)], Vec::new()),
        };
        for scopes in refused {
            let client = server.client_with(&scopes).await;
            let answer = call(&client, &facts.method, &path, &json!({})).await;
            assert_eq!(answer.status, 403, "{name} with {scopes}");
            answer.is(403, json!({ "detail": "You do not have permission to perform this action." }));
        }
        let needed = needed.into_iter().chain(facts.also);
        let needed: Vec<String> =
            needed.map(|(resource, level)| format!("{}:{}", resource.as_str(), level.as_str())).collect();
        for one in needed.iter().filter(|_| needed.len() > 1) {
            let client = server.client_with(one).await;
            assert_eq!(call(&client, &facts.method, &path, &json!({})).await.status, 403, "{name} with {one} alone");
        }
        let enough = match facts.access {
            Access::Power(_) => server.client_with("full").await,
            Access::Member => server.sign_in("lea@acme.example").await,
            _ => server.client_with(&needed.join(",")).await,
        };
        let answer = call(&enough, &facts.method, &path, &json!({})).await;
        assert!(answer.status != 403 && answer.status != 401, "{name} with its own scope: {}", answer.body);
    }
    server.stop().await;
});

db_test!(answers_the_same_with_and_without_a_slash_at_the_end, server => {
    for facts in routes() {
        let path = unknown(&facts);
        let with = call(&server.client, &facts.method, &path, &json!({})).await;
        let without = call(&server.client, &facts.method, path.trim_end_matches('/'), &json!({})).await;
        assert_eq!((with.status, redacted(&with.body)), (without.status, redacted(&without.body)), "{} {path}", facts.method);
        assert!(!with.status.is_redirection() && !with.status.is_server_error(), "{} {path}: {}", facts.method, with.body);
    }
    server.stop().await;
});

db_test!(takes_no_malformed_ids, server => {
    let person = server.member("lea@acme.example", Role::Owner).await;
    for facts in routes() {
        let client = if facts.access == Access::Member { &person } else { &server.client };
        for bad in ids(facts.path) {
            for text in ["x", "0d9b1c526a0e4c578f6e5f9e2f5f7a10", "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a1g", "%20", "%00"] {
                let path = fill(facts.path, |placeholder| if placeholder == bad { text } else { UNKNOWN });
                let answer = call(client, &facts.method, &path, &json!({})).await;
                assert_eq!((answer.status.as_u16(), answer.body), (404, json!({ "detail": "Not found." })), "{} {path}", facts.method);
            }
        }
    }
    server.stop().await;
});

db_test!(reads_no_objects_of_other_applications, server => {
    stay_within_the_border(&server, |facts| facts.method == Method::GET).await;
    server.stop().await;
});

db_test!(changes_no_objects_of_other_applications, server => {
    stay_within_the_border(&server, |facts| facts.method != Method::GET).await;
    server.stop().await;
});

/// Tries these routes with another application's objects, then as their owner.
async fn stay_within_the_border(server: &Server, these: impl Fn(&RouteFacts) -> bool) {
    let they = server.foreign_client().await;
    let receiver = Receiver::start().await;
    let application = server.application().await.to_string();
    // What is a person's own is tried in `api/signins.rs`: no key gets there.
    let of_keys = |facts: &&RouteFacts| facts.path.contains('{') && facts.access != Access::Member && these(facts);
    let mut untouched = None;
    for facts in routes().iter().filter(of_keys) {
        let name = format!("{} {}", facts.method, facts.path);
        let body = body_for(facts.method.as_str(), facts.path).unwrap_or_else(|| {
            panic!("{name} has no case: add the body with which an owner succeeds to every_route.rs, `body_for`")
        });
        let mut theirs = match untouched.take() {
            Some(theirs) => theirs,
            None => Theirs::make(&they, &receiver).await,
        };
        if facts.path.contains("{import_id}") {
            theirs.session_import = session_import(&they).await; // A worker has a hand in it, which takes its time.
        }
        let body = body.to_string().replace("{media_uuid}", &theirs.media).replace("{application_uuid}", &application);
        let body: Value = serde_json::from_str(&body).unwrap();
        let (foreign, nobodys) = (theirs.path(facts.path), unknown(facts));
        let expected = call(&server.client, &facts.method, &nobodys, &body).await;
        let answer = call(&server.client, &facts.method, &foreign, &body).await;
        assert_eq!((answer.status, &answer.body), (expected.status, &expected.body), "{name}");
        if facts.access == Access::Public {
            assert_eq!(answer.status, 403, "{name}: only a signed link opens a file");
        } else {
            assert_eq!(answer.status, 404, "{name}");
            one_own_and_one_foreign(server, &receiver, facts, &theirs, &body).await;
            if (facts.method.as_str(), facts.path) == ("POST", "/x/sessions/{session_id}/pending-review/") {
                they.delete(&foreign).await.ok(204); // There is one already.
            }
            let owner = call(&they, &facts.method, &foreign, &body).await;
            let success = if is_for_somebody_else(facts) { reqwest::StatusCode::FORBIDDEN } else { facts.success };
            assert_eq!(owner.status, success, "{name}: the case must be one in which the owner succeeds: {}", owner.body);
        }
        if facts.method == Method::GET {
            untouched = Some(theirs);
        } else {
            theirs.clear(&they).await;
        }
    }
}

/// What the key that made the object may not do with it.
fn is_for_somebody_else(facts: &RouteFacts) -> bool {
    facts.path.ends_with("/{proposal_uuid}/approve/") || facts.path.ends_with("/{proposal_uuid}/reject/")
}

/// An id of ours beside an id of theirs is as good as one beside an id of nobody.
async fn one_own_and_one_foreign(server: &Server, receiver: &Receiver, facts: &RouteFacts, theirs: &Theirs, body: &Value) {
    if ids(facts.path).len() < 2 {
        return;
    }
    let ours = Theirs::make(&server.client, receiver).await;
    for own in ids(facts.path) {
        let beside = |others: String| {
            let (own_path, others) = (ours.path(facts.path), others.split('/').map(str::to_owned).collect::<Vec<_>>());
            let segments = own_path.split('/').zip(facts.path.split('/')).zip(others);
            let chosen =
                segments.map(|((ours, template), other)| if template == format!("{{{own}}}") { ours.to_owned() } else { other });
            chosen.collect::<Vec<_>>().join("/")
        };
        let expected = call(&server.client, &facts.method, &beside(unknown(facts)), body).await;
        let answer = call(&server.client, &facts.method, &beside(theirs.path(facts.path)), body).await;
        assert_eq!((answer.status, &answer.body), (expected.status, &expected.body), "{} {}", facts.method, facts.path);
        assert_eq!(answer.status, 404, "{} {}", facts.method, facts.path);
    }
    ours.clear(&server.client).await;
}

db_test!(knows_people_by_their_cookie, server => {
    server.account("reader@acme.example", Role::Reader).await;
    server.account("owner@acme.example", Role::Owner).await;
    let reader = server.sign_in("reader@acme.example").await;
    let forbidden = json!({ "detail": "You do not have permission to perform this action." });
    for facts in routes().iter().filter(|facts| facts.access != Access::Public) {
        let (path, name) = (unknown(facts), format!("{} {}", facts.method, facts.path));
        let reads = facts.method == Method::GET;
        if !reads {
            for forged in [reader.without_header("x-csrf-token"), reader.with_header("x-csrf-token", "0".repeat(64))] {
                call(&forged, &facts.method, &path, &json!({})).await.is(403, forbidden.clone());
            }
        }
        let may_look = match facts.access {
            Access::Member => continue,
            Access::Scope(..) if ["/x/audit/export/", "/v3/session/imports/template/"].contains(&facts.path) => false, // Not JSON, so it cannot be masked.
            Access::Scope(..) if facts.path.contains("{vendor_data}") => false, // Who is there would be the answer.
            Access::Scope(_, level) => reads && level == Level::Read,
            Access::Power(_) | Access::Public => false,
        };
        let answer = call(&reader, &facts.method, &path, &json!({})).await;
        match may_look {
            true => assert!(answer.status != 401 && answer.status != 403, "{name}: {}", answer.body),
            false => answer.is(403, forbidden.clone()),
        }
    }
    for facts in routes().iter().filter(|facts| facts.access != Access::Public) {
        let owner = server.sign_in("owner@acme.example").await; // Some end the sign-in.
        let answer = call(&owner, &facts.method, &unknown(facts), &json!({})).await;
        assert!(answer.status != 401 && answer.status != 403, "{} {}: {}", facts.method, facts.path, answer.body);
        assert!(!answer.status.is_server_error(), "{} {}: {}", facts.method, facts.path, answer.body);
    }
    server.stop().await;
});
