//! Mails to the person a session is about (contract, reviews §1, sessions §7): written into the outbox in the transaction of
//! the decision, sent after it. Without a mail transport nobody is mailed.

use gavel_core::{
    evidence::Feature,
    ids::ApplicationId,
    review::{News, letter},
    session::{FeatureStatus, SessionStatus},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Error, decision, links};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx,
        mails::{self, Mail, MailKind, Recipient},
        records,
        sessions::{self, Session},
    },
};

/// An address and a language, as the caller of an update-status names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTo {
    /// In stored form.
    pub address: String,
    /// A code of the contract.
    pub language: String,
}

/// What a mail keeps, encrypted, until it is sent.
#[derive(Serialize, Deserialize)]
struct Kept {
    application: Uuid,
    address: String,
    language: String,
    news: String,
}

/// `contact_details` of a session.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Contact {
    email: Option<String>,
    email_lang: Option<String>,
    send_notification_emails: bool,
}

/// Tells the person of a decision by hand, where they or the caller want it: to the address the caller names, else, when a
/// person's look at it has ended in a decision, to the one they are known by.
pub(super) async fn tell(
    tx: &mut Tx,
    app: &App,
    (application, session): (ApplicationId, &Session),
    from: SessionStatus,
    asked: Option<MailTo>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(news) = news(session.status).filter(|_| app.config.mail.is_some()) else { return Ok(()) };
    let decides = from == SessionStatus::InReview && news != News::Resubmitted;
    let to = match asked {
        Some(to) => Some(to),
        None if decides => known(tx, session).await?,
        None => None,
    };
    let Some(MailTo { address, language }) = to else { return Ok(()) };
    let kept = Kept { application: application.0, address, language, news: news.as_str().to_owned() };
    let id = new_id();
    let text = serde_json::to_vec(&kept).map_err(Error::fault)?;
    let mail = Mail {
        id,
        to: Recipient::Person(session.id),
        kind: MailKind::Letter,
        notification: None,
        sealed: Some(app.secrets.seal(&links::sealed_at(id), &text)),
        attempts: 0,
        created_at: now,
    };
    Ok(mails::insert_mail(tx, &mail).await?)
}

fn news(status: SessionStatus) -> Option<News> {
    match status {
        SessionStatus::Approved => Some(News::Approved),
        SessionStatus::Declined => Some(News::Declined),
        SessionStatus::Resubmitted => Some(News::Resubmitted),
        SessionStatus::NotStarted
        | SessionStatus::InProgress
        | SessionStatus::AwaitingUser
        | SessionStatus::InReview
        | SessionStatus::Expired
        | SessionStatus::KycExpired
        | SessionStatus::Abandoned => None,
    }
}

/// Where a person who wants mails is reached: at the address the session was created with, else at the last one they have shown
/// to be theirs.
async fn known(tx: &mut Tx, session: &Session) -> Result<Option<MailTo>, Error> {
    let contact = session.contact_details.as_deref().and_then(|json| serde_json::from_str::<Contact>(json.get()).ok());
    let Some(contact) = contact.filter(|contact| contact.send_notification_emails) else { return Ok(None) };
    let address = match contact.email {
        Some(address) => Some(address),
        None => {
            let records = records::list_records(tx, session.id).await?;
            let shown = |r: &&records::Record| r.feature == Feature::EmailVerification && r.status == FeatureStatus::Approved;
            records.iter().rev().find(shown).and_then(|record| Some(record.data.get("email")?.as_str()?.to_owned()))
        }
    };
    Ok(address.map(|address| MailTo { address, language: contact.email_lang.unwrap_or_else(|| "en".to_owned()) }))
}

/// Address, subject and text of a mail that waits. `None`: the session is gone, and with it what there was to tell.
pub async fn compose(tx: &mut Tx, app: &App, mail: &Mail) -> Result<Option<(String, String, String)>, Error> {
    let Recipient::Person(session) = mail.to else { return Ok(None) };
    let opened = mail.sealed.as_ref().and_then(|sealed| app.secrets.open(&links::sealed_at(mail.id), sealed));
    let Some(kept) = opened.and_then(|text| serde_json::from_slice::<Kept>(&text).ok()) else { return Ok(None) };
    let found = sessions::find_session(tx, ApplicationId(kept.application), session).await?;
    let (Some(session), Some(news)) = (found, News::from_name(&kept.news)) else {
        return Ok(None);
    };
    let (subject, text) = letter(news, &kept.language, &decision::session_url(app, &session));
    Ok(Some((kept.address, subject, text)))
}
