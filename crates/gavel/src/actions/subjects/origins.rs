//! Where the values of a user's profile come from: what an approved session found is taken over, and goes with the last
//! session that has shown it, when that is erased. What a call has set stays.

use gavel_core::{
    ids::{ApplicationId, SessionId},
    session::SessionKind,
    subject::{Adopted, Finding},
    time::Timestamp,
};

use crate::{
    actions::Error,
    store::{
        Tx, subject_origins,
        subjects::{self, Subject},
    },
};

/// Takes over what an approved session found. Answers whether that is news.
pub(super) async fn adopt(tx: &mut Tx, subject: &mut Subject, session: SessionId, found: Finding) -> Result<bool, Error> {
    let before = subject.profile.clone();
    let is_news = subject.profile.adopt(found.clone());
    for (field, value) in found.values() {
        if !subject.profile.adopted(field).contains(&value) {
            continue; // Another name stands there.
        }
        let was_there = before.adopted(field).contains(&value);
        if !was_there || subject_origins::is_adopted(tx, subject.id, (field, value)).await? {
            subject_origins::insert_origin(tx, subject.id, session, (field, value)).await?;
        }
    }
    Ok(is_news)
}

/// Takes out of profiles what came from a session that is being erased. Answers how many values.
pub(in crate::actions) async fn forget(
    tx: &mut Tx,
    application: ApplicationId,
    session: SessionId,
    now: Timestamp,
) -> Result<u64, Error> {
    let mut gone = 0;
    for id in subject_origins::list_subjects(tx, session).await? {
        // Whoever approves another session of theirs waits here, or has been waited for.
        let Some(mut user) = subjects::lock_subject(tx, application, SessionKind::User, id).await? else { continue };
        let only = subject_origins::list_only_of(tx, id, session).await?;
        let mut taken = 0;
        for field in Adopted::ALL {
            let is_gone = |value: &str| {
                let digest = subject_origins::digest(value);
                only.iter().any(|(of, known)| of == field.as_str() && *known == digest)
            };
            taken += user.profile.forget(field, is_gone);
        }
        if taken > 0 {
            (user.profile_changed_at, user.updated_at) = (Some(now), now);
            subjects::set_subject(tx, &user).await?;
        }
        gone += taken;
    }
    Ok(gone)
}
