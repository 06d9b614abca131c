//! What a feature item means: its warnings and its status.
//!
//! The sender's warnings are weighed by the tables of [`risks`], not by the sender; scores are compared
//! with the borders of the configuration; hits on lists and duplicates of other sessions arrive as findings and become
//! warnings here. Then the roll-up of the feature (sessions.md §6.4): an error declines, a warning sends to review.
//!
//! Precedence (lists.md §10): a blocklist wins over everything, an allowlist only keeps duplicates of its own type from
//! being reported. A risk is reported at most once per item, with the heaviest of its reasons; risks of the kind
//! LOCATION at most once per session ([`drop_repeated_locations`]).
//!
//! Looking values up is not done here: [`screening`](crate::screening) and the store do, and hand over what they found.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{
    Config, Feature, Item, Signal,
    risks::{self, Rule},
    rollup::more_severe,
    warning::{Action, LogType, Warning},
};
use crate::{
    entry::EntryType,
    ids::{EntryId, ListId, SessionId},
    list::ListType,
    screening::Hit,
    session::FeatureStatus,
};

/// A value of the item is on a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListFinding {
    /// What the value is.
    pub entry_type: EntryType,
    /// What the list means.
    pub list_type: ListType,
    /// The list.
    pub list: ListId,
    /// The entry that covers the value.
    pub entry: EntryId,
    /// The item's value in stored form.
    pub value: String,
    /// The flood guard holds the entry: its match is for a person to look at, not a reason to decline.
    pub held: bool,
    /// For faces: how alike, and whose.
    pub face: Option<FaceFinding>,
}

impl ListFinding {
    /// What a hit of the index says about a signal.
    pub fn of(hit: &Hit, signal: &Signal) -> Self {
        Self {
            entry_type: signal.entry_type,
            list_type: hit.list_type,
            list: hit.list,
            entry: hit.entry,
            value: signal.value.stored().to_owned(),
            held: hit.held,
            face: None,
        }
    }
}

/// How a face resembles the face of a list entry.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceFinding {
    /// How alike they are.
    pub band: Band,
    /// The session the entry was made from.
    pub session: SessionRef,
}

/// How sure a resemblance of faces is (lists.md §9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Band {
    /// The same face.
    High,
    /// Perhaps the same face.
    Possible,
}

/// A session named in a warning; all unknown for an entry without a session.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SessionRef {
    /// Its id.
    pub id: Option<SessionId>,
    /// Its number.
    pub number: Option<i64>,
    /// The call that made it, for sessions of standalone calls.
    pub api_service: Option<String>,
}

/// A value of the item was seen in a session of somebody else.
#[derive(Debug, Clone, PartialEq)]
pub struct Duplicate {
    /// What was seen.
    pub kind: DuplicateKind,
    /// Where.
    pub session: SessionRef,
    /// For faces: the names of the two people differ.
    pub names_differ: bool,
}

/// What can be seen twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DuplicateKind {
    /// The same face.
    Face,
    /// A similar face.
    PossibleFace,
    /// A document.
    Document,
    /// A phone number.
    PhoneNumber,
    /// An e-mail address.
    Email,
    /// A network address.
    IpAddress,
    /// A device.
    DeviceFingerprint,
    /// A device recognised in spite of another fingerprint.
    RecoveredDevice,
    /// A picture.
    Image,
}

impl DuplicateKind {
    /// All of them.
    pub(super) const ALL: [Self; 9] = [
        Self::Face,
        Self::PossibleFace,
        Self::Document,
        Self::PhoneNumber,
        Self::Email,
        Self::IpAddress,
        Self::DeviceFingerprint,
        Self::RecoveredDevice,
        Self::Image,
    ];

    /// The code of the risk, and the type of allowlist that keeps it quiet.
    pub(super) const fn risk(self) -> (&'static str, Option<EntryType>) {
        match self {
            Self::Face => ("DUPLICATED_FACE", Some(EntryType::Face)),
            Self::PossibleFace => ("POSSIBLE_DUPLICATED_FACE", Some(EntryType::Face)),
            Self::Document => ("POSSIBLE_DUPLICATED_USER", Some(EntryType::Document)),
            Self::PhoneNumber => ("DUPLICATED_PHONE_NUMBER", Some(EntryType::Phone)),
            Self::Email => ("DUPLICATED_EMAIL", Some(EntryType::Email)),
            Self::IpAddress => ("DUPLICATED_IP_ADDRESS", Some(EntryType::IpAddress)),
            Self::DeviceFingerprint => ("DUPLICATED_DEVICE_FINGERPRINT", Some(EntryType::DeviceFingerprint)),
            Self::RecoveredDevice => ("DEVICE_RECOVERED_HIGH_CONFIDENCE", Some(EntryType::DeviceFingerprint)),
            Self::Image => ("REUSED_IMAGE", None),
        }
    }
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// Its status.
    pub status: FeatureStatus,
    /// Its warnings.
    pub warnings: Vec<Warning>,
}

/// Weighs an item: what its sender says, its scores, what the lists and other sessions know.
///
/// Without status rules in the configuration this is the whole answer; with them, see [`ruled_status`].
pub fn assess(item: &Item, config: &Config, findings: &[ListFinding], duplicates: &[Duplicate]) -> Assessment {
    let mut found = Found { item, config, warnings: Vec::new() };
    found.sent();
    found.scores();
    found.blocklists(findings);
    found.duplicates(duplicates, findings);
    found.allowlists(findings);
    let warnings = found.warnings;
    Assessment { status: ruled_status(item, config, &warnings, None), warnings }
}

/// The status of an item with these warnings when the status rules of the configuration, which stand between the warnings
/// and the sender's verdict (sessions.md §6.4, 2), say `ruled`. A rule cannot take a decline back, and cannot approve
/// an error away.
pub fn ruled_status(item: &Item, config: &Config, warnings: &[Warning], ruled: Option<FeatureStatus>) -> FeatureStatus {
    let derived = derive_status(item.feature, config, warnings);
    let has_error = warnings.iter().any(|warning| warning.log_type == LogType::Error);
    let after_rules = match ruled {
        Some(FeatureStatus::Approved) if !has_error => FeatureStatus::Approved,
        Some(FeatureStatus::Approved) | None => derived,
        Some(stricter) => more_severe(derived, stricter),
    };
    item.status.map_or(after_rules, |sent| more_severe(after_rules, sent))
}

/// The first step of the roll-up: what the warnings of an item say about it.
pub fn derive_status(feature: Feature, config: &Config, warnings: &[Warning]) -> FeatureStatus {
    let by_hand = feature == Feature::Questionnaire && config.is_on("review_questionnaire_manually");
    match warnings.iter().map(|warning| warning.log_type).max() {
        Some(LogType::Error) => FeatureStatus::Declined,
        Some(LogType::Warning) => FeatureStatus::InReview,
        Some(LogType::Information) | None if by_hand => FeatureStatus::InReview,
        Some(LogType::Information) | None => FeatureStatus::Approved,
    }
}

/// Drops the LOCATION risks that the session has already been told of, and remembers the new ones in `reported`. Call it
/// for each item in turn, after the status was derived: a repeated risk still weighs on its own item.
pub fn drop_repeated_locations(warnings: &mut Vec<Warning>, reported: &mut HashSet<String>) {
    let location = Feature::IpAnalysis.warning_name();
    warnings.retain(|warning| warning.feature != location || reported.insert(warning.risk.clone()));
}

/// The warnings of one item while they are collected.
struct Found<'a> {
    item: &'a Item,
    config: &'a Config,
    warnings: Vec<Warning>,
}

impl Found<'_> {
    fn sent(&mut self) {
        for sent in &self.item.warnings {
            let stated = sent.action.unwrap_or(Action::NoAction);
            let log_type = match risks::rule(self.item.feature, &sent.risk) {
                Some(Rule::Always(log_type)) => log_type,
                Some(Rule::ByAction(key, default)) => self.config.action(key, default).into(),
                // With the score at hand the server grades it; without, somebody has to look.
                Some(Rule::ByScore(rule)) if self.score(rule.member).is_some() => continue,
                Some(Rule::ByScore(_)) => stated.max(Action::Review).into(),
                None => stated.into(),
            };
            self.add(&sent.risk, log_type, sent.additional_data.clone());
        }
    }

    fn scores(&mut self) {
        for rule in risks::score_rules(self.item.feature) {
            let weight = self.score(rule.member).and_then(|score| rule.weigh(score, self.config));
            if let Some(log_type) = weight {
                self.add(rule.risk, log_type, None);
            }
        }
    }

    fn blocklists(&mut self, findings: &[ListFinding]) {
        let blocked = || findings.iter().filter(|finding| finding.list_type == ListType::Blocklist);
        // A face that is surely known is not reported as possibly known too, unless only a held entry knows it for sure.
        let surely = blocked().any(|finding| band(finding) == Some(Band::High) && !finding.held);
        for finding in blocked() {
            if surely && band(finding) == Some(Band::Possible) {
                continue;
            }
            let Some(risk) = blocklist_risk(self.item.feature, finding) else { continue };
            let log_type = self.weigh(risk);
            let log_type = if finding.held { log_type.min(LogType::Warning) } else { log_type };
            self.add(risk, log_type, Some(blocklist_data(finding)));
        }
    }

    fn duplicates(&mut self, duplicates: &[Duplicate], findings: &[ListFinding]) {
        let surely = duplicates.iter().any(|duplicate| duplicate.kind == DuplicateKind::Face);
        for duplicate in duplicates {
            let (risk, quieted_by) = duplicate.kind.risk();
            let quiet = findings.iter().any(|finding| allows(finding) && Some(finding.entry_type) == quieted_by);
            let covered = surely && duplicate.kind == DuplicateKind::PossibleFace;
            if quiet || covered || risks::rule(self.item.feature, risk).is_none() {
                continue;
            }
            let mut log_type = self.weigh(risk);
            if duplicate.names_differ && risks::rule(self.item.feature, risk) == Some(FACE_DUPLICATE) {
                log_type = log_type.max(self.config.action(risks::FACE_NAME_MISMATCH_ACTION, Action::NoAction).into());
            }
            self.add(risk, log_type, Some(session_data("duplicated", &duplicate.session)));
        }
    }

    fn allowlists(&mut self, findings: &[ListFinding]) {
        for finding in findings.iter().filter(|finding| allows(finding)) {
            let blocked =
                findings.iter().any(|other| other.list_type == ListType::Blocklist && other.entry_type == finding.entry_type);
            let Some(risk) = allowlist_risk(self.item.feature, finding.entry_type).filter(|_| !blocked) else { continue };
            let data = object(json!({"list_uuid": finding.list, "entry_uuid": finding.entry}));
            self.add(risk, LogType::Information, Some(data));
        }
    }

    /// The weight of a risk the server raises.
    fn weigh(&self, risk: &str) -> LogType {
        match risks::rule(self.item.feature, risk) {
            Some(Rule::Always(log_type)) => log_type,
            Some(Rule::ByAction(key, default)) => self.config.action(key, default).into(),
            // Neither occurs for the risks of findings, whose codes the tables hold; a test walks them all.
            Some(Rule::ByScore(_)) | None => LogType::Warning,
        }
    }

    fn score(&self, member: &str) -> Option<f64> {
        self.item.data.get(member)?.as_f64()
    }

    /// Adds a warning; a risk that is already there keeps the heavier of its two reasons.
    fn add(&mut self, risk: &str, log_type: LogType, additional_data: Option<Map<String, Value>>) {
        let new = Warning::new(self.item.feature, self.item.node_id.as_deref(), risk, log_type, additional_data);
        match self.warnings.iter_mut().find(|warning| warning.risk == risk) {
            Some(known) if known.log_type < log_type => *known = new,
            Some(_) => {}
            None => self.warnings.push(new),
        }
    }
}

const FACE_DUPLICATE: Rule = Rule::ByAction(risks::DUPLICATED_FACE_ACTION, Action::NoAction);

fn band(finding: &ListFinding) -> Option<Band> {
    finding.face.as_ref().map(|face| face.band)
}

/// Whether this finding keeps duplicates quiet; a face must be surely the one on the allowlist.
fn allows(finding: &ListFinding) -> bool {
    let sure = finding.entry_type != EntryType::Face || band(finding) == Some(Band::High);
    finding.list_type == ListType::Allowlist && sure
}

/// The risk of a value on a blocklist; `None` where the feature does not check values of this type.
fn blocklist_risk(feature: Feature, finding: &ListFinding) -> Option<&'static str> {
    let risk = match (finding.entry_type, band(finding)) {
        (EntryType::Face, Some(Band::High)) => "FACE_IN_BLOCKLIST",
        (EntryType::Face, Some(Band::Possible)) => "POSSIBLE_FACE_IN_BLOCKLIST",
        (EntryType::Document, _) => "ID_DOCUMENT_IN_BLOCKLIST",
        (EntryType::Phone, _) => "PHONE_NUMBER_IN_BLOCKLIST",
        (EntryType::Email, _) => "EMAIL_IN_BLOCKLIST",
        (EntryType::IpAddress, _) => "IP_ADDRESS_IN_BLOCKLIST",
        (EntryType::DeviceFingerprint, _) => "DEVICE_FINGERPRINT_IN_BLOCKLIST",
        (EntryType::Face, None)
        | (
            EntryType::WalletAddress
            | EntryType::BankAccount
            | EntryType::Country
            | EntryType::User
            | EntryType::Business
            | EntryType::Key,
            _,
        ) => return None,
    };
    risks::rule(feature, risk).map(|_| risk)
}

fn allowlist_risk(feature: Feature, entry_type: EntryType) -> Option<&'static str> {
    let risk = match entry_type {
        EntryType::Face => "FACE_IN_ALLOWLIST",
        EntryType::Document => "ID_DOCUMENT_IN_ALLOWLIST",
        EntryType::Phone => "PHONE_NUMBER_IN_ALLOWLIST",
        EntryType::Email => "EMAIL_IN_ALLOWLIST",
        EntryType::IpAddress => "IP_ADDRESS_IN_ALLOWLIST",
        EntryType::DeviceFingerprint => "DEVICE_FINGERPRINT_IN_ALLOWLIST",
        EntryType::WalletAddress
        | EntryType::BankAccount
        | EntryType::Country
        | EntryType::User
        | EntryType::Business
        | EntryType::Key => return None,
    };
    risks::rule(feature, risk).map(|_| risk)
}

/// What a blocklist warning is about: the value under its own name, or the session of the face.
fn blocklist_data(finding: &ListFinding) -> Map<String, Value> {
    if let Some(face) = &finding.face {
        return session_data("blocklisted", &face.session);
    }
    let name = match finding.entry_type {
        EntryType::Document => "document_number",
        EntryType::Phone => "phone_number",
        EntryType::Email => "email",
        EntryType::IpAddress => "ip_address",
        EntryType::DeviceFingerprint => "device_fingerprint",
        EntryType::Face
        | EntryType::WalletAddress
        | EntryType::BankAccount
        | EntryType::Country
        | EntryType::User
        | EntryType::Business
        | EntryType::Key => "value",
    };
    Map::from_iter([(name.to_owned(), Value::String(finding.value.clone()))])
}

fn session_data(word: &str, session: &SessionRef) -> Map<String, Value> {
    Map::from_iter([
        (format!("{word}_session_id"), json!(session.id)),
        (format!("{word}_session_number"), json!(session.number)),
        ("api_service".to_owned(), json!(session.api_service)),
    ])
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}
