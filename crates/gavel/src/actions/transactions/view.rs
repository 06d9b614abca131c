//! Transactions as they are shown.

use gavel_core::{
    ids::{RuleId, SessionId, TransactionId},
    session::{Environment, SessionStatus},
    time::Timestamp,
    transaction::{Amount, CurrencyKind, Reason, Severity, TransactionStatus, rule::Mode},
};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::{
    actions::{Error, decision},
    app::App,
    store::{
        Tx,
        applications::Application,
        sessions, transaction_parts as parts,
        transaction_parts::{Alert, TransactionActivity},
        transaction_rule_runs::{self, RuleRun, TransactionTag},
        transactions::{Head, Transaction},
    },
};

/// A transaction as a list shows it.
#[derive(Debug, Serialize)]
pub struct Row {
    uuid: TransactionId,
    transaction_number: u64,
    txn_id: String,
    transaction_type: &'static str,
    action_type: String,
    status: TransactionStatus,
    direction: &'static str,
    amount: String,
    currency: String,
    preferred_currency_amount: (),
    preferred_currency_code: (),
    payment_details: Option<String>,
    score: u8,
    severity: Option<Severity>,
    subject_name: Option<String>,
    subject_vendor_data: Option<String>,
    subject_country: Option<String>,
    counterparty_name: Option<String>,
    counterparty_vendor_data: Option<String>,
    counterparty_country: Option<String>,
    tags: Vec<TagView>,
    txn_date: Timestamp,
    created_at: Timestamp,
    decision_reason_code: Option<String>,
    decision_reason_label: Option<String>,
    assigned_to_name: (),
}

impl Row {
    /// From its head and its tags.
    pub(super) fn of(id: TransactionId, head: Head, tags: Vec<TransactionTag>) -> Self {
        let (code, label) = told(head.reason);
        Self {
            uuid: id,
            transaction_number: head.number,
            txn_id: head.txn_id,
            transaction_type: head.category.as_str(),
            action_type: head.action_type,
            status: head.status,
            direction: head.direction.as_str(),
            amount: head.amount.to_string(),
            currency: head.currency,
            preferred_currency_amount: (),
            preferred_currency_code: (),
            payment_details: head.payment_details,
            score: head.score,
            severity: head.severity,
            subject_name: head.subject.name,
            subject_vendor_data: head.subject.vendor_data,
            subject_country: head.subject.country,
            counterparty_name: head.counterparty.name,
            counterparty_vendor_data: head.counterparty.vendor_data,
            counterparty_country: head.counterparty.country,
            tags: tags.into_iter().map(TagView::from).collect(),
            txn_date: head.txn_date,
            created_at: head.created_at,
            decision_reason_code: code,
            decision_reason_label: label,
            assigned_to_name: (),
        }
    }
}

fn told(reason: Option<Reason>) -> (Option<String>, Option<String>) {
    reason.map(|reason| (reason.code, reason.label)).unzip()
}

/// A transaction with everything.
#[derive(Debug, Serialize)]
pub struct Detail {
    uuid: TransactionId,
    environment: Environment,
    transaction_number: u64,
    txn_id: String,
    txn_date: Timestamp,
    zone_id: Option<String>,
    transaction_type: &'static str,
    action_type: String,
    direction: &'static str,
    status: TransactionStatus,
    source: &'static str,
    amount: String,
    currency: String,
    currency_type: Option<&'static str>,
    amount_in_default_currency: Option<String>,
    default_currency_code: Option<String>,
    preferred_currency_amount: (),
    preferred_currency_code: (),
    payment_details: Option<String>,
    payment_txn_id: Option<String>,
    score: u8,
    severity: Option<Severity>,
    decision_reason_code: Option<String>,
    decision_reason_label: Option<String>,
    vendor_data: Option<String>,
    metadata: Map<String, Json>,
    props: Json,
    tags: Vec<TagView>,
    parties: Json,
    payment_methods: Json,
    documents: Vec<Json>,
    activities: Vec<ActivityView>,
    alerts: Vec<AlertView>,
    rule_runs: Vec<RunView>,
    provider_results: Vec<Json>,
    travel_rule: (),
    network_snapshot: Option<Json>,
    remediation: Option<Remediation>,
    action_required: Option<ActionRequired>,
    cost_breakdown: (),
}

#[derive(Debug, Serialize)]
struct ActivityView {
    uuid: Uuid,
    activity_type: String,
    source: String,
    status: Option<String>,
    title: Option<String>,
    description: Option<String>,
    metadata: Json,
    occurred_at: Timestamp,
}

impl From<TransactionActivity> for ActivityView {
    fn from(of: TransactionActivity) -> Self {
        Self {
            uuid: of.id,
            activity_type: of.activity_type,
            source: of.source,
            status: of.status,
            title: of.title,
            description: of.description,
            metadata: of.metadata,
            occurred_at: of.occurred_at,
        }
    }
}

#[derive(Debug, Serialize)]
struct AlertView {
    uuid: Uuid,
    title: String,
    description: Option<String>,
    severity: Severity,
    status: String,
    source: String,
    metadata: Json,
    created_at: Timestamp,
    due_at: Option<Timestamp>,
}

impl From<Alert> for AlertView {
    fn from(of: Alert) -> Self {
        Self {
            uuid: of.id,
            title: of.title,
            description: of.description,
            severity: of.severity,
            status: of.status,
            source: of.source,
            metadata: of.metadata,
            created_at: of.created_at,
            due_at: of.due_at,
        }
    }
}

/// A tag, as answered.
#[derive(Debug, Serialize)]
struct TagView {
    uuid: Uuid,
    name: String,
    color: String,
    description: (),
    source: &'static str,
}

impl From<TransactionTag> for TagView {
    fn from(TransactionTag { uuid, name, color }: TransactionTag) -> Self {
        Self { uuid, name, color, description: (), source: "custom" }
    }
}

/// A run of a rule, as answered.
#[derive(Debug, Serialize)]
struct RunView {
    uuid: Uuid,
    rule: RuleId,
    rule_title: String,
    rule_description: Option<String>,
    rule_category: String,
    matched: bool,
    is_test: bool,
    mode: &'static str,
    severity: Option<Severity>,
    score_delta: i64,
    status_target: Option<TransactionStatus>,
    action_summary: Option<String>,
    metadata: Json,
    created_at: Timestamp,
}

impl From<RuleRun> for RunView {
    fn from(run: RuleRun) -> Self {
        Self {
            uuid: run.id,
            rule: run.rule,
            rule_title: run.title,
            rule_description: run.description,
            rule_category: run.category,
            matched: run.matched,
            is_test: run.mode == Mode::Test,
            mode: run.mode.as_str(),
            severity: run.severity,
            score_delta: run.score_delta,
            status_target: run.status_target,
            action_summary: run.action_summary,
            metadata: run.explanation,
            created_at: run.created_at,
        }
    }
}

/// The session the subject was sent to.
#[derive(Debug, Clone, Serialize)]
struct Remediation {
    session_id: SessionId,
    session_token: String,
    url: String,
    status: SessionStatus,
}

#[derive(Debug, Serialize)]
struct ActionRequired {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    session: Remediation,
}

/// One transaction with everything, as this transaction of the database sees it.
pub(super) async fn detail(tx: &mut Tx, app: &App, application: &Application, of: Transaction) -> Result<Detail, Error> {
    let activities = parts::list_activities(tx, of.id).await?.into_iter().map(ActivityView::from).collect();
    let alerts = parts::list_alerts(tx, of.id).await?.into_iter().map(AlertView::from).collect();
    let runs = transaction_rule_runs::list_runs(tx, of.id).await?.into_iter().map(RunView::from).collect();
    let tags = transaction_rule_runs::list_tags(tx, &[of.id]).await?;
    let remediation = remediation(tx, app, application, &of).await?;
    let head = of.head;
    let (code, label) = told(head.reason);
    Ok(Detail {
        uuid: of.id,
        environment: application.environment,
        transaction_number: head.number,
        txn_id: head.txn_id,
        txn_date: head.txn_date,
        zone_id: of.zone_id,
        transaction_type: head.category.as_str(),
        action_type: head.action_type,
        direction: head.direction.as_str(),
        status: head.status,
        source: of.source.as_str(),
        amount: head.amount.to_string(),
        currency: head.currency,
        currency_type: of.currency_kind.map(CurrencyKind::as_str),
        amount_in_default_currency: of.amount_in_default_currency.as_ref().map(Amount::to_string),
        default_currency_code: of.default_currency,
        preferred_currency_amount: (),
        preferred_currency_code: (),
        payment_details: head.payment_details,
        payment_txn_id: of.payment_txn_id,
        score: head.score,
        severity: head.severity,
        decision_reason_code: code,
        decision_reason_label: label,
        vendor_data: head.subject.vendor_data,
        metadata: Map::new(),
        props: of.props,
        tags: tags.into_iter().map(|(_, tag)| tag.into()).collect(),
        parties: of.parties,
        payment_methods: of.payment_methods,
        documents: Vec::new(),
        activities,
        alerts,
        rule_runs: runs,
        provider_results: Vec::new(),
        travel_rule: (),
        network_snapshot: of.network_snapshot,
        action_required: remediation.clone().map(|session| ActionRequired { kind: "verification_session", session }),
        remediation,
        cost_breakdown: (),
    })
}

/// Only while the subject is waited for.
async fn remediation(tx: &mut Tx, app: &App, application: &Application, of: &Transaction) -> Result<Option<Remediation>, Error> {
    let Some(id) = of.remediation_session.filter(|_| of.head.status == TransactionStatus::AwaitingUser) else {
        return Ok(None);
    };
    let session = sessions::find_session(tx, application.id, id).await?;
    Ok(session.map(|session| Remediation {
        session_id: session.id,
        url: decision::session_url(app, &session),
        status: session.status,
        session_token: session.token,
    }))
}
