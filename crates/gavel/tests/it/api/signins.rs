//! Signing in and out; one's own account.

use gavel_core::access::Role;
use reqwest::Method;
use serde_json::{Value, json};
use totp_rs::{Algorithm, Secret, TOTP};

use crate::{
    db_test,
    harness::{
        Client, Server,
        client::send,
        people::{PASSWORD, token},
        shown, text,
    },
};

const LEA: &str = "lea@acme.example";

fn refused() -> Value {
    json!({ "detail": "E-mail address, password or code is wrong." })
}

fn nobody() -> Value {
    json!({ "detail": "Authentication credentials were not provided." })
}

fn forbidden() -> Value {
    json!({ "detail": "You do not have permission to perform this action." })
}

db_test!(a_cookie_lasts_until_the_sign_out, server => {
    server.account(LEA, Role::ComplianceOfficer).await;
    let answer = server.try_sign_in(" Lea@ACME.example", PASSWORD, None).await;
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("gavel=") && cookie.ends_with("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"), "{cookie}");
    let mut body = answer.body.clone();
    body["csrf_token"] = "[token]".into();
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&body), @r#"
        {
          "uuid": "[uuid]",
          "email": "lea@acme.example",
          "name": "",
          "totp_enabled": false,
          "recovery_codes_left": 0,
          "notifications": {
            "mention": "email",
            "comment": "email",
            "activity": "email",
            "webhook": "email"
          },
          "applications": [
            {
              "uuid": "[uuid]",
              "name": "Default",
              "role": "Compliance Officer"
            }
          ],
          "csrf_token": "[token]",
          "created_at": "[time]"
        }
        "#); }
    let lea = server.signed_in(answer);
    assert_eq!(lea.get("/x/me/").await.ok(200)["email"], LEA);
    lea.get("/v3/sessions/").await.ok(200);
    let out = lea.post("/x/sign-out/", json!({})).await;
    assert_eq!((out.status.as_u16(), out.header("set-cookie")), (204, "gavel=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
    lea.get("/x/me/").await.is(401, nobody());
    lea.get("/v3/sessions/").await.is(401, nobody());
    assert_eq!(server.people_trail().await, ["member.joined", "member.signed_in", "member.signed_out"]);
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cookies_of_an_https_server_are_its_own() {
    let set = |settings: &mut gavel::config::Settings| settings.public_url = Some("https://id.example.com".into());
    let server = Server::start_with(crate::harness::Engine::Sqlite, set).await.unwrap();
    server.account(LEA, Role::Reader).await;
    let answer = server.try_sign_in(LEA, PASSWORD, None).await;
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-gavel=") && cookie.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    let lea = server.signed_in(answer);
    lea.get("/x/me/").await.ok(200);
    let other = lea.with_header("cookie", cookie.replace("__Host-", ""));
    other.get("/x/me/").await.is(401, nobody());
    server.stop().await;
}

db_test!(one_answer_for_everything_that_is_wrong, server => {
    server.account(LEA, Role::Reader).await;
    server.client.post("/x/members/", json!({ "email": "bo@acme.example", "role": "Reader" })).await.ok(201);
    for (email, password) in [(LEA, "wrong"), ("nobody@acme.example", PASSWORD), ("bo@acme.example", PASSWORD)] {
        let answer = server.try_sign_in(email, password, None).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(answer.header("set-cookie").is_empty());
        answer.is(401, refused());
    }
    server.try_sign_in(LEA, PASSWORD, Some("not asked for")).await.ok(200);
    let nothing = server.client.without_key().post("/x/sign-in/", json!({ "email": "x", "password": "" })).await;
    nothing.is(400, json!({ "email": ["Enter a valid email address."], "password": ["This field may not be blank."] }));
    let form = server.client.without_key().request(Method::POST, "/x/sign-in/").header("content-type", "text/plain").body("{}");
    send(form).await.is(415, json!({ "detail": "Unsupported media type \"text/plain\" in request." }));
    let bare = server.client.without_key().request(Method::POST, "/x/sign-in/").body("{}");
    send(bare).await.is(415, json!({ "detail": "Unsupported media type \"\" in request." }));
    server.stop().await;
});

db_test!(an_account_and_an_address_are_guarded, server => {
    server.account(LEA, Role::Reader).await;
    server.account("bo@acme.example", Role::Reader).await;
    for _ in 0..10 {
        server.try_sign_in(LEA, "wrong", None).await.is(401, refused());
    }
    let throttled = server.try_sign_in("LEA@acme.example", PASSWORD, None).await;
    assert_eq!(throttled.status, 429, "the right password does not help any more");
    let wait: i64 = throttled.header("retry-after").parse().unwrap();
    assert!((1..=900).contains(&wait));
    for _ in 0..12 {
        server.try_sign_in("bo@acme.example", PASSWORD, None).await.ok(200); // Successes do not count.
    }
    for number in 0..40 {
        server.try_sign_in(&format!("nobody{number}@acme.example"), "wrong", None).await.is(401, refused());
    }
    assert_eq!(server.try_sign_in("bo@acme.example", PASSWORD, None).await.status, 429, "fifty from one address");
    server.app.clock.advance(wait);
    server.try_sign_in(LEA, PASSWORD, None).await.ok(200);
    server.stop().await;
});

db_test!(right_passwords_that_arrive_together_are_all_right, server => {
    server.account(LEA, Role::Reader).await;
    let at_once = async |password: &str| {
        let answers = futures_util::future::join_all((0..15).map(|_| server.try_sign_in(LEA, password, None))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        statuses
    };
    assert_eq!(at_once(PASSWORD).await, [200; 15]);
    assert_eq!(at_once("wrong").await, [[401; 10].as_slice(), &[429; 5]].concat(), "no guess more than one after the other");
    server.stop().await;
});

db_test!(sign_ins_end_when_unused_and_after_a_week, server => {
    let idle = server.member(LEA, Role::Reader).await;
    server.app.clock.advance(12 * 3_600 - 5);
    idle.get("/x/me/").await.ok(200);
    server.app.clock.advance(12 * 3_600 + 1);
    idle.get("/x/me/").await.is(401, nobody());
    let used = server.sign_in(LEA).await;
    for _ in 0..14 {
        server.app.clock.advance(12 * 3_600 - 60);
        used.get("/x/me/").await.ok(200);
    }
    server.app.clock.advance(14 * 60);
    used.get("/x/me/").await.is(401, nobody());
    server.sign_in(LEA).await;
    server.app.clock.advance(12 * 3_600 + 1);
    assert_eq!(gavel::actions::signins::forget_ended(&server.app).await.unwrap(), 1);
    server.stop().await;
});

db_test!(a_cookie_changes_things_only_as_json_and_with_its_token, server => {
    let session = server.session().await;
    let lea = server.member(LEA, Role::ComplianceOfficer).await;
    let path = format!("/v3/sessions/{session}/reviews/");
    let body = json!({ "new_status": "Approved" });
    lea.without_header("x-csrf-token").post(&path, body.clone()).await.is(403, forbidden());
    let other = server.sign_in(LEA).await;
    let stolen = send(other.request(Method::GET, "/x/me/")).await.ok(200)["csrf_token"].clone();
    lea.with_header("x-csrf-token", text(&stolen)).post(&path, body.clone()).await.is(403, forbidden());
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let sent = lea.request(Method::POST, &path).header("content-type", kind).body(body.to_string());
        send(sent).await.is(415, json!({ "detail": format!("Unsupported media type \"{kind}\" in request.") }));
    }
    let bare = |client: &Client| client.request(Method::POST, &path).body(body.to_string());
    send(bare(&lea)).await.is(415, json!({ "detail": "Unsupported media type \"\" in request." }));
    send(bare(&lea).header("idempotency-key", "k")).await.ok(415);
    let review = lea.post(&path, body.clone()).await.ok(201);
    assert_eq!(review["user"], LEA);
    let row = server.client.get(&path).await.ok(200)["results"][0].clone();
    assert_eq!((&row["actor_type"], &row["actor_display"], &row["actor_email"]), (&json!("CONSOLE_USER"), &json!("lea"), &json!(LEA)));
    send(bare(&server.client)).await.ok(201); // A key may leave the type out.
    server.stop().await;
});

db_test!(a_key_beside_a_cookie_wins, server => {
    let reader = server.member(LEA, Role::Reader).await;
    let both = reader.without_header("x-csrf-token").with_key(crate::harness::KEY);
    both.post("/v3/lists/", json!({ "name": "n", "list_type": "custom", "entry_type": "key" })).await.ok(201);
    both.get("/x/me/").await.is(403, forbidden());
    reader.with_key("wrong").get("/v3/lists/").await.is(401, json!({ "detail": "Invalid API key." }));
    server.stop().await;
});

db_test!(a_person_works_in_one_application_at_a_time, server => {
    let (first, other, third) = (server.application().await, server.another_application().await, server.another_application().await);
    let id = server.account(LEA, Role::Reader).await;
    server.session().await;
    let lea = server.sign_in(LEA).await;
    assert_eq!(lea.get("/v3/sessions/").await.ok(200)["count"], 1, "the only one needs no name");
    lea.with_header("x-gavel-application", other.to_string()).get("/v3/sessions/").await.is(403, forbidden());
    server.set_role(id, other, Role::Owner).await;
    let unnamed = json!({ "detail": "Name the application in the header X-Gavel-Application." });
    lea.get("/v3/sessions/").await.is(400, unnamed);
    let names = lea.get("/x/me/").await.ok(200)["applications"].clone();
    assert_eq!(names.as_array().unwrap().len(), 2, "about oneself needs no name");
    let there = lea.with_header("x-gavel-application", other.to_string());
    assert_eq!(there.get("/v3/sessions/").await.ok(200)["count"], 0);
    there.post("/v3/lists/", json!({ "name": "n", "list_type": "custom", "entry_type": "key" })).await.ok(201);
    let here = lea.with_header("x-gavel-application", first.to_string());
    here.post("/v3/lists/", json!({ "name": "n", "list_type": "custom", "entry_type": "key" })).await.is(403, forbidden());
    for bad in [third.to_string(), "x".into(), String::new()] {
        lea.with_header("x-gavel-application", bad).get("/v3/sessions/").await.is(403, forbidden());
    }
    let alias = |id| format!("/v3/organization/{id}/application/{id}/sessions/");
    assert_eq!(lea.get(&alias(first)).await.ok(200)["count"], 1, "the path names it");
    assert_eq!(here.get(&alias(other)).await.ok(200)["count"], 0);
    lea.get(&alias(third)).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});

db_test!(sign_ins_are_listed_and_ended, server => {
    let (lea, phone) = (server.member(LEA, Role::Reader).await, server.sign_in(LEA).await);
    let bo = server.member("bo@acme.example", Role::Reader).await;
    let list = lea.get("/x/me/sessions/").await.ok(200);
    let rows = list.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows.iter().map(|row| row["is_current"].as_bool().unwrap()).collect::<Vec<_>>(), [false, true], "newest first");
    assert_eq!((&rows[0]["ip"], rows[0].as_object().unwrap().len()), (&json!("127.0.0.1"), 7));
    let path = format!("/x/me/sessions/{}/", text(&rows[0]["uuid"]));
    bo.delete(&path).await.is(404, json!({ "detail": "Not found." }));
    phone.get("/x/me/").await.ok(200);
    assert_eq!(lea.delete(&path).await.status, 204);
    phone.get("/x/me/").await.is(401, nobody());
    lea.delete(&path).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});

db_test!(a_password_is_changed_by_whoever_knows_it, server => {
    let (lea, phone) = (server.member(LEA, Role::Reader).await, server.sign_in(LEA).await);
    let change = |current: &str, new: &str| json!({ "current_password": current, "new_password": new });
    let refused = json!({ "current_password": ["This is not your password."] });
    lea.post("/x/me/password/", change("wrong", "a new password")).await.is(400, refused);
    let short = json!({ "new_password": ["Ensure this field has at least 12 characters."] });
    lea.post("/x/me/password/", change(PASSWORD, "elevenchars")).await.is(400, short);
    let long = json!({ "new_password": ["Ensure this field has no more than 256 characters."] });
    lea.post("/x/me/password/", change(PASSWORD, &"x".repeat(257))).await.is(400, long);
    assert_eq!(lea.post("/x/me/password/", change(PASSWORD, &"ü".repeat(256))).await.status, 204);
    lea.get("/x/me/").await.ok(200);
    phone.get("/x/me/").await.is(401, nobody());
    server.try_sign_in(LEA, PASSWORD, None).await.ok(401);
    server.try_sign_in(LEA, &"ü".repeat(256), None).await.ok(200);
    for _ in 0..8 {
        lea.post("/x/me/password/", change("wrong", "a new password")).await.ok(400);
    }
    assert_eq!(lea.post("/x/me/password/", change("wrong", "a new password")).await.status, 429, "as for a stranger");
    server.stop().await;
});

db_test!(name_and_preferences_are_ones_own, server => {
    let lea = server.member(LEA, Role::Reader).await;
    let changed = lea.patch("/x/me/", json!({ "name": " Lea Roth ", "notifications": { "comment": "off" } })).await.ok(200);
    assert_eq!((&changed["name"], &changed["notifications"]), (&json!("Lea Roth"), &json!({ "mention": "email", "comment": "off", "activity": "email", "webhook": "email" })));
    let again = lea.patch("/x/me/", json!({ "notifications": { "mention": "inbox" } })).await.ok(200);
    assert_eq!((&again["name"], &again["notifications"]["comment"]), (&json!("Lea Roth"), &json!("off")));
    let bad = lea.patch("/x/me/", json!({ "name": "a\nb", "notifications": { "mention": "loud" } })).await;
    bad.is(400, json!({ "name": ["Control characters are not allowed."], "notifications": { "mention": ["\"loud\" is not a valid choice."] } }));
    lea.patch("/x/me/", json!({ "name": "x".repeat(255) })).await.ok(200);
    lea.patch("/x/me/", json!({ "name": "x".repeat(256) })).await.ok(400);
    server.stop().await;
});

/// The code an authenticator app shows, `ahead` steps from now.
fn code(server: &Server, secret: &str, ahead: i64) -> String {
    let secret = Secret::Encoded(secret.to_owned()).to_bytes().unwrap();
    let totp = TOTP::new(Algorithm::SHA1, 6, 1, 30, secret, None, "x".into()).unwrap();
    totp.generate((server.app.clock.now().as_unix_seconds() + 30 * ahead).unsigned_abs())
}

db_test!(a_second_factor_is_asked_for_and_no_code_is_taken_twice, server => {
    let (lea, phone) = (server.member(LEA, Role::Reader).await, server.sign_in(LEA).await);
    lea.post("/x/me/totp/confirm/", json!({ "code": "123456" })).await.is(400, json!({ "detail": "Start the second factor first." }));
    let made = lea.post("/x/me/totp/", json!({})).await.ok(200);
    let secret = text(&made["secret"]);
    assert!(text(&made["otpauth_url"]).contains(&secret) && text(&made["otpauth_url"]).starts_with("otpauth://totp/Gavel:"));
    server.try_sign_in(LEA, PASSWORD, None).await.ok(200); // Nothing has changed yet.
    lea.post("/x/me/totp/confirm/", json!({ "code": "12345" })).await.is(400, json!({ "code": ["This code is wrong."] }));
    let first = code(&server, &secret, 0);
    let codes = lea.post("/x/me/totp/confirm/", json!({ "code": first })).await.ok(200)["recovery_codes"].clone();
    assert_eq!(codes.as_array().unwrap().len(), 10);
    phone.get("/x/me/").await.is(401, nobody());
    let needed = json!({ "detail": "Enter the code of your authenticator app.", "code_required": true });
    server.try_sign_in(LEA, PASSWORD, None).await.is(401, needed);
    server.try_sign_in(LEA, PASSWORD, Some(&first)).await.is(401, refused());
    let next = code(&server, &secret, 1);
    server.try_sign_in(LEA, "wrong", Some(&next)).await.is(401, refused());
    server.try_sign_in(LEA, PASSWORD, Some(&next)).await.ok(200);
    server.try_sign_in(LEA, PASSWORD, Some(&next)).await.is(401, refused());
    let recovery = text(&codes[0]).to_uppercase();
    server.try_sign_in(LEA, PASSWORD, Some(&recovery)).await.ok(200);
    server.try_sign_in(LEA, PASSWORD, Some(&recovery)).await.is(401, refused());
    assert_eq!(lea.get("/x/me/").await.ok(200)["recovery_codes_left"], 9);
    lea.post("/x/me/totp/", json!({})).await.is(400, json!({ "detail": "The second factor is on already." }));
    let end = |password: &str, code: &str| json!({ "password": password, "code": code });
    lea.post("/x/me/totp/disable/", end("wrong", &text(&codes[1]))).await.is(400, json!({ "password": ["This is not your password."] }));
    lea.post("/x/me/totp/disable/", end(PASSWORD, &next)).await.is(400, json!({ "code": ["This code is wrong."] }));
    assert_eq!(lea.post("/x/me/totp/disable/", end(PASSWORD, &text(&codes[1]))).await.status, 204);
    server.try_sign_in(LEA, PASSWORD, None).await.ok(200);
    lea.post("/x/me/totp/disable/", end(PASSWORD, &text(&codes[2]))).await.is(400, json!({ "detail": "The second factor is off." }));
    server.stop().await;
});

db_test!(an_idempotency_key_is_a_persons_own, server => {
    let (lea, bo) = (server.member(LEA, Role::Reader).await, server.member("bo@acme.example", Role::Reader).await);
    let secret = async |client: &Client| client.post_once("k", "/x/me/totp/", json!({})).await.ok(200)["secret"].clone();
    let hers = secret(&lea).await;
    assert_eq!(secret(&lea).await, hers);
    assert_ne!(secret(&bo).await, hers);
    server.stop().await;
});

db_test!(one_code_at_once_opens_one_door, server => {
    let lea = server.member(LEA, Role::Reader).await;
    let secret = text(&lea.post("/x/me/totp/", json!({})).await.ok(200)["secret"]);
    lea.post("/x/me/totp/confirm/", json!({ "code": code(&server, &secret, 0) })).await.ok(200);
    let next = code(&server, &secret, 1);
    let tries = (0..5).map(|_| server.try_sign_in(LEA, PASSWORD, Some(&next)));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    server.stop().await;
});

db_test!(forgetting_tells_nobody_who_has_an_account, server => {
    server.account(LEA, Role::Reader).await;
    let forgot = async |email: &str| server.client.without_key().post("/x/password/forgot/", json!({ "email": email })).await;
    let (known, unknown) = (forgot(LEA).await, forgot("nobody@acme.example").await);
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    known.is(200, json!({ "detail": "If there is an account with this address, a link is on its way." }));
    assert_eq!(server.people_trail().await, ["member.joined"], "without mail there is nothing to send");
    for _ in 0..18 {
        forgot("nobody@acme.example").await.ok(200);
    }
    assert_eq!(forgot(LEA).await.status, 429);
    server.stop().await;
});

db_test!(the_first_owner_comes_by_a_link_that_works_once, server => {
    let link = gavel::actions::links::sign_up(&server.app).await.unwrap().unwrap();
    let second = gavel::actions::links::sign_up(&server.app).await.unwrap().unwrap();
    assert!(link.starts_with(&format!("{}/sign-up?token=", server.url())), "{link}");
    let accept = async |link: &str, email: Option<&str>| {
        let body = json!({ "token": token(link), "password": PASSWORD, "name": "Lea Roth", "email": email });
        server.client.without_key().post("/x/invitations/accept/", body).await
    };
    accept(&link, None).await.is(400, json!({ "email": ["This field is required."] }));
    accept(&link, Some("Lea@Acme.example")).await.is(200, json!({ "email": LEA, "name": "Lea Roth" }));
    let used = json!({ "detail": "This link has been used or has expired." });
    for (link, email) in [(&link, LEA), (&second, "bo@acme.example")] {
        accept(link, Some(email)).await.is(400, used.clone());
    }
    let lea = server.sign_in(LEA).await;
    assert_eq!(lea.get("/x/me/").await.ok(200)["applications"][0]["role"], "Owner");
    assert!(gavel::actions::links::sign_up(&server.app).await.unwrap().is_none());
    server.stop().await;
});
