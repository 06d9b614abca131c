//! The screening index of this process: one immutable snapshot per application, swapped when the lists change.
//!
//! The index is never the truth. [`Live::fresh`] reads the application's revision and catches up with what came after
//! the snapshot's; calls that arrive together share one look. A decision goes further: it screens against the snapshot
//! before its transaction and, inside it, asks [`Live::within`], which compares the revision on the transaction's own
//! connection and reads the missing changes there. So no decision uses lists older than the start of its transaction,
//! whatever other processes do, and nothing uncommitted ever gets into a snapshot others can see.

mod rule_sets;

pub use rule_sets::{RuleSet, RuleSets, Running};

use std::{
    collections::HashMap,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use gavel_core::{
    ids::ApplicationId,
    screening::{Change, Index, Loading},
};
use uuid::Uuid;

use crate::store::{
    Store, StoreError, Tx,
    applications::{self, Counter},
    entries::{self, Place},
};

/// Rows read at a time: what following or loading takes beside the index itself.
const PART: u64 = 5_000;

/// The indexes of all applications. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    store: Store,
    hash_key: [u8; 16],
    slots: Arc<RwLock<HashMap<ApplicationId, Arc<Slot>>>>,
    loaded: Arc<AtomicBool>,
}

struct Slot {
    current: ArcSwap<Index>,
    /// Calls of [`Live::fresh`] so far.
    arrived: AtomicU64,
    /// How many of them are served: a look that starts after a call arrived serves it as well.
    served: tokio::sync::Mutex<Option<u64>>,
}

impl Live {
    /// No index yet; each is built when its application is first asked about, or by [`load_all`](Self::load_all).
    pub fn new(store: Store, hash_key: [u8; 16]) -> Self {
        Self { store, hash_key, slots: Arc::default(), loaded: Arc::default() }
    }

    /// Loads the indexes of all applications, so that no request after a start has to wait for one.
    pub async fn load_all(&self) -> Result<(), StoreError> {
        for application in self.store.read(|tx| Box::pin(applications::list_applications(tx))).await? {
            self.fresh(application.id).await?;
        }
        self.loaded.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether [`load_all`](Self::load_all) has ended.
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Relaxed)
    }

    /// The index as of now: it holds every change that was committed before this call.
    pub async fn fresh(&self, application: ApplicationId) -> Result<Arc<Index>, StoreError> {
        let slot = self.slot(application);
        let ticket = slot.arrived.fetch_add(1, Ordering::SeqCst);
        let mut served = slot.served.lock().await;
        if served.is_none_or(|served| served <= ticket) {
            let covers = slot.arrived.load(Ordering::SeqCst);
            let (live, known) = (self.clone(), slot.current.load_full());
            let never_loaded = served.is_none();
            let index = self
                .store
                .read(move |tx| {
                    Box::pin(async move {
                        if never_loaded { live.load(tx, application).await } else { live.within(tx, application, &known).await }
                    })
                })
                .await?;
            slot.current.store(index);
            *served = Some(covers);
        }
        Ok(slot.current.load_full())
    }

    /// The snapshot at hand, for a decision that will look [`Live::within`] its transaction anyway. Only a process that has
    /// never looked at this application waits for the first load.
    pub async fn snapshot(&self, application: ApplicationId) -> Result<Arc<Index>, StoreError> {
        let current = self.slot(application).current.load_full();
        if current.revision() == 0 { self.fresh(application).await } else { Ok(current) }
    }

    /// The index as this transaction sees the lists. The same snapshot when nothing has changed.
    pub async fn within(&self, tx: &mut Tx, application: ApplicationId, known: &Arc<Index>) -> Result<Arc<Index>, StoreError> {
        let revision = applications::current(tx, application, Counter::ListsRevision).await?;
        if revision == known.revision() {
            return Ok(known.clone());
        }
        if revision < known.revision() {
            return self.load(tx, application).await; // The database was put back to an earlier state.
        }
        let mut index = (**known).clone();
        let mut from = Place::after_revision(known.revision());
        loop {
            let rows = entries::list_added(tx, application, from, PART).await?;
            let Some((last, _)) = rows.last() else { break };
            from = Place::after(last.added_rev, last.entry);
            let kept = rows.into_iter().filter(|(_, removed)| removed.is_none());
            index = index.with(kept.map(|(record, _)| Change::Added(record)), revision);
        }
        let mut from = (known.revision(), Uuid::max());
        loop {
            let rows = entries::list_removed(tx, application, from, PART).await?;
            let Some((_, rev, version)) = rows.last() else { break };
            from = (*rev, *version);
            index = index.with(rows.into_iter().map(|(entry, rev, _)| Change::Removed { entry, rev }), revision);
        }
        Ok(Arc::new(index.with([], revision)))
    }

    /// Brings every index that is in use up to date, so that requests seldom have to.
    pub async fn follow(&self) -> Result<(), StoreError> {
        let known: Vec<ApplicationId> = {
            let slots = self.slots.read().unwrap_or_else(|e| e.into_inner());
            slots.iter().filter(|(_, slot)| slot.current.load().revision() > 0).map(|(id, _)| *id).collect()
        };
        for application in known {
            self.fresh(application).await?;
        }
        Ok(())
    }

    async fn load(&self, tx: &mut Tx, application: ApplicationId) -> Result<Arc<Index>, StoreError> {
        let revision = applications::current(tx, application, Counter::ListsRevision).await?;
        let mut loading = Loading::new(self.hash_key);
        let mut from = Place::after_revision(0);
        loop {
            let rows = entries::list_kept(tx, application, from, PART).await?;
            let Some(last) = rows.last() else { break };
            from = Place::after(last.added_rev, last.entry);
            rows.iter().for_each(|record| loading.push(record));
        }
        Ok(Arc::new(loading.finish(revision)))
    }

    fn slot(&self, application: ApplicationId) -> Arc<Slot> {
        let found = self.slots.read().unwrap_or_else(|e| e.into_inner()).get(&application).cloned();
        found.unwrap_or_else(|| {
            let mut slots = self.slots.write().unwrap_or_else(|e| e.into_inner());
            let slot = || Slot {
                current: ArcSwap::from_pointee(Index::empty(self.hash_key)),
                arrived: AtomicU64::new(0),
                served: tokio::sync::Mutex::new(None),
            };
            slots.entry(application).or_insert_with(|| Arc::new(slot())).clone()
        })
    }
}
