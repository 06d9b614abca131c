//! The audit trail as an auditor sees it: an export, a public key, a verifier.

use std::{path::Path, process::Command};

use gavel::store::StoreError;
use gavel_core::audit::{Bad, PublicKey, Report, SignedCheckpoint, Verifier};

use super::{
    Client, Server, eventually,
    process::{finish, gavel},
    text,
};

/// An export as it came.
pub async fn export(client: &Client, values: bool) -> Vec<u8> {
    let answer = client.get(&format!("/x/audit/export/?values={values}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.bytes
}

/// The key in use.
pub async fn public_key(client: &Client) -> PublicKey {
    text(&client.get("/x/audit/public-key/").await.ok(200)["public_key"]).parse().unwrap()
}

/// What the verifier says of a file.
pub fn verify(file: &[u8], key: PublicKey, checkpoints: Vec<SignedCheckpoint>) -> Result<Report, Bad> {
    let mut verifier = Verifier::new(key, checkpoints);
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        verifier.line(line)?;
    }
    verifier.finish()
}

/// A number from the database.
pub async fn number(server: &Server, sql: &'static str) -> i64 {
    let asked = server
        .app
        .store
        .read::<_, StoreError, _>(move |tx| Box::pin(async move { tx.query_opt(sql, &[]).await?.unwrap().get(0) }));
    asked.await.unwrap()
}

/// Waits until nothing waits to be sealed.
pub async fn sealed(server: &Server) {
    eventually("an empty queue of the sealer", || async {
        (number(server, "SELECT count(*) FROM audit_unsealed").await == 0).then_some(())
    })
    .await;
}

/// Waits for the sealer, then an export that must verify.
pub async fn verified(server: &Server) -> Report {
    sealed(server).await;
    let key = public_key(&server.client).await;
    let report = verify(&export(&server.client, true).await, key, Vec::new()).unwrap_or_else(|bad| panic!("{bad}"));
    assert_eq!(report.without_values, 0);
    report
}

/// A Python that has the package; `scripts/setup` installs Debian's.
fn python() -> &'static str {
    let has = |name: &&&str| {
        let asked = Command::new(**name).args(["-c", "import cryptography"]).output();
        asked.is_ok_and(|output| output.status.success())
    };
    ["/usr/bin/python3", "python3"]
        .iter()
        .find(has)
        .unwrap_or_else(|| panic!("there is no python3 with the package cryptography; run scripts/setup"))
}

/// The verifier of the documentation.
pub fn script(arguments: &[&str]) -> Command {
    let mut command = Command::new(python());
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/verify_audit.py")).args(arguments);
    command
}

/// Where a verifier says the first bad row is.
fn place(said: &str) -> Option<String> {
    let from = said.find("line ")?;
    Some(said[from..].split(": ").next()?.to_owned())
}

/// What both verifiers say of a file; they must agree.
pub fn both(file: &Path, key: &str, checkpoints: &[&Path]) -> Result<(), String> {
    let file = file.to_str().unwrap();
    let mut more: Vec<&str> = vec!["--public-key", key];
    for checkpoint in checkpoints {
        more.extend(["--checkpoint", checkpoint.to_str().unwrap()]);
    }
    let mut first = gavel(&["audit", "verify", file]);
    first.args(&more);
    let mut second = script(&[file]);
    second.args(&more);
    let (first, second) = (finish(first), finish(second));
    let bad = |found: &(bool, String, String)| if found.0 { None } else { Some(place(&found.2)) };
    assert_eq!(bad(&first), bad(&second), "{first:?} {second:?}");
    match bad(&first) {
        None => Ok(()),
        Some(place) => Err(place.unwrap_or(first.2)),
    }
}
