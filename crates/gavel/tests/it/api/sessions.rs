//! `POST /v3/session/`, `DELETE /v3/session/{session_id}/delete/`, `POST /v3/sessions/delete/`.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{
        Receiver, Server,
        inside::{bodies, png, upload},
        shown, text,
    },
};

const BLOCKED: &str = "This user or business has been blocked and cannot create new verification sessions.";

async fn create(server: &Server, more: Value) -> Value {
    let mut body = json!({ "workflow_id": server.workflow().await });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.client.post("/v3/session/", body).await.ok(201)
}

mod start {
    use super::*;

    db_test!(answers_ten_keys, server => {
        let body = json!({ "vendor_data": "  cust-9 ", "metadata": { "plan": "pro" }, "callback": "myapp://done?x=1", "language": "pt-BR" });
        let session = create(&server, body).await;
        insta::allow_duplicates! { insta::assert_snapshot!(shown(&session), @r#"
        {
          "session_id": "[uuid]",
          "session_number": 1,
          "session_token": "[token]",
          "url": "[server]/pt-BR/session/[token]",
          "vendor_data": "cust-9",
          "metadata": {
            "plan": "pro"
          },
          "status": "Not Started",
          "callback": "myapp://done?x=1",
          "workflow_id": "[uuid]",
          "workflow_version": 1
        }
        "#); }
        let token = text(&session["session_token"]);
        assert!(token.len() == 12 && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{token}");
        assert_eq!(text(&session["url"]), format!("{}/pt-BR/session/{token}", server.app.config.public_url));
        let plain = create(&server, json!({ "vendor_data": "" })).await;
        assert_eq!((&plain["vendor_data"], &plain["metadata"], &plain["callback"]), (&json!(null), &json!(null), &json!(null)));
        assert_eq!(text(&plain["url"]), format!("{}/session/{}", server.app.config.public_url, text(&plain["session_token"])));
        server.stop().await;
    });

    db_test!(refuses_and_writes_nothing, server => {
        let workflow = server.workflow().await;
        let foreign = server.foreign_client().await;
        let theirs = text(&foreign.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"]);
        let draft = server.workflow_of(json!(["OCR"])).await;
        server.sql("UPDATE workflows SET status = 'draft' WHERE label = $1", vec!["Made".into()]).await;
        let before = server.counts().await;
        for (body, answer) in [
            (json!({}), json!({ "workflow_id": ["This field is required."] })),
            (json!({ "workflow_id": null }), json!({ "workflow_id": ["This field may not be null."] })),
            (json!({ "workflow_id": "x" }), json!({ "workflow_id": ["Must be a valid UUID."] })),
            (json!({ "workflow_id": "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10" }), json!({ "workflow_id": "Invalid workflow_id." })),
            (json!({ "workflow_id": theirs }), json!({ "workflow_id": "Invalid workflow_id." })),
            (json!({ "workflow_id": draft }), json!({ "workflow_id": "Invalid workflow_id." })),
            (json!([]), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] })),
        ] {
            server.client.post("/v3/session/", body).await.is(400, answer);
        }
        let nested = |name: &'static str, member: &str, text: &str| json!({ name: { member: [text] } });
        for (more, answer) in [
            (json!({ "vendor_data": "x".repeat(256) }), json!({ "vendor_data": ["Ensure this field has no more than 255 characters."] })),
            (json!({ "vendor_data": [] }), json!({ "vendor_data": ["Not a valid string."] })),
            (json!({ "vendor_data": "a\0" }), json!({ "vendor_data": ["Null characters are not allowed."] })),
            (json!({ "callback": "/done" }), json!({ "callback": ["Enter a valid URL."] })),
            (json!({ "callback": " https://example.com" }), json!({ "callback": ["Enter a valid URL."] })),
            (json!({ "callback_method": "all" }), json!({ "callback_method": ["\"all\" is not a valid choice."] })),
            (json!({ "language": "EN" }), json!({ "language": ["\"EN\" is not a valid choice."] })),
            (json!({ "metadata": "x".repeat(16_383) }), json!({ "metadata": ["Ensure this field has no more than 16384 bytes."] })),
            (json!({ "contact_details": 5 }), json!({ "contact_details": ["Invalid data. Expected a dictionary, but got int."] })),
            (json!({ "contact_details": { "email": "x" } }), nested("contact_details", "email", "Enter a valid email address.")),
            (json!({ "contact_details": { "email_lang": "xx" } }), nested("contact_details", "email_lang", "\"xx\" is not a valid choice.")),
            (
                json!({ "contact_details": { "send_notification_emails": "maybe" } }),
                nested("contact_details", "send_notification_emails", "Must be a valid boolean."),
            ),
            (
                json!({ "expected_details": { "address": "Road 1" } }),
                nested("expected_details", "non_field_errors", "Provide country or poa_country together with address."),
            ),
            (
                json!({ "expected_details": { "nationality": "esp" } }),
                nested("expected_details", "nationality", "Invalid ISO 3166-1 alpha-3 country code for nationality."),
            ),
            (
                json!({ "expected_details": { "date_of_birth": "2026-02-30" } }),
                nested("expected_details", "date_of_birth", "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."),
            ),
            (json!({ "expected_details": { "gender": "X" } }), nested("expected_details", "gender", "\"X\" is not a valid choice.")),
            (
                json!({ "expected_details": { "expected_document_types": ["P", "XX"] } }),
                json!({ "expected_details": { "expected_document_types": { "1": ["\"XX\" is not a valid choice."] } } }),
            ),
            (
                json!({ "expected_details": { "registration_number": "1".repeat(101) } }),
                nested("expected_details", "registration_number", "Ensure this field has no more than 100 characters."),
            ),
            (
                json!({ "sandbox_scenario": "approve" }),
                json!({ "sandbox_scenario": ["Sandbox scenarios are only available in sandbox applications."] }),
            ),
            (
                json!({ "language": "xx", "callback": "x" }),
                json!({ "callback": ["Enter a valid URL."], "language": ["\"xx\" is not a valid choice."] }),
            ),
        ] {
            let mut body = json!({ "workflow_id": workflow });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            server.client.post("/v3/session/", body).await.is(400, answer);
        }
        assert_eq!(server.counts().await, before);
        server.stop().await;
    });

    db_test!(echoes_metadata_of_any_form, server => {
        let receiver = Receiver::start().await;
        server.destination(&receiver).await;
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([deep]);
        }
        let longest = "x".repeat(16_382);
        for sent in [
            json!({ "n": 1.0, "big": 123456789012345678901234567890u128 as f64, "é😀": "\u{0}\u{2028}", "": null }),
            serde_json::from_str(r#"{"id":123456789012345678901234567890,"small":1.5e-7,"twice":1}"#).unwrap(),
            json!("text"), json!(5), json!(false), json!([]), json!({}), json!(longest), deep,
        ] {
            let session = create(&server, json!({ "metadata": sent })).await;
            assert!(same(&session["metadata"], &sent), "{session}");
            let id = text(&session["session_id"]);
            let decision = server.evidence(&id, json!({ "email_verifications": [{ "email": "a@b.example" }] })).await;
            assert!(same(&decision["metadata"], &sent), "{decision}");
        }
        let received = receiver.wait_for(18).await;
        assert!(received.iter().any(|received| String::from_utf8_lossy(&received.body).contains("123456789012345678901234567890")));
        server.stop().await;
    });

    /// Equal values, however numbers are spelled.
    fn same(one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
            (Value::Array(one), Value::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(a, b))
            }
            (Value::Object(one), Value::Object(other)) => {
                one.len() == other.len()
                    && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
            }
            (one, other) => one == other,
        }
    }

    db_test!(delivers_metadata_as_deep_as_a_body_may_be, server => {
        let receiver = Receiver::start().await;
        server.destination(&receiver).await;
        let mut deep = json!(1);
        for _ in 0..127 {
            deep = json!([deep]);
        }
        let body = json!({ "workflow_id": server.workflow().await, "metadata": deep });
        server.client.post("/v3/session/", body).await.ok(201); // Deeper than the client of this test reads.
        let session = text(&server.client.get("/v3/sessions/").await.ok(200)["results"][0]["session_id"]);
        server.evidence(&session, json!({ "email_verifications": [{ "email": "a@b.example" }] })).await;
        let body = String::from_utf8(receiver.wait_for(2).await[1].body.clone()).unwrap();
        assert_eq!(body.matches(&format!("{}1{}", "[".repeat(127), "]".repeat(127))).count(), 2);
        server.stop().await;
    });

    db_test!(keeps_details_as_sent, server => {
        let expected = json!({
            "first_name": "Ana", "last_name": "", "address": "Road 1", "poa_country": "ESP", "identification_number": "1",
            "date_of_birth": "1990-02-28", "gender": null, "nationality": "XKX", "ip_address": "2001:DB8::1",
            "expected_document_types": ["p", "Id", "SSC"], "company_name": "Acme", "registry_country": "es", "registration_number": "B1",
            "unknown": 1,
        });
        let contact = json!({ "email": "Ana@Example.com ", "phone": "+34 612 345 678", "send_notification_emails": "TRUE" });
        let session = create(&server, json!({ "expected_details": expected, "contact_details": contact })).await;
        let decision = server.decision(&text(&session["session_id"])).await;
        let mut kept = expected.clone();
        kept.as_object_mut().unwrap().remove("unknown");
        kept["expected_document_types"] = json!(["P", "ID", "SSC"]);
        assert_eq!(decision["expected_details"], kept);
        assert_eq!(decision["contact_details"]["phone"], "+34612345678");
        assert_eq!(decision["contact_details"]["send_notification_emails"], true);
        assert_eq!(decision["contact_details"]["email_lang"], "en");
        for phone in ["nonsense".to_owned(), "9".repeat(300)] {
            let session = create(&server, json!({ "contact_details": { "phone": phone } })).await;
            let contact = server.decision(&text(&session["session_id"])).await["contact_details"].clone();
            assert_eq!(contact, json!({ "email": null, "email_lang": "en", "send_notification_emails": false, "phone": null }));
        }
        server.stop().await;
    });

    db_test!(queues_one_event, server => {
        let receiver = Receiver::start().await;
        server.destination(&receiver).await;
        let session = create(&server, json!({ "vendor_data": "a", "metadata": 1 })).await;
        let sent = receiver.wait_for(1).await[0].json();
        assert_eq!((&sent["status"], &sent["webhook_type"]), (&json!("Not Started"), &json!("status.updated")));
        assert_eq!((&sent["session_id"], &sent["vendor_data"], &sent["metadata"]), (&session["session_id"], &json!("a"), &json!(1)));
        assert!(sent.get("decision").is_none());
        create(&server, json!({ "vendor_data": "a" })).await;
        create(&server, json!({ "vendor_data": "b" })).await;
        let statuses: Vec<Value> = receiver.wait_for(2).await.iter().map(|r| r.json()["vendor_data"].clone()).collect();
        assert_eq!(statuses, ["a", "b"], "reuse sends nothing");
        server.stop().await;
    });

    db_test!(numbers_sessions_without_gaps_or_repeats, server => {
        let workflow = server.workflow().await;
        let posts = (0..20).map(|_| {
            let (client, workflow) = (server.client.clone(), workflow.clone());
            tokio::spawn(async move { client.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201)["session_number"].as_i64() })
        });
        let mut numbers = Vec::new();
        for post in posts.collect::<Vec<_>>() {
            numbers.push(post.await.unwrap().unwrap());
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=20).collect::<Vec<i64>>());
        server.client.post("/v3/sessions/delete/", json!({ "session_numbers": [20] })).await.ok(204);
        assert_eq!(create(&server, json!({})).await["session_number"], 21, "a deleted number is not given again");
        let business = server.business_session().await;
        assert_eq!(server.decision(&business).await["session_number"], 1, "companies are counted by themselves");
        server.stop().await;
    });
}

mod reuse {
    use super::*;

    db_test!(hands_out_the_unfinished_session_of_a_person, server => {
        let first = create(&server, json!({ "vendor_data": "cust", "metadata": { "a": 1 }, "callback": "https://a.example" })).await;
        let before = server.counts().await;
        let again = create(&server, json!({ "vendor_data": "cust ", "language": "de", "expected_details": { "first_name": "B" } })).await;
        assert_eq!(again, first, "nothing was sent that a reused session takes over");
        let changed = create(&server, json!({ "vendor_data": "cust", "metadata": [2], "callback": "https://b.example" })).await;
        assert_eq!((&changed["session_id"], &changed["metadata"]), (&first["session_id"], &json!([2])));
        assert_eq!(changed["callback"], "https://b.example");
        let after = server.counts().await;
        assert_eq!((after["sessions"], after["events"]), (before["sessions"], before["events"]));
        let decision = server.client.get(&format!("/v3/session/{}/decision/", text(&first["session_id"]))).await;
        assert_eq!((decision.header("etag"), &decision.body["metadata"]), ("\"2\"", &json!([2])));
        for other in [json!({ "vendor_data": "CUST" }), json!({})] {
            assert_ne!(create(&server, other).await["session_id"], first["session_id"]);
        }
        let other = server.workflow_of(json!(["OCR"])).await;
        let body = json!({ "workflow_id": other, "vendor_data": "cust" });
        assert_ne!(server.client.post("/v3/session/", body).await.ok(201)["session_id"], first["session_id"], "another workflow");
        server.stop().await;
    });

    db_test!(depends_on_the_status, server => {
        for status in gavel_core::session::SessionStatus::ALL {
            let body = json!({ "vendor_data": status.as_str() });
            let first = create(&server, body.clone()).await;
            server.set_status(&text(&first["session_id"]), status.as_str()).await;
            let again = create(&server, body).await;
            assert_eq!(again["session_id"] == first["session_id"], status.is_unfinished(), "{status}");
            if status.is_unfinished() {
                assert_eq!(again["status"], status.as_str());
            }
        }
        server.stop().await;
    });

    db_test!(takes_the_newest_and_never_a_deleted_one, server => {
        let first = create(&server, json!({ "vendor_data": "cust" })).await;
        server.set_status(&text(&first["session_id"]), "Approved").await;
        let second = create(&server, json!({ "vendor_data": "cust" })).await;
        server.set_status(&text(&first["session_id"]), "In Progress").await;
        assert_eq!(create(&server, json!({ "vendor_data": "cust" })).await["session_id"], second["session_id"]);
        server.client.delete(&format!("/v3/session/{}/delete/", text(&second["session_id"]))).await.ok(204);
        assert_eq!(create(&server, json!({ "vendor_data": "cust" })).await["session_id"], first["session_id"]);
        server.stop().await;
    });
}

mod blocked {
    use super::*;

    db_test!(people_get_no_session, server => {
        let list = server.system_list("user").await;
        create(&server, json!({ "vendor_data": "cust-9" })).await;
        let entry = server.add(&list, "Cust-9").await;
        let body = json!({ "workflow_id": server.workflow().await, "vendor_data": " CUST-9 " });
        let before = server.counts().await;
        server.client.post("/v3/session/", body.clone()).await.is(400, json!({ "vendor_data": BLOCKED }));
        let lower = json!({ "workflow_id": server.workflow().await, "vendor_data": "cust-9" });
        server.client.post("/v3/session/", lower).await.is(400, json!({ "vendor_data": BLOCKED }));
        assert_eq!(server.counts().await, before);
        create(&server, json!({ "vendor_data": "cust-90" })).await;
        server.client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await.ok(204);
        server.client.post("/v3/session/", body).await.ok(201);
        server.stop().await;
    });

    db_test!(companies_are_another_matter, server => {
        let users = server.system_list("user").await;
        server.add(&users, "acme").await;
        let workflow = server.workflow_of(json!(["KYB_REGISTRY"])).await;
        let body = json!({ "workflow_id": workflow, "vendor_data": "ACME" });
        server.client.post("/v3/session/", body.clone()).await.ok(201);
        let companies = server.system_list("business").await;
        server.add(&companies, "acme").await;
        server.client.post("/v3/session/", body).await.is(400, json!({ "vendor_data": BLOCKED }));
        server.stop().await;
    });
}

mod portrait {
    use super::*;

    fn encoded(content: &[u8]) -> String {
        STANDARD.encode(content)
    }

    db_test!(is_checked, server => {
        let workflow = server.workflow().await;
        let mut largest = png();
        largest.resize(2 << 20, 0);
        let mut too_large = png();
        too_large.resize((2 << 20) + 1, 0);
        for good in [encoded(&png()), format!("data:image/png;base64,{}", encoded(&png())), encoded(&largest)] {
            server.client.post("/v3/session/", json!({ "workflow_id": workflow, "portrait_image": good })).await.ok(201);
        }
        let before = (server.counts().await, files(&server));
        for (bad, answer) in [
            (encoded(&too_large), "Image size exceeds 2MB."),
            ("%%%".to_owned(), "Invalid base64 image."),
            (encoded(b"%PDF-1.7"), "Unsupported image format."),
            (encoded(b"GIF89a"), "Unsupported image format."),
        ] {
            let body = json!({ "workflow_id": workflow, "portrait_image": bad });
            server.client.post("/v3/session/", body).await.is(400, json!({ "portrait_image": [answer] }));
        }
        let body = json!({ "workflow_id": "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10", "portrait_image": encoded(&png()) });
        server.client.post("/v3/session/", body).await.is(400, json!({ "workflow_id": "Invalid workflow_id." }));
        assert_eq!((server.counts().await, files(&server)), before, "a refused picture is not kept");
        server.stop().await;
    });

    /// Stored files.
    pub fn files(server: &Server) -> usize {
        let Ok(folders) = std::fs::read_dir(server.app.config.data.join("media")) else { return 0 };
        folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
    }

    db_test!(of_a_reused_session_is_ignored, server => {
        create(&server, json!({ "vendor_data": "cust" })).await;
        create(&server, json!({ "vendor_data": "cust", "portrait_image": encoded(&png()) })).await;
        assert_eq!((server.counts().await["media"], files(&server)), (0, 0));
        server.stop().await;
    });

    db_test!(goes_with_its_session, server => {
        let session = create(&server, json!({ "portrait_image": encoded(&png()) })).await;
        assert_eq!(files(&server), 1);
        server.client.delete(&format!("/v3/session/{}/delete/", text(&session["session_id"]))).await.ok(204);
        assert_eq!(files(&server), 0);
        create(&server, json!({ "portrait_image": encoded(&png()) })).await;
        server.client.post("/v3/sessions/delete/", json!({ "delete_all": true })).await.ok(204);
        assert_eq!(files(&server), 0);
        server.stop().await;
    });

    db_test!(is_needed_where_a_face_is_compared_before_a_document, server => {
        let workflow = server.workflow_of(json!(["FACE_MATCH", "OCR"])).await;
        let post = async |more: Value| {
            let mut body = json!({ "workflow_id": workflow });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            server.client.post("/v3/session/", body).await
        };
        post(json!({})).await.is(400, json!({ "portrait_image": "A portrait image is required to perform face match for this workflow. \
            Send a portrait_image, or provide the vendor_data of a user with a previously stored face image to reuse it." }));
        let unknown = json!({ "portrait_image": "No stored face image was found for this user. Send a portrait_image, or complete an approved \
            verification with face liveness or an ID document for this vendor_data first." });
        post(json!({ "vendor_data": "cust" })).await.is(400, unknown.clone());
        post(json!({ "portrait_image": encoded(&png()) })).await.ok(201);
        let earlier = create(&server, json!({ "vendor_data": "cust" })).await;
        let picture = upload(&server.client).await;
        let evidence = json!({ "liveness_checks": [{ "score": 99, "reference_image": format!("media:{picture}") }] });
        let earlier = text(&earlier["session_id"]);
        server.evidence(&earlier, evidence).await;
        post(json!({ "vendor_data": "other" })).await.is(400, unknown.clone());
        post(json!({ "vendor_data": "cust" })).await.ok(201);
        assert_eq!(files(&server), 3, "a copy: it outlives the session it was taken from");
        server.client.delete(&format!("/v3/session/{earlier}/delete/")).await.ok(204);
        assert_eq!(files(&server), 2);
        let ordinary = server.workflow_of(json!(["OCR", "FACE_MATCH"])).await;
        server.session_of(&ordinary).await;
        server.stop().await;
    });
}

mod delete {
    use super::*;

    db_test!(hides_a_session_everywhere, server => {
        let picture = upload(&server.client).await;
        let evidence = json!({
            "email_verifications": [{ "email": "gone@example.com" }],
            "liveness_checks": [{ "reference_image": format!("media:{picture}") }],
        });
        let decision = server.session_with_evidence(evidence.clone()).await;
        let session = text(&decision["session_id"]);
        let link = text(&decision["liveness_checks"][0]["reference_image"]);
        let link = link.strip_prefix(&server.app.config.public_url).unwrap();
        server.client.without_key().get(link).await.ok(200);
        let before = server.counts().await;
        server.client.delete(&format!("/v3/session/{session}/delete/")).await.ok(204);
        let after = server.counts().await;
        assert_eq!((after["events"] - before["events"], after["audit_events"] - before["audit_events"]), (0, 1));
        assert_eq!(server.client.without_key().get(link).await.status, 404);
        let gone = json!({ "detail": "Not found." });
        server.client.delete(&format!("/v3/session/{session}/delete/")).await.is(404, gone.clone());
        server.client.get(&format!("/v3/session/{session}/decision/")).await.is(404, gone.clone());
        server.client.patch(&format!("/v3/session/{session}/update-status/"), json!({ "new_status": "Approved" })).await.is(404, gone.clone());
        server.client.post(&format!("/x/sessions/{session}/evidence/"), evidence).await.is(404, gone);
        for query in ["".to_owned(), format!("?search={session}"), "?search=gone@".to_owned(), "?search=1".to_owned()] {
            assert_eq!(server.client.get(&format!("/v3/sessions/{query}")).await.ok(200)["count"], 0, "{query}");
        }
        let business = server.business_session().await;
        server.client.delete(&format!("/v3/session/{business}/delete/")).await.ok(204);
        server.stop().await;
    });

    db_test!(still_delivers_earlier_events, server => {
        let receiver = Receiver::start().await;
        let session = server.session().await;
        server.destination(&receiver).await;
        server.client.post(&format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": "Approved" })).await.ok(201);
        server.client.delete(&format!("/v3/session/{session}/delete/")).await.ok(204);
        assert_eq!(receiver.wait_for(1).await[0].json()["status"], "Approved");
        server.stop().await;
    });

    db_test!(of_many_takes_numbers, server => {
        for _ in 0..4 {
            server.session().await;
        }
        let business = server.business_session().await;
        let before = server.counts().await;
        for (body, text) in [
            (json!({}), "This field is required unless delete_all is true."),
            (json!({ "delete_all": false }), "This field is required unless delete_all is true."),
            (json!({ "session_numbers": null }), "This field is required unless delete_all is true."),
            (json!({ "session_numbers": [] }), "This list may not be empty."),
            (json!({ "session_numbers": [1, "x"] }), "All session_numbers must be numeric."),
            (json!({ "session_numbers": ["+1"] }), "All session_numbers must be numeric."),
            (json!({ "session_numbers": [true] }), "All session_numbers must be numeric."),
            (json!({ "session_numbers": [null] }), "All session_numbers must be numeric."),
            (json!({ "session_numbers": [1.5] }), "All session_numbers must be numeric."),
            (json!({ "session_numbers": vec![1; 1_001] }), "Ensure this field has no more than 1000 elements."),
            (json!({ "session_numbers": "1" }), "Expected a list of items but got type \"str\"."),
        ] {
            server.client.post("/v3/sessions/delete/", body).await.is(400, json!({ "session_numbers": [text] }));
        }
        let bad = server.client.post("/v3/sessions/delete/", json!({ "delete_all": "maybe", "session_numbers": [1] })).await;
        bad.is(400, json!({ "delete_all": ["Must be a valid boolean."] }));
        assert_eq!(server.counts().await, before);
        let huge: Value = serde_json::from_str(r#"{"session_numbers":[1,"2","2",99,"99999999999999999999",9223372036854775808,-1e30]}"#).unwrap();
        server.client.post("/v3/sessions/delete/", huge).await.ok(204);
        let left = server.client.get("/v3/sessions/").await.ok(200);
        let numbers: Vec<&Value> = left["results"].as_array().unwrap().iter().map(|row| &row["session_number"]).collect();
        assert_eq!(numbers, [&json!(4), &json!(3)]);
        server.client.post("/v3/sessions/delete/", json!({ "session_numbers": [1, 2] })).await.ok(204);
        server.client.post("/v3/sessions/delete/", json!({ "delete_all": true, "session_numbers": "nonsense" })).await.ok(204);
        assert_eq!(server.client.get("/v3/sessions/").await.ok(200)["count"], 0);
        server.decision(&business).await;
        server.stop().await;
    });

    db_test!(of_many_spares_other_applications, server => {
        let foreign = server.foreign_client().await;
        let workflow = text(&foreign.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"]);
        foreign.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201);
        server.client.post("/v3/sessions/delete/", json!({ "session_numbers": [1] })).await.ok(204);
        server.client.post("/v3/sessions/delete/", json!({ "delete_all": true })).await.ok(204);
        assert_eq!(foreign.get("/v3/sessions/").await.ok(200)["count"], 1);
        server.stop().await;
    });
}

db_test!(of_any_body_never_fail, server => {
    let workflow = server.workflow().await;
    let members = &[
        "vendor_data", "callback", "metadata", "language", "contact_details", "expected_details", "portrait_image", "sandbox_scenario",
        "email", "phone", "first_name", "gender", "nationality", "ip_address", "expected_document_types", "address", "registry_country",
    ];
    for mut body in bodies(members, 100) {
        if let Some(body) = body.as_object_mut() {
            body.insert("workflow_id".into(), json!(workflow));
        }
        let answer = server.client.post("/v3/session/", body.clone()).await;
        assert!(!answer.status.is_server_error(), "{body}: {}", answer.body);
    }
    for body in bodies(&["session_numbers"], 20) {
        let answer = server.client.post("/v3/sessions/delete/", body.clone()).await;
        assert!(!answer.status.is_server_error(), "{body}: {}", answer.body);
    }
    server.stop().await;
});
