//! People: accounts, and clients that have signed in.

use gavel::actions::members::{Invitation, add_active};
use gavel_core::{
    access::Role,
    entry::email::Email,
    ids::{ApplicationId, MemberId},
};
use serde_json::{Value, json};

use super::{Answer, Client, Server, text};

/// The password of everybody in tests.
pub const PASSWORD: &str = "correct horse battery";

impl Server {
    /// An account in the first application that can sign in.
    pub async fn account(&self, email: &str, role: Role) -> MemberId {
        let application = self.application().await;
        self.account_in(application, email, role).await
    }

    /// The same in another application.
    pub async fn account_in(&self, application: ApplicationId, email: &str, role: Role) -> MemberId {
        let invitation = Invitation { email: Email::parse(email).unwrap(), role, name: String::new() };
        add_active(&self.app, application, invitation, PASSWORD.to_owned()).await.map_err(|e| panic!("{e:?}")).unwrap()
    }

    /// A new account, signed in.
    pub async fn member(&self, email: &str, role: Role) -> Client {
        self.account(email, role).await;
        self.sign_in(email).await
    }

    /// Asks to sign in.
    pub async fn try_sign_in(&self, email: &str, password: &str, code: Option<&str>) -> Answer {
        let mut body = json!({ "email": email, "password": password });
        if let Some(code) = code {
            body["code"] = code.into();
        }
        self.client.without_key().post("/x/sign-in/", body).await
    }

    /// Signs an account of these tests in.
    pub async fn sign_in(&self, email: &str) -> Client {
        self.signed_in(self.try_sign_in(email, PASSWORD, None).await)
    }

    /// The client of a sign-in.
    #[track_caller]
    pub fn signed_in(&self, answer: Answer) -> Client {
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let me: Value = answer.ok(200);
        self.client.without_key().with_header("cookie", cookie).with_header("x-csrf-token", text(&me["csrf_token"]))
    }
}

impl Server {
    /// The kinds of audit rows of the first application that are about people, oldest first.
    pub async fn people_trail(&self) -> Vec<String> {
        let application = self.application().await;
        let read = self.app.store.read::<_, gavel::actions::Error, _>(move |tx| {
            Box::pin(async move {
                let sql =
                    "SELECT kind FROM audit_events WHERE application_id = $1 AND kind LIKE 'member.%' ORDER BY created_at, id";
                let rows = tx.query(sql, &[application.0.into()]).await?;
                Ok(rows.iter().map(|row| row.get(0)).collect::<Result<Vec<String>, _>>()?)
            })
        });
        read.await.unwrap()
    }

    /// Another application on the same server.
    pub async fn another_application(&self) -> ApplicationId {
        let app = self.app.clone();
        let made = self.app.store.write::<_, gavel::actions::Error, _>(move |tx| {
            Box::pin(async move {
                gavel::actions::applications::provision(tx, &app, "Other", gavel_core::session::Environment::Live).await
            })
        });
        made.await.unwrap()
    }

    /// Gives an account a role in one more application.
    pub async fn set_role(&self, member: MemberId, application: ApplicationId, role: Role) {
        let now = self.app.clock.now();
        let set = self.app.store.write::<_, gavel::actions::Error, _>(move |tx| {
            Box::pin(async move { Ok(gavel::store::members::set_role(tx, member, application, role, now).await?) })
        });
        set.await.unwrap();
    }
}

/// The token of a link.
pub fn token(link: &str) -> String {
    link.split_once("token=").unwrap().1.split_whitespace().next().unwrap().to_owned()
}
