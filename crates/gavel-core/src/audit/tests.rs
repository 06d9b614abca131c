use proptest::prelude::*;

use super::*;
use crate::{ids::ApplicationId, json::Value, time::Timestamp};

fn application() -> ApplicationId {
    "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10".parse().unwrap()
}

fn key(byte: u8) -> SigningKey {
    SigningKey::from_seed(&[byte; 32])
}

fn event(seq: u64) -> Event {
    Event {
        seq,
        id: uuid::Uuid::from_u128(u128::from(seq)),
        kind: "entry.added".into(),
        actor_type: "API_KEY".into(),
        actor_id: Some(uuid::Uuid::from_u128(7)),
        method: "POST".into(),
        route: "/v3/lists/{list_uuid}/entries/".into(),
        status_code: 201,
        objects: [("list".to_owned(), uuid::Uuid::from_u128(1)), ("entry".to_owned(), uuid::Uuid::from_u128(2))].into(),
        commitment: commitment(&[seq as u8; 32], "{\"ip\":\"192.0.2.1\"}"),
        at: Timestamp::from_micros(1_777_713_242_118_450 + seq as i64),
    }
}

/// An export of these events, its lines with their newlines.
fn export_of(events: &[Event], key: &SigningKey, rotations: Vec<Rotation>, values: bool) -> (Vec<String>, Vec<Hash>) {
    let (mut lines, mut hashes, mut previous) = (vec![String::new()], Vec::new(), genesis(application()));
    for event in events {
        let (hash, mut line) = (event.hash(&previous), String::new());
        let personal = Personal { salt: [event.seq as u8; 32], text: "{\"ip\":\"192.0.2.1\"}".into() };
        event.write_line(&mut line, &hash, values.then_some(&personal));
        lines.push(line);
        hashes.push(hash);
        previous = hash;
    }
    let at = Timestamp::from_micros(0);
    let end = Checkpoint { application: application(), count: events.len() as u64, head: previous, at };
    lines[0] = Head { end, rotations, values }.line(key) + "\n";
    (lines, hashes)
}

fn export(rows: u64) -> Vec<String> {
    export_of(&(1..=rows).map(event).collect::<Vec<_>>(), &key(1), Vec::new(), true).0
}

fn verify_with(lines: &[String], trusted: &PublicKey, checkpoints: Vec<SignedCheckpoint>) -> Result<Report, Bad> {
    let mut verifier = Verifier::new(*trusted, checkpoints);
    for line in lines {
        verifier.line(line.as_bytes())?;
    }
    verifier.finish()
}

fn verify(lines: &[String]) -> Result<Report, Bad> {
    verify_with(lines, &key(1).public(), Vec::new())
}

#[test]
fn spelled_and_hashed_as_documented() {
    let checkpoint = Checkpoint { application: application(), count: 1, head: genesis(application()), at: event(0).at };
    let shown = [
        event(1).canonical(),
        genesis(application()).to_string(),
        event(1).hash(&genesis(application())).to_string(),
        checkpoint.sign(&key(1)).line(),
        key(1).public().to_string(),
        key(1).public().id(),
        Rotation::sign(&key(1), &key(2), event(0).at).id().to_string(),
    ];
    insta::assert_snapshot!(shown.join("\n"), @r#"
    {"actor_id":"00000000-0000-0000-0000-000000000007","actor_type":"API_KEY","at":"2026-05-02T09:14:02.118451Z","commitment":"bcd388a1daa86cc982748b34168f6bc03e1236627f97c8f33b8c47150c7a0ebe","id":"00000000-0000-0000-0000-000000000001","kind":"entry.added","method":"POST","objects":{"entry":"00000000-0000-0000-0000-000000000002","list":"00000000-0000-0000-0000-000000000001"},"route":"/v3/lists/{list_uuid}/entries/","seq":1,"status_code":201,"type":"event"}
    4a63ebf6d26142aecc77c3606fa8a35aafee1ee8be465d8e74939fefed22d690
    3a6b745db3f783a15c177bd1cf89b11972f07d3dfe91a1aefa0931f90aac1c63
    {"application":"9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10","at":"2026-05-02T09:14:02.118450Z","count":1,"head":"4a63ebf6d26142aecc77c3606fa8a35aafee1ee8be465d8e74939fefed22d690","key_id":"34750f98bd59fcfc946da45aaabe933b","signature":"67408fa27e8dba5149a15593edcc06021d01cc14f0e4a6a523731aed16c917ce24b428a210f651ef8c3a640df1c66edbafc2214644fb03fb0682156505107c03","type":"checkpoint","version":1}
    8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c
    34750f98bd59fcfc946da45aaabe933b
    46f55f26-82a9-811b-91ad-a5cdf08c5dea
    "#);
}

#[test]
fn an_untouched_export_verifies() {
    for rows in [0, 1, 5] {
        let report = verify(&export(rows)).unwrap();
        assert_eq!((report.end.count, report.without_values), (rows, 0));
    }
    let (lines, _) = export_of(&[event(1), event(2)], &key(1), Vec::new(), false);
    assert_eq!(verify(&lines).unwrap().without_values, 2);
}

#[test]
fn values_may_be_gone_but_not_changed() {
    let (mut lines, with) = (export(3), export(3));
    lines[2] = export_of(&[event(1), event(2)], &key(1), Vec::new(), false).0[2].clone();
    assert_eq!(verify(&lines).unwrap().without_values, 1);
    lines[2] = with[2].replace("192.0.2.1", "192.0.2.2");
    assert_eq!(verify(&lines), Err(Bad { line: 3, row: Some(2), reason: Reason::Commitment }));
    let (mut bare, _) = export_of(&[event(1), event(2)], &key(1), Vec::new(), false);
    bare[1] = with[1].clone();
    assert_eq!(verify(&bare), Err(Bad { line: 2, row: Some(1), reason: Reason::Form }));
}

#[test]
fn another_key_is_refused_and_a_rotation_followed() {
    let lines = export(2);
    let other = verify_with(&lines, &key(2).public(), Vec::new()).unwrap_err();
    assert_eq!((other.line, other.row), (1, None));
    let at = Timestamp::from_micros(0);
    let rotations = vec![Rotation::sign(&key(1), &key(2), at), Rotation::sign(&key(2), &key(3), at)];
    let (lines, hashes) = export_of(&[event(1)], &key(3), rotations.clone(), true);
    for trusted in [1, 2, 3] {
        verify_with(&lines, &key(trusted).public(), Vec::new()).unwrap();
    }
    let (stolen, _) = export_of(&[event(1)], &key(1), rotations, true);
    assert!(
        matches!(verify(&stolen).unwrap_err().reason, Reason::OtherKey(_)),
        "a key that was rotated out signs nothing any more"
    );
    // What the old key has signed is remembered by who trusts the new one.
    let old = Checkpoint { application: application(), count: 1, head: hashes[0], at }.sign(&key(1));
    verify_with(&lines, &key(3).public(), vec![old.clone()]).unwrap();
    let lost = vec![Rotation::after_loss(key(1).public(), &key(2), at)];
    let (lines, _) = export_of(&[event(1)], &key(2), lost, true);
    assert!(matches!(verify(&lines).unwrap_err().reason, Reason::OtherKey(_)), "nobody follows a key that nobody signed for");
    verify_with(&lines, &key(2).public(), vec![old]).unwrap();
}

#[test]
fn a_rotation_needs_both_and_its_row_needs_the_rotation() {
    let at = Timestamp::from_micros(0);
    let rotation = Rotation::sign(&key(1), &key(2), at);
    let rotated = |id| Event { kind: ROTATED.into(), objects: [("rotation".to_owned(), id)].into(), ..event(1) };
    let (lines, _) = export_of(&[rotated(rotation.id())], &key(2), vec![rotation], true);
    verify(&lines).unwrap();
    let (lines, _) = export_of(&[rotated(event(9).id)], &key(2), vec![rotation], true);
    assert_eq!(verify(&lines).unwrap_err(), Bad { line: 2, row: Some(1), reason: Reason::UnknownRotation });
    let forged = Rotation { old_signature: Some(rotation.new_signature), ..rotation };
    let (lines, _) = export_of(&[event(1)], &key(2), vec![forged], true);
    assert_eq!(verify(&lines).unwrap_err(), Bad { line: 1, row: None, reason: Reason::Rotation(rotation.id()) });
}

#[test]
fn remembered_checkpoints_tell_where_rows_were_written_anew() {
    let events: Vec<Event> = (1..=6).map(event).collect();
    let (lines, hashes) = export_of(&events, &key(1), Vec::new(), true);
    let at = Timestamp::from_micros(0);
    let checkpoint = |count: u64| {
        let head = if count == 0 { genesis(application()) } else { hashes[count as usize - 1] };
        Checkpoint { application: application(), count, head, at }.sign(&key(1))
    };
    let met = verify_with(&lines, &key(1).public(), vec![checkpoint(4), checkpoint(0), checkpoint(2)]).unwrap();
    assert_eq!(met.checkpoints, 3);
    // Somebody with the key writes row 3 and everything behind it anew.
    let anew: Vec<Event> =
        events.iter().map(|e| Event { status_code: if e.seq == 3 { 200 } else { e.status_code }, ..e.clone() }).collect();
    let (forged, _) = export_of(&anew, &key(1), Vec::new(), true);
    verify(&forged).unwrap();
    let found = verify_with(&forged, &key(1).public(), vec![checkpoint(2), checkpoint(4)]).unwrap_err();
    assert_eq!(found, Bad { line: 5, row: Some(4), reason: Reason::NotTheCheckpoint });
    // Without the key the head stays, and no longer fits.
    let mut forged = forged;
    forged[0] = lines[0].clone();
    assert_eq!(verify(&forged).unwrap_err(), Bad { line: 7, row: Some(6), reason: Reason::End });
    let (older, _) = export_of(&events[..3], &key(1), Vec::new(), true);
    verify(&older).unwrap();
    let found = verify_with(&older, &key(1).public(), vec![checkpoint(4)]).unwrap_err();
    assert_eq!(found, Bad { line: 5, row: Some(4), reason: Reason::Older(4) });
    let foreign = Checkpoint { count: 2, head: hashes[1], at, application: ApplicationId(uuid::Uuid::nil()) }.sign(&key(1));
    assert_eq!(verify_with(&lines, &key(1).public(), vec![foreign]).unwrap_err().reason, Reason::Checkpoint);
    let forged = Checkpoint { count: 2, head: hashes[1], at, application: application() }.sign(&key(5));
    assert_eq!(verify_with(&lines, &key(1).public(), vec![forged]).unwrap_err().reason, Reason::Checkpoint);
}

#[test]
fn checkpoints_are_read_as_they_are_written() {
    let signed = Checkpoint { application: application(), count: 3, head: Hash([7; 32]), at: event(1).at }.sign(&key(1));
    let read = SignedCheckpoint::read(&Value::parse(signed.line().as_bytes()).unwrap()).unwrap();
    assert_eq!(read, signed);
    assert!(read.holds(&key(1).public()) && !read.holds(&key(2).public()));
    let mut altered = signed;
    altered.checkpoint.count += 1;
    assert!(!altered.holds(&key(1).public()));
}

#[test]
fn kinds_are_sorted_and_different() {
    assert!(KINDS.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

proptest! {
    /// Whatever byte is changed, the export does not verify, and the line named is the changed one.
    #[test]
    fn every_changed_byte_is_found(rows in 1_u64..6, place in any::<prop::sample::Index>(), change in 1_u8..=255) {
        let mut bytes = export(rows).concat().into_bytes();
        let at = place.index(bytes.len());
        let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        bytes[at] ^= change;
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let mut verifier = Verifier::new(key(1).public(), Vec::new());
        let found = lines.map(|line| verifier.line(line)).find_map(Result::err);
        let bad = found.or_else(|| verifier.finish().err());
        prop_assert_eq!(bad.map(|bad| bad.line), Some(line));
    }

    /// Lines taken out, doubled and swapped: the first place where the file differs is named.
    #[test]
    fn every_changed_order_is_found(rows in 2_u64..7, from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), what in 0..4) {
        let good = export(rows);
        let mut lines = good.clone();
        let (from, to) = (1 + from.index(rows as usize), 1 + to.index(rows as usize));
        match what {
            0 => drop(lines.remove(from)),
            1 => lines.insert(to, good[from].clone()),
            2 => lines.swap(from, to),
            _ => lines.truncate(from),
        }
        prop_assume!(lines != good);
        let first = (0..).find(|n| lines.get(*n) != good.get(*n)).unwrap();
        let bad = verify(&lines).unwrap_err();
        prop_assert_eq!((bad.line, bad.row), (first as u64 + 1, Some(first as u64)));
    }

    #[test]
    fn nothing_in_a_file_panics(head in any::<bool>(), lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..5)) {
        let mut verifier = Verifier::new(key(1).public(), Vec::new());
        if head {
            verifier.line(export(2)[0].as_bytes()).unwrap();
        }
        for mut line in lines {
            line.push(b'\n');
            prop_assert!(verifier.line(&line).is_err());
        }
        prop_assert!(verifier.finish().is_err());
    }

    /// However odd the texts, the line is its own one spelling.
    #[test]
    fn any_text_is_spelled_in_one_way(kind in "\\PC*", route in ".*", name in ".*", personal in ".*") {
        let salt = [3; 32];
        let odd = Event {
            kind: if kind == ROTATED { "x".into() } else { kind },
            route,
            objects: [(name, event(1).id)].into(),
            commitment: commitment(&salt, &personal),
            ..event(1)
        };
        let (hash, mut line) = (odd.hash(&genesis(application())), String::new());
        odd.write_line(&mut line, &hash, Some(&Personal { salt, text: personal }));
        let end = Checkpoint { application: application(), count: 1, head: hash, at: odd.at };
        let head = Head { end, rotations: Vec::new(), values: true }.line(&key(1)) + "\n";
        prop_assert!(verify(&[head, line]).is_ok());
    }
}
