//! Applications: what a new one starts with.

use gavel_core::{
    ids::{ApplicationId, ListId, WorkflowId, WorkflowVersionId},
    list::SYSTEM_LISTS,
    session::Environment,
};

use super::{Caller, Error, amendment::Amendment, keys, single_url};
use crate::{
    app::App,
    clock::{new_id, random_text},
    store::{
        Tx,
        applications::{self, Application},
        lists,
        revisions::Effect,
        workflows,
    },
};

/// On an empty database: makes the application `Default` with a full-access key. Answers the key when it was made now;
/// it is shown this once and never again.
pub async fn bootstrap(app: &App) -> Result<Option<String>, Error> {
    let app_ = app.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let stands = applications::agree_on(tx, "server_key", app_.secrets.fingerprint()).await?;
                if stands != app_.secrets.fingerprint() {
                    return Err(Error::Refused(
                        "this database belongs to another server key; start with the data folder, or the GAVEL_SERVER_KEY, it was made with"
                            .into(),
                    ));
                }
                let claim: uuid::Uuid = new_id();
                // Of several processes that start at once, the one whose claim stands makes the application.
                if applications::agree_on(tx, "bootstrap", &claim.to_string()).await? != claim.to_string() {
                    return Ok(None);
                }
                let application = provision(tx, &app_, "Default", Environment::Live).await?;
                let key = app_.config.bootstrap_api_key.clone().unwrap_or_else(keys::new_secret);
                keys::insert(tx, &app_, application, "Bootstrap", gavel_core::access::Scopes::Full, None, &key).await?;
                Ok(Some(key))
            })
        })
        .await
}

/// Whether an application is for real or for trying out.
pub async fn environment(app: &App, id: ApplicationId) -> Result<Environment, Error> {
    let found =
        app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(applications::find_application(tx, id).await?) }));
    found.await?.map(|application| application.environment).ok_or(Error::NOT_FOUND)
}

/// Makes an application with its system lists and its default workflow.
pub async fn provision(tx: &mut Tx, app: &App, name: &str, environment: Environment) -> Result<ApplicationId, Error> {
    let now = app.clock.now();
    let id: ApplicationId = new_id();
    let secret = random_text::<32>();
    let application = Application {
        id,
        name: name.to_owned(),
        environment,
        reviews_change_status: true,
        webhook_secret: app.secrets.seal(&single_url::place(id), secret.as_bytes()),
        created_at: now,
    };
    applications::insert_application(tx, &application).await?;
    let caller = Caller::system(id, "SERVER", "");
    let amendment = Amendment::begin(tx, &caller, now).await?;
    for list in &SYSTEM_LISTS {
        let row = lists::List {
            id: new_id::<ListId>(),
            name: list.name.to_owned(),
            description: list.description.to_owned(),
            list_type: list.list_type,
            entry_type: list.entry_type,
            is_system: true,
            entry_count: 0,
            last_entry_added_at: None,
            created_at: now,
            updated_at: now,
        };
        lists::insert_list(tx, id, &row).await?;
        amendment.note(tx, row.id, Effect::of_list("list.created")).await?;
    }
    workflows::insert_default(tx, id, new_id::<WorkflowId>(), new_id::<WorkflowVersionId>(), now).await?;
    caller.audit(tx, "application.created", &[("application", id.0)], now).await?;
    Ok(id)
}
