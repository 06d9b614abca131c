//! Identity documents and their chips.

use crate::evidence::shape::*;

const DOUBT: &[Field] = &[
    number("score"),
    number("front"),
    number("back"),
    number("decline_threshold"),
    number("review_threshold"),
    choice("bucket", &["approve", "review", "decline"]),
];

const IMAGE_QUALITY: &[Field] = &[
    number("focus_score"),
    number("brightness_score"),
    choice("brightness_issue", &["ok", "too_dark", "too_bright"]),
    flag("is_document_fully_visible"),
    number("resolution_score"),
    number("overall_score"),
];

const ID_LOOKUP: &[Field] = &[
    text("source"),
    datetime("checked_at"),
    integer("attempts"),
    integer("max_attempts"),
    choice("outcome", &["match", "partial_match", "no_match", "provider_error", "format_rejected"]),
    objects(
        "comparison",
        &[
            text("field"),
            text("label"),
            text("provided"),
            text("record"),
            choice("result", &["match", "partial", "no_match", "error"]),
        ],
    ),
    media("registry_portrait"),
    number("face_match_score"),
];

const WALLET_VERIFICATION: &[Field] = &[
    text("provider"),
    text("provider_name"),
    text("issuing_authority"),
    text("issuing_country"),
    text("credential_type"),
    text("level_of_assurance"),
    datetime("verified_at"),
    flag("signature_valid"),
    free("attributes"),
    media("portrait"),
    number("face_match_score"),
];

const EXTRA_FIELDS: &[Field] = &[
    texts("dl_categories"),
    text("blood_group"),
    text("first_name_non_latin"),
    text("last_name_non_latin"),
    text("middle_name_non_latin"),
    text("full_name_non_latin"),
    text("address_non_latin"),
    text("place_of_birth_non_latin"),
    text("first_name_latin"),
    text("last_name_latin"),
    text("middle_name_latin"),
    text("full_name_latin"),
    text("address_latin"),
    text("place_of_birth_latin"),
];

const MRZ: &[Field] = &[
    text("surname"),
    text("name"),
    text("country"),
    text("nationality"),
    text("birth_date"),
    text("expiry_date"),
    text("sex"),
    text("document_type"),
    text("document_number"),
    text("optional_data"),
    text("optional_data_2"),
    text("birth_date_hash"),
    text("expiry_date_hash"),
    text("document_number_hash"),
    text("final_hash"),
    text("personal_number"),
    texts("warnings"),
    texts("errors"),
    text("mrz_type"),
    text("mrz_string"),
    text("mrz_key"),
];

const PARSED_ADDRESS: &[Field] = &[
    text("city"),
    text("label"),
    text("region"),
    text("country"),
    text("category"),
    text("street_1"),
    text("street_2"),
    flag("is_verified"),
    text("postal_code"),
    free("raw_results"),
    text("address_type"),
    object("document_location", &[number("latitude"), number("longitude")]),
    text("formatted_address"),
];

/// `id_verifications[]`
pub(super) const ID_VERIFICATION: &[Field] = &[
    NODE_ID,
    choice("verification_method", &["document", "id_lookup", "wallet"]),
    choice("assurance", &["documentary", "data_match", "cryptographic"]),
    text("wallet_provider"),
    object("fallback_from", &[text("method"), text("reason"), text("action")]),
    object("id_lookup", ID_LOOKUP),
    object("wallet_verification", WALLET_VERIFICATION),
    STATUS,
    document_type(),
    text("document_subtype"),
    key("document_number"),
    key("personal_number"),
    media("portrait_image"),
    media("front_image"),
    media("front_video"),
    media("back_image"),
    media("back_video"),
    media("full_front_image"),
    media("full_back_image"),
    media("front_image_camera_front"),
    media("back_image_camera_front"),
    date("date_of_birth"),
    integer("age"),
    date("expiration_date"),
    date("date_of_issue"),
    country("issuing_state"),
    text("issuing_state_name"),
    key("first_name"),
    key("last_name"),
    text("full_name"),
    choice("gender", &["M", "F", "U"]),
    text("address"),
    text("formatted_address"),
    text("place_of_birth"),
    choice("marital_status", &["SINGLE", "MARRIED", "DIVORCED", "WIDOWED", "UNKNOWN"]),
    text("nationality"),
    open("extra_fields", EXTRA_FIELDS),
    object("mrz", MRZ),
    object("parsed_address", PARSED_ADDRESS),
    medias("extra_files"),
    number("front_image_camera_front_face_match_score"),
    number("back_image_camera_front_face_match_score"),
    object("front_image_quality_score", IMAGE_QUALITY),
    object("back_image_quality_score", IMAGE_QUALITY),
    WARNINGS,
    MATCHES,
    object(
        "document_liveness",
        &[object("portrait_replace", DOUBT), object("printed_copy", DOUBT), object("screen_replay", DOUBT)],
    ),
];

const SKIP_REASONS: &[&str] = &[
    "USER_SKIPPED",
    "DOCUMENT_WITHOUT_CHIP",
    "CHIP_CERTIFICATE_UNAVAILABLE",
    "DEVICE_WITHOUT_NFC",
    "INTEGRATION_WITHOUT_NFC_ACCESS",
    "MRZ_KEY_UNAVAILABLE",
];

/// `nfc_verifications[]`
pub(super) const NFC_VERIFICATION: &[Field] = &[
    NODE_ID,
    STATUS,
    flag("is_nfc_skipped"),
    choice("skip_reason", SKIP_REASONS),
    media("portrait_image"),
    media("signature_image"),
    object(
        "chip_data",
        &[
            text("document_type"),
            text("issuing_country"),
            text("document_number"),
            date("expiration_date"),
            text("first_name"),
            text("last_name"),
            date("birth_date"),
            text("gender"),
            text("nationality"),
            text("address"),
            text("place_of_birth"),
        ],
    ),
    object("authenticity", &[flag("sod_integrity"), flag("dg_integrity")]),
    object(
        "certificate_summary",
        &[text("issuer"), text("subject"), text("serial_number"), text("not_valid_after"), text("not_valid_before")],
    ),
    WARNINGS,
];
