//! What the conditions of rules see of a transaction: one flat object, a member per field of the contract (entities §4.4).
//!
//! What is unknown is left out. `score`, `severity` and `tags` move while rules run, so they are not among these facts; whoever
//! runs rules puts them beside. Countries are alpha-3 where they are countries.

use serde_json::{Map, Value as Json};

use super::{NewTransaction, Party, Side};
use crate::entry::country;

/// The facts of a transaction. `days_before`: whole days since the subject's previous transaction.
pub fn facts(new: &NewTransaction, days_before: Option<i64>) -> Map<String, Json> {
    let mut facts = Map::new();
    let mut put = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            facts.insert(name.to_owned(), value);
        }
    };
    put("amount", Some(new.amount.as_str().into()));
    put("currency", Some(new.currency.clone().into()));
    put("direction", Some(new.direction.as_str().into()));
    put("action_type", Some(new.action_type.clone().into()));
    put("transaction_type", Some(new.category.as_str().into()));
    put("payment_details", new.payment_details.clone().map(Json::from));
    put("default_currency_code", new.default_currency.clone().map(Json::from));
    put("subject_days_since_previous_transaction", days_before.map(Json::from));
    put("custom_values", Some(Json::Object(new.custom_properties.clone())));
    of_party(Side::Subject, &new.subject, &mut put);
    if let Some(party) = &new.counterparty {
        of_party(Side::Counterparty, party, &mut put);
    }
    for name in ["browser_family", "browser_version", "platform", "accept_language", "session_age_ms"] {
        put(&format!("subject_{name}"), new.subject.device.get(name).cloned());
    }
    facts
}

fn of_party(side: Side, party: &Party, put: &mut impl FnMut(&str, Option<Json>)) {
    let method = party.payment_method.as_ref();
    let text = |text: Option<&str>| text.map(Json::from);
    for (name, value) in [
        ("country", country_fact(party.country())),
        ("vendor_data", text(party.vendor_data.as_deref())),
        ("device_fingerprint", text(party.device_text("fingerprint"))),
        ("ip_country", country_fact(party.network_text("ip_country_code"))),
        ("ip_address", text(party.network_text("ip_address"))),
        ("payment_method_type", method.map(|method| method.shown_type().as_str().into())),
        ("payment_method_country", country_fact(method.and_then(|method| method.issuing_country.as_deref()))),
        ("payment_method_fingerprint", method.map(|method| method.fingerprint().into())),
        ("payment_method_account_id", text(method.and_then(|method| method.account_id.as_deref()))),
        ("email", text(party.email.as_deref())),
        ("phone", text(party.phone.as_deref())),
    ] {
        put(&format!("{}_{name}", side.as_str()), value);
    }
}

/// A country as conditions compare it; what is none stays as it was sent.
fn country_fact(sent: Option<&str>) -> Option<Json> {
    let sent = sent?;
    Some(country::alpha3(sent.trim()).unwrap_or(sent).into())
}
