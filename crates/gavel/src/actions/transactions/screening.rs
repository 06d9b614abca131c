//! A transaction's values against the lists: before its transaction, and again inside it when the lists have moved on.

use std::sync::Arc;

use gavel_core::{
    ids::ApplicationId,
    json::FieldErrors,
    list::ListType,
    screening::{Hit, Index},
    time::Timestamp,
    transaction::{Match, NewTransaction, PartyValue, Side, entity_name, participants, values},
};

use crate::{actions::Error, app::App, store::Tx};

/// Every value of a transaction that lists know, participants first.
fn shown(new: &NewTransaction) -> impl Iterator<Item = PartyValue> {
    participants(new).into_iter().chain(values(new))
}

/// What the lists said, in which state they were, at which instant.
pub(super) struct Screened {
    pub(super) index: Arc<Index>,
    pub(super) at: Timestamp,
    /// Every value with its hits, participants first.
    pub(super) values: Vec<(PartyValue, Vec<Hit>)>,
}

impl Screened {
    pub(super) fn of(index: Arc<Index>, new: &NewTransaction, at: Timestamp) -> Self {
        let values = shown(new).map(|value| {
            let hits = index.hits(&value.value, at);
            (value, hits)
        });
        Self { values: values.collect(), index, at }
    }

    /// The values alone, of what no list is asked about.
    pub(super) fn unasked(index: Arc<Index>, new: &NewTransaction, at: Timestamp) -> Self {
        Self { values: shown(new).map(|value| (value, Vec::new())).collect(), index, at }
    }

    /// The same as this transaction of the database sees the lists.
    pub(super) async fn at_last(
        self,
        tx: &mut Tx,
        app: &App,
        application: ApplicationId,
        new: &NewTransaction,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let index = app.live.within(tx, application, &self.index).await?;
        if Arc::ptr_eq(&index, &self.index) { Ok(self) } else { Ok(Self::of(index, new, now)) }
    }

    /// Refuses participants a live entry covers, the subject first. One that the flood guard holds refuses nobody.
    pub(super) fn refuse_blocked(&self, new: &NewTransaction) -> Result<(), Error> {
        let refuses = |hit: &Hit| hit.list_type == ListType::Blocklist && !hit.held;
        let is_participant = |value: &PartyValue| gavel_core::subject::kind_of(value.value.entry_type()).is_some();
        let blocked = self.values.iter().find(|(value, hits)| is_participant(value) && hits.iter().any(refuses));
        let Some((value, _)) = blocked else { return Ok(()) };
        let party = match value.side {
            Side::Subject => Some(&new.subject),
            Side::Counterparty => new.counterparty.as_ref(),
        };
        let Some((kind, vendor_data)) = party.and_then(|party| Some((party.kind(), party.vendor_data.as_deref()?))) else {
            return Ok(());
        };
        let text =
            format!("The {} '{vendor_data}' is in the blocklist and cannot participate in transactions.", entity_name(kind));
        Err(FieldErrors::one("vendor_data", text).into())
    }

    /// The blocklist matches, in the order of the contract.
    pub(super) fn matches(&self) -> Vec<Match> {
        let of_value = |(value, hits): &(PartyValue, Vec<Hit>)| {
            let blocking = hits.iter().filter(|hit| hit.list_type == ListType::Blocklist);
            let found = blocking.map(|hit| Match {
                side: value.side,
                entry_type: value.value.entry_type(),
                list: hit.list,
                entry: hit.entry,
                held: hit.held,
            });
            found.collect::<Vec<_>>()
        };
        self.values.iter().flat_map(of_value).collect()
    }
}
