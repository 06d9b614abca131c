//! The decision of a session with every kind of evidence, key by key.

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{inside::upload, shown},
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
