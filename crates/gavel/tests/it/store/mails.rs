//! The outbox of e-mail: who claims has it alone, for as long as the lease lasts.

use gavel::store::mails::{self, Mail, MailKind, Recipient};
use gavel_core::access::Role;
use uuid::Uuid;

use super::{read, write};
use crate::{db_test, harness::Server};

async fn claim(server: &Server, token: u128, limit: u64) -> Vec<Uuid> {
    let now = server.app.clock.now();
    let lease = (now, now.plus_seconds(60));
    let claimed = write(&server.app.store, move |tx| {
        Box::pin(async move { mails::claim_due(tx, lease, Uuid::from_u128(token), limit).await })
    });
    claimed.await.unwrap().into_iter().map(|mail| mail.id).collect()
}

db_test!(a_claim_is_one_processs_alone_until_it_runs_out, server => {
    let member = server.account("lea@acme.example", Role::Reader).await;
    let now = server.app.clock.now();
    for number in 1..=3 {
        let mail = Mail {
            id: Uuid::from_u128(number),
            to: Recipient::Member(member),
            kind: MailKind::Access,
            notification: None,
            sealed: None,
            attempts: 0,
            created_at: now.plus_seconds(number as i64 - 10),
        };
        write(&server.app.store, move |tx| Box::pin(async move { mails::insert_mail(tx, &mail).await })).await.unwrap();
    }
    let ids = |numbers: &[u128]| numbers.iter().map(|number| Uuid::from_u128(*number)).collect::<Vec<_>>();
    assert_eq!(claim(&server, 10, 2).await, ids(&[1, 2]));
    assert_eq!(claim(&server, 11, 2).await, ids(&[3]));
    assert_eq!(claim(&server, 12, 2).await, ids(&[]));
    server.app.clock.advance(61);
    assert_eq!(claim(&server, 13, 9).await, ids(&[1, 2, 3]), "whoever held them has gone");
    let late = write(&server.app.store, |tx| {
        Box::pin(async move { mails::remove_claimed(tx, Uuid::from_u128(1), Uuid::from_u128(10)).await })
    });
    assert!(!late.await.unwrap(), "and records nothing any more");
    let mine = write(&server.app.store, |tx| {
        Box::pin(async move { mails::remove_claimed(tx, Uuid::from_u128(1), Uuid::from_u128(13)).await })
    });
    assert!(mine.await.unwrap());
    let left: i64 = read(&server.app.store, |tx| {
        Box::pin(async move { tx.query_opt("SELECT count(*) FROM mails", &[]).await?.unwrap().get(0) })
    })
    .await
    .unwrap();
    assert_eq!(left, 2);
    server.stop().await;
});
