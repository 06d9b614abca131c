//! E-mail over a real SMTP server.

use std::time::Duration;

use gavel::config::Settings;
use gavel_core::access::Role;
use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{
    Client, Engine, Receiver, Server, eventually,
    people::{PASSWORD, token},
    smtp::{Encryption, Fate, Smtp},
    tls::Authority,
};

const LEA: &str = "lea@acme.example";

async fn server(engine: Engine, smtp: &Smtp) -> Option<Server> {
    let url = smtp.url();
    let set = move |settings: &mut Settings| {
        settings.smtp_url = Some(url);
        settings.mail_from = Some("Gavel <desk@gavel.example>".into());
    };
    Server::start_with(engine, set).await
}

async fn review(client: &Client, session: &str, comment: &str) {
    let body = json!({ "new_status": "In Review", "comment": comment });
    client.post(&format!("/v3/sessions/{session}/reviews/"), body).await.ok(201);
}

/// What waits in the outbox: attempts, the last failure, whether it was given up.
async fn waiting(server: &Server) -> Vec<(u64, Option<String>, bool)> {
    let read = server.app.store.read::<_, gavel::actions::Error, _>(|tx| {
        Box::pin(async move {
            let sql = "SELECT attempts, failure, failed_at IS NOT NULL FROM mails ORDER BY created_at, id";
            let rows = tx.query(sql, &[]).await?;
            Ok(rows
                .iter()
                .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .collect::<Result<_, gavel::store::StoreError>>()?)
        })
    });
    read.await.unwrap()
}

async fn tried(server: &Server, attempts: u64) {
    eventually("the record of an attempt", || async {
        waiting(server).await.iter().any(|mail| mail.0 == attempts).then_some(())
    })
    .await;
}

async fn empty(server: &Server) {
    eventually("an empty outbox", || async { waiting(server).await.is_empty().then_some(()) }).await;
}

crate::on_both_engines!(notices_are_sent_to_whom_they_are_for);
async fn notices_are_sent_to_whom_they_are_for(engine: Engine) {
    let smtp = Smtp::start().await;
    let Some(server) = server(engine, &smtp).await else { return };
    server.account(LEA, Role::ComplianceOfficer).await;
    server.account("reader@bücher.example", Role::Reader).await;
    let session = server.session().await;
    review(&server.client, &session, "@lea@acme.example @reader@bücher.example Größe prüfen").await;
    let mut mails = smtp.wait_for(2).await;
    mails.sort_by_key(|mail| mail.to.clone());
    let [lea, reader] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((lea.from.as_str(), lea.to.as_str()), ("desk@gavel.example", LEA));
    assert_eq!(lea.header("Subject"), "API Client mentioned you on session 1");
    assert!(lea.header("Message-ID").ends_with("@127.0.0.1>"), "{}", lea.head);
    let link = format!("{}/sessions/{session}", server.url());
    assert!(lea.text.contains("Größe prüfen") && lea.text.contains(&link), "{}", lea.text);
    assert_eq!(reader.to, "reader@xn--bcher-kva.example");
    assert!(reader.text.contains(&link) && !reader.text.contains("Größe"), "a Reader is sent no comment: {}", reader.text);
    empty(&server).await;
    // The inbox alone, if somebody wants it so; and nothing for a change that is refused.
    server.sign_in(LEA).await.patch("/x/me/", json!({ "notifications": { "mention": "inbox" } })).await.ok(200);
    review(&server.client, &session, "@lea@acme.example").await;
    assert_eq!((waiting(&server).await.len(), smtp.mails().len()), (0, 2));
    server.stop().await;
}

crate::on_both_engines!(links_come_by_mail_and_are_not_told_to_the_inviter);
async fn links_come_by_mail_and_are_not_told_to_the_inviter(engine: Engine) {
    let smtp = Smtp::start().await;
    let Some(server) = server(engine, &smtp).await else { return };
    let invited = server.client.post("/x/members/", json!({ "email": LEA, "role": "Admin" })).await.ok(201);
    assert_eq!(invited["invitation_url"], Value::Null);
    let mail = smtp.wait_for(1).await.remove(0);
    assert_eq!((mail.to.as_str(), mail.header("Subject")), (LEA, "Your invitation to Gavel"));
    let open = server.client.without_key();
    open.post("/x/invitations/accept/", json!({ "token": token(&mail.text), "password": PASSWORD })).await.ok(200);
    let lea = server.sign_in(LEA).await;
    for email in [LEA, "nobody@acme.example"] {
        open.post("/x/password/forgot/", json!({ "email": email })).await.ok(200);
    }
    let mail = smtp.wait_for(2).await.remove(1);
    assert_eq!((mail.to.as_str(), mail.header("Subject")), (LEA, "A new password for Gavel"));
    let reset = |token: &str, password: &str| json!({ "token": token, "password": password });
    let link = token(&mail.text);
    open.post("/x/password/reset/", reset(&link, "short")).await.ok(400);
    open.post("/x/password/reset/", reset(&link, "another password")).await.ok(200);
    let used = json!({ "detail": "This link has been used or has expired." });
    open.post("/x/password/reset/", reset(&link, "a third password")).await.is(400, used.clone());
    lea.get("/x/me/").await.ok(401);
    server.try_sign_in(LEA, PASSWORD, None).await.ok(401);
    server.try_sign_in(LEA, "another password", None).await.ok(200);
    // Three links within an hour, and a link lasts an hour.
    for _ in 0..4 {
        open.post("/x/password/forgot/", json!({ "email": LEA })).await.ok(200);
    }
    let mails = smtp.wait_for(4).await;
    empty(&server).await;
    assert_eq!(smtp.mails().len(), 4);
    open.post("/x/password/reset/", reset(&token(&mails[2].text), "another password")).await.is(400, used.clone());
    server.app.clock.advance(3_601);
    open.post("/x/password/reset/", reset(&token(&mails[3].text), "another password")).await.is(400, used);
    server.stop().await;
}

crate::on_both_engines!(what_fails_for_now_is_repeated_as_one_and_the_same_mail);
async fn what_fails_for_now_is_repeated_as_one_and_the_same_mail(engine: Engine) {
    let fates = [Fate::RefusedText(451), Fate::Dropped, Fate::RefusedRecipient(450), Fate::Taken];
    let smtp = Smtp::deciding(move |number| fates[number.min(3)]).await;
    let Some(server) = server(engine, &smtp).await else { return };
    server.account(LEA, Role::ComplianceOfficer).await;
    let session = server.session().await;
    review(&server.client, &session, "@lea@acme.example").await;
    for (attempt, (wait, failure)) in [(60, "451"), (300, "connection"), (900, "450")].into_iter().enumerate() {
        smtp.wait_for(attempt + 1).await;
        tried(&server, attempt as u64 + 1).await;
        assert_eq!(waiting(&server).await, [(attempt as u64 + 1, Some(failure.to_owned()), false)]);
        server.app.clock.advance(wait);
    }
    let mails = smtp.wait_for(4).await;
    empty(&server).await;
    assert_eq!(mails[0].header("Message-ID"), mails[3].header("Message-ID"));
    server.stop().await;
}

crate::on_both_engines!(what_is_refused_for_good_is_given_up);
async fn what_is_refused_for_good_is_given_up(engine: Engine) {
    let fates = [Fate::RefusedRecipient(550), Fate::RefusedText(554), Fate::Taken];
    let smtp = Smtp::deciding(move |number| fates[number.min(2)]).await;
    let Some(server) = server(engine, &smtp).await else { return };
    server.account(LEA, Role::ComplianceOfficer).await;
    let session = server.session().await;
    for (number, code) in ["550", "554"].into_iter().enumerate() {
        review(&server.client, &session, "@lea@acme.example").await;
        eventually("the end of a mail", || async {
            let given_up = (1, Some(code.to_owned()), true);
            (waiting(&server).await.get(number) == Some(&given_up)).then_some(())
        })
        .await;
    }
    server.app.clock.advance(86_400);
    review(&server.client, &session, "@lea@acme.example").await;
    smtp.wait_for(3).await; // One does not hold up the next, and what was given up is not sent again.
    eventually("the third to be taken", || async { (waiting(&server).await.len() == 2).then_some(()) }).await;
    assert_eq!(smtp.mails().len(), 3);
    server.stop().await;
}

crate::on_both_engines!(who_has_left_is_sent_nothing_and_a_dead_server_is_waited_for);
async fn who_has_left_is_sent_nothing_and_a_dead_server_is_waited_for(engine: Engine) {
    let smtp = Smtp::deciding(|_| Fate::Dropped).await;
    let Some(server) = server(engine, &smtp).await else { return };
    let lea = server.account(LEA, Role::ComplianceOfficer).await;
    let session = server.session().await;
    review(&server.client, &session, "@lea@acme.example").await;
    tried(&server, 1).await;
    assert_eq!(server.client.delete(&format!("/x/members/{lea}/")).await.status, 204);
    empty(&server).await;
    let bo = server.member("bo@acme.example", Role::ComplianceOfficer).await;
    review(&server.client, &session, "@bo@acme.example").await;
    tried(&server, 1).await;
    server.client.delete(&format!("/v3/session/{session}/delete/")).await;
    server.app.clock.advance(60);
    empty(&server).await;
    assert_eq!(smtp.mails().len(), 2, "a deleted session is nothing to write about");
    // Two days, and it is given up.
    let session = server.session().await;
    review(&server.client, &session, "@bo@acme.example").await;
    tried(&server, 1).await;
    server.app.clock.advance(2 * 86_400);
    eventually("the end of a mail", || async { waiting(&server).await.iter().any(|mail| mail.2).then_some(()) }).await;
    assert_eq!(bo.get("/x/me/").await.status, 401, "days have passed");
    server.stop().await;
}

crate::on_both_engines!(a_password_that_is_not_taken_loses_no_mail);
async fn a_password_that_is_not_taken_loses_no_mail(engine: Engine) {
    let smtp = Smtp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    for (password, taken) in [("wrong", false), ("quite right", true)] {
        std::fs::write(&file, format!("{password}\n")).unwrap();
        let (url, file) = (smtp.url().replace("smtp://", "smtp://desk%40gavel@"), file.clone());
        let set = move |settings: &mut Settings| {
            settings.smtp_url = Some(url);
            settings.smtp_password_file = Some(file);
            settings.mail_from = Some("desk@gavel.example".into());
        };
        let Some(server) = Server::start_with(engine, set).await else { return };
        server.client.post("/x/members/", json!({ "email": LEA, "role": "Reader" })).await.ok(201);
        match taken {
            true => empty(&server).await,
            false => tried(&server, 1).await,
        }
        let left = waiting(&server).await;
        assert_eq!(left, if taken { vec![] } else { vec![(1, Some("535".to_owned()), false)] });
        assert_eq!(smtp.proofs().last().unwrap(), &format!(" desk@gavel {password}"));
        server.stop().await;
    }
    assert_eq!(smtp.mails().len(), 1);
}

/// Sends one invitation over TLS: the mails that came, and what waits.
async fn invite_over_tls(
    engine: Engine,
    smtp: &Smtp,
    (url, ca): (String, Option<&Authority>),
) -> Option<Vec<(u64, Option<String>, bool)>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let ca = ca.map(|authority| std::fs::write(&file, authority.pem())).map(|written| written.map(|()| file).unwrap());
    let set = move |settings: &mut Settings| {
        (settings.smtp_url, settings.ca_file) = (Some(url), ca);
        settings.mail_from = Some("desk@gavel.example".into());
    };
    let server = Server::start_with(engine, set).await?;
    let before = smtp.mails().len();
    server.client.post("/x/members/", json!({ "email": LEA, "role": "Reader" })).await.ok(201);
    eventually("the mail, or why not", || async {
        let waits = waiting(&server).await;
        let sent = waits.is_empty() && smtp.mails().len() > before;
        (sent || waits.first().is_some_and(|mail| mail.0 > 0)).then_some(())
    })
    .await;
    let left = waiting(&server).await;
    server.stop().await;
    Some(left)
}

crate::on_both_engines!(mail_goes_over_tls_to_whom_the_operator_believes);
async fn mail_goes_over_tls_to_whom_the_operator_believes(engine: Engine) {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let implicit = Smtp::encrypted(Encryption::Implicit(ours.acceptor("127.0.0.1"))).await;
    let on_demand = Smtp::encrypted(Encryption::OnDemand(ours.acceptor("localhost"))).await;
    let plain = Smtp::start().await;
    let required = |smtp: &Smtp, host: &str| format!("{}?tls=required", smtp.url_at("smtp", host));
    let why = |code: &str| vec![(1, Some(code.to_owned()), false)];
    for (smtp, url, authority, left) in [
        (&implicit, implicit.url_at("smtps", "127.0.0.1"), Some(&ours), vec![]),
        (&on_demand, required(&on_demand, "localhost"), Some(&ours), vec![]),
        (&on_demand, required(&on_demand, "localhost").replace("required", "opportunistic"), Some(&ours), vec![]),
        // Nobody we believe, somebody else, the wrong name, no encryption where it is required.
        (&implicit, implicit.url_at("smtps", "127.0.0.1"), None, why("certificate")),
        (&implicit, implicit.url_at("smtps", "127.0.0.1"), Some(&theirs), why("certificate")),
        (&implicit, implicit.url_at("smtps", "localhost"), Some(&ours), why("certificate")),
        (&on_demand, required(&on_demand, "127.0.0.1"), Some(&ours), why("certificate")),
        (&plain, required(&plain, "127.0.0.1"), Some(&ours), why("client")),
        (&plain, plain.url_at("smtps", "127.0.0.1"), Some(&ours), why("tls")),
    ] {
        let (taken, before) = (left.is_empty(), smtp.mails().len());
        let Some(found) = invite_over_tls(engine, smtp, (url.clone(), authority)).await else { return };
        assert_eq!(found, left, "{url}");
        assert_eq!(smtp.mails().len() - before, usize::from(taken), "{url}");
    }
    assert!(implicit.mails().iter().chain(&on_demand.mails()).all(|mail| mail.encrypted && mail.to == LEA));
}

/// Webhooks to a receiver that wants none: fails now, and after so many days again.
async fn fails_for(server: &Server, destination: &str, days: i64) {
    let dead = async |count: i64| {
        eventually("a dead letter", || async {
            let view = server.client.get(&format!("/x/webhook/destinations/{destination}/")).await.ok(200);
            (view["dead_letters_count"] == count).then_some(view)
        })
        .await
    };
    let before = server.client.get(&format!("/x/webhook/destinations/{destination}/")).await.ok(200);
    let before = before["dead_letters_count"].as_i64().unwrap();
    server.session().await;
    dead(before + 1).await;
    server.app.clock.advance(days * 86_400);
    server.session().await;
    dead(before + 2).await;
}

crate::on_both_engines!(whoever_may_mend_webhooks_is_told_of_a_pause_once);
async fn whoever_may_mend_webhooks_is_told_of_a_pause_once(engine: Engine) {
    let smtp = Smtp::start().await;
    let Some(server) = server(engine, &smtp).await else { return };
    let receiver = Receiver::answering(|_| (StatusCode::GONE, Duration::ZERO)).await;
    let (destination, _) = server.destination(&receiver).await;
    let roles = [
        ("owner@acme.example", Role::Owner),
        ("admin@acme.example", Role::Admin),
        ("developer@acme.example", Role::Developer),
        ("quiet@acme.example", Role::Developer),
        ("officer@acme.example", Role::ComplianceOfficer),
        ("reader@acme.example", Role::Reader),
    ];
    for (email, role) in roles {
        server.account(email, role).await;
    }
    let elsewhere = server.another_application().await;
    server.account_in(elsewhere, "far@acme.example", Role::Owner).await;
    let wishes = |reach: &str| json!({ "notifications": { "webhook": reach } });
    server.sign_in("admin@acme.example").await.patch("/x/me/", wishes("inbox")).await.ok(200);
    server.sign_in("quiet@acme.example").await.patch("/x/me/", wishes("off")).await.ok(200);
    fails_for(&server, &destination, 2).await;
    assert!(waiting(&server).await.is_empty(), "not yet");
    server.app.clock.advance(86_400);
    server.session().await;
    let mut mails = smtp.wait_for(2).await;
    mails.sort_by_key(|mail| mail.to.clone());
    let told: Vec<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(told, ["developer@acme.example", "owner@acme.example"]);
    assert_eq!(mails[0].header("Subject"), "Webhooks to test are paused");
    assert!(
        mails[0].text.contains("\"test\" (Default) for 3 day(s)") && mails[0].text.contains("wait for 30 day(s)"),
        "{}",
        mails[0].text
    );
    for (email, count) in [
        ("owner@acme.example", 1),
        ("admin@acme.example", 1),
        ("developer@acme.example", 1),
        ("quiet@acme.example", 0),
        ("officer@acme.example", 0),
    ] {
        let inbox = server.sign_in(email).await.get("/x/notifications/").await.ok(200);
        assert_eq!(inbox["count"], count, "{email}");
        if count == 1 {
            let row = &inbox["results"][0];
            assert_eq!(
                (&row["kind"], &row["destination_uuid"], &row["destination_label"]),
                (&json!("webhook"), &json!(destination), &json!("test"))
            );
            assert_eq!((&row["session_id"], &row["url"], &row["actor_display"]), (&Value::Null, &Value::Null, &json!("System")));
        }
    }
    // A pause somebody asks for tells nobody; the next one by itself tells once more.
    let path = format!("/x/webhook/destinations/{destination}");
    for what in ["resume", "pause", "resume"] {
        server.client.post(&format!("{path}/{what}/"), json!({})).await.ok(200);
    }
    fails_for(&server, &destination, 3).await;
    smtp.wait_for(4).await;
    empty(&server).await;
    assert_eq!(smtp.mails().len(), 4);
    let owner = server.sign_in("owner@acme.example").await;
    assert_eq!(owner.get("/x/notifications/?unread=true").await.ok(200)["count"], 2);
    owner.post("/x/notifications/read/", json!({ "all": true })).await.is(200, json!({ "marked": 2, "unread": 0 }));
    server.client.delete(&format!("/v3/webhook/destinations/{destination}/")).await.ok(204);
    assert_eq!(owner.get("/x/notifications/").await.ok(200)["count"], 0, "it goes with its destination");
    server.stop().await;
}

/// Decides on a session by review.
async fn decide(server: &Server, session: &str, status: &str) {
    let body = json!({ "new_status": status, "comment": "Ana Silva seems fine." });
    server.client.post(&format!("/v3/sessions/{session}/reviews/"), body).await.ok(201);
}

/// A session that has come into review, made with these contact details.
async fn reviewed(server: &Server, contact: Value) -> String {
    let session = server.session_with(json!({ "contact_details": contact })).await;
    let email = json!({ "email_verifications": [{ "email": "ana@proven.example", "status": "Approved" }], "id_verifications": [{ "status": "In Review" }] });
    assert_eq!(server.evidence(&session, email).await["status"], "In Review");
    session
}

crate::on_both_engines!(a_person_who_wants_it_is_told_of_the_decision);
async fn a_person_who_wants_it_is_told_of_the_decision(engine: Engine) {
    let smtp = Smtp::start().await;
    let Some(server) = server(engine, &smtp).await else { return };
    let wants =
        |email: Value, language: &str| json!({ "email": email, "email_lang": language, "send_notification_emails": true });
    let session = reviewed(&server, wants("ana@acme.example".into(), "de")).await;
    decide(&server, &session, "Declined").await;
    let mail = smtp.wait_for(1).await.remove(0);
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("desk@gavel.example", "ana@acme.example"));
    assert_eq!(mail.text.trim_end(), "Ihre Identitätsprüfung wurde durchgesehen und konnte nicht bestätigt werden.");
    empty(&server).await;
    // From Declined it is no end of a review any more; back into review, and then it is.
    decide(&server, &session, "Approved").await;
    decide(&server, &session, "In Review").await;
    assert_eq!(waiting(&server).await.len(), 0);
    decide(&server, &session, "Approved").await;
    let mail = smtp.wait_for(2).await.remove(1);
    assert!(mail.text.contains("durchgesehen und bestätigt"), "{}", mail.text);
    // Without an address it is the one they have proven; by update-status as well.
    let session = reviewed(&server, wants(Value::Null, "en")).await;
    server.client.patch(&format!("/v3/session/{session}/update-status/"), json!({ "new_status": "Approved" })).await.ok(200);
    let mail = smtp.wait_for(3).await.remove(2);
    assert_eq!((mail.to.as_str(), mail.header("Subject")), ("ana@proven.example", "Your identity verification was approved"));
    // Who does not want it is not told.
    let session = reviewed(&server, json!({ "email": "ana@acme.example" })).await;
    decide(&server, &session, "Approved").await;
    empty(&server).await;
    assert_eq!(smtp.mails().len(), 3);
    assert!(smtp.mails().iter().all(|mail| !mail.text.contains("Ana") && !mail.head.contains("Ana")));
    server.stop().await;
}

crate::on_both_engines!(a_decision_that_can_be_undone_mails_when_it_is_carried_out);
async fn a_decision_that_can_be_undone_mails_when_it_is_carried_out(engine: Engine) {
    let smtp = Smtp::start().await;
    let Some(server) = server(engine, &smtp).await else { return };
    let session = reviewed(&server, json!({ "email": "ana@acme.example", "send_notification_emails": true })).await;
    let path = format!("/x/sessions/{session}/pending-review/");
    server.client.post(&path, json!({ "new_status": "Declined", "undo_seconds": 10 })).await.ok(201);
    assert!(waiting(&server).await.is_empty(), "it may still be undone");
    server.client.delete(&path).await.ok(204);
    server.app.clock.advance(11);
    server.client.post(&path, json!({ "new_status": "Approved", "undo_seconds": 10 })).await.ok(201);
    assert!(waiting(&server).await.is_empty());
    server.app.clock.advance(11);
    let mails = smtp.wait_for(1).await;
    assert!(mails[0].text.contains("approved"), "{}", mails[0].text);
    empty(&server).await;
    assert_eq!(smtp.mails().len(), 1, "of what was undone nobody is told");
    server.stop().await;
}

crate::on_both_engines!(update_status_mails_whom_its_caller_names);
async fn update_status_mails_whom_its_caller_names(engine: Engine) {
    let smtp = Smtp::start().await;
    let Some(server) = server(engine, &smtp).await else { return };
    let contact = json!({ "email": "ana@acme.example", "send_notification_emails": true });
    let session = reviewed(&server, contact).await;
    let update = |status: &str, language: &str| json!({ "new_status": status, "send_email": true, "email_address": "Lawyer@Acme.Example", "email_language": language });
    let path = format!("/v3/session/{session}/update-status/");
    server.client.patch(&path, update("Declined", "xx")).await.ok(200);
    server.client.patch(&path, update("Declined", "xx")).await.ok(200); // Already so: nothing happens.
    server.client.patch(&path, update("Resubmitted", "fr")).await.ok(200);
    let mails = smtp.wait_for(2).await;
    empty(&server).await;
    assert_eq!(smtp.mails().len(), 2, "one mail each, to the address named");
    let subjects: Vec<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(subjects, ["lawyer@acme.example", "lawyer@acme.example"]);
    assert!(mails[0].text.contains("could not be approved"), "{}", mails[0].text);
    let decision = server.client.get(&format!("/v3/session/{session}/decision/")).await.ok(200);
    let url = decision["session_url"].as_str().unwrap();
    assert!(mails[1].text.contains("Continuez ici") && mails[1].text.contains(url), "{}", mails[1].text);
    server.stop().await;
}

crate::on_both_engines!(a_letter_goes_with_its_session);
async fn a_letter_goes_with_its_session(engine: Engine) {
    let smtp = Smtp::deciding(|_| Fate::RefusedRecipient(450)).await;
    let Some(server) = server(engine, &smtp).await else { return };
    let contact = json!({ "email": "ana@acme.example", "send_notification_emails": true });
    let (erased, deleted) = (reviewed(&server, contact.clone()).await, reviewed(&server, contact).await);
    decide(&server, &erased, "Approved").await;
    tried(&server, 1).await;
    decide(&server, &deleted, "Approved").await;
    eventually("both attempts", || async {
        (waiting(&server).await.iter().filter(|mail| mail.0 == 1).count() == 2).then_some(())
    })
    .await;
    server.client.delete(&format!("/v3/session/{deleted}/delete/")).await.ok(204);
    server.client.post("/x/subjects/erase/", json!({ "session_id": erased })).await.ok(201);
    eventually("one mail left", || async { (waiting(&server).await.len() == 1).then_some(()) }).await;
    server.app.clock.advance(61);
    empty(&server).await;
    assert_eq!(smtp.mails().len(), 2, "neither was tried again");
    server.stop().await;
}

crate::on_both_engines!(without_a_mail_server_a_decision_mails_nobody);
async fn without_a_mail_server_a_decision_mails_nobody(engine: Engine) {
    let Some(server) = Server::start(engine).await else { return };
    let session = reviewed(&server, json!({ "email": "ana@acme.example", "send_notification_emails": true })).await;
    decide(&server, &session, "Approved").await;
    assert!(waiting(&server).await.is_empty());
    server.stop().await;
}
