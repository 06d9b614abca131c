//! The audit trail as an auditor sees it: an export, a public key, a verifier.

use gavel::store::StoreError;
use gavel_core::audit::{Bad, PublicKey, Report, SignedCheckpoint, Verifier};

use super::{Client, Server, eventually, text};

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
