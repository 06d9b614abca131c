//! `gavel member`, and the first owner's link.

use serde_json::json;

use crate::{
    harness::{
        Client, Engine,
        client::Answer,
        database::Place,
        people::{PASSWORD, token},
        process::{Process, finish, gavel_at},
    },
    on_both_engines,
};

async fn sign_in(client: &Client, email: &str, password: &str) -> Answer {
    client.without_key().post("/x/sign-in/", json!({ "email": email, "password": password })).await
}

on_both_engines!(people_are_looked_after_from_the_command_line);
async fn people_are_looked_after_from_the_command_line(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let server = Process::serve(&place).await;
    let client = server.client();
    let output = server.output();
    let link = output.lines().find_map(|line| line.strip_prefix("sign up: ")).unwrap_or_else(|| panic!("{output}")).to_owned();
    let accept = async |link: &str, email: Option<&str>| {
        let body = json!({ "token": token(link), "password": PASSWORD, "email": email });
        client.without_key().post("/x/invitations/accept/", body).await
    };
    accept(&link, Some("lea@acme.example")).await.ok(200);
    sign_in(&client, "lea@acme.example", PASSWORD).await.ok(200);
    let run = |arguments: &[&str]| finish(gavel_at(&place, &[&["member"], arguments].concat()));
    let (succeeded, made, said) = run(&["invite", "bo@acme.example", "--role", "compliance officer", "--name", "Bo"]);
    assert!(succeeded, "{said}");
    accept(made.lines().next().unwrap(), None).await.ok(200);
    let (_, listed, _) = run(&["list"]);
    assert!(
        listed.contains("lea@acme.example    Owner  active")
            && listed.contains("bo@acme.example  Bo  Compliance Officer  active"),
        "{listed}"
    );
    assert!(run(&["role", "bo@acme.example", "Admin"]).0);
    let (succeeded, _, said) = run(&["remove", "lea@acme.example"]);
    assert!(!succeeded && said.contains("The last owner cannot go"), "{said}");
    let (succeeded, reset, said) = run(&["reset", "bo@acme.example", "--second-factor"]);
    assert!(succeeded, "{said}");
    let body = json!({ "token": token(reset.lines().next().unwrap()), "password": "another password" });
    client.without_key().post("/x/password/reset/", body).await.ok(200);
    sign_in(&client, "bo@acme.example", "another password").await.ok(200);
    assert!(run(&["remove", "bo@acme.example"]).0);
    sign_in(&client, "bo@acme.example", "another password").await.ok(401);
    for (arguments, named) in [
        (vec!["invite", "nonsense"], "nonsense is not an e-mail address"),
        (vec!["invite", "a@b.example", "--role", "King"], "King is no role"),
        (vec!["remove", "nobody@acme.example"], "nobody@acme.example is no member"),
        (vec!["list", "--application", "x"], "x is not an id"),
    ] {
        let (succeeded, _, said) = run(&arguments);
        assert!(!succeeded && said.contains(named), "{said}");
    }
    server.stop().await;
    let server = Process::serve(&place).await;
    assert!(!server.output().contains("sign up:"), "there are members");
    server.stop().await;
}
