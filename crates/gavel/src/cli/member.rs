//! `gavel member`: people, from the server's own machine. Works beside a running server, on the same database.

use clap::{Args, Subcommand};
use gavel_core::{
    access::Role,
    entry::email::Email,
    ids::{ApplicationId, MemberId},
};

use super::{CliError, Common, key};
use crate::{
    actions::{
        Caller, Error, links,
        members::{self, Invitation, MemberChange},
    },
    app::App,
    store::applications,
};

/// Options of `gavel member`.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    common: Common,
    /// Application it is about [default: the first]
    #[arg(long, value_name = "UUID", global = true)]
    application: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Invite somebody, and print the link with which they choose a password
    Invite {
        /// Their e-mail address
        email: String,
        /// Owner, Admin, "Compliance Officer", Developer or Reader
        #[arg(long, default_value = "Owner")]
        role: String,
        /// Their name
        #[arg(long, default_value = "")]
        name: String,
    },
    /// List everybody: id, address, name, role, state
    List,
    /// Give somebody another role
    Role {
        /// Their e-mail address
        email: String,
        /// Owner, Admin, "Compliance Officer", Developer or Reader
        role: String,
    },
    /// Take somebody out of the application; their sign-ins end at once
    Remove {
        /// Their e-mail address
        email: String,
    },
    /// Print a link with which somebody chooses a new password
    Reset {
        /// Their e-mail address
        email: String,
        /// Take the second factor off as well: the device and the recovery codes are lost
        #[arg(long)]
        second_factor: bool,
    },
}

/// The command.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub async fn run(options: &Options) -> Result<(), CliError> {
    let app = key::open(&options.common).await?;
    let application = match &options.application {
        Some(text) => key::parse::<ApplicationId>(text)?,
        None => first_application(&app).await?,
    };
    let caller = |route| Caller::system(application, "CLI", route);
    match &options.command {
        Command::Invite { email, role, name } => {
            let invitation = Invitation { email: address(email)?, role: parse_role(role)?, name: name.clone() };
            let invited = members::invite(&app, &caller("gavel member invite"), Ok(invitation)).await.map_err(said)?;
            match invited.invitation_url {
                Some(url) => println!("{}", shown_link(&url)),
                None => println!("{email} is told by e-mail, or has an account already"),
            }
        }
        Command::List => list(&app, &caller("gavel member list")).await?,
        Command::Role { email, role } => {
            let (id, role) = (find(&app, application, email).await?, parse_role(role)?);
            let change = MemberChange { role: Some(role), name: None };
            let changed = members::update(&app, &caller("gavel member role"), id, Ok(change)).await.map_err(said)?;
            println!("{email} is {}", role.as_str());
            if let Some(url) = changed.invitation_url {
                println!("{}", shown_link(&url));
            }
        }
        Command::Remove { email } => {
            let id = find(&app, application, email).await?;
            members::remove(&app, &caller("gavel member remove"), id).await.map_err(said)?;
            println!("removed");
        }
        Command::Reset { email, second_factor } => {
            let id = find(&app, application, email).await?;
            let url = links::reset_by_hand(&app, &caller("gavel member reset"), id, *second_factor).await.map_err(said)?;
            println!("new password: {url}\n              can be used once, within an hour");
        }
    }
    app.store.close().await;
    Ok(())
}

fn shown_link(url: &str) -> String {
    format!("invitation: {url}\n            can be used once, within seven days")
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
async fn list(app: &App, caller: &Caller) -> Result<(), CliError> {
    const PAGE: u64 = 200;
    for page in 0.. {
        let (rows, total) = members::list(app, caller, (PAGE, page * PAGE)).await?;
        for row in rows {
            println!("{row}");
        }
        if (page + 1) * PAGE >= total {
            break;
        }
    }
    Ok(())
}

async fn first_application(app: &App) -> Result<ApplicationId, CliError> {
    let read = app.store.read::<_, Error, _>(|tx| Box::pin(async move { Ok(applications::list_applications(tx).await?) }));
    let first = read.await?.first().map(|application| application.id);
    first.ok_or_else(|| CliError::new("there is no application yet; start the server once"))
}

async fn find(app: &App, application: ApplicationId, email: &str) -> Result<MemberId, CliError> {
    let found = members::find_by_email(app, application, &address(email)?).await?;
    found.ok_or_else(|| CliError::new(format!("{email} is no member; `gavel member list` shows who is")))
}

fn address(text: &str) -> Result<Email, CliError> {
    Email::parse(text).map_err(|_| CliError::new(format!("{text} is not an e-mail address")))
}

fn parse_role(text: &str) -> Result<Role, CliError> {
    let known = Role::ALL.into_iter().find(|role| role.as_str().eq_ignore_ascii_case(text));
    known.ok_or_else(|| CliError::new(format!("{text} is no role; use one of {}", Role::ALL.map(Role::as_str).join(", "))))
}

/// A refusal in the words a client would read.
fn said(error: Error) -> CliError {
    match error {
        Error::Invalid(errors) => CliError::new(serde_json::to_string(&errors).unwrap_or_default()),
        other => CliError::from_display(other),
    }
}
