//! `/x/members/`: invitations, roles, removals.

use gavel::actions::{
    Caller,
    members::{self, Invitation},
};
use gavel_core::{access::Role, entry::email::Email};
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{
        Client, Server,
        people::{PASSWORD, token},
        shown, text,
    },
};

const LEA: &str = "lea@acme.example";
const BO: &str = "bo@acme.example";

fn forbidden() -> Value {
    json!({ "detail": "You do not have permission to perform this action." })
}

fn used() -> Value {
    json!({ "detail": "This link has been used or has expired." })
}

async fn invite(client: &Client, email: &str, role: &str) -> Value {
    client.post("/x/members/", json!({ "email": email, "role": role })).await.ok(201)
}

async fn accept(server: &Server, link: &Value) -> crate::harness::Answer {
    let body = json!({ "token": token(&text(link)), "password": PASSWORD });
    server.client.without_key().post("/x/invitations/accept/", body).await
}

/// The link `gavel member invite` prints.
async fn by_hand(server: &Server, email: &str, role: Role) -> Value {
    let caller = Caller::system(server.application().await, "CLI", "gavel member invite");
    let invitation = Invitation { email: Email::parse(email).unwrap(), role, name: String::new() };
    let invited = members::invite(&server.app, &caller, Ok(invitation)).await.unwrap();
    invited.invitation_url.unwrap().into()
}

fn path(member: &Value) -> String {
    format!("/x/members/{}/", text(&member["uuid"]))
}

db_test!(somebody_is_invited_accepts_and_works, server => {
    let body = json!({ "email": " Lea@ACME.example ", "role": "Admin", "name": "Lea Roth" });
    let made = server.client.post_once("k", "/x/members/", body.clone()).await.ok(201);
    let link = made["invitation_url"].clone();
    assert!(text(&link).starts_with(&format!("{}/invitation?token=", server.url())));
    let mut seen = made.clone();
    seen["invitation_url"] = "[link]".into();
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&seen), @r#"
        {
          "uuid": "[uuid]",
          "email": "lea@acme.example",
          "name": "Lea Roth",
          "role": "Admin",
          "status": "invited",
          "totp_enabled": false,
          "created_at": "[time]",
          "invitation_url": "[link]"
        }
        "#); }
    assert_eq!(server.client.post_once("k", "/x/members/", body).await.ok(201), made, "a repeat is no second invitation");
    accept(&server, &link).await.is(200, json!({ "email": LEA, "name": "Lea Roth" }));
    accept(&server, &link).await.is(400, used());
    let lea = server.sign_in(LEA).await;
    let list = lea.get("/x/members/").await.ok(200);
    assert_eq!((&list["count"], &list["results"][0]["status"]), (&json!(1), &json!("active")));
    let again = json!({ "email": ["This person is a member already."] });
    server.client.post("/x/members/", json!({ "email": LEA, "role": "Reader" })).await.is(400, again);
    let bad = server.client.post("/x/members/", json!({ "email": "lea", "role": "King" })).await;
    bad.is(400, json!({ "email": ["Enter a valid email address."], "role": ["\"King\" is not a valid choice."] }));
    assert_eq!(server.people_trail().await, ["member.invited", "member.joined", "member.signed_in"]);
    server.stop().await;
});

db_test!(invitations_end, server => {
    let first = invite(&server.client, LEA, "Reader").await;
    let named = json!({ "email": LEA, "role": "Developer", "name": "Lea Roth" });
    let second = server.client.post("/x/members/", named).await.ok(201);
    assert_eq!(second["name"], "Lea Roth");
    assert_eq!((&first["uuid"], &second["role"]), (&second["uuid"], &json!("Developer")), "one account, asked twice");
    accept(&server, &first["invitation_url"]).await.is(400, used());
    server.app.clock.advance(7 * 86_400 + 1);
    accept(&server, &second["invitation_url"]).await.is(400, used());
    let third = invite(&server.client, LEA, "Reader").await;
    assert_eq!(third["name"], "Lea Roth", "what is not said stays");
    assert_eq!(server.client.delete(&path(&third)).await.status, 204);
    accept(&server, &third["invitation_url"]).await.is(400, used());
    let reset = json!({ "token": token(&text(&third["invitation_url"])), "password": PASSWORD });
    server.client.without_key().post("/x/password/reset/", reset).await.is(400, used());
    server.stop().await;
});

db_test!(an_old_link_gives_no_role_that_came_after_it, server => {
    let (owner, admin) = (server.member("o@acme.example", Role::Owner).await, server.member("a@acme.example", Role::Admin).await);
    let as_reader = invite(&admin, LEA, "Reader").await;
    admin.patch(&path(&as_reader), json!({ "name": "Lea" })).await.ok(200);
    admin.patch(&path(&as_reader), json!({ "role": "Owner" })).await.is(403, forbidden());
    let as_owner = owner.patch(&path(&as_reader), json!({ "role": "Owner" })).await.ok(200);
    accept(&server, &as_reader["invitation_url"]).await.is(400, used());
    accept(&server, &as_owner["invitation_url"]).await.is(200, json!({ "email": LEA, "name": "Lea" }));
    let unchanged = owner.patch(&path(&as_reader), json!({ "role": "Admin" })).await.ok(200);
    assert_eq!(unchanged.get("invitation_url"), None, "whoever has an account needs no link");

    // Another application makes somebody an owner whom this one has shown a link to.
    let other = server.another_application().await;
    server.account_in(other, "far@acme.example", Role::Owner).await;
    let far = server.sign_in("far@acme.example").await;
    let here = invite(&admin, BO, "Reader").await;
    assert_eq!(invite(&far, BO, "Owner").await["invitation_url"], Value::Null);
    accept(&server, &here["invitation_url"]).await.is(400, used());
    assert_eq!(admin.patch(&path(&here), json!({ "role": "Developer" })).await.ok(200).get("invitation_url"), None);
    assert_eq!(invite(&admin, BO, "Reader").await["invitation_url"], Value::Null);
    // What whoever runs the server was given ends with the removal here, and what is left there is theirs to show.
    let link = by_hand(&server, BO, Role::Reader).await;
    assert_eq!(admin.delete(&path(&here)).await.status, 204);
    accept(&server, &link).await.is(400, used());
    let theirs = invite(&far, BO, "Owner").await;
    accept(&server, &theirs["invitation_url"]).await.ok(200);
    server.stop().await;
});

db_test!(one_link_used_at_once_makes_one_account, server => {
    let invited = invite(&server.client, LEA, "Reader").await;
    let answers = futures_util::future::join_all((0..4).map(|_| accept(&server, &invited["invitation_url"]))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.body == used()));
    server.stop().await;
});

db_test!(owners_are_a_matter_of_owners, server => {
    let (owner, admin) = (server.member(LEA, Role::Owner).await, server.member(BO, Role::Admin).await);
    let list = owner.get("/x/members/").await.ok(200)["results"].clone();
    let (lea, bo) = (list[0].clone(), list[1].clone());
    admin.patch(&path(&lea), json!({ "role": "Reader" })).await.is(403, forbidden());
    admin.patch(&path(&lea), json!({ "name": "x" })).await.is(403, forbidden());
    admin.delete(&path(&lea)).await.is(403, forbidden());
    admin.post("/x/members/", json!({ "email": "c@acme.example", "role": "Owner" })).await.is(403, forbidden());
    admin.patch(&path(&bo), json!({ "role": "Owner" })).await.is(403, forbidden());
    admin.patch(&path(&bo), json!({ "role": "Reader" })).await.is(403, forbidden());
    let last = json!({ "detail": "The last owner cannot go. Make somebody else an owner first." });
    owner.delete(&path(&lea)).await.is(400, last.clone());
    server.client.patch(&path(&lea), json!({ "role": "Admin" })).await.is(400, last);
    // An owner who was only invited is none yet, and an admin does not get at that invitation.
    let invited = invite(&owner, "c@acme.example", "Owner").await;
    admin.post("/x/members/", json!({ "email": "c@acme.example", "role": "Owner" })).await.is(403, forbidden());
    admin.post("/x/members/", json!({ "email": "c@acme.example", "role": "Reader" })).await.is(403, forbidden());
    assert_eq!(owner.delete(&path(&lea)).await.status, 400);
    accept(&server, &invited["invitation_url"]).await.ok(200);
    assert_eq!(owner.patch(&path(&bo), json!({ "role": "Owner" })).await.ok(200)["role"], "Owner");
    assert_eq!(owner.delete(&path(&lea)).await.status, 204);
    owner.get("/x/me/").await.ok(401);
    server.stop().await;
});

db_test!(two_owners_cannot_remove_each_other_at_once, server => {
    for round in 0..5 {
        let (a, b) = (format!("a{round}@acme.example"), format!("b{round}@acme.example"));
        let (one, other) = (server.account(&a, Role::Owner).await, server.account(&b, Role::Owner).await);
        let remove = |id: gavel_core::ids::MemberId| {
            let client = server.client.clone();
            async move { client.delete(&format!("/x/members/{id}/")).await.status.as_u16() }
        };
        let (first, second) = tokio::join!(remove(one), remove(other));
        let mut both = [first, second];
        both.sort_unstable();
        // From the second round on, one owner is left from before.
        assert_eq!(both, if round == 0 { [204, 400] } else { [204, 204] });
    }
    server.stop().await;
});

db_test!(a_removed_member_is_out_at_once_and_old_rows_stay, server => {
    let lea = server.member(LEA, Role::ComplianceOfficer).await;
    let member = server.client.get("/x/members/").await.ok(200)["results"][0].clone();
    let session = server.session().await;
    let reviews = format!("/v3/sessions/{session}/reviews/");
    lea.post(&reviews, json!({ "new_status": "Approved" })).await.ok(201);
    server.client.patch(&path(&member), json!({ "name": "Lea Roth" })).await.ok(200);
    lea.post(&reviews, json!({ "new_status": "Declined" })).await.ok(201);
    assert_eq!(server.client.delete(&path(&member)).await.status, 204);
    lea.get("/v3/sessions/").await.ok(401);
    server.try_sign_in(LEA, PASSWORD, None).await.ok(401);
    server.client.delete(&path(&member)).await.is(404, json!({ "detail": "Not found." }));
    let rows = server.client.get(&reviews).await.ok(200)["results"].clone();
    let names: Vec<_> = rows.as_array().unwrap().iter().map(|row| text(&row["actor_display"])).collect();
    assert_eq!(names, ["Lea Roth", "lea"]);
    // Somebody of the same address is somebody new.
    let again = invite(&server.client, LEA, "Reader").await;
    assert_ne!(again["uuid"], member["uuid"]);
    server.stop().await;
});

db_test!(applications_share_an_account_but_not_its_keys, server => {
    let other = server.another_application().await;
    let pending = invite(&server.client, LEA, "Owner").await;
    let boss = server.account_in(other, BO, Role::Owner).await;
    let boss = (boss, server.sign_in(BO).await).1;
    boss.patch(&path(&pending), json!({ "role": "Reader" })).await.is(404, json!({ "detail": "Not found." }));
    let there = invite(&boss, LEA, "Reader").await;
    assert_eq!((&there["uuid"], &there["invitation_url"]), (&pending["uuid"], &json!(null)), "that link would open ours too");
    accept(&server, &pending["invitation_url"]).await.is(400, used());
    accept(&server, &by_hand(&server, LEA, Role::Owner).await).await.ok(200);
    let named = json!({ "name": ["Members of several applications name themselves."] });
    boss.patch(&path(&there), json!({ "name": "Somebody" })).await.is(400, named);
    let lea = server.sign_in(LEA).await;
    assert_eq!(lea.get("/x/me/").await.ok(200)["applications"].as_array().unwrap().len(), 2);
    assert_eq!(boss.delete(&path(&there)).await.status, 204);
    assert_eq!(lea.get("/x/me/").await.ok(200)["applications"].as_array().unwrap().len(), 1, "out there, still in here");
    server.stop().await;
});

db_test!(who_sees_personal_data_masked_sees_no_value, server => {
    let decision = server.session_with_evidence(json!({
        "email_verifications": [{ "email": "ana@secret.example", "status": "In Review" }],
        "phone_verifications": [{ "full_number": "+14155552671" }],
        "id_verifications": [{ "full_name": "Ana Secret", "age": 31, "document_number": "X-SECRET-1" }],
    })).await;
    let session = text(&decision["session_id"]);
    let list = server.system_list("email").await;
    server.add(&list, "bo@secret.example").await;
    server.client.post(&format!("/v3/sessions/{session}/reviews/"), json!({ "new_status": "In Review", "comment": "a secret" })).await.ok(201);
    let (reader, developer) = (server.member(LEA, Role::Reader).await, server.member(BO, Role::Developer).await);
    for path in [
        format!("/v3/session/{session}/decision/?include=events"),
        format!("/v3/sessions/{session}/reviews/"),
        "/v3/sessions/".into(),
        format!("/v3/lists/{list}/entries/"),
        format!("/x/lists/{list}/entries/"),
    ] {
        let open = server.client.get(&path).await.ok(200).to_string();
        for masked in [&reader, &developer] {
            let answer = masked.get(&path).await;
            let shown = answer.clone().ok(200).to_string();
            for secret in ["secret.example", "a secret", "Secret", "SECRET", "+1415", "31,"] {
                assert!(!shown.contains(secret), "{path}: {shown}");
            }
            assert!(!open.contains("\"In Review\"") || shown.contains("\"In Review\""), "{path}: {shown}");
        }
    }
    let name = reader.get(&format!("/v3/lists/{list}/")).await.ok(200)["name"].clone();
    assert_eq!(name, "Email Blocklist");
    reader.get(&format!("/x/lists/{list}/entries/export/")).await.is(403, forbidden());
    let receiver = crate::harness::Receiver::start().await;
    let (destination, secret) = server.destination(&receiver).await;
    let path = format!("/v3/webhook/destinations/{destination}/");
    assert_eq!(developer.get(&path).await.ok(200)["secret_shared_key"], secret.as_str());
    assert_eq!(reader.get(&path).await.ok(200)["secret_shared_key"], "***");
    server.stop().await;
});
