//! Users and businesses: shown, listed, made, changed, blocked, deleted (contract, entities §1–§3; lists §8).
//!
//! Both are one noun, a subject. A subject is blocked if and only if a live entry of a blocklist of its type covers it, so
//! there is one way to set a status ([`setting`]) and one way to follow a change of lists ([`sync`]); both hold the
//! subject's name first ([`crate::store::subject_locks`]). What a subject's sessions add up to is read when it is shown.

pub mod body;
pub mod bulk;
pub mod notes;
pub(super) mod origins;
pub mod remove;
pub(super) mod sessions;
mod setting;
pub mod sync;
mod telling;
pub mod trace;
pub mod upgrade;
mod write;

use gavel_core::{
    evidence::Feature,
    ids::{ApplicationId, SubjectId},
    session::{FeatureStatus, SessionKind, SessionStatus},
    subject::SubjectStatus,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value as Json};

pub use write::{create, update, update_status};

use super::{Caller, Error, decision};
use crate::{
    app::App,
    media,
    store::{
        Tx, records,
        subject_comments::{self, Comment},
        subject_facts::{self, Facts},
        subject_tags::{self, Link, Tag},
        subjects::{self, Filter, Subject},
    },
};

/// A subject as a list shows it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Row {
    /// A person.
    User(Box<UserRow>),
    /// A company.
    Business(Box<BusinessRow>),
}

/// A user as a list shows it.
#[derive(Debug, Serialize)]
pub struct UserRow {
    didit_internal_id: SubjectId,
    vendor_data: Option<String>,
    display_name: Option<String>,
    full_name: Option<String>,
    date_of_birth: Option<String>,
    effective_name: Option<String>,
    status: SubjectStatus,
    portrait_image_url: Option<String>,
    issuing_states: Vec<String>,
    approved_emails: Vec<String>,
    approved_phones: Vec<String>,
    #[serde(flatten)]
    sums: Sums,
}

/// A business as a list shows it.
#[derive(Debug, Serialize)]
pub struct BusinessRow {
    didit_internal_id: SubjectId,
    vendor_data: Option<String>,
    display_name: Option<String>,
    legal_name: Option<String>,
    registration_number: Option<String>,
    country_code: Option<String>,
    effective_name: Option<String>,
    status: SubjectStatus,
    #[serde(flatten)]
    sums: Sums,
}

/// What the rows of both kinds end with.
#[derive(Debug, Serialize)]
struct Sums {
    session_count: u64,
    approved_count: u64,
    declined_count: u64,
    in_review_count: u64,
    features: Map<String, Json>,
    features_list: Vec<FeatureView>,
    last_session_at: Option<Timestamp>,
    first_session_at: Option<Timestamp>,
    last_activity_at: Option<Timestamp>,
    tags: Tags,
    created_at: Timestamp,
}

/// A user's detail says who put a tag on, and when.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Tags {
    Plain(Vec<Tag>),
    Links(Vec<Link>),
}

impl Tags {
    fn plain(links: Vec<Link>) -> Self {
        Self::Plain(links.into_iter().map(|link| link.tag).collect())
    }
}

#[derive(Debug, Serialize)]
struct FeatureView {
    feature: &'static str,
    status: &'static str,
}

impl Sums {
    fn of(subject: &Subject, facts: Facts, tags: Tags) -> Self {
        let features: Vec<FeatureView> = match subject.kind {
            SessionKind::User => facts.features.iter().map(|(feature, status)| view_of(*feature, *status)).collect(),
            SessionKind::Business => facts.newest.map(roll_up).into_iter().collect(),
        };
        Self {
            session_count: facts.sessions,
            approved_count: facts.approved,
            declined_count: facts.declined,
            in_review_count: facts.in_review,
            features: features.iter().map(|view| (view.feature.to_owned(), view.status.into())).collect(),
            features_list: features,
            last_session_at: subject.last_session_at,
            first_session_at: subject.first_session_at,
            last_activity_at: subject.last_session_at.max(subject.profile_changed_at),
            tags,
            created_at: subject.created_at,
        }
    }
}

fn view_of(feature: Feature, status: FeatureStatus) -> FeatureView {
    FeatureView { feature: feature.name(), status: status.as_str() }
}

/// Of a company only one feature is told: how its newest session came out.
fn roll_up(newest: SessionStatus) -> FeatureView {
    let status = match newest {
        SessionStatus::Approved => FeatureStatus::Approved,
        SessionStatus::Declined => FeatureStatus::Declined,
        SessionStatus::InReview => FeatureStatus::InReview,
        SessionStatus::NotStarted
        | SessionStatus::InProgress
        | SessionStatus::AwaitingUser
        | SessionStatus::Resubmitted
        | SessionStatus::Expired
        | SessionStatus::KycExpired
        | SessionStatus::Abandoned => FeatureStatus::NotFinished,
    };
    FeatureView { feature: "KYB", status: status.as_str() }
}

/// A subject with everything.
#[derive(Debug, Serialize)]
pub struct Detail {
    #[serde(flatten)]
    row: Row,
    metadata: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    comments: Option<Vec<Comment>>,
    updated_at: Timestamp,
}

/// The caller's object, or an empty one.
fn metadata(subject: &Subject) -> Json {
    match &subject.metadata {
        Some(sent) => decision::raw(Some(sent)),
        None => Json::Object(Map::new()),
    }
}

/// Subjects as a list shows them.
async fn rows(
    tx: &mut Tx,
    app: &App,
    application: ApplicationId,
    kind: SessionKind,
    subjects: Vec<Subject>,
) -> Result<Vec<Row>, Error> {
    let known: Vec<&str> = subjects.iter().filter_map(|subject| subject.vendor_data.as_deref()).collect();
    let mut facts = subject_facts::list_facts(tx, application, kind, &known).await?;
    let ids: Vec<SubjectId> = subjects.iter().map(|subject| subject.id).collect();
    let mut tags = subject_tags::list_links(tx, &ids).await?;
    let mut rows = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let own = subject.vendor_data.as_ref().and_then(|known| facts.remove(known)).unwrap_or_default();
        let portrait = portrait(tx, app, application, &subject, &own).await?;
        let effective_name = subject.profile.effective_name().map(str::to_owned);
        let sums = Sums::of(&subject, own, Tags::plain(tags.remove(&subject.id).unwrap_or_default()));
        let Subject { id, vendor_data, status, profile, .. } = subject;
        rows.push(match kind {
            SessionKind::User => Row::User(Box::new(UserRow {
                didit_internal_id: id,
                vendor_data,
                display_name: profile.display_name,
                full_name: profile.full_name,
                date_of_birth: profile.date_of_birth,
                effective_name,
                status,
                portrait_image_url: portrait,
                issuing_states: profile.issuing_states,
                approved_emails: profile.approved_emails,
                approved_phones: profile.approved_phones,
                sums,
            })),
            SessionKind::Business => Row::Business(Box::new(BusinessRow {
                didit_internal_id: id,
                vendor_data,
                display_name: profile.display_name,
                legal_name: profile.legal_name,
                registration_number: profile.registration_number,
                country_code: profile.country_code,
                effective_name,
                status,
                sums,
            })),
        });
    }
    Ok(rows)
}

/// The latest picture of a person that was found good, as a link. Whoever never showed a face has none.
async fn portrait(
    tx: &mut Tx,
    app: &App,
    application: ApplicationId,
    subject: &Subject,
    facts: &Facts,
) -> Result<Option<String>, Error> {
    let shows = |(feature, _): &(Feature, FeatureStatus)| matches!(feature, Feature::Liveness | Feature::Ocr);
    let Some(vendor_data) = subject.vendor_data.as_deref().filter(|_| facts.features.iter().any(shows)) else { return Ok(None) };
    let face = records::find_stored_face(tx, application, vendor_data).await?;
    Ok(face.map(|id| media::link(&app.secrets, &app.config.public_url, id, app.clock.now())))
}

/// One subject with everything, as this transaction sees it.
async fn detail(tx: &mut Tx, app: &App, application: ApplicationId, subject: Subject) -> Result<Detail, Error> {
    let (kind, id, metadata, updated_at) = (subject.kind, subject.id, metadata(&subject), subject.updated_at);
    let comments = match kind {
        SessionKind::User => Some(subject_comments::list_comments(tx, id).await?),
        SessionKind::Business => None,
    };
    let mut row = rows(tx, app, application, kind, vec![subject]).await?.pop().ok_or(Error::NOT_FOUND)?;
    if let Row::User(user) = &mut row {
        user.sums.tags = Tags::Links(subject_tags::list_links(tx, &[id]).await?.remove(&id).unwrap_or_default());
    }
    Ok(Detail { row, metadata, comments, updated_at })
}

/// The subject with this `vendor_data`.
pub async fn show(app: &App, caller: &Caller, kind: SessionKind, vendor_data: String) -> Result<Detail, Error> {
    let (application, app_) = (caller.application, app.clone());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let subject = subjects::find_by_vendor_data(tx, application, kind, &vendor_data).await?;
                detail(tx, &app_, application, subject.ok_or(Error::NOT_FOUND)?).await
            })
        })
        .await
}

/// A page of subjects and how many there are.
pub async fn list(
    app: &App,
    caller: &Caller,
    kind: SessionKind,
    filter: Filter,
    window: (u64, u64),
) -> Result<(Vec<Row>, u64), Error> {
    let (application, app_) = (caller.application, app.clone());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let (found, total) = subjects::list_subjects(tx, application, kind, &filter, window).await?;
                Ok((rows(tx, &app_, application, kind, found).await?, total))
            })
        })
        .await
}
