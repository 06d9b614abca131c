use gavel_core::access::ActorType;
use uuid::Uuid;

use super::*;

fn person(reviewer: &str) -> Holder {
    let key = Uuid::from_u128(7);
    Holder { actor_type: ActorType::ApiKey, actor_id: key, reviewer: reviewer.into(), name: "API Client".into() }
}

fn held_by(reviewer: &str) -> Claim {
    let at = Timestamp::from_micros(0);
    Claim { holder: person(reviewer), at, until: at.plus_seconds(600) }
}

#[test]
fn whose_it_is_decides() {
    let said = |wish, held: Option<&str>| match judge(wish, held.map(held_by).as_ref(), &person("lea")) {
        Ok(outcome) => format!("{outcome:?}"),
        Err(error) => error.to_string(),
    };
    let (claim, take) = (Wish::Claim { take_over: false }, Wish::Claim { take_over: true });
    let (mine, others) = (Some("lea"), Some("max"));
    assert_eq!(
        [claim, take, Wish::Renew, Wish::Release].map(|wish| said(wish, mine)),
        ["Renewed", "Renewed", "Renewed", "Released"]
    );
    assert_eq!([claim, take].map(|wish| said(wish, None)), ["Claimed(\"queue.claimed\")"; 2]);
    assert_eq!([Wish::Renew, Wish::Release].map(|wish| said(wish, None)), ["You do not hold this session.", "Nothing"]);
    assert_eq!(
        [claim, take, Wish::Renew, Wish::Release].map(|wish| said(wish, others)),
        [OTHERS, "Claimed(\"queue.taken_over\")", "You do not hold this session.", OTHERS]
    );
    assert_eq!(said(claim, Some("")), OTHERS, "somebody behind the key is not the key");
}
