//! Network address, place and device.

use crate::evidence::shape::*;

const PLACE: Field = object("location", &[number("latitude"), number("longitude")]);

/// `ip_analyses[]`
pub(super) const IP_ANALYSIS: &[Field] = &[
    NODE_ID,
    STATUS,
    text("device_brand"),
    text("device_model"),
    text("browser_family"),
    text("os_family"),
    text("platform"),
    key("device_fingerprint"),
    text("ip_country"),
    text("ip_country_code"),
    text("ip_state"),
    text("ip_city"),
    number("latitude"),
    number("longitude"),
    key("ip_address"),
    text("isp"),
    text("organization"),
    flag("is_vpn_or_tor"),
    flag("is_data_center"),
    text("time_zone"),
    text("time_zone_offset"),
    object("ip", &[PLACE, number("distance_from_id_document"), number("distance_from_poa_document")]),
    object("id_document", &[PLACE, number("distance_from_ip"), number("distance_from_poa_document")]),
    object("poa_document", &[PLACE, number("distance_from_ip"), number("distance_from_id_document")]),
    WARNINGS,
    MATCHES,
];
