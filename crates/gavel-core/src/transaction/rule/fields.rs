//! The fields rules can name (contract, entities §4.4), and what kind of value each holds.

use super::super::Side;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A text: an identifier, a name, a code. Digits in it are no number.
    Text,
    /// A country; compared as alpha-3.
    Country,
    /// A number.
    Number,
    /// What the caller put there: each value is what it looks like.
    Free,
    /// Moves while rules run, so that it is not the same for every rule.
    Moving,
}

/// Fields of a party, behind `subject_` or `counterparty_`.
const OF_PARTY: [(&str, FieldKind); 11] = [
    ("country", FieldKind::Country),
    ("vendor_data", FieldKind::Text),
    ("device_fingerprint", FieldKind::Text),
    ("ip_country", FieldKind::Country),
    ("ip_address", FieldKind::Text),
    ("payment_method_type", FieldKind::Text),
    ("payment_method_country", FieldKind::Country),
    ("payment_method_fingerprint", FieldKind::Text),
    ("payment_method_account_id", FieldKind::Text),
    ("email", FieldKind::Text),
    ("phone", FieldKind::Text),
];

/// The kind of the field of this name; `None`: there is no such field.
pub fn kind_of(name: &str) -> Option<FieldKind> {
    let side = Side::BOTH.into_iter().find_map(|side| name.strip_prefix(side.as_str())?.strip_prefix('_'));
    let of_party = side.and_then(|rest| OF_PARTY.into_iter().find(|(known, _)| *known == rest));
    if let Some((_, kind)) = of_party {
        return Some(kind);
    }
    Some(match name {
        "currency"
        | "direction"
        | "action_type"
        | "transaction_type"
        | "payment_details"
        | "default_currency_code"
        | "travel_rule_status"
        | "subject_browser_family"
        | "subject_browser_version"
        | "subject_platform"
        | "subject_accept_language" => FieldKind::Text,
        "amount"
        | "preferred_currency_amount"
        | "travel_rule_obligations_count"
        | "subject_days_since_previous_transaction"
        | "subject_session_age_ms" => FieldKind::Number,
        "travel_rule_required" => FieldKind::Free,
        "score" | "severity" | "tags" => FieldKind::Moving,
        other => return other.strip_prefix("custom_values.").filter(|key| !key.is_empty()).map(|_| FieldKind::Free),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_have_a_kind() {
        for (name, kind) in [
            ("amount", Some(FieldKind::Number)),
            ("subject_country", Some(FieldKind::Country)),
            ("counterparty_payment_method_country", Some(FieldKind::Country)),
            ("subject_vendor_data", Some(FieldKind::Text)),
            ("custom_values.a.b", Some(FieldKind::Free)),
            ("tags", Some(FieldKind::Moving)),
            ("custom_values.", None),
            ("custom_values", None),
            ("counterparty_platform", None),
            ("subject", None),
            ("subject_", None),
            ("Amount", None),
            ("", None),
        ] {
            assert_eq!(kind_of(name), kind, "{name}");
        }
    }
}
