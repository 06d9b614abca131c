//! Rate limits of a process (contract, conventions §9): off unless the operator turns them on.
//!
//! A request counts for its API key, or for its address where there is none, in the scopes of its route; all of them must
//! have one left. What is answered 429 does not count, wherever that was decided. Nothing is shared between processes and
//! nothing outlives one.

use std::net::IpAddr;

use clap::Args;
use gavel_core::{
    ids::{KeyId, SessionId},
    time::Timestamp,
};
use serde::Deserialize;

use crate::{
    config::{ConfigError, Switch},
    throttle::{Standing, Throttle},
};

/// The window of the scopes, in seconds.
const MINUTE: i64 = 60;
/// The window of sandbox sessions, in seconds.
const DAY: i64 = 86_400;
/// How long a session that was opened again for what the server does alone is not opened so again, in seconds.
const RESUBMIT_PAUSE: i64 = 30;
/// The largest limit that can be set.
const LARGEST: usize = 1_000_000;

/// Limits as given; what is missing has a default.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    /// 1: requests are limited per API key
    #[arg(id = "rate_limits_enabled", long = "rate-limits-enabled", env = "GAVEL_RATE_LIMITS_ENABLED", value_name = "0|1")]
    pub enabled: Option<Switch>,
    /// GET and HEAD per minute [default: 600]
    #[arg(long = "rate-limits-generic-get", env = "GAVEL_RATE_LIMITS_GENERIC_GET", value_name = "N")]
    pub generic_get: Option<usize>,
    /// All other methods per minute [default: 300]
    #[arg(long = "rate-limits-generic-write", env = "GAVEL_RATE_LIMITS_GENERIC_WRITE", value_name = "N")]
    pub generic_write: Option<usize>,
    /// New sessions per minute, in the place of the limit on writes [default: 600]
    #[arg(long = "rate-limits-session-create", env = "GAVEL_RATE_LIMITS_SESSION_CREATE", value_name = "N")]
    pub session_create: Option<usize>,
    /// PDFs per minute, besides [default: 50]
    #[arg(long = "rate-limits-session-generate-pdf", env = "GAVEL_RATE_LIMITS_SESSION_GENERATE_PDF", value_name = "N")]
    pub session_generate_pdf: Option<usize>,
    /// Corrections of documents per minute, besides [default: 10]
    #[arg(long = "rate-limits-session-update-kyc", env = "GAVEL_RATE_LIMITS_SESSION_UPDATE_KYC", value_name = "N")]
    pub session_update_kyc: Option<usize>,
    /// Corrections of proofs of address per minute, besides [default: 10]
    #[arg(long = "rate-limits-session-update-poa", env = "GAVEL_RATE_LIMITS_SESSION_UPDATE_POA", value_name = "N")]
    pub session_update_poa: Option<usize>,
    /// New sessions of a sandbox application in 24 hours [default: 500]
    #[arg(long = "rate-limits-sandbox-sessions", env = "GAVEL_RATE_LIMITS_SANDBOX_SESSIONS", value_name = "N")]
    pub sandbox_sessions: Option<usize>,
}

impl LimitSettings {
    /// These settings, and the other's where these say nothing.
    pub fn or(self, other: Self) -> Self {
        Self {
            enabled: self.enabled.or(other.enabled),
            generic_get: self.generic_get.or(other.generic_get),
            generic_write: self.generic_write.or(other.generic_write),
            session_create: self.session_create.or(other.session_create),
            session_generate_pdf: self.session_generate_pdf.or(other.session_generate_pdf),
            session_update_kyc: self.session_update_kyc.or(other.session_update_kyc),
            session_update_poa: self.session_update_poa.or(other.session_update_poa),
            sandbox_sessions: self.sandbox_sessions.or(other.sandbox_sessions),
        }
    }

    /// Fills in defaults and checks everything, also what is switched off.
    pub fn check(self) -> Result<RateLimits, ConfigError> {
        let limit = |setting: &'static str, given: Option<usize>, default: usize| match given.unwrap_or(default) {
            limit if (1..=LARGEST).contains(&limit) => Ok(limit),
            _ => Err(ConfigError::new(setting, format!("must be 1 to {LARGEST}"))),
        };
        Ok(RateLimits {
            enabled: self.enabled.is_some_and(|on| on.0),
            generic_get: limit("--rate-limits-generic-get", self.generic_get, 600)?,
            generic_write: limit("--rate-limits-generic-write", self.generic_write, 300)?,
            session_create: limit("--rate-limits-session-create", self.session_create, 600)?,
            session_generate_pdf: limit("--rate-limits-session-generate-pdf", self.session_generate_pdf, 50)?,
            session_update_kyc: limit("--rate-limits-session-update-kyc", self.session_update_kyc, 10)?,
            session_update_poa: limit("--rate-limits-session-update-poa", self.session_update_poa, 10)?,
            sandbox_sessions: limit("--rate-limits-sandbox-sessions", self.sandbox_sessions, 500)?,
        })
    }
}

/// The limits in force, or those that would be.
#[derive(Debug, Clone, Copy)]
pub struct RateLimits {
    /// Whether anything is limited.
    pub enabled: bool,
    /// GET and HEAD per minute.
    pub generic_get: usize,
    /// All other methods per minute.
    pub generic_write: usize,
    /// New sessions per minute.
    pub session_create: usize,
    /// PDFs per minute.
    pub session_generate_pdf: usize,
    /// Corrections of documents per minute.
    pub session_update_kyc: usize,
    /// Corrections of proofs of address per minute.
    pub session_update_poa: usize,
    /// New sessions of a sandbox application in a day.
    pub sandbox_sessions: usize,
}

/// What is counted apart from everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Reads.
    GenericGet,
    /// Writes.
    GenericWrite,
    /// New sessions.
    SessionCreate,
    /// PDFs.
    GeneratePdf,
    /// Corrections of documents.
    UpdateKyc,
    /// Corrections of proofs of address.
    UpdatePoa,
}

impl Scope {
    /// The contract's text for one too many.
    fn refusal(self, limit: usize) -> String {
        let what = match self {
            Self::GenericGet => "GET request",
            Self::GenericWrite => "Write request",
            Self::SessionCreate => "Session creation",
            Self::GeneratePdf => "Session PDF generation",
            Self::UpdateKyc => "Session KYC data update",
            Self::UpdatePoa => "Session POA data update",
        };
        format!("{what} rate limit exceeded. You can make up to {limit} requests per minute.")
    }
}

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name {
    /// Those with this key.
    Key(KeyId),
    /// Those without a key from this address.
    Address(IpAddr),
}

/// One too many: what the caller is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded {
    /// Why.
    pub text: String,
    /// Seconds to wait.
    pub wait: u64,
    /// How the caller stands; the quota of a sandbox is not told this way.
    pub standing: Option<Standing>,
}

/// What one request was counted as.
#[derive(Debug)]
pub struct Counted {
    name: Name,
    at: Timestamp,
    scopes: Vec<Scope>,
    sandbox: bool,
    /// Where it stands, in the scope with the smallest remainder.
    pub standing: Standing,
}

/// The counters of this process.
pub struct Limits {
    generic_get: Throttle<Name>,
    generic_write: Throttle<Name>,
    session_create: Throttle<Name>,
    generate_pdf: Throttle<Name>,
    update_kyc: Throttle<Name>,
    update_poa: Throttle<Name>,
    sandbox: Throttle<Name>,
    resubmits: Throttle<SessionId>,
}

impl Limits {
    /// `None`: nothing is limited.
    pub fn new(set: &RateLimits) -> Option<Self> {
        set.enabled.then(|| Self {
            generic_get: Throttle::new(set.generic_get, MINUTE),
            generic_write: Throttle::new(set.generic_write, MINUTE),
            session_create: Throttle::new(set.session_create, MINUTE),
            generate_pdf: Throttle::new(set.session_generate_pdf, MINUTE),
            update_kyc: Throttle::new(set.session_update_kyc, MINUTE),
            update_poa: Throttle::new(set.session_update_poa, MINUTE),
            sandbox: Throttle::new(set.sandbox_sessions, DAY),
            resubmits: Throttle::new(1, RESUBMIT_PAUSE),
        })
    }

    fn of(&self, scope: Scope) -> &Throttle<Name> {
        match scope {
            Scope::GenericGet => &self.generic_get,
            Scope::GenericWrite => &self.generic_write,
            Scope::SessionCreate => &self.session_create,
            Scope::GeneratePdf => &self.generate_pdf,
            Scope::UpdateKyc => &self.update_kyc,
            Scope::UpdatePoa => &self.update_poa,
        }
    }

    /// Counts a request, in all its scopes or in none. `scopes` holds at least one.
    pub fn admit(&self, name: Name, scopes: Vec<Scope>, sandbox: bool, now: Timestamp) -> Result<Counted, Exceeded> {
        let mut counted = Counted { name, at: now, scopes: Vec::new(), sandbox: false, standing: self.look(name, now) };
        let refused = scopes.into_iter().find_map(|scope| match self.of(scope).take(&name, now) {
            Ok(standing) => {
                if counted.scopes.is_empty() || standing.left < counted.standing.left {
                    counted.standing = standing;
                }
                counted.scopes.push(scope);
                None
            }
            Err(standing) => {
                Some(Exceeded { text: scope.refusal(standing.allowed), wait: standing.wait(now), standing: Some(standing) })
            }
        });
        let refused = refused.or_else(|| {
            let standing = if sandbox { self.sandbox.take(&name, now).err() } else { None };
            counted.sandbox = sandbox && standing.is_none();
            standing.map(|standing| sandbox_is_full(standing, now))
        });
        match refused {
            None => Ok(counted),
            Some(refused) => {
                self.take_back(&counted);
                Err(refused)
            }
        }
    }

    /// Takes a request back: it was answered 429 after all.
    pub fn take_back(&self, counted: &Counted) {
        counted.scopes.iter().for_each(|scope| self.of(*scope).take_back(&counted.name, counted.at));
        if counted.sandbox {
            self.sandbox.take_back(&counted.name, counted.at);
        }
    }

    /// How a caller stands whose request was not counted: with reads, which everybody makes.
    pub fn look(&self, name: Name, now: Timestamp) -> Standing {
        self.generic_get.look(&name, now)
    }

    /// Counts that a session is opened again for nothing but what the server does alone.
    pub fn resubmit(&self, session: SessionId, now: Timestamp) -> Result<(), Exceeded> {
        let text = "This session was already resubmitted for backend-only features within the last 30 seconds; repeating it \
                    cannot change the outcome. Wait before resubmitting again.";
        let refused = |standing: Standing| Exceeded { text: text.into(), wait: standing.wait(now), standing: Some(standing) };
        self.resubmits.take(&session, now).map(|_| ()).map_err(refused)
    }

    /// It came to nothing.
    pub fn resubmit_failed(&self, session: SessionId, at: Timestamp) {
        self.resubmits.take_back(&session, at);
    }
}

fn sandbox_is_full(standing: Standing, now: Timestamp) -> Exceeded {
    let (limit, wait) = (standing.allowed, standing.wait(now));
    let text = format!(
        "Sandbox session quota exceeded ({limit} sessions per 24h). Wait for the window to reset. Expected available in {wait} \
         seconds."
    );
    Exceeded { text, wait, standing: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn limits(change: impl FnOnce(&mut LimitSettings)) -> Limits {
        let mut settings = LimitSettings { enabled: Some(Switch(true)), ..LimitSettings::default() };
        change(&mut settings);
        Limits::new(&settings.check().unwrap()).unwrap()
    }

    #[test]
    fn they_are_off_by_default_and_have_borders() {
        assert!(Limits::new(&LimitSettings::default().check().unwrap()).is_none());
        for (limit, is_good) in [(0, false), (1, true), (1_000_000, true), (1_000_001, false)] {
            let settings = LimitSettings { sandbox_sessions: Some(limit), ..LimitSettings::default() };
            assert_eq!(settings.check().is_ok(), is_good, "{limit}");
        }
    }

    #[test]
    fn a_request_counts_in_all_its_scopes_or_in_none() {
        let limits = limits(|set| (set.generic_write, set.session_update_kyc) = (Some(3), Some(1)));
        let name = Name::Address("10.0.0.1".parse().unwrap());
        let both = || vec![Scope::GenericWrite, Scope::UpdateKyc];
        assert_eq!(limits.admit(name, both(), false, at(0)).unwrap().standing.left, 0, "the smaller remainder is told");
        let refused = limits.admit(name, both(), false, at(1)).unwrap_err();
        assert_eq!(refused.text, "Session KYC data update rate limit exceeded. You can make up to 1 requests per minute.");
        assert_eq!(limits.of(Scope::GenericWrite).look(&name, at(1)).left, 2, "what was refused is not counted elsewhere");
        let counted = limits.admit(name, vec![Scope::GenericWrite], false, at(2)).unwrap();
        assert_eq!(counted.standing.left, 1);
        limits.take_back(&counted);
        assert_eq!(limits.of(Scope::GenericWrite).look(&name, at(2)).left, 2);
    }

    #[test]
    fn a_sandbox_is_full_for_a_day() {
        let limits = limits(|set| set.sandbox_sessions = Some(1));
        let name = Name::Address("10.0.0.1".parse().unwrap());
        limits.admit(name, vec![Scope::SessionCreate], true, at(0)).unwrap();
        let refused = limits.admit(name, vec![Scope::SessionCreate], true, at(60)).unwrap_err();
        assert_eq!(
            (refused.text.as_str(), refused.standing),
            (
                "Sandbox session quota exceeded (1 sessions per 24h). Wait for the window to reset. Expected available in \
                 86340 seconds.",
                None
            )
        );
        limits.admit(name, vec![Scope::SessionCreate], false, at(60)).unwrap();
        limits.admit(name, vec![Scope::SessionCreate], true, at(86_400)).unwrap();
    }
}
