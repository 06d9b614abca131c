//! `GET /v3/session/{session_id}/decision/`.

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{inside::upload, shown, text},
};

/// Evidence of every kind, in few words.
fn every_kind(media: &str) -> Value {
    let media = format!("media:{media}");
    json!({
        "id_verifications": [{
            "document_type": "Passport", "document_number": "X123456", "first_name": "Ana", "last_name": "Núñez", "issuing_state": "ESP",
            "date_of_birth": "1990-02-28", "front_image": media, "portrait_image": media, "extra_fields": { "blood_group": "0+", "own": 1.50 },
            "parsed_address": { "city": "Madrid", "region": "Madrid" }, "extra_files": [media],
        }],
        "nfc_verifications": [{ "is_nfc_skipped": true, "skip_reason": "USER_SKIPPED" }],
        "liveness_checks": [{ "method": "PASSIVE", "score": 92.0, "reference_image": media }],
        "face_matches": [{ "score": 88, "source_image": media, "target_image": media }],
        "phone_verifications": [{ "full_number": "+34 612 345 678", "carrier": { "name": "C", "type": "mobile" } }],
        "email_verifications": [{ "email": "Ana@Example.com", "breaches": [{ "name": "B", "data_classes": ["Emails"] }] }],
        "poa_verifications": [{ "document_type": "UTILITY_BILL", "issuer": "Light", "issuing_state": "ESP", "document_file": media }],
        "document_ai_documents": [{ "items": [{ "document_key": "k", "file_url": media, "extracted_data": { "a": 1 } }] }],
        "questionnaire_responses": [{
            "title": "Q", "sections": [{ "title": "S", "items": [{ "uuid": "q1", "answer": { "value": "v", "files": [media] } }] }],
        }],
        "aml_screenings": [{
            "total_hits": 1, "score": 12.5, "entity_type": "person", "screened_data": { "full_name": "Ana Núñez" },
            "hits": [{ "id": "h1", "datasets": ["PEP"], "review_status": "Unreviewed", "match": true }],
        }],
        "ip_analyses": [{ "ip_address": "198.51.100.7", "device_fingerprint": "abc-123-def", "ip": { "location": { "latitude": 1.5, "longitude": 2 } } }],
        "database_validations": [{ "validation_type": "one_by_one", "match_type": "full_match", "validations": [{ "service_id": "s" }] }],
    })
}

db_test!(has_every_kind_of_evidence_in_the_contracts_form, server => {
    let media = upload(&server.client).await;
    let session = server.session_with(json!({
        "vendor_data": "cust-9", "metadata": { "plan": "pro", "n": 1.0 }, "callback": "https://example.com/done",
        "expected_details": { "first_name": "Ana" }, "contact_details": { "email": "ana@example.com" },
    })).await;
    let answered = server.evidence(&session, every_kind(&media)).await;
    let decision = server.decision(&session).await;
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&decision), @r#"
        {
          "session_id": "[uuid]",
          "session_kind": "user",
          "session_number": 1,
          "session_url": null,
          "status": "Approved",
          "environment": "live",
          "workflow_id": "[uuid]",
          "features": [
            "ID_VERIFICATION",
            "NFC",
            "LIVENESS",
            "FACE_MATCH",
            "PHONE",
            "EMAIL_VERIFICATION",
            "POA",
            "DOCUMENT_AI",
            "QUESTIONNAIRE",
            "AML",
            "IP_ANALYSIS",
            "DATABASE_VALIDATION"
          ],
          "vendor_data": "cust-9",
          "metadata": {
            "plan": "pro",
            "n": 1.0
          },
          "expected_details": {
            "first_name": "Ana"
          },
          "contact_details": {
            "email": "ana@example.com",
            "email_lang": "en",
            "send_notification_emails": false,
            "phone": null
          },
          "callback": "https://example.com/done",
          "id_verifications": [
            {
              "node_id": "feature_ocr_1",
              "verification_method": null,
              "assurance": null,
              "wallet_provider": null,
              "fallback_from": null,
              "id_lookup": null,
              "wallet_verification": null,
              "status": "Approved",
              "document_type": "Passport",
              "document_subtype": null,
              "document_number": "X123456",
              "personal_number": null,
              "portrait_image": "[server]/media/[uuid]",
              "front_image": "[server]/media/[uuid]",
              "front_video": null,
              "back_image": null,
              "back_video": null,
              "full_front_image": null,
              "full_back_image": null,
              "front_image_camera_front": null,
              "back_image_camera_front": null,
              "date_of_birth": "1990-02-28",
              "age": null,
              "expiration_date": null,
              "date_of_issue": null,
              "issuing_state": "ESP",
              "issuing_state_name": "Spain",
              "first_name": "Ana",
              "last_name": "Núñez",
              "full_name": "Ana Núñez",
              "gender": null,
              "address": null,
              "formatted_address": null,
              "place_of_birth": null,
              "marital_status": null,
              "nationality": null,
              "extra_fields": {
                "blood_group": "0+",
                "own": 1.5
              },
              "mrz": null,
              "parsed_address": {
                "city": "Madrid",
                "label": null,
                "region": "Madrid",
                "country": null,
                "category": null,
                "street_1": null,
                "street_2": null,
                "is_verified": false,
                "postal_code": null,
                "raw_results": null,
                "address_type": null,
                "document_location": null,
                "formatted_address": null
              },
              "extra_files": [
                "[server]/media/[uuid]"
              ],
              "front_image_camera_front_face_match_score": null,
              "back_image_camera_front_face_match_score": null,
              "front_image_quality_score": null,
              "back_image_quality_score": null,
              "warnings": [],
              "matches": [],
              "document_liveness": null
            }
          ],
          "nfc_verifications": [
            {
              "node_id": "feature_nfc_1",
              "status": "Approved",
              "is_nfc_skipped": true,
              "skip_reason": "USER_SKIPPED",
              "portrait_image": null,
              "signature_image": null,
              "chip_data": null,
              "authenticity": null,
              "certificate_summary": null,
              "warnings": []
            }
          ],
          "liveness_checks": [
            {
              "node_id": "feature_liveness_1",
              "status": "Approved",
              "method": "PASSIVE",
              "score": 92.0,
              "reference_image": "[server]/media/[uuid]",
              "video_url": null,
              "age_estimation": null,
              "matches": [],
              "warnings": [],
              "face_quality": null,
              "face_luminance": null
            }
          ],
          "face_matches": [
            {
              "node_id": "feature_face_match_1",
              "status": "Approved",
              "score": 88,
              "source_image_session_id": null,
              "source_image": "[server]/media/[uuid]",
              "target_image": "[server]/media/[uuid]",
              "warnings": []
            }
          ],
          "phone_verifications": [
            {
              "node_id": "feature_phone_1",
              "status": "Approved",
              "phone_number_prefix": "+34",
              "phone_number": "612345678",
              "full_number": "+34612345678",
              "country_code": "ES",
              "country_name": "Spain",
              "carrier": {
                "name": "C",
                "type": "mobile"
              },
              "is_disposable": false,
              "is_virtual": false,
              "verification_method": null,
              "verification_attempts": null,
              "verified_at": null,
              "lifecycle": [],
              "warnings": [],
              "matches": []
            }
          ],
          "email_verifications": [
            {
              "node_id": "feature_email_1",
              "status": "Approved",
              "email": "ana@example.com",
              "is_breached": false,
              "breaches": [
                {
                  "name": "B",
                  "domain": null,
                  "logo_path": null,
                  "breach_date": null,
                  "description": null,
                  "is_verified": false,
                  "data_classes": [
                    "Emails"
                  ],
                  "breach_emails_count": null
                }
              ],
              "is_disposable": false,
              "is_undeliverable": false,
              "verification_attempts": null,
              "verified_at": null,
              "warnings": [],
              "lifecycle": [],
              "matches": []
            }
          ],
          "poa_verifications": [
            {
              "node_id": "feature_poa_1",
              "status": "Approved",
              "document_file": "[server]/media/[uuid]",
              "issuing_state": "ESP",
              "document_type": "UTILITY_BILL",
              "document_subtype": null,
              "document_language": null,
              "document_metadata": null,
              "issuer": "Light",
              "issue_date": null,
              "expiration_date": null,
              "poa_address": null,
              "poa_formatted_address": null,
              "poa_parsed_address": null,
              "name_on_document": null,
              "name_match_score_expected_details": null,
              "name_match_score_id_verification": null,
              "expected_details_address": null,
              "expected_details_formatted_address": null,
              "expected_details_parsed_address": null,
              "extra_fields": null,
              "extra_files": [],
              "warnings": [],
              "detected_codes": []
            }
          ],
          "document_ai_documents": [
            {
              "status": "Approved",
              "node_id": "feature_document_ai_1",
              "items": [
                {
                  "uuid": null,
                  "node_id": null,
                  "document_key": "k",
                  "original_filename": null,
                  "file_size": null,
                  "file_url": "[server]/media/[uuid]",
                  "status": null,
                  "extracted_data": {
                    "a": 1
                  },
                  "detected_codes": [],
                  "fields": [],
                  "document_metadata": null,
                  "cross_check_result": null,
                  "created_at": null
                }
              ],
              "warnings": []
            }
          ],
          "questionnaire_responses": [
            {
              "node_id": "feature_questionnaire_1",
              "questionnaire_id": null,
              "title": "Q",
              "description": null,
              "languages": [],
              "default_language": null,
              "is_active": false,
              "is_simple_questionnaire": false,
              "questionnaire_group_id": null,
              "version": null,
              "published_at": null,
              "sections": [
                {
                  "title": "S",
                  "description": null,
                  "items": [
                    {
                      "uuid": "q1",
                      "value": null,
                      "element_type": null,
                      "is_required": false,
                      "title": null,
                      "description": null,
                      "placeholder": null,
                      "choices": [],
                      "max_files": null,
                      "answer": {
                        "value": "v",
                        "text": null,
                        "files": [
                          "[server]/media/[uuid]"
                        ]
                      },
                      "required_if": null,
                      "repeatable_config": null
                    }
                  ]
                }
              ],
              "status": "Approved"
            }
          ],
          "aml_screenings": [
            {
              "node_id": "feature_aml_1",
              "status": "Approved",
              "total_hits": 1,
              "entity_type": "person",
              "hits": [
                {
                  "id": "h1",
                  "url": null,
                  "match": true,
                  "score": null,
                  "target": false,
                  "caption": null,
                  "datasets": [
                    "PEP"
                  ],
                  "features": null,
                  "rca_name": null,
                  "last_seen": null,
                  "risk_view": null,
                  "first_seen": null,
                  "properties": null,
                  "match_score": null,
                  "risk_score": null,
                  "review_status": "Unreviewed",
                  "score_breakdown": null,
                  "pep_matches": [],
                  "linked_entities": [],
                  "warning_matches": [],
                  "sanction_matches": [],
                  "adverse_media_details": null,
                  "adverse_media_matches": [],
                  "additional_information": null
                }
              ],
              "score": 12.5,
              "screened_data": {
                "full_name": "Ana Núñez",
                "nationality": null,
                "date_of_birth": null,
                "document_number": null
              },
              "is_ongoing_monitoring_enabled": false,
              "next_ongoing_monitoring_bill_date": null,
              "last_ongoing_screening_at": null,
              "last_ongoing_screening_datasets_updated_at": null,
              "warnings": []
            }
          ],
          "ip_analyses": [
            {
              "node_id": "feature_ip_1",
              "status": "Approved",
              "device_brand": null,
              "device_model": null,
              "browser_family": null,
              "os_family": null,
              "platform": null,
              "device_fingerprint": "abc-123-def",
              "ip_country": null,
              "ip_country_code": null,
              "ip_state": null,
              "ip_city": null,
              "latitude": null,
              "longitude": null,
              "ip_address": "198.51.100.7",
              "isp": null,
              "organization": null,
              "is_vpn_or_tor": false,
              "is_data_center": false,
              "time_zone": null,
              "time_zone_offset": null,
              "ip": {
                "location": {
                  "latitude": 1.5,
                  "longitude": 2
                },
                "distance_from_id_document": null,
                "distance_from_poa_document": null
              },
              "id_document": null,
              "poa_document": null,
              "warnings": [],
              "matches": []
            }
          ],
          "database_validations": [
            {
              "node_id": "feature_database_validation_1",
              "issuing_state": null,
              "validation_type": "one_by_one",
              "screened_data": null,
              "validations": [
                {
                  "service_id": "s",
                  "service_name": null,
                  "validation": null,
                  "outcome_code": null,
                  "outcome_detail": null,
                  "source_data": null
                }
              ],
              "match_type": "full_match",
              "status": "Approved",
              "warnings": []
            }
          ],
          "nfc_skip_reason": "USER_SKIPPED",
          "reviews": [],
          "created_at": "[time]",
          "expires_at": null
        }
        "#); }
    assert_eq!(shown(&answered), shown(&decision), "an evidence call answers the decision");
    server.stop().await;
});

db_test!(of_an_empty_session_has_null_arrays_and_a_link, server => {
    let session = server.session().await;
    let answer = server.client.get(&format!("/v3/session/{session}/decision/")).await;
    assert_eq!(answer.header("etag"), "\"1\"");
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&answer.body), @r#"
        {
          "session_id": "[uuid]",
          "session_kind": "user",
          "session_number": 1,
          "session_url": "[server]/session/[token]",
          "status": "Not Started",
          "environment": "live",
          "workflow_id": "[uuid]",
          "features": [],
          "vendor_data": null,
          "metadata": null,
          "expected_details": null,
          "contact_details": null,
          "callback": null,
          "id_verifications": null,
          "nfc_verifications": null,
          "liveness_checks": null,
          "face_matches": null,
          "phone_verifications": null,
          "email_verifications": null,
          "poa_verifications": null,
          "document_ai_documents": null,
          "questionnaire_responses": null,
          "aml_screenings": null,
          "ip_analyses": null,
          "database_validations": null,
          "nfc_skip_reason": null,
          "reviews": [],
          "created_at": "[time]",
          "expires_at": "[time]"
        }
        "#); }
    for include in ["", "?include=", "?include=all", "?include=Events"] {
        assert_eq!(server.client.get(&format!("/v3/session/{session}/decision/{include}")).await.ok(200), answer.body, "{include}");
    }
    server.stop().await;
});

db_test!(with_events_tells_the_history, server => {
    let session = server.session().await;
    server.evidence(&session, json!({ "email_verifications": [{ "email": "ana@example.com" }] })).await;
    let review = json!({ "new_status": "Declined", "comment": "no" });
    server.client.post(&format!("/v3/sessions/{session}/reviews/"), review).await.ok(201);
    let decision = server.client.get(&format!("/v3/session/{session}/decision/?include=events")).await.ok(200);
    let without = server.decision(&session).await;
    let mut extra = decision.clone();
    extra.as_object_mut().unwrap().retain(|name, value| without.get(name) != Some(value));
    assert!(decision.get("session_kind").is_none());
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&extra), @r#"
        {
          "features": [
            {
              "feature": "EMAIL",
              "node_id": "feature_email_1"
            }
          ],
          "events": [
            {
              "uuid": "[uuid]",
              "type": "SESSION_CREATED",
              "actor": "API Client",
              "details": {
                "status": "Not Started"
              },
              "created_at": "[time]"
            },
            {
              "uuid": "[uuid]",
              "type": "SESSION_STARTED",
              "actor": "API Client",
              "details": {
                "previous_status": "Not Started",
                "new_status": "In Progress"
              },
              "created_at": "[time]"
            },
            {
              "uuid": "[uuid]",
              "type": "STATUS_CHANGED",
              "actor": "System",
              "details": {
                "previous_status": "In Progress",
                "new_status": "Approved"
              },
              "created_at": "[time]"
            },
            {
              "uuid": "[uuid]",
              "type": "STATUS_CHANGED",
              "actor": "API Client",
              "details": {
                "previous_status": "Approved",
                "new_status": "Declined"
              },
              "created_at": "[time]"
            }
          ],
          "activity_reviews": [
            {
              "uuid": "[uuid]",
              "activity_type": "STATUS_UPDATED",
              "actor_display": "API Client",
              "actor_email": null,
              "actor_type": "API_KEY",
              "previous_status": "Approved",
              "new_status": "Declined",
              "comment": "no",
              "mentioned_emails": [],
              "previous_value": {
                "status": "Approved"
              },
              "new_value": {
                "status": "Declined"
              },
              "changed_fields": [
                "status"
              ],
              "metadata": null,
              "created_at": "[time]"
            }
          ],
          "blocklisted": {
            "face": false,
            "document": false,
            "phone": false,
            "email": false
          },
          "cost_breakdown": null,
          "workflow_type": "kyc",
          "workflow_version": 1,
          "workflow_version_id": "[uuid]",
          "api_service": null,
          "session_type": "HOSTED",
          "has_device_nfc_support": null
        }
        "#); }
    server.stop().await;
});

db_test!(of_a_company_has_the_arrays_of_companies, server => {
    let session = server.business_session().await;
    let decision = server.decision(&session).await;
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&decision), @r#"
        {
          "session_id": "[uuid]",
          "session_kind": "business",
          "session_number": 1,
          "session_url": "[server]/session/[token]",
          "status": "Not Started",
          "environment": "live",
          "workflow_id": "[uuid]",
          "features": [
            "KYB_REGISTRY"
          ],
          "vendor_data": null,
          "metadata": null,
          "expected_details": null,
          "contact_details": null,
          "callback": null,
          "phone_verifications": null,
          "email_verifications": null,
          "questionnaire_responses": null,
          "aml_screenings": null,
          "ip_analyses": null,
          "registry_checks": null,
          "key_people_checks": null,
          "document_verifications": null,
          "reviews": [],
          "created_at": "[time]",
          "expires_at": "[time]"
        }
        "#); }
    let with_events = server.client.get(&format!("/v3/session/{session}/decision/?include=events")).await.ok(200);
    assert_eq!(with_events, decision, "events are for user sessions");
    server.stop().await;
});

db_test!(carries_links_that_open_and_end, server => {
    let media = upload(&server.client).await;
    let evidence = json!({ "liveness_checks": [{ "reference_image": format!("media:{media}") }] });
    let decision = server.session_with_evidence(evidence).await;
    let link = text(&decision["liveness_checks"][0]["reference_image"]);
    let path = link.strip_prefix(&server.app.config.public_url).unwrap().to_owned();
    let opened = server.client.without_key().get(&path).await;
    assert_eq!((opened.status.as_u16(), opened.header("content-type")), (200, "image/png"));
    server.app.clock.advance(3_600);
    server.client.without_key().get(&path).await.is(403, json!({ "detail": "Link expired or invalid." }));
    let again = text(&server.decision(&text(&decision["session_id"])).await["liveness_checks"][0]["reference_image"]);
    let path = again.strip_prefix(&server.app.config.public_url).unwrap().to_owned();
    server.client.without_key().get(&path).await.ok(200);
    server.stop().await;
});

db_test!(is_not_there_for_unknown_ids, server => {
    let id = "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10";
    server.client.get(&format!("/v3/session/{id}/decision/")).await.is(404, json!({ "detail": "Not found." }));
    let session = server.session().await;
    let upper = server.client.get(&format!("/v3/session/{}/decision/", session.to_uppercase())).await.ok(200);
    assert_eq!(upper["session_id"], json!(session));
    server.stop().await;
});
