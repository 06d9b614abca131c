//! `GET /v3/sessions/`.

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, inside::upload, shown, text},
};

/// The numbers of the rows a query finds.
async fn found(server: &Server, query: &str) -> Vec<i64> {
    let page = server.client.get(&format!("/v3/sessions/?{query}")).await.ok(200);
    let rows = page["results"].as_array().unwrap();
    assert_eq!(page["count"], rows.len(), "{query}");
    rows.iter().map(|row| row["session_number"].as_i64().unwrap()).collect()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Three sessions: 1 a Spanish passport, 2 a phone and an address of the network, 3 empty.
async fn three(server: &Server) {
    let one = server.session_with(json!({ "vendor_data": "Cust-9" })).await;
    server.evidence(&one, json!({
        "id_verifications": [{
            "document_type": "P", "document_number": "77123", "personal_number": "5501", "first_name": "Ána", "last_name": "ŁÓPEZ%_",
            "issuing_state": "ESP", "document_subtype": "Biometric", "parsed_address": { "region": "Castilla-La Mancha" },
            "warnings": [{ "risk": "DATA_INCONSISTENT" }],
        }],
        "aml_screenings": [{ "screened_data": { "full_name": "Jürgen Groß" } }, { "screened_data": { "full_name": "Other Name" } }],
    })).await;
    let two = server.session_with(json!({ "vendor_data": "4155" })).await;
    server
        .evidence(
            &two,
            json!({
                "phone_verifications": [{ "full_number": "+14155552671" }],
                "email_verifications": [{ "email": "Bo@Example.com" }],
            }),
        )
        .await;
    server.session().await;
}

db_test!(rows_have_every_key, server => {
    let media = format!("media:{}", upload(&server.client).await);
    let session = server.session_with(json!({ "vendor_data": "cust-9" })).await;
    server.evidence(&session, json!({
        "id_verifications": [{ "document_type": "DL", "first_name": "Ana", "last_name": "Ruiz", "issuing_state": "ESP", "portrait_image": media }],
        "liveness_checks": [{ "method": "PASSIVE", "score": 92 }],
        "face_matches": [{ "score": 88, "source_image": media, "target_image": media }],
        "phone_verifications": [{ "full_number": "+34612345678", "status": "In Review" }],
        "email_verifications": [{ "email": "ana@example.com" }],
        "poa_verifications": [{ "document_type": "UTILITY_BILL", "issuer": "Light", "poa_address": "Road 1", "name_on_document": "Ana" }],
        "aml_screenings": [{ "total_hits": 0, "entity_type": "person", "screened_data": { "full_name": "Ana Ruiz" } }],
        "database_validations": [{ "validation_type": "one_by_one", "match_type": "no_match", "screened_data": { "personal_number": "5" } }],
    })).await;
    server.session().await;
    let page = server.client.get("/v3/sessions/").await.ok(200);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&page), @r#"
        {
          "count": 2,
          "next": null,
          "previous": null,
          "results": [
            {
              "session_id": "[uuid]",
              "session_kind": "user",
              "session_number": 2,
              "session_url": "[server]/session/[token]",
              "portrait_image": null,
              "document_type": null,
              "full_name": null,
              "country": null,
              "status": "Not Started",
              "vendor_data": null,
              "didit_internal_id": null,
              "created_at": "[time]",
              "features": [],
              "phone_number": null,
              "email_address": null,
              "additional_details": null
            },
            {
              "session_id": "[uuid]",
              "session_kind": "user",
              "session_number": 1,
              "session_url": null,
              "portrait_image": "[server]/media/[uuid]",
              "document_type": "Driver's License",
              "full_name": "Ana Ruiz",
              "country": "ESP",
              "status": "In Review",
              "vendor_data": "cust-9",
              "didit_internal_id": "[uuid]",
              "created_at": "[time]",
              "features": [
                {
                  "feature": "ID_VERIFICATION",
                  "status": "Approved"
                },
                {
                  "feature": "LIVENESS",
                  "status": "Approved"
                },
                {
                  "feature": "FACE_MATCH",
                  "status": "Approved"
                },
                {
                  "feature": "PHONE",
                  "status": "In Review"
                },
                {
                  "feature": "EMAIL_VERIFICATION",
                  "status": "Approved"
                },
                {
                  "feature": "POA",
                  "status": "Approved"
                },
                {
                  "feature": "AML",
                  "status": "Approved"
                },
                {
                  "feature": "DATABASE_VALIDATION",
                  "status": "Approved"
                }
              ],
              "phone_number": {
                "number": "+34612345678",
                "is_verified": false
              },
              "email_address": {
                "email": "ana@example.com",
                "is_verified": true
              },
              "additional_details": {
                "liveness": {
                  "method": "PASSIVE",
                  "score": 92
                },
                "face_match": {
                  "score": 88,
                  "source_image": "[server]/media/[uuid]",
                  "target_image": "[server]/media/[uuid]"
                },
                "phone_verification": {
                  "country_code": "ES",
                  "is_temporary": false,
                  "is_ported": false,
                  "is_blocked": false
                },
                "email_verification": {
                  "is_breached": false,
                  "is_disposable": false,
                  "is_undeliverable": false,
                  "is_blocklisted": false
                },
                "poa": {
                  "document_type": "UTILITY_BILL",
                  "issuer": "Light",
                  "address": "Road 1",
                  "name_on_document": "Ana"
                },
                "aml": {
                  "total_hits": 0,
                  "entity_type": "person",
                  "is_adverse_media_fetched": false,
                  "screened_data": {
                    "full_name": "Ana Ruiz",
                    "nationality": null,
                    "date_of_birth": null,
                    "document_number": null
                  }
                },
                "database_validation": {
                  "validation_type": "one_by_one",
                  "match_type": "no_match",
                  "identification_number": "5"
                }
              }
            }
          ]
        }
        "#); }
    server.stop().await;
});

db_test!(shows_companies_when_asked, server => {
    let workflow = server.workflow_of(json!(["KYB_REGISTRY", "EMAIL_VERIFICATION"])).await;
    let body = json!({
        "workflow_id": workflow, "vendor_data": "acme",
        "expected_details": { "company_name": "Acmé SL", "registry_country": "es", "registration_number": "B1" },
    });
    server.client.post("/v3/session/", body).await.ok(201);
    server.session().await;
    let page = server.client.get("/v3/sessions/?session_kind=Business").await.ok(200);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&page), @r#"
        {
          "count": 1,
          "next": null,
          "previous": null,
          "results": [
            {
              "session_id": "[uuid]",
              "session_kind": "business",
              "session_number": 1,
              "status": "Not Started",
              "vendor_data": "acme",
              "created_at": "[time]",
              "workflow_id": "[uuid]",
              "workflow_type": "kyb",
              "workflow_label": "Made",
              "company_name": "Acmé SL",
              "registration_number": "B1",
              "country": "ESP"
            }
          ]
        }
        "#); }
    for query in ["country=ES", "country=esp", "search=acme", "search=ACM%C3%89", "vendor_data=acme"] {
        assert_eq!(found(&server, &format!("session_kind=business&{query}")).await, [1], "{query}");
    }
    assert_eq!(found(&server, "session_kind=business&country=FR").await, [0; 0]);
    server.stop().await;
});

db_test!(filters, server => {
    three(&server).await;
    let workflow = server.workflow().await;
    let today = &server.app.clock.now().to_string()[..10].to_owned();
    for (query, numbers) in [
        ("", &[3, 2, 1][..]),
        ("status=In+Review", &[1]),
        ("status=In+Review,Approved", &[2, 1]),
        ("status=approved", &[]),
        ("status=,", &[]),
        ("status=", &[3, 2, 1]),
        ("vendor_data=Cust-9", &[1]),
        ("vendor_data=cust-9", &[]),
        (&format!("workflow_id={workflow}"), &[3, 2, 1]),
        (&format!("workflow_id=x,{}", workflow.to_uppercase()), &[3, 2, 1]),
        ("workflow_id=x", &[]),
        ("workflow_id=0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10", &[]),
        (&format!("date_from={today}&date_to={today}"), &[3, 2, 1]),
        ("date_from=2999-01-01", &[]),
        ("date_to=2000-01-01", &[]),
        ("country=ES", &[1]),
        ("country=fr,esp", &[1]),
        ("country=FRA", &[]),
        ("document_type=P", &[1]),
        ("document_type=DL,P", &[1]),
        ("document_type=Passport", &[]),
        ("document_name=spain+PASS", &[1]),
        ("document_name=biometric", &[1]),
        ("region=castilla-la+mancha", &[1]),
        ("region=castilla", &[]),
        ("didit_internal_id=0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10", &[]),
        ("session_type=HOSTED", &[3, 2, 1]),
        ("session_type=ALL", &[3, 2, 1]),
        ("session_type=API", &[]),
        ("session_type=hosted", &[]),
        ("api_service=AML", &[]),
        ("screened_full_name=j%C3%BCrgen", &[1]),
        ("screened_full_name=JURGEN", &[1]),
        ("screened_full_name=other", &[1]),
        ("screened_full_name=%25", &[]),
        ("warning=DATA_INCONSISTENT", &[1]),
        ("warning=X,DATA_INCONSISTENT", &[1]),
        ("warning=X", &[]),
        ("status_initialized_as_in_review=true", &[1]),
        ("status_initialized_as_in_review=NO", &[3, 2]),
        ("status_initialized_as_in_review=maybe", &[3, 2, 1]),
        ("is_kyc_to_be_reviewed=1", &[1]),
        ("is_kyc_to_be_reviewed=false", &[3, 2]),
        ("organization_name=x&unknown=y", &[3, 2, 1]),
        ("status=Approved&vendor_data=Cust-9", &[]),
        ("session_kind=USER", &[3, 2, 1]),
        ("vendor_data=%00", &[]),
        ("status=%00&warning=%00&search=%00&region=%00", &[]),
    ] {
        assert_eq!(found(&server, query).await, numbers, "{query}");
    }
    server.stop().await;
});

db_test!(searches, server => {
    three(&server).await;
    let page = server.client.get("/v3/sessions/?status=In+Review").await.ok(200);
    let id = text(&page["results"][0]["session_id"]);
    for (search, numbers) in [
        (id.to_uppercase().as_str(), &[1][..]),
        ("0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10", &[]),
        ("1", &[2, 1]),
        ("3", &[3]),
        ("7712", &[1]),
        ("550", &[1]),
        ("123", &[]),
        ("1415", &[2]),
        ("4155", &[2]),
        ("415", &[]),
        ("bo@EX", &[2]),
        ("example.com@", &[]),
        ("ana lop", &[]),
        ("ANA ", &[1]),
        ("łopez", &[1]),
        ("pez%_", &[1]),
        ("%", &[1]),
        ("_", &[1]),
        ("\\", &[]),
        ("st-9", &[1]),
        ("CÚST", &[1]),
        (" 7712 ", &[1]),
    ] {
        assert_eq!(found(&server, &format!("search={}", encoded(search))).await, numbers, "{search}");
    }
    let sigma = json!({ "id_verifications": [{ "full_name": "ΜΑΡΙΑΣΟΥ" }] });
    server.session_with_evidence(sigma).await;
    assert_eq!(found(&server, &format!("search={}", encoded("ΜΑΡΙΑΣ"))).await, [4]);
    server.stop().await;
});

db_test!(refuses_bad_values, server => {
    for (query, answer) in [
        ("session_kind=x", json!({ "session_kind": "Must be \"user\", \"business\", or \"all\"." })),
        ("date_from=2026-02-30", json!({ "date_from": ["Enter a valid date."] })),
        ("date_to=x", json!({ "date_to": ["Enter a valid date."] })),
        ("didit_internal_id=x", json!({ "didit_internal_id": ["Enter a valid UUID."] })),
        ("euuid=x", json!({ "euuid": ["Enter a valid UUID."] })),
        ("api_service=FOO", json!({ "api_service": ["Select a valid choice. FOO is not one of the available choices."] })),
    ] {
        server.client.get(&format!("/v3/sessions/?{query}")).await.is(400, answer);
    }
    server.stop().await;
});

db_test!(of_all_kinds_has_a_page_of_each, server => {
    let workflow = server.workflow_of(json!(["KYB_REGISTRY"])).await;
    for _ in 0..3 {
        server.session().await;
    }
    server.session_of(&workflow).await;
    let page = server.client.get("/v3/sessions/?session_kind=all&limit=2").await.ok(200);
    let rows: Vec<(String, i64)> = page["results"].as_array().unwrap().iter()
        .map(|row| (text(&row["session_kind"]), row["session_number"].as_i64().unwrap())).collect();
    assert_eq!(rows, [("user".to_owned(), 3), ("user".to_owned(), 2), ("business".to_owned(), 1)]);
    assert_eq!((&page["count"], &page["previous"]), (&json!(4), &Value::Null));
    let next = text(&page["next"]);
    assert!(next.ends_with("/v3/sessions/?session_kind=all&limit=2&offset=2"), "{next}");
    let page = server.client.get("/v3/sessions/?session_kind=all&limit=2&offset=2").await.ok(200);
    assert_eq!((page["results"].as_array().unwrap().len(), &page["next"]), (1, &Value::Null));
    server.stop().await;
});

db_test!(follows_the_latest_document, server => {
    let session = server.session().await;
    let document = |number: &str, country: Value| json!({
        "complete": false,
        "id_verifications": [{ "document_type": "P", "document_number": number, "issuing_state": country, "first_name": "Ana" }],
    });
    server.evidence(&session, document("111", json!("ESP"))).await;
    assert_eq!(found(&server, "country=ES&search=111").await, [1]);
    server.evidence(&session, document("222", json!(null))).await;
    assert_eq!(found(&server, "country=ES").await, [0; 0], "the latest document names no country");
    assert_eq!(found(&server, "search=222").await, [1]);
    server.stop().await;
});

db_test!(documents_shown_as_other_are_found_by_their_code, server => {
    for code in ["VISA", "BC", "OTHER", "P"] {
        server.session_with_evidence(json!({ "id_verifications": [{ "document_type": code }] })).await;
    }
    for (codes, count) in [("VISA", 1), ("BC,PSC", 1), ("OTHER", 1), ("P,VISA", 2), ("WP", 0)] {
        assert_eq!(server.client.get(&format!("/v3/sessions/?document_type={codes}")).await.ok(200)["count"], count, "{codes}");
    }
    server.stop().await;
});
