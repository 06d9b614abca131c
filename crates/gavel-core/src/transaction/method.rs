//! How a party pays or is paid.

use sha2::{Digest, Sha256};

use super::TEXT;
use crate::json::{FieldErrors, Fields, Value, read};

/// Longest account, in characters.
const ACCOUNT: usize = 1_024;

/// What an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MethodType {
    /// A card.
    BankCard,
    /// An account at a bank.
    BankAccount,
    /// A wallet somebody keeps for the party.
    CryptoWallet,
    /// An account that holds electronic money.
    EWallet,
    /// A wallet the party keeps itself.
    UnhostedWallet,
    /// Anything else.
    Other,
}

impl MethodType {
    const ALL: [Self; 6] =
        [Self::BankCard, Self::BankAccount, Self::CryptoWallet, Self::EWallet, Self::UnhostedWallet, Self::Other];

    /// The name in a request.
    const fn sent_as(self) -> &'static str {
        match self {
            Self::EWallet => "ewallet",
            other => other.as_str(),
        }
    }

    /// The name in an answer.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BankCard => "bank_card",
            Self::BankAccount => "bank_account",
            Self::CryptoWallet => "crypto_wallet",
            Self::EWallet => "e_wallet",
            Self::UnhostedWallet => "unhosted_wallet",
            Self::Other => "other",
        }
    }

    fn from_sent(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.sent_as() == name)
    }
}

/// A payment method of a party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentMethod {
    /// What it is; unknown counts as other.
    pub method_type: Option<MethodType>,
    /// The number, as sent.
    pub account_id: Option<String>,
    /// Where it was issued, as sent.
    pub issuing_country: Option<String>,
}

impl PaymentMethod {
    /// Reads the object; one that says nothing is none.
    pub(super) fn read(sent: &Value<'_>) -> Result<Option<Self>, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let method_type = fields.optional("method_type", read::choice_of(MethodType::from_sent));
        let account_id = fields.optional("account_id", read::text(ACCOUNT));
        let issuing_country = fields.optional("issuing_country", read::text(TEXT));
        let method = fields
            .finish(|| Some(Self { method_type: method_type?, account_id: account_id?, issuing_country: issuing_country? }))?;
        let says_nothing = Self { method_type: None, account_id: None, issuing_country: None };
        Ok((method != says_nothing).then_some(method))
    }

    /// The type an answer shows.
    pub fn shown_type(&self) -> MethodType {
        self.method_type.unwrap_or(MethodType::Other)
    }

    /// SHA-256 of type, account and country: equal for equal methods, whoever uses them.
    pub fn fingerprint(&self) -> String {
        let trimmed = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_owned();
        let method_type = self.method_type.map_or("", MethodType::sent_as);
        let text = format!("{method_type}:{}:{}", trimmed(&self.account_id), trimmed(&self.issuing_country));
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
