//! Sealing: soon, by however many, from wherever the last one was killed.

use std::time::Duration;

use gavel::{
    actions::{Caller, Error, audit_keys, seal},
    app::App,
    cli::serve::prepare,
    clock::new_id,
    store::{StoreError, applications, audit_chain},
};
use gavel_core::{audit::SignedCheckpoint, ids::ApplicationId, json::Value};
use serde_json::json;

use crate::{
    db_test,
    harness::{
        Engine, Server,
        database::Place,
        eventually, settings, text,
        trail::{export, number, public_key, sealed, verified, verify},
    },
};

async fn application(app: &App) -> ApplicationId {
    let found =
        app.store.read::<_, StoreError, _>(|tx| Box::pin(async move { Ok(applications::list_applications(tx).await?[0].id) }));
    found.await.unwrap()
}

/// Rows as a change would write them, one transaction each.
async fn write_rows(app: &App, rows: usize) {
    let (application, now) = (application(app).await, app.clock.now());
    for _ in 0..rows {
        let written = app.store.write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let caller = Caller::system(application, "CLI", "test");
                Ok(caller.audit(tx, "entry.added", &[("list", new_id()), ("entry", new_id())], now).await?)
            })
        });
        written.await.unwrap();
    }
}

db_test!(every_change_is_in_the_chain_soon, server => {
    let session = server.session().await;
    server.client.post(&format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": "Approved" })).await.ok(201);
    let rows = number(&server, "SELECT count(*) FROM audit_events").await;
    eventually("a chain of all rows", || async {
        (number(&server, "SELECT count(*) FROM audit_chain").await >= rows).then_some(())
    })
    .await;
    let report = verified(&server).await;
    assert!(report.end.count >= u64::try_from(rows).unwrap());
    // The end is signed as well, without anything more happening.
    eventually("a checkpoint at the end", || async {
        let end = number(&server, "SELECT max(seq) FROM audit_chain").await;
        (number(&server, "SELECT COALESCE(max(row_count), 0) FROM audit_checkpoints").await == end).then_some(())
    })
    .await;
    server.stop().await;
});

db_test!(many_sealers_make_one_chain, server => {
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let app = server.app.clone();
        crowd.spawn(async move { write_rows(&app, 60).await });
        let app = server.app.clone();
        crowd.spawn(async move {
            for _ in 0..30 {
                seal::seal_all(&app).await.unwrap();
                seal::sign_all(&app).await.unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
    }
    crowd.join_all().await;
    sealed(&server).await;
    let (rows, places) = (number(&server, "SELECT count(*) FROM audit_events").await, number(&server, "SELECT max(seq) FROM audit_chain").await);
    assert_eq!(rows, places);
    let page = server.client.get("/x/audit/checkpoints/?limit=200").await.ok(200);
    let remembered: Vec<SignedCheckpoint> = page["results"].as_array().unwrap().iter().map(|row| {
        SignedCheckpoint::read(&Value::from(row)).unwrap()
    }).collect();
    assert!(remembered.len() > 1, "{page}");
    let file = export(&server.client, false).await;
    let report = verify(&file, public_key(&server.client).await, remembered.clone()).unwrap();
    assert_eq!((report.checkpoints, report.values), (remembered.len(), false));
    server.stop().await;
});

db_test!(a_clock_that_goes_back_changes_nothing, server => {
    write_rows(&server.app, 5).await;
    sealed(&server).await;
    server.app.clock.advance(-86_400);
    write_rows(&server.app, 5).await;
    sealed(&server).await;
    server.app.clock.advance(2 * 86_400);
    write_rows(&server.app, 5).await;
    verified(&server).await;
    server.stop().await;
});

db_test!(more_rows_than_one_transaction_takes, server => {
    let (app, application) = (server.app.clone(), application(&server.app).await);
    let written = server.app.store.write::<_, Error, _>(move |tx| {
        Box::pin(async move {
            let caller = Caller::system(application, "CLI", "test");
            for _ in 0..1_300 {
                caller.audit(tx, "entry.added", &[("list", new_id())], app.clock.now()).await?;
            }
            Ok(())
        })
    });
    written.await.unwrap();
    assert!(verified(&server).await.end.count > 1_300);
    server.stop().await;
});

db_test!(a_rotation_is_in_every_chain_and_signed_by_both, server => {
    let foreign = server.foreign_client().await;
    write_rows(&server.app, 3).await;
    let (old, early) = (public_key(&server.client).await, export(&server.client, false).await);
    let next = audit_keys::rotate(&server.app, false).await.unwrap();
    assert_eq!(next.number, 2);
    write_rows(&server.app, 3).await;
    sealed(&server).await;
    for client in [&server.client, &foreign] {
        let shown = client.get("/x/audit/public-key/").await.ok(200);
        assert_eq!((text(&shown["public_key"]), text(&shown["algorithm"])), (next.public.to_string(), "Ed25519".into()));
        assert_eq!(text(&shown["earlier"][0]["public_key"]), old.to_string());
        let file = export(client, true).await;
        assert_eq!(file.windows(19).filter(|part| part == b"\"audit.key_rotated\"").count(), 1);
        for trusted in [old, next.public] {
            verify(&file, trusted, Vec::new()).unwrap_or_else(|bad| panic!("{bad}"));
        }
    }
    verify(&early, old, Vec::new()).unwrap();
    // A third one, after the second was lost, and not before.
    let refused = audit_keys::rotate(&server.app, true).await;
    assert!(matches!(refused, Err(Error::Refused(text)) if text.contains("not lost")));
    std::fs::remove_file(server.app.config.data.join(format!("audit-{}.key", next.public.id()))).unwrap();
    let lost = audit_keys::rotate(&server.app, true).await.unwrap();
    let file = export(&server.client, true).await;
    assert!(verify(&file, next.public, Vec::new()).is_err());
    verify(&file, lost.public, Vec::new()).unwrap();
    server.stop().await;
});

/// Both engines: what one process has sealed and not signed, the next one signs, whether more rows have come or not.
async fn a_sealer_killed_before_it_signed(engine: Engine) {
    for more in [0, 10] {
        killed_before_it_signed(engine, more).await;
    }
}

async fn killed_before_it_signed(engine: Engine, more: usize) {
    let Some(place) = Place::make(engine).await else { return };
    let ready = prepare(settings(&place).check().unwrap()).await.map_err(|e| panic!("{e:?}")).unwrap();
    let app = ready.app.clone();
    write_rows(&app, 10).await;
    assert!(seal::seal_all(&app).await.unwrap() > 10);
    write_rows(&app, more).await; // These wait.
    app.store.close().await;
    drop((ready, app));
    let again = prepare(settings(&place).check().unwrap()).await.map_err(|e| panic!("{e:?}")).unwrap();
    let app = again.app.clone();
    let unsigned = app.store.read::<_, StoreError, _>(|tx| Box::pin(audit_chain::list_unsigned(tx)));
    assert_eq!(unsigned.await.unwrap().len(), 1);
    let server = Server::run(again, place);
    eventually("a signature", || async {
        (number(&server, "SELECT COALESCE(max(row_count), 0) FROM audit_checkpoints").await >= 11).then_some(())
    })
    .await;
    verified(&server).await;
    server.stop().await;
}

mod a_sealer_killed_before_it_signed {
    use super::*;
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        super::a_sealer_killed_before_it_signed(Engine::Sqlite).await;
    }
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        super::a_sealer_killed_before_it_signed(Engine::Postgres).await;
    }
}
