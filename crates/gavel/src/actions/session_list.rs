//! The list of sessions: its filters and its rows (contract, sessions §3).

use std::collections::HashMap;

use gavel_core::{
    entry::country,
    evidence::Feature,
    ids::{ApplicationId, SessionId, SubjectId, WorkflowId, WorkflowVersionId},
    json::FieldErrors,
    session::{FeatureStatus, SessionKind, SessionStatus},
    time::{Day, Timestamp},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Caller, Error, decision};
use crate::{
    app::App,
    store::{
        StoreError, Tx, Value as Param,
        db::{escape_like, holds},
        records::{self, Record},
        sessions::{self, Filter, Session, fold},
        subjects, workflows,
    },
};

/// Names of the standalone calls a session can come from.
const API_SERVICES: [&str; 11] = [
    "ID_VERIFICATION",
    "FACE_MATCH",
    "AGE_ESTIMATION",
    "FACE_SEARCH",
    "POA",
    "AML",
    "KYB_REGISTRY",
    "PASSIVE_LIVENESS",
    "DATABASE_VALIDATION",
    "PHONE_VERIFICATION",
    "EMAIL_VERIFICATION",
];

/// Which kinds a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    /// People, or companies.
    One(SessionKind),
    /// A page of people followed by a page of companies.
    All,
}

impl Kinds {
    /// As sent, in any case; people when nothing is sent.
    pub fn parse(sent: Option<&str>) -> Result<Self, FieldErrors> {
        match sent.map(str::to_ascii_lowercase).as_deref() {
            None | Some("user") => Ok(Self::One(SessionKind::User)),
            Some("business") => Ok(Self::One(SessionKind::Business)),
            Some("all") => Ok(Self::All),
            Some(_) => Err(FieldErrors::plain("session_kind", "Must be \"user\", \"business\", or \"all\".")),
        }
    }
}

/// The filters as sent; all must hold.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Any of these statuses.
    pub status: Option<Vec<String>>,
    /// Exactly this.
    pub vendor_data: Option<String>,
    /// Id, number, e-mail address or name.
    pub search: Option<String>,
    /// Any of these workflows.
    pub workflows: Option<Vec<Uuid>>,
    /// Made on this day or later.
    pub from: Option<Day>,
    /// Made on this day or earlier.
    pub to: Option<Day>,
    /// Any of these issuing countries, alpha-3.
    pub countries: Option<Vec<String>>,
    /// Any of these document codes.
    pub document_types: Option<Vec<String>>,
    /// Part of the document's name.
    pub document_name: Option<String>,
    /// Region of the document's address.
    pub region: Option<String>,
    /// The user's id inside the server.
    pub user: Option<Uuid>,
    /// `HOSTED`, `API`, `MIGRATED`.
    pub session_type: Option<String>,
    /// A standalone call.
    pub api_service: Option<String>,
    /// Part of a name screened for AML.
    pub screened_name: Option<String>,
    /// Any of these risk codes.
    pub risks: Option<Vec<String>>,
    /// Whether the first finished status was In Review.
    pub first_in_review: Option<bool>,
    /// Whether an ID verification is In Review.
    pub kyc_in_review: Option<bool>,
}

impl Wanted {
    /// The standalone call of this name.
    pub fn api_service(name: &str) -> Option<String> {
        API_SERVICES.contains(&name).then(|| name.to_owned())
    }

    fn filter(&self, application: ApplicationId, kind: SessionKind) -> Filter {
        let mut filter = Filter::of(application, kind);
        let texts = |values: &[String]| values.iter().map(Param::from).collect::<Vec<_>>();
        if let Some(status) = &self.status {
            filter.one_of("status", texts(status));
        }
        if let Some(vendor_data) = &self.vendor_data {
            filter.and("vendor_data = ?", [vendor_data.into()]);
        }
        if let Some(search) = &self.search {
            add_search(&mut filter, search);
        }
        if let Some(workflows) = &self.workflows {
            // Of a workflow that is gone no session is left.
            filter.and(
                "EXISTS (SELECT 1 FROM workflows w WHERE w.application_id = s.application_id AND w.workflow_id = s.workflow_id)",
                [],
            );
            filter.one_of("workflow_id", workflows.iter().map(|id| Param::from(*id)).collect());
        }
        if let Some(day) = self.from {
            filter.and("created_at >= ?", [Timestamp::start_of(day).into()]);
        }
        if let Some(day) = self.to {
            filter.and("created_at < ?", [Timestamp::start_of(day.next()).into()]);
        }
        if let Some(countries) = &self.countries {
            filter.one_of("country", texts(countries));
        }
        if let Some(codes) = &self.document_types {
            filter.one_of("document_type", texts(codes));
        }
        if let Some(name) = &self.document_name {
            add_contains(&mut filter, &["document_name_folded"], name);
        }
        if let Some(region) = &self.region {
            filter.and("region_folded = ?", [fold(region).into()]);
        }
        if let Some(user) = self.user {
            let of_user =
                "vendor_data = (SELECT u.vendor_data FROM subjects u WHERE u.id = ? AND u.application_id = s.application_id
                AND u.kind = s.kind)";
            filter.and(of_user, [user.into()]);
        }
        match self.session_type.as_deref() {
            None | Some("ALL") => {}
            Some(session_type) => filter.and("session_type = ?", [session_type.into()]),
        }
        if let Some(service) = &self.api_service {
            filter.and("api_service = ?", [service.into()]);
        }
        if let Some(name) = &self.screened_name {
            add_contains(&mut filter, &["screened_name_folded"], name);
        }
        if let Some(risks) = &self.risks {
            let list = vec!["?"; risks.len().max(1)].join(",");
            let exists = format!("EXISTS (SELECT 1 FROM session_risks r WHERE r.session_id = s.id AND r.risk IN ({list}))");
            filter.and(&exists, texts(risks));
        }
        if let Some(yes) = self.first_in_review {
            let condition = if yes { "first_outcome = ?" } else { "COALESCE(first_outcome, '') <> ?" };
            filter.and(condition, [SessionStatus::InReview.as_str().into()]);
        }
        if let Some(yes) = self.kyc_in_review {
            let not = if yes { "" } else { "NOT " };
            let exists =
                format!("{not}EXISTS (SELECT 1 FROM records k WHERE k.session_id = s.id AND k.feature = ? AND k.status = ?)");
            filter.and(&exists, [Feature::Ocr.name().into(), FeatureStatus::InReview.as_str().into()]);
        }
        filter
    }
}

/// A substring of any of these columns, case and accents ignored.
fn add_contains(filter: &mut Filter, columns: &[&str], text: &str) {
    let (conditions, texts): (Vec<_>, Vec<_>) = columns.iter().map(|column| holds(column, "?", &fold(text))).unzip();
    filter.and(&conditions.join(" OR "), texts.into_iter().map(Param::from));
}

fn begins_with(text: &str) -> Param {
    format!("{}%", escape_like(text)).into()
}

/// One text for several things, told apart by its form.
fn add_search(filter: &mut Filter, search: &str) {
    if let Ok(id) = search.parse::<SessionId>() {
        return filter.and("id = ?", [id.0.into()]);
    }
    let begins = || begins_with(search);
    if search.bytes().all(|b| b.is_ascii_digit()) {
        return filter.and(
            "CAST(number AS text) LIKE ? ESCAPE '\\' OR document_number LIKE ? ESCAPE '\\' OR personal_number LIKE ? ESCAPE '\\'
             OR phone_digits LIKE ? ESCAPE '\\' OR vendor_data = ?",
            [begins(), begins(), begins(), begins(), search.into()],
        );
    }
    if search.contains('@') {
        return filter.and("email_folded LIKE ? ESCAPE '\\'", [begins_with(&fold(search))]);
    }
    add_contains(filter, &["full_name_folded", "vendor_folded"], search);
}

/// A page of rows, their count, and whether there is a next page.
pub async fn list(
    app: &App,
    caller: &Caller,
    kinds: Kinds,
    wanted: Wanted,
    window: (u64, u64),
) -> Result<(Vec<Value>, u64, bool), Error> {
    let (application, app_) = (caller.application, app.clone());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let kinds: &[SessionKind] = match &kinds {
                    Kinds::One(kind) => std::slice::from_ref(kind),
                    Kinds::All => &SessionKind::ALL,
                };
                let (mut rows, mut count, mut more) = (Vec::new(), 0, false);
                for kind in kinds {
                    let filter = wanted.filter(application, *kind);
                    let (sessions, total) = sessions::list_sessions(tx, &filter, window).await?;
                    let ids: Vec<SessionId> = sessions.iter().map(|session| session.id).collect();
                    let mut records: HashMap<SessionId, Vec<Record>> = HashMap::new();
                    for record in records::list_records_of(tx, &ids).await? {
                        records.entry(record.session).or_default().push(record);
                    }
                    let names = Names {
                        labels: labels(tx, *kind, &sessions).await?,
                        users: users(tx, application, *kind, &sessions).await?,
                    };
                    for session in sessions {
                        let own = records.remove(&session.id).unwrap_or_default();
                        rows.push(row(&app_, session, own, &names)?);
                    }
                    count += total;
                    more |= window.1.saturating_add(window.0) < total;
                }
                Ok((rows, count, more))
            })
        })
        .await
}

/// What the workflows of these sessions are called; only the rows of companies say it.
async fn labels(tx: &mut Tx, kind: SessionKind, sessions: &[Session]) -> Result<HashMap<WorkflowVersionId, String>, StoreError> {
    let mut ids: Vec<WorkflowVersionId> = match kind {
        SessionKind::User => Vec::new(),
        SessionKind::Business => sessions.iter().filter_map(|session| session.workflow_version_id).collect(),
    };
    ids.sort_unstable();
    ids.dedup();
    Ok(workflows::list_labels(tx, &ids).await?.into_iter().collect())
}

/// What rows name beside their own session.
struct Names {
    labels: HashMap<WorkflowVersionId, String>,
    users: HashMap<String, SubjectId>,
}

/// The users behind these sessions; only the rows of people say it.
async fn users(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    sessions: &[Session],
) -> Result<HashMap<String, SubjectId>, StoreError> {
    let mut known: Vec<&str> = match kind {
        SessionKind::User => sessions.iter().filter_map(|session| session.vendor_data.as_deref()).collect(),
        SessionKind::Business => Vec::new(),
    };
    known.sort_unstable();
    known.dedup();
    Ok(subjects::list_ids(tx, application, kind, &known).await?.into_iter().collect())
}

#[derive(Serialize)]
struct UserRow {
    session_id: SessionId,
    session_kind: &'static str,
    session_number: i64,
    session_url: Option<String>,
    portrait_image: Option<String>,
    document_type: Option<String>,
    full_name: Option<String>,
    country: Option<String>,
    status: SessionStatus,
    vendor_data: Option<String>,
    didit_internal_id: Option<SubjectId>,
    created_at: Timestamp,
    features: Vec<Value>,
    phone_number: Option<Value>,
    email_address: Option<Value>,
    additional_details: Option<Map<String, Value>>,
}

#[derive(Serialize)]
struct BusinessRow {
    session_id: SessionId,
    session_kind: &'static str,
    session_number: i64,
    status: SessionStatus,
    vendor_data: Option<String>,
    created_at: Timestamp,
    workflow_id: Option<WorkflowId>,
    workflow_type: &'static str,
    workflow_label: Option<String>,
    company_name: Option<String>,
    registration_number: Option<String>,
    country: Option<String>,
}

fn row(app: &App, session: Session, records: Vec<Record>, names: &Names) -> Result<Value, Error> {
    match session.kind {
        SessionKind::User => serde_json::to_value(user_row(app, session, &records, names)),
        SessionKind::Business => serde_json::to_value(business_row(session, &names.labels)),
    }
    .map_err(Error::fault)
}

fn business_row(session: Session, labels: &HashMap<WorkflowVersionId, String>) -> BusinessRow {
    let expected = decision::raw(session.expected_details.as_deref());
    let member = |name: &str| expected.get(name).and_then(Value::as_str).map(str::to_owned);
    BusinessRow {
        session_id: session.id,
        session_kind: "business",
        session_number: session.number,
        status: session.status,
        vendor_data: session.vendor_data,
        created_at: session.created_at,
        workflow_id: session.workflow_id,
        workflow_type: "kyb",
        workflow_label: session.workflow_version_id.and_then(|id| labels.get(&id).cloned()),
        company_name: member("company_name"),
        registration_number: member("registration_number"),
        country: member("registry_country").map(|code| country::alpha3(&code).map_or(code.clone(), str::to_owned)),
    }
}

fn user_row(app: &App, session: Session, records: &[Record], names: &Names) -> UserRow {
    let ran = |record: &&Record| record.status != FeatureStatus::ResubRequested;
    let latest = |feature: Feature| records.iter().rev().filter(ran).find(|record| record.feature == feature);
    let document = latest(Feature::Ocr);
    let text = |record: Option<&Record>, member: &str| Some(record?.data.get(member)?.as_str()?.to_owned());
    let link = |record: Option<&Record>, member: &str| linked(app, record, member);
    UserRow {
        session_id: session.id,
        session_kind: "user",
        session_number: session.number,
        session_url: session.status.is_unfinished().then(|| decision::session_url(app, &session)),
        portrait_image: link(document, "portrait_image"),
        // "Other" is not a document type of this row.
        document_type: text(document, "document_type").filter(|name| name != "Other"),
        full_name: text(document, "full_name"),
        country: text(document, "issuing_state"),
        status: session.status,
        didit_internal_id: session.vendor_data.as_ref().and_then(|known| names.users.get(known)).copied(),
        created_at: session.created_at,
        features: features(&session, records),
        phone_number: latest(Feature::PhoneVerification).map(
            |record| json!({ "number": member(record, "full_number"), "is_verified": record.status == FeatureStatus::Approved }),
        ),
        email_address: latest(Feature::EmailVerification)
            .map(|record| json!({ "email": member(record, "email"), "is_verified": record.status == FeatureStatus::Approved })),
        additional_details: additional_details(app, records),
        vendor_data: session.vendor_data,
    }
}

fn member(record: &Record, name: &str) -> Value {
    record.data.get(name).cloned().unwrap_or_default()
}

/// A media member as a link.
fn linked(app: &App, record: Option<&Record>, name: &str) -> Option<String> {
    decision::link(app, record?.data.get(name)?.as_str()?)
}

/// Every feature of the session with where it stands; those without a record are not finished.
fn features(session: &Session, records: &[Record]) -> Vec<Value> {
    let status = |node: &str| {
        let record = records.iter().rev().find(|record| record.node_id.as_deref() == Some(node));
        record.map_or(FeatureStatus::NotFinished, |record| record.status)
    };
    session.steps.iter().map(|step| json!({ "feature": step.feature, "status": status(&step.node_id).as_str() })).collect()
}

/// A few members of each feature that ran; null when none of these did.
fn additional_details(app: &App, records: &[Record]) -> Option<Map<String, Value>> {
    let mut details = Map::new();
    for record in records.iter().filter(|record| record.status != FeatureStatus::ResubRequested) {
        let m = |name: &str| member(record, name);
        let screened = |name: &str| record.data.get("screened_data").and_then(|data| data.get(name)).cloned().unwrap_or_default();
        let (name, value) = match record.feature {
            Feature::Aml => (
                "aml",
                json!({ "total_hits": m("total_hits"), "entity_type": m("entity_type"), "is_adverse_media_fetched": false,
                        "screened_data": m("screened_data") }),
            ),
            Feature::DatabaseValidation => (
                "database_validation",
                json!({ "validation_type": m("validation_type"), "match_type": m("match_type"),
                        "identification_number": screened("personal_number") }),
            ),
            Feature::ProofOfAddress => (
                "poa",
                json!({ "document_type": m("document_type"), "issuer": m("issuer"), "address": m("poa_address"),
                        "name_on_document": m("name_on_document") }),
            ),
            Feature::Liveness => ("liveness", json!({ "method": m("method"), "score": m("score") })),
            Feature::FaceMatch => (
                "face_match",
                json!({ "score": m("score"), "source_image": linked(app, Some(record), "source_image"),
                        "target_image": linked(app, Some(record), "target_image") }),
            ),
            Feature::PhoneVerification => (
                "phone_verification",
                json!({ "country_code": m("country_code"), "is_temporary": m("is_disposable"), "is_ported": false,
                        "is_blocked": record.is_blocklisted }),
            ),
            Feature::EmailVerification => (
                "email_verification",
                json!({ "is_breached": m("is_breached"), "is_disposable": m("is_disposable"),
                        "is_undeliverable": m("is_undeliverable"), "is_blocklisted": record.is_blocklisted }),
            ),
            _ => continue,
        };
        details.insert(name.to_owned(), value);
    }
    (!details.is_empty()).then_some(details)
}
