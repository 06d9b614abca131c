//! A small SMTP server that takes, refuses or drops mails as it is told, and remembers them.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::eventually;

/// What becomes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is taken.
    Taken,
    /// The recipient is refused with this code.
    RefusedRecipient(u16),
    /// The text is refused with this code, once all of it has come.
    RefusedText(u16),
    /// The connection dies when all of it has come.
    Dropped,
}

/// How a connection is encrypted.
#[derive(Clone)]
pub enum Encryption {
    /// Not at all.
    None,
    /// From its first byte.
    Implicit(TlsAcceptor),
    /// When the client asks for it with `STARTTLS`.
    OnDemand(TlsAcceptor),
}

/// A mail that came, whatever became of it.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// Addresses of the envelope.
    pub from: String,
    /// Addresses of the envelope.
    pub to: String,
    /// Headers as sent, without the text.
    pub head: String,
    /// The text, decoded.
    pub text: String,
    /// It came over TLS.
    pub encrypted: bool,
}

impl Mail {
    /// A header's value as sent.
    pub fn header(&self, name: &str) -> &str {
        let found = self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }
}

/// The server, on a port of its own.
pub struct Smtp {
    address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
    /// What clients have said to prove who they are.
    proofs: Arc<Mutex<Vec<String>>>,
}

impl Smtp {
    /// Takes everything.
    pub async fn start() -> Self {
        Self::deciding(|_| Fate::Taken).await
    }

    /// Takes everything over TLS.
    pub async fn encrypted(encryption: Encryption) -> Self {
        Self::serving(|_| Fate::Taken, encryption).await
    }

    /// Does as told, by number of the mail from 0.
    pub async fn deciding(fate: impl Fn(usize) -> Fate + Send + Sync + 'static) -> Self {
        Self::serving(fate, Encryption::None).await
    }

    async fn serving(fate: impl Fn(usize) -> Fate + Send + Sync + 'static, encryption: Encryption) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let smtp = Self { address, mails: Arc::default(), proofs: Arc::default() };
        let (received, proofs, fate) = (smtp.mails.clone(), smtp.proofs.clone(), Arc::new(fate));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (received, proofs, fate) = (received.clone(), proofs.clone(), fate.clone());
                let encryption = encryption.clone();
                tokio::spawn(async move { greet(stream, encryption, &received, &proofs, &*fate).await });
            }
        });
        smtp
    }

    /// Who has tried to prove who they are, and how: user name and password, blanks for what divides them.
    pub fn proofs(&self) -> Vec<String> {
        self.proofs.lock().unwrap().clone()
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The same under a name.
    pub fn url_at(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}", self.address.port())
    }

    /// What has come so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// Waits until so many have come.
    pub async fn wait_for(&self, count: usize) -> Vec<Mail> {
        eventually(&format!("mail {count}"), || async {
            let mails = self.mails();
            (mails.len() >= count).then_some(mails)
        })
        .await
    }
}

async fn greet(
    mut stream: TcpStream,
    encryption: Encryption,
    received: &Mutex<Vec<Mail>>,
    proofs: &Mutex<Vec<String>>,
    fate: &(dyn Fn(usize) -> Fate + Send + Sync),
) -> Option<()> {
    match encryption {
        Encryption::None => serve(stream, (true, false), received, proofs, fate).await,
        Encryption::Implicit(acceptor) => serve(acceptor.accept(stream).await.ok()?, (true, true), received, proofs, fate).await,
        Encryption::OnDemand(acceptor) => {
            let (read, mut write) = stream.split();
            let mut lines = BufReader::new(read).lines();
            write.write_all(b"220 test ESMTP\r\n").await.ok()?;
            loop {
                let line = lines.next_line().await.ok()??;
                match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
                    "EHLO" => write.write_all(b"250-test\r\n250 STARTTLS\r\n").await.ok()?,
                    "STAR" => break write.write_all(b"220 go on\r\n").await.ok()?,
                    _ => write.write_all(b"530 Must issue a STARTTLS command first\r\n").await.ok()?,
                }
            }
            serve(acceptor.accept(stream).await.ok()?, (false, true), received, proofs, fate).await
        }
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite,
    (greets, encrypted): (bool, bool),
    received: &Mutex<Vec<Mail>>,
    proofs: &Mutex<Vec<String>>,
    fate: &(dyn Fn(usize) -> Fate + Send + Sync),
) -> Option<()> {
    let (read, mut write) = tokio::io::split(stream);
    let mut lines = BufReader::new(read).lines();
    let mut say = async |text: &str| write.write_all(format!("{text}\r\n").as_bytes()).await.ok();
    if greets {
        say("220 test ESMTP").await?;
    }
    let mut mail = Mail { encrypted, ..Mail::default() };
    while let Some(line) = lines.next_line().await.ok()? {
        let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" => say("250-test\r\n250-8BITMIME\r\n250-AUTH PLAIN\r\n250 SMTPUTF8").await?,
            "AUTH" => {
                let proof = String::from_utf8(STANDARD.decode(&line["AUTH PLAIN ".len()..]).unwrap()).unwrap();
                let right = proof.ends_with("right");
                proofs.lock().unwrap().push(proof.replace('\0', " "));
                say(if right { "235 ok" } else { "535 no" }).await?;
            }
            "MAIL" => {
                mail.from = address();
                say("250 ok").await?;
            }
            "RCPT" => {
                mail.to = address();
                let number = received.lock().unwrap().len();
                match fate(number) {
                    Fate::RefusedRecipient(code) => {
                        received.lock().unwrap().push(std::mem::take(&mut mail));
                        say(&format!("{code} not this one")).await?;
                    }
                    _ => say("250 ok").await?,
                }
            }
            "DATA" => {
                say("354 go on").await?;
                let mut text = String::new();
                while let Some(line) = lines.next_line().await.ok()? {
                    if line == "." {
                        break;
                    }
                    text.push_str(line.strip_prefix("..").map_or(line.as_str(), |_| &line[1..]));
                    text.push('\n');
                }
                let (head, body) = text.split_once("\n\n").unwrap();
                (mail.head, mail.text) = (head.to_owned(), decoded(head, body));
                let number = {
                    let mut received = received.lock().unwrap();
                    received.push(std::mem::replace(&mut mail, Mail { encrypted, ..Mail::default() }));
                    received.len() - 1
                };
                match fate(number) {
                    Fate::RefusedText(code) => say(&format!("{code} no")).await?,
                    Fate::Dropped => return None,
                    _ => say("250 taken").await?,
                }
            }
            "QUIT" => {
                say("221 bye").await?;
                return Some(());
            }
            _ => say("250 ok").await?,
        }
    }
    Some(())
}

fn decoded(head: &str, body: &str) -> String {
    if head.contains("Content-Transfer-Encoding: base64") {
        let packed: String = body.split_whitespace().collect();
        return String::from_utf8(STANDARD.decode(packed).unwrap()).unwrap();
    }
    if !head.contains("Content-Transfer-Encoding: quoted-printable") {
        return body.to_owned();
    }
    let joined = body.replace("=\n", "");
    let (mut bytes, mut rest) = (Vec::new(), joined.as_bytes());
    while let [first, more @ ..] = rest {
        match (first, more) {
            (b'=', [high, low, more @ ..]) => {
                let code = std::str::from_utf8(&[*high, *low]).unwrap().to_owned();
                bytes.push(u8::from_str_radix(&code, 16).unwrap());
                rest = more;
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}
