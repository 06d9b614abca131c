//! Parameters and columns: what goes in comes out.

use gavel::store::{StoreError, Value, db::Dialect};
use uuid::Uuid;

use super::{is_fault, put, read, write};
use crate::db_test;

db_test!(round_trip, server => {
    let store = &server.app.store;
    write(store, |tx| Box::pin(async move {
        let columns = match tx.dialect() {
            Dialect::Sqlite => "b INTEGER, i INTEGER, t TEXT, y BLOB, u BLOB",
            Dialect::Postgres => "b boolean, i bigint, t text, y bytea, u uuid",
        };
        tx.batch(&format!("CREATE TABLE kinds (n BIGINT PRIMARY KEY, {columns})")).await
    })).await.unwrap();
    let texts = ["", "a", "é\u{10ffff}\u{7f}\u{1}", "$1 ?1 ' \" \\ %", &"x".repeat(70_000)];
    let numbers = [0, -1, i64::MAX, i64::MIN, 1_700_000_000_000_000];
    for (n, (text, number)) in (0_i64..).zip(texts.iter().zip(numbers)) {
        let (text, bytes, id) = ((*text).to_owned(), text.as_bytes().to_vec(), Uuid::from_u128(number.unsigned_abs().into()));
        let (t, y) = (text.clone(), bytes.clone());
        write(store, move |tx| Box::pin(async move {
            let sql = "INSERT INTO kinds (n, b, i, t, y, u) VALUES ($1, $2, $3, $4, $5, $6)";
            tx.execute(sql, &[n.into(), (n % 2 == 0).into(), number.into(), t.into(), y.into(), id.into()]).await
        })).await.unwrap();
        let row = read(store, move |tx| Box::pin(async move {
            // The parameters appear out of order and twice: they go by number, not by place.
            tx.query_opt("SELECT b, i, t, y, u FROM kinds WHERE i = $2 AND n = $1 AND n = $1", &[n.into(), number.into()]).await
        })).await.unwrap().unwrap();
        let mut c = row.columns();
        assert_eq!(c.take::<bool>().unwrap(), n % 2 == 0);
        assert_eq!(c.take::<i64>().unwrap(), number);
        assert_eq!(c.take::<String>().unwrap(), text);
        assert_eq!(c.take::<Vec<u8>>().unwrap(), bytes);
        assert_eq!(c.take::<Uuid>().unwrap(), id);
    }
    server.stop().await;
});

db_test!(null_is_none_and_nothing_else, server => {
    let store = &server.app.store;
    let row = read(store, |tx| Box::pin(async move {
        let null = Value::Null;
        tx.query_opt("SELECT kyc_expiry_days, data_retention_months, name FROM applications WHERE kyc_expiry_days IS NULL AND COALESCE($1, name) = name", &[null]).await
    })).await.unwrap().unwrap();
    assert_eq!(row.get::<Option<i64>>(0).unwrap(), None);
    assert!(is_fault(&row.get::<i64>(0)), "a null that must not be one is a fault, not a zero");
    assert!(is_fault(&row.get::<i64>(2)), "a text is not a number");
    assert!(is_fault(&row.get::<String>(9)), "there is no tenth column");
    server.stop().await;
});

db_test!(a_conflict_is_an_answer_where_the_statement_says_so, server => {
    let store = &server.app.store;
    let add = || write(store, |tx| Box::pin(async move {
        tx.execute("INSERT INTO server_facts (name, value) VALUES ('x', '1') ON CONFLICT (name) DO NOTHING", &[]).await
    }));
    assert_eq!(add().await.unwrap(), 1);
    assert_eq!(add().await.unwrap(), 0);
    let refused = write(store, |tx| Box::pin(put(tx, "x", "2"))).await;
    assert!(is_fault(&refused), "{refused:?}");
    let Err(StoreError::Fault(text)) = refused else { unreachable!() };
    assert!(!text.contains("VALUES"), "no SQL and no value in the text: {text}");
    server.stop().await;
});
