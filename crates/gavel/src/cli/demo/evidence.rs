//! The body of an evidence call: what a capture flow would have sent about somebody.

use serde_json::{Map, Value, json};

use super::{
    people::{Document, Person, ascii, pick},
    pictures::mrz_lines,
    stories::Finding,
};

/// Values that the demo's lists hold from the first day on.
pub mod listed {
    /// On the phone blocklist.
    pub const PHONE: &str = "+447400123911";
    /// On the e-mail blocklist.
    pub const EMAIL: &str = "quick.loans@throwaway.example";
    /// On the IP address blocklist.
    pub const RANGE: &str = "203.0.113.0/24";
    /// On the device blocklist.
    pub const DEVICE: &str = "c0ffee00-5eed-4bad-9a11-00000000d1ce";
    /// On an allowlist of the customer's own.
    pub const OFFICE: &str = "192.0.2.248/29";
    /// Shown by the person with the mask, and listed from then on.
    pub const DOCUMENT: &str = "KX4471902";
}

/// Where a person's pictures are stored, as evidence names them.
#[derive(Default)]
pub struct Stored {
    /// Front of the document.
    pub front: String,
    /// Its back, of cards.
    pub back: Option<String>,
    /// Portrait of the document.
    pub portrait: String,
    /// Selfie.
    pub selfie: String,
}

/// Everything there is to say.
pub fn body(person: &Person, finding: Finding, pictures: &Stored, now: &str) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, item: Option<Value>| {
        if let Some(item) = item {
            body.insert(name.to_owned(), json!([item]));
        }
    };
    put("id_verifications", Some(document(person, finding, pictures)));
    put("nfc_verifications", chip(person, finding, pictures));
    put("liveness_checks", Some(liveness(person, finding, pictures)));
    put("face_matches", Some(face_match(person, finding, pictures)));
    put("phone_verifications", Some(phone(person, finding, now)));
    put("email_verifications", Some(email(person, finding, now)));
    put("poa_verifications", address(person, finding));
    put("aml_screenings", screening(person, finding));
    put("database_validations", register(person, finding));
    put("ip_analyses", Some(network(person, finding)));
    Value::Object(body)
}

/// What is there when somebody stops half-way: contact and document, no face yet.
pub fn half(person: &Person, finding: Finding, pictures: &Stored, now: &str) -> Value {
    json!({
        "complete": false,
        "id_verifications": [document(person, finding, pictures)],
        "phone_verifications": [phone(person, finding, now)],
        "ip_analyses": [network(person, finding)],
    })
}

fn warnings(risks: &[(&str, bool)]) -> Value {
    risks.iter().filter(|(_, on)| *on).map(|(risk, _)| json!({ "risk": risk })).collect()
}

fn document(person: &Person, finding: Finding, pictures: &Stored) -> Value {
    let (code3, code2, state) = person.country.codes;
    let (city, region, _, postal_code) = person.country.place;
    let (born, issued, expires) = &person.dates;
    let address = format!("{}, {postal_code} {city}", person.street());
    json!({
        "verification_method": "document", "assurance": "documentary",
        "document_type": person.document.name(), "document_number": person.document_number,
        "front_image": pictures.front, "back_image": pictures.back, "portrait_image": pictures.portrait,
        "first_name": person.first_name, "last_name": person.last_name, "full_name": person.full_name(),
        "gender": person.gender.to_string(), "nationality": code3, "issuing_state": code3, "issuing_state_name": state,
        "date_of_birth": born, "age": person.age,
        "date_of_issue": issued, "expiration_date": expires,
        "place_of_birth": city, "marital_status": "UNKNOWN", "address": address, "formatted_address": address,
        "parsed_address": {
            "street_1": person.street(), "city": city, "region": region, "postal_code": postal_code, "country": code2,
            "document_location": { "latitude": person.country.position.0, "longitude": person.country.position.1 },
        },
        "mrz": machine_readable(person),
        "front_image_quality_score": {
            "focus_score": 82 + pick(person.number, "focus", 16), "brightness_score": 78 + pick(person.number, "light", 20),
            "brightness_issue": "ok", "is_document_fully_visible": true, "overall_score": 80 + pick(person.number, "overall", 18),
        },
        "warnings": warnings(&[
            ("DOCUMENT_EXPIRED", finding == Finding::OldDocument),
            ("MINIMUM_AGE_NOT_MET", finding == Finding::TooYoung),
            ("PRINTED_COPY_DETECTED", finding == Finding::PrintedCopy),
            ("MRZ_AND_DATA_EXTRACTED_FROM_OCR_NOT_SAME", finding == Finding::DataDiffers),
        ]),
    })
}

fn machine_readable(person: &Person) -> Value {
    let lines = mrz_lines(person);
    let (kind, code) = match person.document {
        Document::Passport => ("TD3", "P"),
        Document::IdentityCard => ("TD1", "I"),
        Document::DrivingLicence => return Value::Null,
    };
    json!({
        "mrz_type": kind, "mrz_string": lines.join("\n"), "document_type": code, "document_number": person.document_number,
        "surname": ascii(person.last_name).to_uppercase(), "name": ascii(person.first_name).to_uppercase(),
        "country": person.country.codes.0, "nationality": person.country.codes.0, "sex": person.gender.to_string(),
    })
}

/// Some passports are read by their chip as well.
fn chip(person: &Person, finding: Finding, pictures: &Stored) -> Option<Value> {
    let read = person.document == Document::Passport && person.number.is_multiple_of(3);
    let unproven = finding == Finding::UnprovenChip;
    (read || unproven).then(|| {
        json!({
            "portrait_image": pictures.portrait,
            "chip_data": {
                "document_type": "P", "issuing_country": person.country.codes.0, "document_number": person.document_number,
                "first_name": person.first_name, "last_name": person.last_name, "birth_date": person.dates.0,
                "expiration_date": person.dates.2, "gender": person.gender.to_string(), "nationality": person.country.codes.0,
            },
            "authenticity": { "sod_integrity": !unproven, "dg_integrity": true },
            "warnings": warnings(&[("NFC_CHIP_NOT_VERIFIED", unproven)]),
        })
    })
}

fn liveness(person: &Person, finding: Finding, pictures: &Stored) -> Value {
    let score = match finding {
        Finding::Mask => 11.4,
        Finding::DoubtfulLiveness => 63.2,
        _ => 91.0 + pick(person.number, "liveness", 85) as f64 / 10.0,
    };
    json!({
        "method": "PASSIVE", "score": score, "reference_image": pictures.selfie,
        "age_estimation": person.age as f64 + pick(person.number, "guess", 60) as f64 / 10.0 - 3.0,
        "face_quality": 74.0 + pick(person.number, "quality", 230) as f64 / 10.0, "face_luminance": 61.5,
        "warnings": warnings(&[("LIVENESS_FACE_ATTACK", finding == Finding::Mask)]),
    })
}

fn face_match(person: &Person, finding: Finding, pictures: &Stored) -> Value {
    let score = match finding {
        Finding::WeakFaceMatch => 52.0 + pick(person.number, "weak", 60) as f64 / 10.0,
        Finding::OtherFace => 23.4,
        _ => 84.0 + pick(person.number, "alike", 155) as f64 / 10.0,
    };
    json!({ "score": score, "source_image": pictures.portrait, "target_image": pictures.selfie })
}

fn phone(person: &Person, finding: Finding, now: &str) -> Value {
    const CARRIERS: [&str; 5] = ["Mobilis", "Aria Wireless", "NordCell", "Telia Sur", "Pulse Mobile"];
    let number = if finding == Finding::ListedPhone { listed::PHONE } else { &person.phone };
    json!({
        "full_number": number, "country_name": person.country.codes.2,
        "carrier": { "name": CARRIERS[pick(person.number, "carrier", CARRIERS.len())], "type": "mobile" },
        "verification_method": if person.number.is_multiple_of(3) { "whatsapp" } else { "sms" },
        "verification_attempts": 1, "verified_at": now,
        "lifecycle": [
            { "type": "PHONE_VERIFICATION_MESSAGE_SENT", "timestamp": now, "details": { "status": "Success" }, "fee": 0 },
            { "type": "VALID_CODE_ENTERED", "timestamp": now, "details": { "status": "Approved" }, "fee": 0 },
        ],
    })
}

fn email(person: &Person, finding: Finding, now: &str) -> Value {
    let listed = finding == Finding::ListedEmail;
    json!({
        "email": if listed { listed::EMAIL } else { &person.email }, "is_disposable": listed,
        "verification_attempts": 1, "verified_at": now,
        "warnings": warnings(&[("DISPOSABLE_EMAIL_DETECTED", listed)]),
    })
}

fn address(person: &Person, finding: Finding) -> Option<Value> {
    let other = finding == Finding::OtherName;
    (other || person.number.is_multiple_of(5)).then(|| {
        let (city, region, _, postal_code) = person.country.place;
        let name =
            if other { format!("M. {}", person.last_name.split(' ').next().unwrap_or_default()) } else { person.full_name() };
        json!({
            "issuing_state": person.country.codes.0, "document_type": "UTILITY_BILL", "issuer": format!("{city} Energy"),
            "name_on_document": name, "name_match_score_id_verification": if other { 41.0 } else { 98.0 },
            "poa_address": format!("{}, {postal_code} {city}", person.street()),
            "poa_parsed_address": {
                "street_1": person.street(), "city": city, "region": region, "postal_code": postal_code,
                "country": person.country.codes.1,
            },
            "warnings": warnings(&[("NAME_MISMATCH_ID_VERIFICATION", other)]),
        })
    })
}

fn screening(person: &Person, finding: Finding) -> Option<Value> {
    let found = finding == Finding::Sanctions;
    (found || person.number.is_multiple_of(4)).then(|| {
        let hit = json!({
            "id": format!("demo-{}", 7_000 + person.number), "match": false, "score": 0.87, "match_score": 87.0, "risk_score": 74.0,
            "caption": person.full_name(), "datasets": ["Sanctions"], "review_status": "Unreviewed",
            "properties": { "country": [person.country.codes.1], "birthYear": [person.dates.0.get(..4)] },
        });
        json!({
            "entity_type": "person", "total_hits": u8::from(found), "score": if found { 87.0 } else { 0.0 },
            "hits": if found { json!([hit]) } else { json!([]) },
            "screened_data": {
                "full_name": person.full_name(), "nationality": person.country.codes.0, "date_of_birth": person.dates.0,
                "document_number": person.document_number,
            },
        })
    })
}

fn register(person: &Person, finding: Finding) -> Option<Value> {
    (finding == Finding::PartlyKnown).then(|| {
        json!({
            "issuing_state": person.country.codes.0, "validation_type": "one_by_one", "match_type": "partial_match",
            "screened_data": {
                "first_name": person.first_name, "last_name": person.last_name, "document_number": person.document_number,
                "date_of_birth": person.dates.0,
            },
            "validations": [{
                "service_id": "civil_register", "service_name": "Civil register",
                "validation": { "full_name": "full_match", "date_of_birth": "no_match", "identification_number": "full_match" },
            }],
            "warnings": warnings(&[("DATABASE_VALIDATION_PARTIAL_MATCH", true)]),
        })
    })
}

fn network(person: &Person, finding: Finding) -> Value {
    let (brand, model, browser, os, platform) = person.device();
    let (time_zone, offset, provider) = person.country.network;
    let (latitude, longitude) = person.country.position;
    let ip = match finding {
        Finding::ListedRange => format!("203.0.113.{}", 20 + person.number),
        Finding::Office => "192.0.2.250".to_owned(),
        _ => person.ip.clone(),
    };
    let vpn = finding == Finding::Vpn;
    json!({
        "ip_address": ip, "device_fingerprint": if finding == Finding::ListedDevice { listed::DEVICE } else { &person.fingerprint },
        "device_brand": brand, "device_model": model, "browser_family": browser, "os_family": os, "platform": platform,
        "ip_country": person.country.codes.2, "ip_country_code": person.country.codes.1, "ip_state": person.country.place.1,
        "ip_city": person.country.place.0, "latitude": latitude, "longitude": longitude, "isp": provider,
        "organization": if vpn { "Tunnel Hosting" } else { provider }, "is_vpn_or_tor": vpn, "is_data_center": vpn,
        "time_zone": time_zone, "time_zone_offset": offset,
        "ip": { "location": { "latitude": latitude, "longitude": longitude }, "distance_from_id_document": 2.4 },
        "warnings": warnings(&[("PRIVATE_NETWORK_DETECTED", vpn)]),
    })
}

#[cfg(test)]
mod tests {
    use gavel_core::{
        entry::{EntryType, EntryValue},
        evidence::Evidence,
        json::Value as Sent,
    };

    use super::*;
    use crate::cli::demo::{people::PEOPLE, stories::stories};

    #[test]
    fn every_story_is_evidence_the_server_takes() {
        let picture = "media:9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10".to_owned();
        let pictures = Stored { front: picture.clone(), back: None, portrait: picture.clone(), selfie: picture };
        for (number, story) in stories().iter().enumerate() {
            let mut person = Person::of(number % PEOPLE, 2026);
            story.finding.shape(&mut person);
            for body in [
                body(&person, story.finding, &pictures, "2026-06-01T09:00:00Z"),
                half(&person, story.finding, &pictures, "2026-06-01T09:00:00Z"),
            ] {
                let text = body.to_string();
                let read = Evidence::read(&Sent::parse_body(text.as_bytes()).unwrap());
                assert!(read.is_ok(), "{:?} {read:?}", story.finding);
            }
        }
    }

    #[test]
    fn listed_values_are_values() {
        for (entry_type, value) in [
            (EntryType::Phone, listed::PHONE),
            (EntryType::Email, listed::EMAIL),
            (EntryType::IpAddress, listed::RANGE),
            (EntryType::IpAddress, listed::OFFICE),
            (EntryType::DeviceFingerprint, listed::DEVICE),
        ] {
            assert!(EntryValue::parse(entry_type, value).is_ok(), "{value}");
        }
    }
}
