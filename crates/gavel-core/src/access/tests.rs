use uuid::Uuid;

use super::*;
use crate::ids::KeyId;

fn key(scopes: &str) -> Actor {
    Actor::ApiKey { id: KeyId(Uuid::nil()), scopes: scopes.parse().unwrap() }
}

fn member(name: &str, role: Role) -> Actor {
    Actor::Member { id: Uuid::nil(), name: name.to_owned(), email: "lea@acme.example".to_owned(), role }
}

#[test]
fn names_follow_the_contract() {
    let names = |actor: &Actor| {
        let parts =
            [actor.display(), actor.email().unwrap_or("-"), actor.actor_type().as_str(), actor.signed_as(), actor.added_by()];
        parts.join(" | ")
    };
    assert_eq!(names(&key("full")), "API Client | - | API_KEY | API Client | api");
    assert_eq!(names(&Actor::System), "System | - | SYSTEM | System | system");
    assert_eq!(
        names(&member("Lea Roth", Role::Admin)),
        "Lea Roth | lea@acme.example | CONSOLE_USER | lea@acme.example | lea@acme.example"
    );
    assert_eq!(member("", Role::Admin).display(), "lea");
}

#[test]
fn write_includes_read_and_nothing_else() {
    let actor = key("sessions:read,lists:write");
    assert!(actor.may(Resource::Lists, Level::Read) && actor.may(Resource::Lists, Level::Write));
    assert!(actor.may(Resource::Sessions, Level::Read) && !actor.may(Resource::Sessions, Level::Write));
    assert!(!actor.may(Resource::Users, Level::Read) && actor.may(Resource::Users, Level::None));
    assert!(!actor.has(Power::Settings) && !actor.has(Power::Keys) && actor.has(Power::PersonalData));
    assert!(key("full").has(Power::Settings));
    assert!(Resource::ALL.iter().all(|resource| key("full").may(*resource, Level::Write)));
}

#[test]
fn scopes_survive_storage() {
    for text in ["full", "", "audit:read", "sessions:read,lists:write,users:read,webhooks:write"] {
        assert_eq!(text.parse::<Scopes>().unwrap().to_string(), text);
    }
    assert_eq!("users:none".parse::<Scopes>(), Ok(Scopes::limited([])));
    for bad in ["Full", "sessions", "sessions:admin", "session:read", "sessions:read,", ",", "sessions:read, lists:read"] {
        assert_eq!(bad.parse::<Scopes>(), Err(NotScopes), "{bad}");
    }
    for (position, resource) in Resource::ALL.into_iter().enumerate() {
        assert_eq!(resource as usize, position, "levels are stored by position");
    }
}

#[test]
fn roles_follow_the_table() {
    let table: Vec<String> = Role::ALL
        .map(|role| {
            let levels = Resource::ALL.map(|resource| &role.level(resource).as_str()[..1]).concat();
            let powers = [
                Power::Settings,
                Power::Keys,
                Power::Members,
                Power::MemberNames,
                Power::Owners,
                Power::Erasure,
                Power::PersonalData,
                Power::Secrets,
            ];
            let powers = powers.map(|power| if member("", role).has(power) { "y" } else { "-" }).concat();
            format!("{levels} {powers} {}", role.as_str())
        })
        .to_vec();
    assert_eq!(
        table,
        [
            "wwwwwwww yyyyyyyy Owner",
            "wwwwwwww yyyy-yyy Admin",
            "wwwwwnnw ---y-yy- Compliance Officer",
            "rrrrrwwr -y-----y Developer",
            "rrrrrrrr -------- Reader",
        ]
    );
    for role in Role::ALL {
        assert_eq!(Role::from_name(role.as_str()), Some(role));
    }
}

#[test]
fn owners_are_made_and_unmade_by_owners() {
    let (owner, admin, reader) = (member("", Role::Owner), member("", Role::Admin), member("", Role::Reader));
    for (now, then) in [(None, Some(Role::Owner)), (Some(Role::Owner), None), (Some(Role::Owner), Some(Role::Reader))] {
        assert!(owner.may_appoint(now, then) && key("full").may_appoint(now, then), "{now:?} {then:?}");
        assert!(!admin.may_appoint(now, then) && !key("users:write").may_appoint(now, then), "{now:?} {then:?}");
    }
    assert!(admin.may_appoint(Some(Role::Admin), Some(Role::Reader)) && admin.may_appoint(None, Some(Role::Admin)));
    assert!(!reader.may_appoint(None, Some(Role::Reader)));
}
