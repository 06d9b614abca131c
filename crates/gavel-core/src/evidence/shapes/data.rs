//! Proofs of address and other documents.

use crate::evidence::shape::*;

const METADATA: &[Field] = &[
    integer("file_size"),
    text("content_type"),
    text("creation_date"),
    text("modified_date"),
    object("overlay_manipulation", &[flag("detected"), flag("analyzed"), texts("signals"), texts("manipulated_regions")]),
    text("creator"),
    text("producer"),
    text("software"),
    text("encryption"),
    flag("is_signed"),
    flag("is_tampered"),
    free("signature_info"),
    text("exif_original_date"),
    text("exif_digitized_date"),
    flag("processed_by_known_editor"),
    flag("has_different_creation_mod_date"),
];

const ADDRESS: &[Field] = &[
    text("address_type"),
    text("street_1"),
    text("street_2"),
    text("city"),
    text("region"),
    text("country"),
    text("postal_code"),
    object("document_location", &[number("latitude"), number("longitude")]),
];

const EXTRA_FIELDS: &[Field] = &[
    text("bank_account_number"),
    text("bank_iban"),
    text("bank_sort_code"),
    text("bank_routing_number"),
    text("bank_swift_bic"),
    text("bank_branch_name"),
    text("bank_branch_address"),
    text("document_phone_number"),
    texts("additional_names"),
];

const DETECTED_CODE: &[Field] = &[
    text("type"),
    integer("page_number"),
    text("position"),
    integer("x"),
    integer("y"),
    integer("width"),
    integer("height"),
    integer("page_width"),
    integer("page_height"),
    text("raw_payload"),
    text("parsed_payload"),
];

/// `poa_verifications[]`
pub(super) const POA_VERIFICATION: &[Field] = &[
    NODE_ID,
    STATUS,
    media("document_file"),
    country("issuing_state"),
    choice("document_type", &["UTILITY_BILL", "BANK_STATEMENT", "GOVERNMENT_ISSUED_DOCUMENT", "OTHER_POA_DOCUMENT", "UNKNOWN"]),
    text("document_subtype"),
    text("document_language"),
    object("document_metadata", METADATA),
    text("issuer"),
    date("issue_date"),
    date("expiration_date"),
    text("poa_address"),
    text("poa_formatted_address"),
    object("poa_parsed_address", ADDRESS),
    text("name_on_document"),
    number("name_match_score_expected_details"),
    number("name_match_score_id_verification"),
    text("expected_details_address"),
    text("expected_details_formatted_address"),
    free("expected_details_parsed_address"),
    object("extra_fields", EXTRA_FIELDS),
    medias("extra_files"),
    WARNINGS,
    objects("detected_codes", DETECTED_CODE),
];

/// `document_ai_documents[]`
pub(super) const DOCUMENT_AI_DOCUMENT: &[Field] = &[
    STATUS,
    NODE_ID,
    objects(
        "items",
        &[
            text("uuid"),
            text("node_id"),
            text("document_key"),
            text("original_filename"),
            integer("file_size"),
            media("file_url"),
            text("status"),
            free("extracted_data"),
            frees("detected_codes"),
            frees("fields"),
            free("document_metadata"),
            free("cross_check_result"),
            datetime("created_at"),
        ],
    ),
    WARNINGS,
];
