//! Both verifiers of audit exports, `gavel audit verify` and `docs/verify_audit.py`: they find every change, and name the same
//! row.

use gavel_core::{
    audit::{Checkpoint, Event, Hash, Head, Personal, Rotation, SigningKey, commitment, genesis},
    time::Timestamp,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::harness::{
    process::{finish, gavel},
    trail::{both, script},
};

/// A file to be tampered with.
struct Stage {
    folder: tempfile::TempDir,
    lines: Vec<String>,
    hashes: Vec<Hash>,
    key: SigningKey,
}

fn key(byte: u8) -> SigningKey {
    SigningKey::from_seed(&[byte; 32])
}

fn event(seq: u64) -> (Event, Personal) {
    let personal = Personal {
        salt: [seq as u8; 32],
        text: json!({ "email": "léa@acme.example", "ip": "192.0.2.1", "path": format!("/v3/users/\u{1F600}{seq}/") }).to_string(),
    };
    let event = Event {
        seq,
        id: Uuid::from_u128(u128::from(seq) << 64),
        kind: "entry.added".into(),
        actor_type: "CONSOLE_USER".into(),
        actor_id: Some(Uuid::from_u128(7)),
        method: "POST".into(),
        route: "/v3/lists/{list_uuid}/entries/".into(),
        status_code: 201,
        objects: [("list".to_owned(), Uuid::from_u128(1)), ("entry".to_owned(), Uuid::from_u128(2))].into(),
        commitment: commitment(&personal.salt, &personal.text),
        at: Timestamp::from_micros(1_777_713_242_118_450 + seq as i64),
    };
    (event, personal)
}

impl Stage {
    fn of(rows: u64, change: impl Fn(&mut Event), signer: u8, rotations: Vec<Rotation>) -> Self {
        let application = Uuid::from_u128(3).into();
        let (mut lines, mut hashes, mut previous) = (vec![String::new()], Vec::new(), genesis(application));
        for (mut event, personal) in (1..=rows).map(event) {
            change(&mut event);
            previous = event.hash(&previous);
            let mut line = String::new();
            event.write_line(&mut line, &previous, Some(&personal));
            lines.push(line);
            hashes.push(previous);
        }
        let end = Checkpoint { application, count: rows, head: previous, at: Timestamp::from_micros(0) };
        let key = key(signer);
        lines[0] = Head { end, rotations, values: true }.line(&key) + "\n";
        Self { folder: tempfile::tempdir().unwrap(), lines, hashes, key }
    }

    fn made(rows: u64) -> Self {
        Self::of(rows, |_| {}, 1, Vec::new())
    }

    fn checkpoint(&self, count: u64) -> String {
        let application = Uuid::from_u128(3).into();
        let at = Timestamp::from_micros(0);
        Checkpoint { application, count, head: self.hashes[count as usize - 1], at }.sign(&self.key).line()
    }

    fn file(&self, name: &str, content: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn said(&self, content: &str) -> Result<(), String> {
        both(&self.file("audit.ndjson", content), &key(1).public().to_string(), &[])
    }

    /// The row that is named when the lines are these.
    #[track_caller]
    fn names(&self, what: &str, lines: &[String], place: &str) {
        assert_eq!(self.said(&lines.concat()), Err(place.to_owned()), "{what}");
    }

    fn with(&self, line: usize, change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut lines = self.lines.clone();
        let mut value: Value = serde_json::from_str(&lines[line]).unwrap();
        change(&mut value);
        lines[line] = value.to_string() + "\n";
        lines
    }
}

#[test]
fn an_untouched_export_verifies() {
    for rows in [0, 1, 6] {
        let stage = Stage::made(rows);
        assert_eq!(stage.said(&stage.lines.concat()), Ok(()));
    }
}

#[test]
fn every_edited_member_of_a_row_is_found() {
    let stage = Stage::made(3);
    let row: Value = serde_json::from_str(&stage.lines[2]).unwrap();
    let members: Vec<&String> = row.as_object().unwrap().keys().collect();
    assert_eq!(members.len(), 15);
    for member in members {
        let changed = match &row[member] {
            Value::Number(_) => json!(7),
            Value::Object(_) => json!({ "list": Uuid::from_u128(9) }),
            Value::String(text) if text.ends_with('0') => json!(text.strip_suffix('0').unwrap().to_owned() + "1"),
            Value::String(text) => json!(text[..text.len() - 1].to_owned() + "0"),
            other => panic!("{member}: {other}"),
        };
        stage.names(member, &stage.with(2, |row| row[member] = changed.clone()), "line 3, row 2");
        stage.names(member, &stage.with(2, |row| row[member] = Value::Null), "line 3, row 2");
        let without = stage.with(2, |row| drop(row.as_object_mut().unwrap().shift_remove(member)));
        stage.names(member, &without, "line 3, row 2");
    }
    stage.names("one more", &stage.with(2, |row| row["note"] = json!("approved")), "line 3, row 2");
    let gone = stage.with(2, |row| {
        row.as_object_mut().unwrap().shift_remove("personal");
        row.as_object_mut().unwrap().shift_remove("salt");
    });
    assert_eq!(stage.said(&gone.concat()), Ok(()), "values may have been erased");
}

#[test]
fn every_edited_member_of_the_head_is_found() {
    let stage = Stage::made(3);
    let head: Value = serde_json::from_str(&stage.lines[0]).unwrap();
    let signature = head["signature"].as_str().unwrap();
    let pairs: Vec<&str> = (0..64).map(|place| &signature[2 * place..2 * place + 2]).collect();
    for (member, changed) in [
        ("application", json!(Uuid::from_u128(4))),
        ("at", json!("1970-01-01T00:00:00.000001Z")),
        ("count", json!(2)),
        ("head", json!(stage.hashes[1].to_string())),
        ("key_id", json!(key(2).public().id())),
        ("rotations", json!([{}])),
        ("signature", json!("0".repeat(128))),
        ("type", json!("checkpoint")),
        ("values", json!(false)),
        ("version", json!(2)),
        ("version", json!(true)),
        ("zone", json!("approved")),
        ("signature", json!(signature.to_uppercase())),
        ("signature", json!(pairs.join(" "))),
    ] {
        stage.names(member, &stage.with(0, |head| head[member] = changed), "line 1, head");
    }
    stage.names(
        "another export's head",
        &[vec![Stage::made(2).lines[0].clone()], stage.lines[1..].to_vec()].concat(),
        "line 4, row 3",
    );
    stage.names(
        "a checkpoint for a head",
        &[vec![stage.checkpoint(3) + "\n"], stage.lines[1..].to_vec()].concat(),
        "line 1, head",
    );
    stage.names("no head", &stage.lines[1..], "line 1, head");
    stage.names("nothing", &[], "line 1, head");
}

#[test]
fn values_of_another_type_are_found() {
    for (member, value) in [
        ("actor_id", json!(true)),
        ("actor_type", json!(null)),
        ("at", json!(null)),
        ("id", json!({})),
        ("kind", json!(1)),
        ("objects", json!([])),
        ("objects", json!({ "list": 1 })),
        ("route", json!({})),
        ("status_code", json!("201")),
        ("type", json!("row")),
    ] {
        // Chained and signed as they are, by somebody who has the key.
        let mut stage = Stage::made(1);
        let mut row: Value = serde_json::from_str(&stage.lines[1]).unwrap();
        row[member] = value;
        let mut bare = row.clone();
        for beside in ["hash", "personal", "salt"] {
            bare.as_object_mut().unwrap().shift_remove(beside);
        }
        let head = Hash(Sha256::digest([&genesis(Uuid::from_u128(3).into()).0, bare.to_string().as_bytes()].concat()).into());
        row["hash"] = json!(head.to_string());
        let end = Checkpoint { application: Uuid::from_u128(3).into(), count: 1, head, at: Timestamp::from_micros(0) };
        stage.lines = vec![Head { end, rotations: Vec::new(), values: true }.line(&stage.key) + "\n", row.to_string() + "\n"];
        stage.names(member, &stage.lines, "line 2, row 1");
    }
}

#[test]
fn removed_added_and_moved_rows_are_found() {
    let stage = Stage::made(5);
    let lines = &stage.lines;
    let changed = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        lines
    };
    stage.names("first deleted", &changed(&|l| drop(l.remove(1))), "line 2, row 1");
    stage.names("middle deleted", &changed(&|l| drop(l.remove(3))), "line 4, row 3");
    stage.names("last deleted", &changed(&|l| drop(l.remove(5))), "line 6, row 5");
    stage.names("tail cut", &changed(&|l| l.truncate(3)), "line 4, row 3");
    stage.names("all rows cut", &changed(&|l| l.truncate(1)), "line 2, row 1");
    stage.names("swapped", &changed(&|l| l.swap(2, 3)), "line 3, row 2");
    stage.names("doubled", &changed(&|l| l.insert(3, lines[2].clone())), "line 4, row 3");
    stage.names("the last one doubled", &changed(&|l| l.push(lines[5].clone())), "line 7, row 6");
    let foreign = Stage::of(5, |event| event.id = Uuid::from_u128(99), 1, Vec::new());
    stage.names("inserted", &changed(&|l| l.insert(3, foreign.lines[3].clone())), "line 4, row 3");
    stage.names("replaced", &changed(&|l| l[3] = foreign.lines[3].clone()), "line 4, row 3");
    stage.names("appended", &changed(&|l| l.push(Stage::made(6).lines[6].clone())), "line 7, row 6");
    stage.names("a blank line", &changed(&|l| l.insert(3, "\n".into())), "line 4, row 3");
    stage.names("white space", &changed(&|l| l[3] = lines[3].replace("\"seq\":3", "\"seq\": 3")), "line 4, row 3");
    stage.names("another escape", &changed(&|l| l[3] = lines[3].replace("entry.added", "entry\\u002eadded")), "line 4, row 3");
    stage.names("a number's spelling", &changed(&|l| l[3] = lines[3].replace("201", "201.0")), "line 4, row 3");
    stage.names("a doubled member", &changed(&|l| l[3] = lines[3].replace("\"seq\":3", "\"seq\":9,\"seq\":3")), "line 4, row 3");
    stage.names("cut in a line", &changed(&|l| l[5].truncate(40)), "line 6, row 5");
    stage.names("cut before the last newline", &changed(&|l| l[5].truncate(lines[5].len() - 1)), "line 6, row 5");
    stage.names("line ends of Windows", &changed(&|l| l[1] = l[1].replace('\n', "\r\n")), "line 2, row 1");
    let mut bytes = lines.concat().into_bytes();
    bytes[lines[0].len() + 20] = 0xff;
    let path = stage.folder.path().join("bytes");
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(both(&path, &key(1).public().to_string(), &[]), Err("line 2, row 1".into()));
}

#[test]
fn other_keys_and_rewritten_chains_are_found() {
    let stage = Stage::made(5);
    let file = stage.file("good", &stage.lines.concat());
    assert_eq!(both(&file, &key(2).public().to_string(), &[]), Err("line 1, head".into()), "a wrong key");
    let resigned = Stage::of(5, |_| {}, 2, Vec::new());
    stage.names("signed again with another key", &resigned.lines, "line 1, head");
    // Somebody with the database, not with the key: all hashes anew behind the old head.
    let anew = Stage::of(5, |event| event.status_code = if event.seq == 3 { 200 } else { event.status_code }, 1, Vec::new());
    let lines = [vec![stage.lines[0].clone()], anew.lines[1..].to_vec()].concat();
    stage.names("hashes written anew", &lines, "line 6, row 5");
    // Somebody with the key as well: only what was remembered tells.
    let file = stage.file("anew", &anew.lines.concat());
    let trusted = key(1).public().to_string();
    assert_eq!(both(&file, &trusted, &[]), Ok(()));
    let two = stage.file("two", &format!("{}\n", stage.checkpoint(2)));
    let four = stage.file("four", &format!("{}\n", stage.checkpoint(4)));
    assert_eq!(both(&file, &trusted, &[&two]), Ok(()), "until there nothing was changed");
    assert_eq!(both(&file, &trusted, &[&two, &four]), Err("line 5, row 4".into()));
    // As the documented call answers: a page.
    let page = |count: u64| {
        let point: Value = serde_json::from_str(&stage.checkpoint(count)).unwrap();
        stage.file(&format!("page{count}"), &json!({ "count": 9, "next": null, "results": [point] }).to_string())
    };
    assert_eq!(both(&file, &trusted, &[&page(2)]), Ok(()));
    assert_eq!(both(&file, &trusted, &[&page(4)]), Err("line 5, row 4".into()));
    let older = Stage::made(3);
    let older = stage.file("older", &older.lines.concat());
    assert_eq!(both(&older, &trusted, &[&two]), Ok(()));
    assert_eq!(both(&older, &trusted, &[&four]), Err("line 5, row 4".into()));
    let forged = stage.file("forged", &format!("{}\n", resigned.checkpoint(2)));
    assert_eq!(both(&stage.file("good", &stage.lines.concat()), &trusted, &[&forged]), Err("line 1, head".into()));
}

#[test]
fn rotations_are_followed_and_forged_ones_found() {
    let at = Timestamp::from_micros(0);
    let rotation = Rotation::sign(&key(1), &key(2), at);
    let tells = |event: &mut Event| {
        if event.seq == 2 {
            event.kind = "audit.key_rotated".into();
            event.objects = [("rotation".to_owned(), rotation.id())].into();
        }
    };
    let stage = Stage::of(3, tells, 2, vec![rotation]);
    let good = stage.file("good", &stage.lines.concat());
    for trusted in [1, 2] {
        assert_eq!(both(&good, &key(trusted).public().to_string(), &[]), Ok(()));
    }
    assert_eq!(both(&good, &key(3).public().to_string(), &[]), Err("line 1, head".into()));
    let silent = Stage::of(3, tells, 2, Vec::new());
    let silent = stage.file("silent", &silent.lines.concat());
    assert_eq!(both(&silent, &key(2).public().to_string(), &[]), Err("line 3, row 2".into()), "a row without its rotation");
    for forged in [
        Rotation { old_signature: Some(rotation.new_signature), ..rotation },
        Rotation { at: Timestamp::from_micros(5), ..rotation },
        Rotation { old_signature: None, ..rotation },
    ] {
        let stage = Stage::of(3, |_| {}, 2, vec![forged]);
        stage.names("a rotation the old key did not sign", &stage.lines, "line 1, head");
    }
    let stolen = Stage::of(3, tells, 1, vec![rotation]);
    stolen.names("signed with a key that was rotated out", &stolen.lines, "line 1, head");
}

#[test]
fn verify_says_what_it_cannot_read() {
    let stage = Stage::made(1);
    let good = stage.file("good", &stage.lines.concat());
    let (good, key) = (good.to_str().unwrap(), key(1).public().to_string());
    let hex = stage.file("key", &format!("{key}\n"));
    let answer = stage.file("key.json", &json!({ "public_key": key, "algorithm": "Ed25519" }).to_string());
    for named in [hex, answer] {
        assert!(finish(gavel(&["audit", "verify", good, "--public-key", named.to_str().unwrap()])).0);
    }
    for (arguments, complaint) in [
        (vec!["audit", "verify", "/nonexistent", "--public-key", &key], "/nonexistent"),
        (vec!["audit", "verify", good, "--public-key", "abc"], "neither 64 lower-case hex digits nor a file"),
        (vec!["audit", "verify", good, "--public-key", good], "holds no public key"),
        (vec!["audit", "verify", good, "--public-key", &key, "--checkpoint", good], "something else than checkpoints"),
        (vec!["audit", "verify", good], "--public-key"),
    ] {
        let (succeeded, _, said) = finish(gavel(&arguments));
        assert!(!succeeded && said.contains(complaint), "{said}");
    }
    for bad in [good, "/nonexistent"] {
        let (succeeded, _, said) = finish(script(&[good, "--public-key", &key, "--checkpoint", bad]));
        assert!(!succeeded && said.contains("checkpoint file") && !said.contains("Traceback"), "{said}");
        let (_, _, said) = finish(gavel(&["audit", "verify", good, "--public-key", &key, "--checkpoint", bad]));
        assert!(said.contains("checkpoint file"), "{said}");
    }
}
