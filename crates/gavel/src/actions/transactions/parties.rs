//! The parties of a transaction as answers show them. They are stored in that form: nothing later changes who they were.

use gavel_core::{
    session::SessionKind,
    transaction::{Direction, NewTransaction, Party, PaymentMethod, Side, entity_name},
};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{clock::new_id, store::transactions::Named};

/// A party that takes part, and its ids.
pub(super) struct Participant<'a> {
    pub(super) side: Side,
    pub(super) id: Uuid,
    party: &'a Party,
    /// A user or business of the application.
    known: bool,
}

/// Both, the subject first. `counterparty_known`: the other side is a user or business of the application.
pub(super) fn of(new: &NewTransaction, counterparty_known: bool) -> Vec<Participant<'_>> {
    let subject = Participant { side: Side::Subject, id: new_id(), party: &new.subject, known: true };
    let counterparty = new.counterparty.as_ref();
    let counterparty =
        counterparty.map(|party| Participant { side: Side::Counterparty, id: new_id(), party, known: counterparty_known });
    std::iter::once(subject).chain(counterparty).collect()
}

impl Participant<'_> {
    /// `USER`, `BUSINESS`, or `EXTERNAL` for somebody the application does not know.
    fn kind(&self) -> &'static str {
        match (self.known, self.party.kind()) {
            (true, SessionKind::User) => "USER",
            (true, SessionKind::Business) => "BUSINESS",
            (false, _) => "EXTERNAL",
        }
    }

    fn entity_type(&self) -> &'static str {
        match (self.known, self.party.entity) {
            (false, None) => "external",
            _ => entity_name(self.party.kind()),
        }
    }

    fn snapshot(&self) -> Json {
        if self.known { Json::Null } else { Json::Object(self.party.sent.clone()) }
    }

    /// A row of `parties[]`.
    pub(super) fn shown(&self) -> Json {
        let party = self.party;
        json!({
            "uuid": self.id,
            "role": self.side.role(),
            "entity_type": self.entity_type(),
            "kind": self.kind(),
            "vendor_data": party.vendor_data,
            "full_name": party.full_name,
            "first_name": party.first_name,
            "last_name": party.last_name,
            "country_code": party.country(),
            "dob": party.date_of_birth.map(|day| day.to_string()),
            "address": party.address,
            "institution_info": party.institution,
            "device": party.device,
            "external_party_snapshot": self.snapshot(),
        })
    }

    /// A row of `payment_methods[]`, when the party has a method.
    pub(super) fn shown_method(&self, direction: Direction) -> Option<Json> {
        let method: &PaymentMethod = self.party.payment_method.as_ref()?;
        Some(json!({
            "uuid": new_id::<Uuid>(),
            "payment_method_type": method.shown_type().as_str(),
            "label": null,
            "fingerprint": method.fingerprint(),
            "account_id": method.account_id,
            "issuing_country": method.issuing_country,
            "owner_kind": self.kind(),
            "vendor_data": self.party.vendor_data,
            "owner_name": self.party.full_name,
            "institution_info": self.party.institution,
            "details": {},
            "external_owner_snapshot": self.snapshot(),
            "role": self.side.method_role(direction),
        }))
    }
}

/// What a list shows of a party.
pub(super) fn named(party: Option<&Party>) -> Named {
    party.map_or_else(Named::default, |party| Named {
        vendor_data: party.vendor_data.clone(),
        name: party.full_name.clone(),
        country: party.country().map(str::to_owned),
    })
}
