//! The switches of an application (`/x/settings/`): shown, changed, and every change in the trail with what stood before.

use gavel_core::{
    guard::{Retention, Sweep},
    ids::ApplicationId,
    json::{FieldErrors, Fields, Sent, Value, read},
    session::Environment,
    time::Timestamp,
    transaction::Thresholds,
};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::{Caller, Error};
use crate::{
    app::App,
    store::{
        applications::{self, Application},
        settings::{self, Switches},
    },
};

/// Longest life of an approval, in days.
const KYC_DAYS: i64 = 3_650;
/// Longest time values are kept, in months.
const MONTHS: i64 = 120;

/// A change as sent. What is not sent stays.
pub struct SwitchesChange {
    reviews_change_status: Option<bool>,
    auto_blocklist_on_decline: Option<bool>,
    kyc_expiry_days: Sent<i64>,
    sweep: Option<Sweep>,
    retention: Option<RetentionChange>,
    transaction_scores: Option<ScoresChange>,
}

/// A change of the borders of scores.
struct ScoresChange {
    review: Option<u8>,
    decline: Option<u8>,
}

/// A change of how long values are kept.
pub struct RetentionChange([Sent<i64>; 4]);

impl SwitchesChange {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let reviews_change_status = fields.optional("reviews_change_status", read::boolean);
        let auto_blocklist_on_decline = fields.optional("auto_blocklist_on_decline", read::boolean);
        let kyc_expiry_days = fields.nullable("kyc_expiry_days", read::integer(1, KYC_DAYS));
        let sweep = fields.optional("sweep", read::choice_of(Sweep::from_name));
        let retention = fields.optional("retention", read::nested(RetentionChange::read));
        let transaction_scores = fields.optional("transaction_scores", read::nested(ScoresChange::read));
        fields.finish(|| {
            Some(Self {
                reviews_change_status: reviews_change_status?,
                auto_blocklist_on_decline: auto_blocklist_on_decline?,
                kyc_expiry_days: kyc_expiry_days?,
                sweep: sweep?,
                retention: retention?,
                transaction_scores: transaction_scores?,
            })
        })
    }

    fn over(self, current: &Switches) -> Switches {
        Switches {
            reviews_change_status: self.reviews_change_status.unwrap_or(current.reviews_change_status),
            auto_blocklist_on_decline: self.auto_blocklist_on_decline.unwrap_or(current.auto_blocklist_on_decline),
            kyc_expiry_days: self.kyc_expiry_days.over(current.kyc_expiry_days),
            sweep: self.sweep.unwrap_or(current.sweep),
            retention: self.retention.map_or(current.retention, |change| change.over(current.retention)),
            transaction_scores: self.transaction_scores.map_or(current.transaction_scores, |change| Thresholds {
                review: change.review.unwrap_or(current.transaction_scores.review),
                decline: change.decline.unwrap_or(current.transaction_scores.decline),
            }),
        }
    }
}

impl ScoresChange {
    fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let mut score = |name| {
            let score = fields.optional(name, read::integer(1, 100))?;
            Some(score.and_then(|score| u8::try_from(score).ok()))
        };
        let (review, decline) = (score("review"), score("decline"));
        fields.finish(|| Some(Self { review: review?, decline: decline? }))
    }
}

impl RetentionChange {
    /// Reads the object.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let months = ["sessions", "media", "audit_values", "imports"].map(|kind| fields.nullable(kind, read::integer(1, MONTHS)));
        let [sessions, media, audit_values, imports] = months;
        fields.finish(|| Some(Self([sessions?, media?, audit_values?, imports?])))
    }

    /// What holds after the change.
    pub fn over(self, current: Retention) -> Retention {
        let [sessions, media, audit_values, imports] = self.0;
        let months = |sent: Sent<i64>, current: Option<u64>| match sent {
            Sent::Absent => current,
            Sent::Null => None,
            Sent::Value(months) => Some(months.unsigned_abs()),
        };
        Retention {
            sessions: months(sessions, current.sessions),
            media: months(media, current.media),
            audit_values: months(audit_values, current.audit_values),
            imports: months(imports, current.imports),
        }
    }
}

/// An application as answered.
#[derive(Debug, Serialize)]
pub struct ApplicationView {
    uuid: ApplicationId,
    name: String,
    environment: Environment,
    created_at: Timestamp,
}

impl From<Application> for ApplicationView {
    fn from(of: Application) -> Self {
        Self { uuid: of.id, name: of.name, environment: of.environment, created_at: of.created_at }
    }
}

/// The switches as answered.
#[derive(Debug, Serialize)]
pub struct SwitchesView {
    application: ApplicationView,
    reviews_change_status: bool,
    auto_blocklist_on_decline: bool,
    kyc_expiry_days: Option<i64>,
    sweep: Sweep,
    retention: Retention,
    transaction_scores: Thresholds,
}

impl SwitchesView {
    fn of(application: Application, switches: Switches) -> Self {
        Self {
            application: application.into(),
            reviews_change_status: switches.reviews_change_status,
            auto_blocklist_on_decline: switches.auto_blocklist_on_decline,
            kyc_expiry_days: switches.kyc_expiry_days,
            sweep: switches.sweep,
            retention: switches.retention,
            transaction_scores: switches.transaction_scores,
        }
    }
}

/// The caller's application.
pub async fn application(app: &App, caller: &Caller) -> Result<ApplicationView, Error> {
    let id = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move { Ok(applications::find_application(tx, id).await?.ok_or(Error::NOT_FOUND)?.into()) })
        })
        .await
}

/// The switches.
pub async fn show(app: &App, caller: &Caller) -> Result<SwitchesView, Error> {
    let id = caller.application;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let application = applications::find_application(tx, id).await?.ok_or(Error::NOT_FOUND)?;
                let switches = settings::find_switches(tx, id).await?.ok_or(Error::NOT_FOUND)?;
                Ok(SwitchesView::of(application, switches))
            })
        })
        .await
}

/// Changes switches; a change that says nothing new leaves no trace.
pub async fn update(app: &App, caller: &Caller, body: Result<SwitchesChange, FieldErrors>) -> Result<SwitchesView, Error> {
    let change = body?;
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (caller, id) = (&caller_, caller_.application);
            applications::lock_settings(tx, id).await?;
            let application = applications::find_application(tx, id).await?.ok_or(Error::NOT_FOUND)?;
            let current = settings::find_switches(tx, id).await?.ok_or(Error::NOT_FOUND)?;
            let next = change.over(&current);
            if next != current {
                settings::set_switches(tx, id, &next).await?;
                let values = Map::from_iter([("before".to_owned(), shown(&current)), ("after".to_owned(), shown(&next))]);
                caller.audit_values(tx, "settings.updated", &[("application", id.0)], values, now).await?;
            }
            Ok(SwitchesView::of(application, next))
        })
    })
    .await
}

fn shown(switches: &Switches) -> Json {
    serde_json::json!({
        "reviews_change_status": switches.reviews_change_status,
        "auto_blocklist_on_decline": switches.auto_blocklist_on_decline,
        "kyc_expiry_days": switches.kyc_expiry_days,
        "sweep": switches.sweep,
        "retention": switches.retention,
        "transaction_scores": switches.transaction_scores,
    })
}
