//! Money the demo's people have moved in the past weeks: most of it without trouble, some to a wallet that is blocked, some by
//! somebody who is flagged.

use serde_json::{Value, json};

use super::{
    api::{Api, text},
    people::{Person, pick},
};
use crate::{app::App, cli::CliError};

/// How many there are.
const MANY: usize = 24;
/// Seconds between two of them.
const APART: i64 = 65_000;
/// The wallet nobody should pay to.
const BLOCKED_WALLET: &str = "0x5f1cE0d0bAd0000000000000000000000000dEAD";
/// The number of the person who is flagged.
const FLAGGED: usize = 4;
/// What the money is for.
const PURPOSES: [&str; 4] = ["Rent", "Invoice 2041", "Savings", "Boat, second instalment"];

/// Sends them; answers how many there are.
pub async fn send(app: &App, api: &Api, year: i32) -> Result<usize, CliError> {
    let lists = api.get("/v3/lists/?entry_type=wallet_address&is_system=true").await?;
    let list = text(&lists["results"][0], "uuid").to_owned();
    let wallet = json!({ "value": BLOCKED_WALLET, "comment": "Named in a fraud report", "display_label": "Mixer" });
    api.post(&format!("/v3/lists/{list}/entries/"), &wallet).await?;
    let flagged = Person::of(FLAGGED, year).vendor_data();
    let body = json!({ "status": "FLAGGED", "reason": "Pays often to new accounts" });
    api.patch(&format!("/v3/users/{flagged}/update-status/"), &body).await?;
    for number in 0..MANY {
        let ago = (MANY - number) as i64 * APART;
        let at = app.clock.now().plus_seconds(-ago).to_string();
        api.post("/v3/transactions/", &transaction(number, &Person::of(number % 12, year), &at)).await?;
    }
    Ok(MANY)
}

fn transaction(number: usize, person: &Person, at: &str) -> Value {
    let crypto = number.is_multiple_of(3);
    let amount = format!("{}.{:02}", 20 + pick(number, "amount", 4_800), pick(number, "cents", 100));
    let method = match crypto {
        true if number.is_multiple_of(9) => json!({ "method_type": "unhosted_wallet", "account_id": BLOCKED_WALLET }),
        true => json!({ "method_type": "crypto_wallet", "account_id": format!("0x{:040x}", 7_919 * (number + 1)) }),
        false => json!({ "method_type": "bank_account", "account_id": format!("DE{:020}", 370_400_440_532_013 + number) }),
    };
    json!({
        "transaction_id": format!("pay-{}", 5_001 + number),
        "transaction_category": "finance",
        "transaction_at": at,
        "transaction_details": {
            "direction": if number.is_multiple_of(4) { "inbound" } else { "outbound" },
            "amount": amount,
            "currency": if crypto { "USDT" } else { "EUR" },
            "currency_kind": if crypto { "crypto" } else { "fiat" },
            "payment_details": PURPOSES[pick(number, "purpose", PURPOSES.len())],
            "action_type": if number.is_multiple_of(4) { "deposit" } else { "withdrawal" },
        },
        "subject": {
            "vendor_data": person.vendor_data(),
            "full_name": person.full_name(),
            "address": { "country": person.country.codes.0, "street": person.street() },
            "device_context": { "fingerprint": person.fingerprint, "network_context": { "ip_address": person.ip } },
            "email": person.email,
        },
        "counterparty": { "full_name": "Harbour Trading Ltd", "entity_type": "company", "payment_method": method },
    })
}
