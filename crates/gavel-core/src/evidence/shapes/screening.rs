//! What other people's registers and lists say: sanctions and media, and state databases.

use crate::evidence::shape::*;

const DATASETS: &[&str] = &[
    "PEP",
    "PEP Level 1",
    "PEP Level 2",
    "PEP Level 3",
    "PEP Level 4",
    "Sanctions",
    "Adverse Media",
    "Warnings and Regulatory Enforcement",
    "Fitness and Probity",
    "SIP",
    "SIE",
    "Insolvency",
];

/// What a person may say about a hit.
pub(crate) const HIT_STATUSES: &[&str] = &["Unreviewed", "Confirmed Match", "False Positive", "Inconclusive"];

const SCORE_BREAKDOWN: &[Field] = &[
    integer("name_score"),
    integer("name_weight"),
    number("name_weight_normalized"),
    number("name_contribution"),
    integer("dob_score"),
    integer("dob_weight"),
    number("dob_weight_normalized"),
    number("dob_contribution"),
    integer("country_score"),
    integer("country_weight"),
    number("country_weight_normalized"),
    number("country_contribution"),
    choice("document_number_match_type", &["MATCH", "NEUTRAL", "HARD_MISMATCH"]),
    text("document_number_effect"),
    integer("total_score"),
];

const HIT: &[Field] = &[
    text("id"),
    text("url"),
    flag("match"),
    number("score"),
    flag("target"),
    text("caption"),
    choices("datasets", DATASETS),
    free("features"),
    text("rca_name"),
    datetime("last_seen"),
    object("risk_view", &[free("crimes"), free("countries"), free("categories"), free("custom_list")]),
    datetime("first_seen"),
    free("properties"),
    number("match_score"),
    number("risk_score"),
    choice("review_status", HIT_STATUSES),
    object("score_breakdown", SCORE_BREAKDOWN),
    frees("pep_matches"),
    frees("linked_entities"),
    frees("warning_matches"),
    frees("sanction_matches"),
    object(
        "adverse_media_details",
        &[text("sentiment"), text("entity_type"), integer("sentiment_score"), free("adverse_keywords")],
    ),
    frees("adverse_media_matches"),
    free("additional_information"),
];

/// `aml_screenings[]`
pub(super) const AML_SCREENING: &[Field] = &[
    NODE_ID,
    STATUS,
    integer("total_hits"),
    choice("entity_type", &["person", "company"]),
    objects("hits", HIT),
    number("score"),
    object("screened_data", &[text("full_name"), text("nationality"), date("date_of_birth"), text("document_number")]),
    flag("is_ongoing_monitoring_enabled"),
    date("next_ongoing_monitoring_bill_date"),
    datetime("last_ongoing_screening_at"),
    datetime("last_ongoing_screening_datasets_updated_at"),
    WARNINGS,
];

/// `database_validations[]`
pub(super) const DATABASE_VALIDATION: &[Field] = &[
    NODE_ID,
    country("issuing_state"),
    choice("validation_type", &["one_by_one", "two_by_two", "not_enabled"]),
    object(
        "screened_data",
        &[
            text("last_name"),
            text("first_name"),
            text("tax_number"),
            text("personal_number"),
            text("document_number"),
            date("date_of_birth"),
            text("document_type"),
            date("expiration_date"),
        ],
    ),
    objects(
        "validations",
        &[
            text("service_id"),
            text("service_name"),
            object("validation", &[text("full_name"), text("date_of_birth"), text("identification_number")]),
            text("outcome_code"),
            text("outcome_detail"),
            free("source_data"),
        ],
    ),
    objects_if_any("errors", &[text("service_id")]),
    choice("match_type", &["no_match", "partial_match", "full_match"]),
    STATUS,
    WARNINGS,
];
