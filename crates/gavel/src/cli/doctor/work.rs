//! Work that is left lying, and lists nobody can change. None of it keeps a server from starting; somebody should look.

use gavel_core::{
    access::{Level, Resource},
    guard::Approval,
    time::Timestamp,
};

use super::Found;
use crate::{
    clock::Clock,
    store::{
        StoreError, Tx,
        applications::Application,
        checkup::{self, Waiting},
        members,
    },
};

/// Seconds after which a row of the audit trail should long be in its chain.
const SEALED_WITHIN: i64 = 300;

/// Everything there is to say.
pub(super) async fn look(tx: &mut Tx, applications: &[Application]) -> Result<Vec<(&'static str, Found)>, StoreError> {
    let now = Clock::default().now();
    let mut found = vec![
        ("audit rows to seal", unsealed(checkup::find_unsealed(tx).await?, now)),
        ("dead letters", dead_letters(checkup::find_dead_letters(tx).await?, now)),
        ("e-mail", mails(checkup::find_stuck_mails(tx).await?, &checkup::list_mail_failures(tx).await?, now)),
        ("leases", leases(checkup::find_expired_leases(tx, now).await?, now)),
    ];
    for application in applications {
        if let Some(text) = unapproved(tx, application).await? {
            found.push(("four eyes", Found::Note(text)));
        }
    }
    Ok(found)
}

fn unsealed(waiting: Waiting, now: Timestamp) -> Found {
    let text = told(waiting, now);
    match waiting.since {
        Some(since) if seconds(since, now) > SEALED_WITHIN => Found::Note(format!("{text}; is a server running?")),
        _ => Found::Good(text),
    }
}

fn dead_letters(waiting: Waiting, now: Timestamp) -> Found {
    match waiting.count {
        0 => Found::Good("none".into()),
        _ => Found::Note(format!("{}; /x/webhook/destinations/{{uuid}}/dead-letters/ lists them", told(waiting, now))),
    }
}

fn mails(stuck: Waiting, failures: &[(String, bool, u64)], now: Timestamp) -> Found {
    if failures.is_empty() && stuck.count == 0 {
        return Found::Good("none is stuck".into());
    }
    let said = failures.iter().map(|(why, given_up, count)| {
        let fate = if *given_up { "given up" } else { "to be repeated" };
        format!("{count} {fate} ({why})")
    });
    Found::Note(format!("stuck: {}; {}", told(stuck, now), said.collect::<Vec<_>>().join(", ")))
}

fn leases(expired: Waiting, now: Timestamp) -> Found {
    match expired.count {
        0 => Found::Good("none has run out".into()),
        _ => Found::Note(format!("{} ran out and nobody has gone on; is a server running?", told(expired, now))),
    }
}

/// Lists under four eyes where there are too few to look.
async fn unapproved(tx: &mut Tx, application: &Application) -> Result<Option<String>, StoreError> {
    let guarded = checkup::list_approvals(tx, application.id).await?.into_iter();
    let guarded: Vec<String> =
        guarded.filter(|(_, approval)| *approval != Approval::None).map(|(name, _)| format!("\"{name}\"")).collect();
    if guarded.is_empty() {
        return Ok(None);
    }
    let active = members::list_active(tx, application.id).await?;
    let few = match active.iter().filter(|(_, role)| role.level(Resource::Lists) >= Level::Write).count() {
        0 => "no member of the application can approve changes",
        1 => "only one member of the application can approve changes, and none of their own",
        _ => return Ok(None),
    };
    Ok(Some(format!(
        "{few} of {}; `gavel member invite` brings another one, `gavel list release` gives the list free",
        guarded.join(", ")
    )))
}

fn told(waiting: Waiting, now: Timestamp) -> String {
    match waiting.since {
        Some(since) => format!("{}, the oldest {} old", waiting.count, age(seconds(since, now))),
        None => "none".to_owned(),
    }
}

fn seconds(since: Timestamp, now: Timestamp) -> i64 {
    (now.as_micros() - since.as_micros()).max(0) / 1_000_000
}

fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_the_unit_a_person_would_take() {
        let told = [0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(age);
        assert_eq!(told, ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 days"]);
    }

    #[test]
    fn what_lies_too_long_is_noted() {
        let (now, at) = (Timestamp::from_micros(10_000_000_000), |ago: i64| Timestamp::from_micros((10_000 - ago) * 1_000_000));
        let line = |found: Found| match found {
            Found::Good(text) => format!("ok {text}"),
            Found::Note(text) => format!("note {text}"),
            Found::Bad(text) => format!("BAD {text}"),
        };
        let waiting = |count, ago: Option<i64>| Waiting { count, since: ago.map(at) };
        assert_eq!(line(unsealed(waiting(0, None), now)), "ok none");
        assert_eq!(line(unsealed(waiting(2, Some(300)), now)), "ok 2, the oldest 5 min old");
        assert_eq!(line(unsealed(waiting(2, Some(301)), now)), "note 2, the oldest 5 min old; is a server running?");
        assert_eq!(line(unsealed(waiting(1, Some(-60)), now)), "ok 1, the oldest 0 s old", "a clock that was set back");
        assert_eq!(line(dead_letters(waiting(0, None), now)), "ok none");
        assert_eq!(
            line(leases(waiting(1, Some(9)), now)),
            "note 1, the oldest 9 s old ran out and nobody has gone on; is a server running?"
        );
        assert_eq!(line(mails(waiting(0, None), &[], now)), "ok none is stuck");
        let failures = [("certificate".to_owned(), false, 2), ("550".to_owned(), true, 1)];
        let told = "note stuck: 2, the oldest 60 s old; 2 to be repeated (certificate), 1 given up (550)";
        assert_eq!(line(mails(waiting(2, Some(60)), &failures, now)), told);
    }
}
