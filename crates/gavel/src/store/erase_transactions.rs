//! Taking a party out of a transaction. What is left is a skeleton: ids, number, kinds, amounts, statuses and times, and
//! the other party where it is somebody else. Values of nobody in particular (details of the payment, free objects) go with
//! either party.

use gavel_core::{
    ids::{ApplicationId, ErasureId, TransactionId},
    time::Timestamp,
    transaction::{Direction, Side},
};
use serde_json::{Map, Value as Json};

use super::{
    StoreError, Tx, Value,
    erase::{Said, add, erase_events},
    erasures::Counts,
    read_entry_value,
    transactions::read_json,
};

/// A party of a transaction.
pub type Part = (TransactionId, Side);

/// Makes a person's or company's sides of transactions a part of an erasure. Answers how many there are.
pub async fn insert_parts(
    tx: &mut Tx,
    application: ApplicationId,
    erasure: ErasureId,
    vendor_data: &str,
) -> Result<u64, StoreError> {
    let mut parts = 0;
    for side in Side::BOTH {
        let side = side.as_str();
        let sql = format!(
            "INSERT INTO erasure_transactions (erasure_id, transaction_id, side)
             SELECT $1, id, '{side}' FROM transactions WHERE application_id = $2 AND {side}_vendor_data = $3"
        );
        parts += tx.execute(&sql, &[erasure.0.into(), application.0.into(), vendor_data.into()]).await?;
    }
    Ok(parts)
}

/// Whether a person or company is a party of any transaction.
pub async fn is_party(tx: &mut Tx, application: ApplicationId, vendor_data: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM transactions WHERE application_id = $1 AND subject_vendor_data = $2
         UNION ALL SELECT 1 FROM transactions WHERE application_id = $1 AND counterparty_vendor_data = $2 LIMIT 1";
    Ok(tx.query_opt(sql, &[application.0.into(), vendor_data.into()]).await?.is_some())
}

/// The next parties of an erasure, by transaction.
pub async fn list_parts(
    tx: &mut Tx,
    erasure: ErasureId,
    (after, side): (uuid::Uuid, &str),
    most: u64,
) -> Result<Vec<Part>, StoreError> {
    let sql = "SELECT transaction_id, side FROM erasure_transactions
         WHERE erasure_id = $1 AND (transaction_id, side) > ($2, $3) ORDER BY transaction_id, side LIMIT $4";
    let rows = tx.query(sql, &[erasure.0.into(), after.into(), side.into(), most.into()]).await?;
    rows.iter()
        .map(|row| {
            let side = Side::from_name(&row.get::<String>(1)?).ok_or_else(|| StoreError::unreadable("side"))?;
            Ok((TransactionId(row.get(0)?), side))
        })
        .collect()
}

/// What a transaction says of one of its parties.
pub async fn find_said(tx: &mut Tx, (id, side): Part) -> Result<Said, StoreError> {
    let sql = "SELECT entry_type, value, match_key FROM transaction_signals WHERE transaction_id = $1 AND side = $2";
    let mut values = Vec::new();
    for row in tx.query(sql, &[id.0.into(), side.as_str().into()]).await? {
        values.push(read_entry_value(&mut row.columns())?);
    }
    let vendor = side.as_str();
    let sql = format!("SELECT {vendor}_vendor_data, parties, payment_methods, direction, facts FROM transactions WHERE id = $1");
    let Some(row) = tx.query_opt(&sql, &[id.0.into()]).await? else {
        return Ok(Said { vendor_data: None, values, corrected: Vec::new(), items: Vec::new(), portrait: None });
    };
    let mut c = row.columns();
    let vendor_data = c.take()?;
    let (parties, methods) = (read_json(&c.take::<String>()?)?, read_json(&c.take::<String>()?)?);
    let direction = read_direction(&c.take::<String>()?)?;
    let facts = read_json(&c.take::<String>()?)?;
    let of_role = |rows: &Json, role: &str| {
        rows.as_array().into_iter().flatten().filter(|row| row["role"] == role).map(Json::to_string).collect::<Vec<_>>()
    };
    let mut items = of_role(&parties, side.role());
    items.extend(of_role(&methods, side.method_role(direction)));
    // What answers do not show of a party stands in the facts, under the same names with the side in front.
    let own = facts.as_object().into_iter().flatten();
    let own = own.filter_map(|(name, value)| Some((name.strip_prefix(vendor)?.strip_prefix('_')?.to_owned(), value.clone())));
    items.push(Json::Object(own.collect()).to_string());
    Ok(Said { vendor_data, values, corrected: Vec::new(), items, portrait: None })
}

fn read_direction(name: &str) -> Result<Direction, StoreError> {
    Direction::from_name(name).ok_or_else(|| StoreError::unreadable("direction"))
}

/// What is removed of a transaction whichever party goes. `$1` is the transaction.
const SHARED: [(&str, &str); 5] = [
    ("", "DELETE FROM imported_objects WHERE object_id = $1"),
    ("", "DELETE FROM waiting_hits WHERE screening_id = $1"),
    ("", "UPDATE transaction_rule_runs SET explanation = NULL WHERE transaction_id = $1 AND explanation IS NOT NULL"),
    (
        "activity_values",
        "DELETE FROM transaction_activity_values
         WHERE activity_id IN (SELECT id FROM transaction_activities WHERE transaction_id = $1)",
    ),
    (
        "",
        "UPDATE transactions SET payment_details = NULL, payment_txn_id = NULL, zone_id = NULL, props = '{}', network_snapshot = NULL
         WHERE id = $1",
    ),
];

/// What is removed of one party: `$2`.
const OF_PARTY: [(&str, &str); 2] = [
    ("hits", "DELETE FROM transaction_hits WHERE transaction_id = $1 AND side = $2"),
    ("signals", "DELETE FROM transaction_signals WHERE transaction_id = $1 AND side = $2"),
];

/// Removes what a transaction holds of one of its parties.
pub async fn erase_part(tx: &mut Tx, (id, side): Part, now: Timestamp, counts: &mut Counts) -> Result<(), StoreError> {
    let lock = tx.for_update();
    let sql = format!("SELECT parties, payment_methods, direction, facts FROM transactions WHERE id = $1{lock}");
    let Some(row) = tx.query_opt(&sql, &[id.0.into()]).await? else { return Ok(()) };
    erase_events(tx, id.0, counts).await?;
    let params: [Value; 2] = [id.0.into(), side.as_str().into()];
    for (name, sql) in SHARED {
        add(counts, name, tx.execute(sql, &params[..1]).await?);
    }
    for (name, sql) in OF_PARTY {
        add(counts, name, tx.execute(sql, &params).await?);
    }
    let mut c = row.columns();
    let (mut parties, mut methods) = (read_json(&c.take::<String>()?)?, read_json(&c.take::<String>()?)?);
    let direction = read_direction(&c.take::<String>()?)?;
    let mut facts = read_json(&c.take::<String>()?)?;
    forget(&mut parties, side.role());
    forget(&mut methods, side.method_role(direction));
    forget_facts(&mut facts, side);
    let side = side.as_str();
    // The caller's id of the transaction may say whose it is; the subject's it is.
    let sql = format!(
        "UPDATE transactions SET parties = $2, payment_methods = $3, facts = $4, {side}_vendor_data = NULL, {side}_name = NULL,
             {side}_country = NULL, txn_id = CASE WHEN '{side}' = 'subject' THEN $5 ELSE txn_id END, erased_at = $6
         WHERE id = $1"
    );
    let params = [
        id.0.into(),
        parties.to_string().into(),
        methods.to_string().into(),
        facts.to_string().into(),
        format!("erased {id}").into(),
        now.into(),
    ];
    tx.send(&sql, &params).await?;
    add(counts, "transaction_parties", 1);
    Ok(())
}

/// Members of a row that say nothing of anybody.
const OPEN: [&str; 6] = ["uuid", "role", "entity_type", "kind", "owner_kind", "payment_method_type"];

/// Empties the rows of a role.
fn forget(rows: &mut Json, role: &str) {
    for row in rows.as_array_mut().into_iter().flatten().filter(|row| row["role"] == role) {
        let members = row.as_object_mut().into_iter().flatten();
        for (_, value) in members.filter(|(name, _)| !OPEN.contains(&name.as_str())) {
            // A snapshot stays what it is where there is none: null.
            *value = if value.is_object() { Json::Object(Map::new()) } else { Json::Null };
        }
    }
}

fn forget_facts(facts: &mut Json, side: Side) {
    if let Some(members) = facts.as_object_mut() {
        let own = format!("{}_", side.as_str());
        members.retain(|name, _| !name.starts_with(&own) && name != "payment_details" && name != "custom_values");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_party_is_forgotten_and_the_other_is_not() {
        let mut parties = json!([
            { "uuid": 1, "role": "APPLICANT", "kind": "USER", "full_name": "Ana", "address": { "town": "Bonn" }, "new": "x" },
            { "uuid": 2, "role": "COUNTERPARTY", "kind": "EXTERNAL", "full_name": "Bob", "external_party_snapshot": { "a": 1 } },
        ]);
        forget(&mut parties, "COUNTERPARTY");
        assert_eq!(
            parties,
            json!([
                { "uuid": 1, "role": "APPLICANT", "kind": "USER", "full_name": "Ana", "address": { "town": "Bonn" }, "new": "x" },
                { "uuid": 2, "role": "COUNTERPARTY", "kind": "EXTERNAL", "full_name": null, "external_party_snapshot": {} },
            ])
        );
        let mut facts = json!({ "amount": "1", "subject_email": "a", "counterparty_email": "b", "custom_values": { "x": 1 } });
        forget_facts(&mut facts, Side::Subject);
        assert_eq!(facts, json!({ "amount": "1", "counterparty_email": "b" }));
    }
}
