//! Sending one e-mail over SMTP. When it does not work, the error says whether trying again can help.

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use url::Url;

use crate::{authorities::Authorities, config::Mail};

/// How long a server may take to answer one command.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long one mail may take in all.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Speaks to one SMTP server.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    host: String,
}

/// A mail to be sent.
pub struct Letter {
    /// Names it for ever.
    pub id: uuid::Uuid,
    /// To whom: name, may be empty, and address.
    pub to: (String, String),
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSent {
    /// Later it may work: the server is away, busy, or does not know us.
    ForNow(String),
    /// The server does not want this mail, or it is none.
    ForGood(String),
}

impl Mailer {
    /// For these settings; `host` is our name to the server. `Err`: what is wrong with the URL.
    pub fn new(mail: &Mail, host: &str) -> Result<Self, String> {
        let url = Url::parse(&mail.url).map_err(|_| "must be a URL such as smtps://user:password@host")?;
        let refused = |_| "must be smtps://host, smtp://host?tls=required, smtp://host?tls=opportunistic or smtp://host";
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&mail.url).map_err(refused)?.timeout(Some(TIMEOUT));
        if let Some(tls) = tls(&url, &mail.authorities)? {
            builder = builder.tls(tls);
        }
        if url.path().trim_matches('/').is_empty() {
            builder = builder.hello_name(ClientId::Domain(host.to_owned()));
        }
        if let Some(password) = &mail.password {
            let user = percent_encoding::percent_decode_str(url.username()).decode_utf8_lossy().into_owned();
            builder = builder.credentials(Credentials::new(user, password.clone()));
        }
        Ok(Self { transport: builder.build(), from: mail.from.clone(), host: host.to_owned() })
    }

    /// Sends a mail. `Ok`: the server has taken it.
    pub async fn send(&self, letter: &Letter) -> Result<(), NotSent> {
        let message = self.message(letter).map_err(NotSent::ForGood)?;
        match tokio::time::timeout(DEADLINE, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(judge(&error)),
            Err(_) => Err(NotSent::ForNow("timeout".into())),
        }
    }

    fn message(&self, letter: &Letter) -> Result<Message, String> {
        let (name, address) = &letter.to;
        let address = ascii(address).parse().map_err(|_| "address")?;
        let name = Some(name.clone()).filter(|name| !name.trim().is_empty());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(name, address))
            .subject(&letter.subject)
            .message_id(Some(format!("<{}@{}>", letter.id, self.host)))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|_| "message".into())
    }
}

/// How the connection is encrypted, as the URL has it, where private authorities are to be believed beside the public ones.
fn tls(url: &Url, authorities: &Authorities) -> Result<Option<Tls>, String> {
    let mut parameters = TlsParameters::builder(url.host_str().unwrap_or_default().to_owned());
    for certificate in authorities.private() {
        let certificate = Certificate::from_der(certificate.to_vec()).map_err(|_| "a certificate that cannot be read")?;
        parameters = parameters.add_root_certificate(certificate);
    }
    let wanted = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
    let kind: fn(TlsParameters) -> Tls = match (url.scheme(), wanted.as_deref()) {
        ("smtps", _) => Tls::Wrapper,
        (_, Some("required")) => Tls::Required,
        (_, Some("opportunistic")) => Tls::Opportunistic,
        (_, _) => return Ok(None),
    };
    let parameters = parameters.build_rustls().map_err(|_| "must name a host that a certificate can be for")?;
    Ok(Some(kind(parameters)))
}

/// The host in ASCII, as old servers want it.
fn ascii(address: &str) -> String {
    gavel_core::entry::email::Email::parse(address).map_or_else(|_| address.to_owned(), |email| email.key().to_owned())
}

/// Codes that say something of our name and password, not of the mail.
const OURS: [&str; 4] = ["530", "534", "535", "538"];

/// Whether trying again can help. Only the server's word on the mail itself is final: that it does not take our name and
/// password is for the operator to mend, and nothing is thrown away meanwhile. Texts hold no address: a server may repeat
/// one in its answer, so only its code is kept.
fn judge(error: &lettre::transport::smtp::Error) -> NotSent {
    match (error.status().map(|code| code.to_string()), tls_fault(error)) {
        (Some(code), _) if error.is_permanent() && !OURS.contains(&code.as_str()) => NotSent::ForGood(code),
        (Some(code), _) => NotSent::ForNow(code),
        (None, Some(fault)) => NotSent::ForNow(fault.into()),
        (None, None) if error.is_timeout() => NotSent::ForNow("timeout".into()),
        (None, None) if error.is_tls() => NotSent::ForNow("tls".into()),
        (None, None) if error.is_client() => NotSent::ForNow("client".into()),
        (None, None) => NotSent::ForNow("connection".into()),
    }
}

/// What was wrong with the encryption, if it was that: an operator mends a certificate in another place than a line.
fn tls_fault(error: &lettre::transport::smtp::Error) -> Option<&'static str> {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let wrapped = inner.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
        let inside = wrapped.and_then(|error| error.downcast_ref::<rustls::Error>()).or(inner.downcast_ref());
        match inside {
            Some(rustls::Error::InvalidCertificate(_)) => return Some("certificate"),
            Some(_) => return Some("tls"),
            None => source = inner.source(),
        }
    }
    None
}
