//! Phone numbers and e-mail addresses.

use crate::evidence::shape::*;

const PHONE_LIFECYCLE: &[&str] = &[
    "PHONE_VERIFICATION_MESSAGE_SENT",
    "PHONE_VERIFICATION_RETRY_MESSAGE_SENT",
    "PHONE_VERIFICATION_BLOCKED",
    "PHONE_VERIFICATION_APPROVED",
    "PHONE_VERIFICATION_DECLINED",
    "PHONE_VERIFICATION_IN_REVIEW",
    "PHONE_VERIFICATION_EXPIRED",
    "VALID_CODE_ENTERED",
    "INVALID_CODE_ENTERED",
];

const EMAIL_LIFECYCLE: &[&str] = &[
    "EMAIL_VERIFICATION_MESSAGE_SENT",
    "EMAIL_VERIFICATION_RETRY_MESSAGE_SENT",
    "EMAIL_VERIFICATION_BLOCKED",
    "EMAIL_VERIFICATION_APPROVED",
    "EMAIL_VERIFICATION_DECLINED",
    "EMAIL_VERIFICATION_IN_REVIEW",
    "EMAIL_VERIFICATION_EXPIRED",
    "VALID_CODE_ENTERED",
    "INVALID_CODE_ENTERED",
];

/// `phone_verifications[]`
pub(super) const PHONE_VERIFICATION: &[Field] = &[
    NODE_ID,
    STATUS,
    key("phone_number_prefix"),
    key("phone_number"),
    key("full_number"),
    text("country_code"),
    text("country_name"),
    object("carrier", &[text("name"), text("type")]),
    flag("is_disposable"),
    flag("is_virtual"),
    text("verification_method"),
    integer("verification_attempts"),
    datetime("verified_at"),
    objects(
        "lifecycle",
        &[
            choice("type", PHONE_LIFECYCLE),
            datetime("timestamp"),
            object("details", &[text("status"), text("reason"), text("channel"), text("actual_channel"), text("code_tried")]),
            number("fee"),
        ],
    ),
    WARNINGS,
    MATCHES,
];

/// `email_verifications[]`
pub(super) const EMAIL_VERIFICATION: &[Field] = &[
    NODE_ID,
    STATUS,
    key("email"),
    flag("is_breached"),
    objects(
        "breaches",
        &[
            text("name"),
            text("domain"),
            text("logo_path"),
            date("breach_date"),
            text("description"),
            flag("is_verified"),
            texts("data_classes"),
            integer("breach_emails_count"),
        ],
    ),
    flag("is_disposable"),
    flag("is_undeliverable"),
    integer("verification_attempts"),
    datetime("verified_at"),
    WARNINGS,
    objects(
        "lifecycle",
        &[
            choice("type", EMAIL_LIFECYCLE),
            datetime("timestamp"),
            object("details", &[text("status"), text("reason"), text("code_tried")]),
            number("fee"),
        ],
    ),
    MATCHES,
];
