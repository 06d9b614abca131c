//! Sessions shared with another application of the server: `/v3/session/{session_id}/share/`, `/v3/session/import-shared/`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{
        Client, Receiver, Server,
        inside::{png, upload},
        shown, text,
    },
};

const NOT_FINISHED: &str = "Only finished sessions (\"Approved\", \"Declined\", \"In Review\") can be shared.";
const UNKNOWN: &str = "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10";
const IMPORT: &str = "/v3/session/import-shared/";

/// Another application on the same server.
struct Other {
    client: Client,
    id: String,
    workflow: String,
}

impl Other {
    async fn of(server: &Server) -> Self {
        let client = server.foreign_client().await;
        let id = text(&client.get("/x/applications/").await.ok(200)["results"][0]["uuid"]);
        let workflow = text(&client.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"]);
        Self { client, id, workflow }
    }

    /// A token for it.
    async fn token(&self, server: &Server, session: &str) -> String {
        let body = json!({ "for_application_id": self.id });
        text(&server.client.post(&format!("/v3/session/{session}/share/"), body).await.ok(200)["share_token"])
    }

    fn body(&self, token: &str) -> Value {
        json!({ "share_token": token, "trust_review": true, "workflow_id": self.workflow })
    }

    async fn decision(&self, session: &str) -> Value {
        self.client.get(&format!("/v3/session/{session}/decision/")).await.ok(200)
    }
}

/// A session with pictures, a duplicate and a correction, decided by a key.
async fn rich_session(server: &Server) -> String {
    let phone = json!({ "phone_verifications": [{ "full_number": "+14155552671" }] });
    let first = server.session_with(json!({ "vendor_data": "somebody else" })).await;
    server.evidence(&first, phone).await;
    let session = server
        .session_with(json!({ "vendor_data": "ana", "metadata": { "plan": "pro" }, "callback": "https://a.example/" }))
        .await;
    let (front, selfie) = (upload(&server.client).await, upload(&server.client).await);
    let evidence = json!({
        "id_verifications": [{ "document_type": "Passport", "document_number": "XDB123", "issuing_state": "ESP",
            "first_name": "Ana", "last_name": "Pérez", "front_image": format!("media:{front}") }],
        "liveness_checks": [{ "method": "PASSIVE", "score": 96.5, "reference_image": format!("media:{selfie}") }],
        "phone_verifications": [{ "full_number": "+1 415 555 2671" }],
    });
    let decision = server.evidence(&session, evidence).await;
    assert_eq!(decision["phone_verifications"][0]["matches"][0]["vendor_data"], "somebody else");
    assert!(decision.to_string().contains(&first), "the duplicate is named");
    server.client.patch(&format!("/v3/session/{session}/update-data/"), json!({ "document_number": "XDB124" })).await.ok(200);
    let review = json!({ "new_status": "Approved", "comment": "Looks good, @lea@acme.example" });
    server.client.post(&format!("/v3/sessions/{session}/reviews/"), review).await.ok(201);
    session
}

/// Every link inside.
fn links(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if text.contains("/media/") => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(links).collect(),
        Value::Object(members) => members.values().flat_map(links).collect(),
        _ => Vec::new(),
    }
}

async fn fetch(link: &str) -> (u16, Vec<u8>) {
    let answer = reqwest::get(link).await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

db_test!(a_token_names_the_session_the_application_and_an_end, server => {
    let other = Other::of(&server).await;
    let session = server.finished("Approved").await;
    let path = format!("/v3/session/{session}/share/");
    let answer = server.client.post(&path, json!({ "for_application_id": other.id, "ttl_in_seconds": 60 })).await.ok(200);
    assert_eq!(answer, json!({ "share_token": answer["share_token"], "for_application_id": other.id, "session_kind": "user" }));
    let token = text(&answer["share_token"]);
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!(session), &json!(other.id)));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    let hour = other.token(&server, &session).await;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(hour.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3_600);
    let once = server.client.post_once("k", &path, json!({ "for_application_id": other.id })).await.ok(200);
    assert_eq!(server.client.post_once("k", &path, json!({ "for_application_id": other.id })).await.ok(200), once);
    assert_eq!(server.decision(&session).await["status"], "Approved", "nothing about the session changes");
    server.stop().await;
});

db_test!(only_finished_sessions_are_shared_and_only_with_others, server => {
    let other = Other::of(&server).await;
    let own = text(&server.client.get("/x/applications/").await.ok(200)["results"][0]["uuid"]);
    let (open, finished) = (server.session().await, server.finished("Declined").await);
    let share = async |session: &str, body: Value| server.client.post(&format!("/v3/session/{session}/share/"), body).await;
    let before = server.counts().await;
    let for_other = json!({ "for_application_id": other.id });
    share(&open, for_other.clone()).await.is(400, json!({ "detail": [NOT_FINISHED] }));
    for (body, errors) in [
        (json!({ "for_application_id": UNKNOWN }), json!({ "for_application_id": ["Target application does not exist."] })),
        (json!({ "for_application_id": own }), json!({ "for_application_id": ["Cannot share a session with the same application."] })),
        (
            json!({ "for_application_id": "x", "ttl_in_seconds": 59 }),
            json!({ "for_application_id": ["Must be a valid UUID."], "ttl_in_seconds": ["Ensure this value is greater than or equal to 60."] }),
        ),
        (
            json!({ "ttl_in_seconds": 86_401 }),
            json!({ "for_application_id": ["This field is required."], "ttl_in_seconds": ["Ensure this value is less than or equal to 86400."] }),
        ),
    ] {
        share(&finished, body).await.is(400, errors);
    }
    share(UNKNOWN, json!({})).await.is(404, json!({ "detail": "Not found." }));
    assert_eq!(server.counts().await, before);
    for status in ["Expired", "Kyc Expired", "Abandoned", "Resubmitted", "In Progress"] {
        server.set_status(&finished, status).await;
        share(&finished, for_other.clone()).await.is(400, json!({ "detail": [NOT_FINISHED] }));
    }
    server.stop().await;
});

db_test!(a_copy_is_complete_and_names_nothing_of_the_owner, server => {
    let other = Other::of(&server).await;
    let receiver = Receiver::start().await;
    let hook = json!({ "label": "t", "url": receiver.url(), "subscribed_events": ["status.updated", "data.updated"] });
    other.client.post("/v3/webhook/destinations/", hook).await.ok(201);
    let session = rich_session(&server).await;
    let original = server.decision(&session).await;
    let token = other.token(&server, &session).await;
    let mut body = other.body(&token);
    body["vendor_data"] = json!(" their-ana ");
    let copy = other.client.post(IMPORT, body).await.ok(201);
    let id = text(&copy["session_id"]);
    assert_eq!(shown(&other.decision(&id).await), shown(&copy));
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&json!({
        "session_number": copy["session_number"], "status": copy["status"], "features": copy["features"], "vendor_data": copy["vendor_data"],
        "metadata": copy["metadata"], "callback": copy["callback"], "workflow_id": copy["workflow_id"] == json!(other.workflow),
        "expires_at": copy["expires_at"],
    })), @r#"
    {
      "session_number": 1,
      "status": "Approved",
      "features": [
        "ID_VERIFICATION",
        "LIVENESS",
        "PHONE"
      ],
      "vendor_data": "their-ana",
      "metadata": null,
      "callback": null,
      "workflow_id": true,
      "expires_at": null
    }
    "#); }
    assert_eq!(copy["reviews"], original["reviews"]);
    // The items are the same but for the pictures, which are others with the same content, and for what is the owner's.
    let mut expected = original.clone();
    assert_eq!(expected["phone_verifications"][0]["matches"].as_array().unwrap().len(), 1);
    expected["phone_verifications"][0]["matches"] = json!([]);
    for warning in expected["phone_verifications"][0]["warnings"].as_array_mut().unwrap() {
        warning["additional_data"]["duplicated_session_id"] = Value::Null;
        warning["additional_data"]["duplicated_session_number"] = Value::Null;
    }
    for array in ["id_verifications", "liveness_checks", "phone_verifications"] {
        assert_eq!(shown(&copy[array]), shown(&expected[array]));
    }
    assert_eq!(copy["id_verifications"][0]["document_number"], "XDB124");
    let (theirs, ours) = (links(&copy), links(&original));
    assert_eq!((theirs.len(), ours.len()), (2, 2));
    for link in &theirs {
        assert!(!ours.iter().any(|own| own.split('?').next() == link.split('?').next()), "{link}");
        assert_eq!(fetch(link).await, (200, png()));
    }
    let owners = server.client.get("/v3/sessions/").await.ok(200);
    for row in owners["results"].as_array().unwrap() {
        assert!(!copy.to_string().contains(&text(&row["session_id"])));
    }
    // The application's user, list of sessions, feed, event and trail know of it.
    let user = other.client.get("/v3/users/their-ana/").await.ok(200);
    assert_eq!((&user["session_count"], &user["full_name"], &user["approved_phones"]), (&json!(1), &json!("Ana Pérez"), &json!(["+14155552671"])));
    let found = other.client.get("/v3/sessions/?search=perez").await.ok(200);
    assert_eq!(found["results"][0]["session_id"], json!(id));
    let feed = other.client.get(&format!("/v3/sessions/{id}/reviews/")).await.ok(200);
    assert_eq!((&feed["count"], &feed["results"][0]["comment"], &feed["results"][0]["mentioned_emails"]), (&json!(1), &json!("Looks good, @lea@acme.example"), &json!([])));
    let events = receiver.wait_for(1).await;
    assert_eq!(events.len(), 1);
    let trail = async |client: &Client, object: &str| {
        let events = client.get(&format!("/x/audit/events/?object={object}")).await.ok(200);
        let kinds = events["results"].as_array().unwrap().iter().map(|row| text(&row["kind"]));
        kinds.filter(|kind| kind.contains("share") || kind.contains("import")).collect::<Vec<_>>()
    };
    assert_eq!(trail(&other.client, &id).await, ["session.imported"]);
    let mut of_owner = trail(&server.client, &session).await;
    of_owner.sort();
    assert_eq!(of_owner, ["session.share_redeemed", "session.shared"]);
    // A later session of theirs finds the number by the corrected document and the phone.
    let later = json!({ "workflow_id": other.workflow, "vendor_data": "bob" });
    let later = text(&other.client.post("/v3/session/", later).await.ok(201)["session_id"]);
    let evidence = json!({ "phone_verifications": [{ "full_number": "+14155552671" }], "id_verifications": [{ "document_type": "Passport", "document_number": "XDB124", "issuing_state": "ESP" }] });
    let later = other.client.post(&format!("/x/sessions/{later}/evidence/"), evidence).await.ok(200);
    for array in ["phone_verifications", "id_verifications"] {
        assert_eq!(later[array][0]["matches"][0]["session_id"], json!(id), "{array}");
    }
    server.stop().await;
});

db_test!(a_review_that_is_not_trusted_is_done_again, server => {
    let other = Other::of(&server).await;
    let session = server.finished("Declined").await;
    let mut body = other.body(&other.token(&server, &session).await);
    body["trust_review"] = json!(false);
    let copy = other.client.post(IMPORT, body).await.ok(201);
    assert_eq!((&copy["status"], &copy["vendor_data"]), (&json!("In Review"), &Value::Null));
    let queue = other.client.get("/x/queue/").await.ok(200);
    assert_eq!(queue["results"][0]["session_id"], copy["session_id"]);
    let path = format!("/v3/sessions/{}/reviews/", text(&copy["session_id"]));
    other.client.post(&path, json!({ "new_status": "Approved" })).await.ok(201);
    assert_eq!(server.decision(&session).await["status"], "Declined");
    // Of a user somebody has flagged nothing is approved without a look.
    other.client.post("/v3/users/create/", json!({ "vendor_data": "watched", "status": "FLAGGED" })).await.ok(201);
    let mut body = other.body(&other.token(&server, &server.finished("Approved").await).await);
    body["vendor_data"] = json!("watched");
    assert_eq!(other.client.post(IMPORT, body).await.ok(201)["status"], "In Review");
    server.stop().await;
});

db_test!(a_token_is_good_once_for_one_application_and_for_a_time, server => {
    let other = Other::of(&server).await;
    let session = server.finished("Approved").await;
    let token = other.token(&server, &session).await;
    let refused = |text: &str| json!({ "share_token": [text] });
    let before = server.counts().await;
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let mut altered: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    altered["exp"] = json!(4_000_000_000_i64);
    let altered = URL_SAFE_NO_PAD.encode(altered.to_string());
    for bad in [
        "x".to_owned(),
        "..".to_owned(),
        format!("{unsigned}.{claims}."),
        format!("{unsigned}.{claims}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{altered}.{signature}"),
        format!("{token}x"),
        token.repeat(1_000),
    ] {
        other.client.post(IMPORT, other.body(&bad)).await.is(400, refused("Invalid share token."));
    }
    other.client.post(IMPORT, json!({ "share_token": "", "vendor_data": "v".repeat(256) })).await.is(400, json!({
        "share_token": ["This field may not be blank."], "trust_review": ["This field is required."], "workflow_id": ["This field is required."],
        "vendor_data": ["Ensure this field has no more than 255 characters."],
    }));
    let mut body = other.body(&token);
    body["workflow_id"] = json!(server.workflow().await);
    other.client.post(IMPORT, body).await.is(404, json!({ "detail": "Workflow does not exist for this application." }));
    let own = json!({ "share_token": token, "trust_review": true, "workflow_id": server.workflow().await });
    server.client.post(IMPORT, own.clone()).await.is(400, refused("This token is not valid for this application."));
    let third = server.foreign_client().await;
    third.post(IMPORT, own).await.is(400, refused("This token is not valid for this application."));
    assert_eq!(server.counts().await["sessions"], before["sessions"]);

    server.app.clock.advance(3_601);
    other.client.post(IMPORT, other.body(&token)).await.is(400, refused("Share token has expired."));
    let (token, again) = (other.token(&server, &session).await, other.token(&server, &session).await);
    let copy = other.client.post_once("k", IMPORT, other.body(&token)).await.ok(201);
    assert_eq!(other.client.post_once("k", IMPORT, other.body(&token)).await.ok(201), copy);
    let once = json!({ "detail": "This session has already been shared with your application." });
    for token in [&token, &again] {
        other.client.post(IMPORT, other.body(token)).await.is(403, once.clone());
    }
    let id = text(&copy["session_id"]);
    other.client.delete(&format!("/v3/session/{id}/delete/")).await.ok(204);
    other.client.post(IMPORT, other.body(&again)).await.is(403, once);
    server.client.delete(&format!("/v3/session/{session}/delete/")).await.ok(204);
    other.client.post(IMPORT, other.body(&again)).await.is(400, refused("Original session does not exist."));
    let files = std::fs::read_dir(server.app.config.data.join("media")).map_or(0, |folders| folders.count());
    assert_eq!(files, 0, "refusals leave no files");
    server.stop().await;
});

db_test!(one_of_many_redemptions_at_once_makes_the_copy, server => {
    let other = Other::of(&server).await;
    let session = rich_session(&server).await;
    let token = other.token(&server, &session).await;
    let mut body = other.body(&token);
    body["vendor_data"] = json!("ana");
    let asked = (0..8).map(|_| other.client.post(IMPORT, body.clone()));
    let mut statuses: Vec<u16> = futures_util::future::join_all(asked).await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403, 403, 403, 403, 403, 403, 403]);
    assert_eq!(other.client.get("/v3/sessions/").await.ok(200)["count"], 1);
    // Two pictures of the original, two of the copy.
    let media = server.app.config.data.join("media");
    let files = std::fs::read_dir(media).unwrap().flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap()).count();
    assert_eq!(files, 4);
    server.stop().await;
});

db_test!(only_a_block_of_the_user_is_looked_at, server => {
    let other = Other::of(&server).await;
    let session = rich_session(&server).await;
    let token = other.token(&server, &session).await;
    let list = async |entry_type: &str| {
        let lists = other.client.get(&format!("/v3/lists/?entry_type={entry_type}&is_system=true")).await.ok(200);
        text(&lists["results"][0]["uuid"])
    };
    let add = async |entry_type: &str, value: &str| {
        let path = format!("/v3/lists/{}/entries/", list(entry_type).await);
        other.client.post(&path, json!({ "value": value })).await.ok(201);
    };
    add("phone", "+14155552671").await;
    add("user", "ANA").await;
    let mut body = other.body(&token);
    body["vendor_data"] = json!("Ana");
    let text = "This user or business has been blocked and cannot create new verification sessions.";
    other.client.post(IMPORT, body.clone()).await.is(400, json!({ "vendor_data": text }));
    body["vendor_data"] = json!("eva");
    assert_eq!(other.client.post(IMPORT, body).await.ok(201)["status"], "Approved", "no list of values is looked at");
    server.stop().await;
});

db_test!(a_copy_and_its_original_go_each_on_their_own, server => {
    let other = Other::of(&server).await;
    let (kept_by_us, kept_by_them) = (rich_session(&server).await, rich_session(&server).await);
    let import = async |session: &str| {
        let body = other.body(&other.token(&server, session).await);
        text(&other.client.post(IMPORT, body).await.ok(201)["session_id"])
    };
    let (erased_by_them, theirs) = (import(&kept_by_us).await, import(&kept_by_them).await);
    other.client.post("/x/subjects/erase/", json!({ "session_id": erased_by_them })).await.ok(201);
    for link in links(&server.decision(&kept_by_us).await) {
        assert_eq!(fetch(&link).await, (200, png()));
    }
    server.client.post("/x/subjects/erase/", json!({ "vendor_data": "ana" })).await.ok(201);
    server.client.get(&format!("/v3/session/{kept_by_them}/decision/")).await.ok(404);
    let copy = other.decision(&theirs).await;
    assert_eq!((&copy["status"], &copy["id_verifications"][0]["full_name"]), (&json!("Approved"), &json!("Ana Pérez")));
    for link in links(&copy) {
        assert_eq!(fetch(&link).await, (200, png()));
    }
    // The copy can be shared on.
    let third = Other::of(&server).await;
    let token = other.client.post(&format!("/v3/session/{theirs}/share/"), json!({ "for_application_id": third.id })).await.ok(200);
    let again = third.client.post(IMPORT, third.body(&text(&token["share_token"]))).await.ok(201);
    assert_eq!(shown(&again["id_verifications"]), shown(&copy["id_verifications"]));
    server.stop().await;
});

db_test!(companies_are_shared_with_workflows_for_companies, server => {
    let other = Other::of(&server).await;
    let workflow = server.workflow_of(json!(["KYB_REGISTRY"])).await;
    let body = json!({ "workflow_id": workflow, "expected_details": { "company_name": "Acme" }, "vendor_data": "acme" });
    let session = text(&server.client.post("/v3/session/", body).await.ok(201)["session_id"]);
    server.evidence(&session, json!({ "email_verifications": [{ "email": "ana@acme.example" }] })).await;
    let path = format!("/v3/session/{session}/share/");
    let shared = server.client.post(&path, json!({ "for_application_id": other.id })).await.ok(200);
    assert_eq!(shared["session_kind"], "business");
    let mut body = other.body(&text(&shared["share_token"]));
    other.client.post(IMPORT, body.clone()).await.is(400, json!({ "workflow_id": ["This workflow is for sessions of another kind."] }));
    let made = other.client.post("/v3/workflows/", json!({ "workflow_type": "kyb" })).await.ok(201);
    body["workflow_id"] = made["workflow_id"].clone();
    body["vendor_data"] = json!("their acme");
    let copy = other.client.post(IMPORT, body).await.ok(201);
    assert_eq!((&copy["session_kind"], &copy["expected_details"]["company_name"]), (&json!("business"), &json!("Acme")));
    assert_eq!(other.client.get("/v3/businesses/their%20acme/").await.ok(200)["session_count"], 1);
    server.stop().await;
});
