//! Faces: seen live, and compared.

use crate::evidence::shape::*;

/// `liveness_checks[]`
pub(super) const LIVENESS_CHECK: &[Field] = &[
    NODE_ID,
    STATUS,
    choice("method", &["ACTIVE_3D", "FLASHING", "PASSIVE"]),
    number("score"),
    media("reference_image"),
    media("video_url"),
    number("age_estimation"),
    MATCHES,
    WARNINGS,
    number("face_quality"),
    number("face_luminance"),
];

/// `face_matches[]`
pub(super) const FACE_MATCH: &[Field] =
    &[NODE_ID, STATUS, number("score"), text("source_image_session_id"), media("source_image"), media("target_image"), WARNINGS];
