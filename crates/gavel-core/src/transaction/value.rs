//! The values of a transaction that lists are asked about, and what a match with each of them is called.

use super::{MethodType, NewTransaction, Party, Side};
use crate::{
    entry::{EntryType, EntryValue},
    subject,
};

/// A value of one of the parties. What fails the grammar of its type is none and matches nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct PartyValue {
    /// Whose it is.
    pub side: Side,
    /// In stored form and with its match key.
    pub value: EntryValue,
}

/// The participants lists know by their `vendor_data`, the subject first.
pub fn participants(new: &NewTransaction) -> Vec<PartyValue> {
    let known = |(side, party): (Side, &Party)| {
        let value = subject::known_as(party.kind(), party.vendor_data.as_deref())?;
        Some(PartyValue { side, value })
    };
    parties(new).filter_map(known).collect()
}

/// The other values: the subject's before the counterparty's, each party's in the order of the contract (entities §4.2).
pub fn values(new: &NewTransaction) -> Vec<PartyValue> {
    let of_party = |(side, party): (Side, &Party)| {
        let sent = sent(party).into_iter();
        let read = move |(entry_type, text): (EntryType, Option<String>)| {
            Some(PartyValue { side, value: EntryValue::parse(entry_type, &text?).ok()? })
        };
        sent.filter_map(read).collect::<Vec<_>>()
    };
    parties(new).flat_map(of_party).collect()
}

fn parties(new: &NewTransaction) -> impl Iterator<Item = (Side, &Party)> {
    let counterparty = new.counterparty.iter().map(|party| (Side::Counterparty, party));
    std::iter::once((Side::Subject, &new.subject)).chain(counterparty)
}

fn sent(party: &Party) -> [(EntryType, Option<String>); 6] {
    let account = |of: &[MethodType]| {
        let method = party.payment_method.as_ref()?;
        method.method_type.filter(|method| of.contains(method))?;
        method.account_id.clone()
    };
    [
        (EntryType::WalletAddress, account(&[MethodType::CryptoWallet, MethodType::UnhostedWallet])),
        (EntryType::BankAccount, account(&[MethodType::BankAccount])),
        (EntryType::IpAddress, party.network_text("ip_address").map(str::to_owned)),
        (EntryType::DeviceFingerprint, party.device_text("fingerprint").map(str::to_owned)),
        (EntryType::Email, party.email.clone()),
        (EntryType::Phone, party.phone.clone()),
    ]
}

/// Code and label of a blocklist match; `None` for types transactions do not look at.
pub const fn reason_of(entry_type: EntryType) -> Option<(&'static str, &'static str)> {
    match entry_type {
        EntryType::WalletAddress => Some(("WALLET_ADDRESS_IN_BLOCKLIST", "Wallet address in blocklist")),
        EntryType::BankAccount => Some(("BANK_ACCOUNT_IN_BLOCKLIST", "Bank account in blocklist")),
        EntryType::IpAddress => Some(("IP_ADDRESS_IN_BLOCKLIST", "IP address in blocklist")),
        EntryType::DeviceFingerprint => Some(("DEVICE_FINGERPRINT_IN_BLOCKLIST", "Device fingerprint in blocklist")),
        EntryType::Email => Some(("EMAIL_IN_BLOCKLIST", "Email in blocklist")),
        EntryType::Phone => Some(("PHONE_NUMBER_IN_BLOCKLIST", "Phone number in blocklist")),
        // Participants are refused; only an entry the flood guard holds lets them come this far.
        EntryType::User => Some(("USER_IN_BLOCKLIST", "User in blocklist")),
        EntryType::Business => Some(("BUSINESS_IN_BLOCKLIST", "Business in blocklist")),
        EntryType::Face | EntryType::Document | EntryType::Country | EntryType::Key => None,
    }
}
