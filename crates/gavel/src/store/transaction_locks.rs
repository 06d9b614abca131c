//! Keeping transactions apart whose rules count each other.
//!
//! A rule that counts what came before must see everything that is committed before it, and nobody may commit in between.
//! There is no row to lock for "all transactions of this subject", so names are held, as for subjects. Every transaction
//! holds the name of its application, together with others or, where a rule counts beyond one subject, alone; whoever changes
//! rules holds it alone, so that no transaction is under way by other rules than the next one runs by.

use gavel_core::ids::ApplicationId;
use sha2::{Digest, Sha256};

use super::{StoreError, Tx};

/// How far the rules of a transaction look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Reach {
    /// At the transaction alone.
    #[default]
    Itself,
    /// At transactions of its subject.
    Subject,
    /// At transactions of others.
    Everybody,
}

fn name(application: ApplicationId, vendor_data: Option<&str>) -> i64 {
    let mut hash = Sha256::new();
    hash.update(b"gavel transactions");
    hash.update(application.0.as_bytes());
    if let Some(vendor_data) = vendor_data {
        hash.update(vendor_data);
    }
    let bytes = hash.finalize();
    i64::from_be_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|place: usize| bytes[place]))
}

/// Holds what a new transaction's rules look at. Comes behind the names of subjects and before every row.
pub async fn hold_past(tx: &mut Tx, application: ApplicationId, subject: Option<&str>, reach: Reach) -> Result<(), StoreError> {
    let all = name(application, None);
    match (reach, subject) {
        (Reach::Everybody, _) => tx.hold(&[], &[all]).await,
        (Reach::Subject, Some(subject)) => tx.hold(&[all], &[name(application, Some(subject))]).await,
        (Reach::Subject, None) | (Reach::Itself, _) => tx.hold(&[all], &[]).await,
    }
}

/// Holds everything any rule looks at, to change the rules.
pub async fn hold_rules(tx: &mut Tx, application: ApplicationId) -> Result<(), StoreError> {
    tx.hold(&[], &[name(application, None)]).await
}
