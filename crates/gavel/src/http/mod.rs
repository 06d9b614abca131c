//! HTTP: every route on one screen ([`table`]), what happens before it ([`gate`], [`routes`]), and what it takes and
//! shows ([`extract`], [`page`], [`error`]). Handlers live in [`api`], one file per resource; each takes, acts and shows.

mod aliases;
pub mod api;
pub mod auth;
pub mod error;
pub mod extract;
mod filters;
pub mod gate;
mod idempotent;
mod limit;
mod linger;
mod mask;
pub mod page;
pub mod routes;
pub mod serve;

use axum::handler::Handler;
use gavel_core::access::{Level, Power, Resource};
use http::Method;

use api::{
    api_keys, audit, blocklist, businesses, decisions, destinations, edits, entries, evidence, files, health, list_history,
    lists, me, media, members, notifications, proposals, questionnaires, queue, reviews, screen, session_imports, session_notes,
    sessions, settings, shares, signins, subject_notes, subjects, sweeps, transaction_rules, transactions, users, webhooks,
    workflows,
};
use routes::{Access, Route};

use crate::app::App;

/// Every route of the server.
#[rustfmt::skip]
pub fn table(media_limit: usize) -> Vec<Route> {
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    use Resource::{Audit, Businesses, Lists, Sessions, Transactions, Users, Webhooks, Workflows};
    vec![
        public("/livez/", health::livez),
        public("/readyz/", health::readyz),
        public("/system/healthcheck/", health::healthcheck),
        public("/media/{media_uuid}/", media::download),

        route(POST, "/v3/session/", Sessions, sessions::create).creates().up_to(8 << 20),
        route(GET, "/v3/sessions/", Sessions, sessions::list),
        route(GET, "/v3/session/{session_id}/decision/", Sessions, decisions::show),
        route(PATCH, "/v3/session/{session_id}/update-status/", Sessions, sessions::update_status),
        route(PATCH, "/v3/session/{session_id}/update-data/", Sessions, edits::update_document),
        route(PATCH, "/v3/session/{session_id}/update-poa-data/", Sessions, edits::update_proof_of_address),
        route(PATCH, "/v3/session/{session_id}/features/{node_id}/update-status/", Sessions, edits::update_feature_status),
        route(PATCH, "/v3/session/{session_id}/update-aml-hit-status/", Sessions, edits::review_hit),
        route(PATCH, "/v3/session/{session_id}/bulk-update-aml-hit-status/", Sessions, edits::review_hits),
        route(POST, "/v3/session/{session_id}/share/", Sessions, shares::share),
        route(POST, "/v3/session/import-shared/", Sessions, shares::import).creates(),
        route(DELETE, "/v3/session/{session_id}/delete/", Sessions, sessions::delete).without_answer(),
        route(POST, "/v3/sessions/delete/", Sessions, sessions::delete_many).without_answer(),
        route(POST, "/v3/session/imports/", Sessions, session_imports::create).creates().takes_forms(26 << 20),
        route(GET, "/v3/session/imports/template/", Sessions, session_imports::template),
        route(GET, "/v3/session/imports/{import_id}/", Sessions, session_imports::show),
        route(GET, "/v3/session/imports/{import_id}/errors/", Sessions, session_imports::errors),
        route(GET, "/v3/sessions/{session_id}/reviews/", Sessions, reviews::list),
        route(POST, "/v3/sessions/{session_id}/reviews/", Sessions, reviews::create).creates(),

        route(GET, "/v3/lists/", Lists, lists::list),
        route(POST, "/v3/lists/", Lists, lists::create).creates(),
        route(GET, "/v3/lists/{list_uuid}/", Lists, lists::show),
        route(PATCH, "/v3/lists/{list_uuid}/", Lists, lists::update),
        route(DELETE, "/v3/lists/{list_uuid}/", Lists, lists::delete).without_answer(),
        route(GET, "/v3/lists/{list_uuid}/entries/", Lists, entries::list),
        route(POST, "/v3/lists/{list_uuid}/entries/", Lists, entries::create).creates(),
        route(DELETE, "/v3/lists/{list_uuid}/entries/{entry_uuid}/", Lists, entries::delete).without_answer(),

        route(GET, "/v3/blocklist/", Lists, blocklist::list),
        route(POST, "/v3/blocklist/add/", Lists, blocklist::add).and_needs(Sessions, Level::Read),
        route(POST, "/v3/blocklist/remove/", Lists, blocklist::remove),

        route(GET, "/v3/webhook/destinations/", Webhooks, destinations::list),
        route(POST, "/v3/webhook/destinations/", Webhooks, destinations::create).creates(),
        route(GET, "/v3/webhook/destinations/{destination_uuid}/", Webhooks, destinations::show),
        route(PATCH, "/v3/webhook/destinations/{destination_uuid}/", Webhooks, destinations::update),
        route(DELETE, "/v3/webhook/destinations/{destination_uuid}/", Webhooks, destinations::delete).without_answer(),
        route(GET, "/v3/webhook/destinations/{destination_uuid}/deliveries/", Webhooks, destinations::deliveries),
        route(GET, "/v3/webhook/destinations/{destination_uuid}/deliveries/{delivery_uuid}/", Webhooks, destinations::delivery),
        route(POST, "/v3/webhook/destinations/{destination_uuid}/deliveries/{delivery_uuid}/resend/", Webhooks, destinations::resend_delivery),

        route(GET, "/v3/webhook/", Webhooks, webhooks::show_single_url),
        route(PATCH, "/v3/webhook/", Webhooks, webhooks::update_single_url),

        route(GET, "/v3/users/", Users, users::list),
        route(POST, "/v3/users/create/", Users, users::create).creates(),
        route(POST, "/v3/users/delete/", Users, users::delete),
        route(GET, "/v3/users/{vendor_data}/", Users, users::show),
        route(PATCH, "/v3/users/{vendor_data}/", Users, users::update),
        route(PATCH, "/v3/users/{vendor_data}/update-status/", Users, users::update_status),

        route(GET, "/v3/businesses/", Businesses, businesses::list),
        route(POST, "/v3/businesses/create/", Businesses, businesses::create).creates(),
        route(POST, "/v3/businesses/delete/", Businesses, businesses::delete),
        route(GET, "/v3/businesses/{vendor_data}/", Businesses, businesses::show),
        route(PATCH, "/v3/businesses/{vendor_data}/", Businesses, businesses::update),
        route(PATCH, "/v3/businesses/{vendor_data}/update-status/", Businesses, businesses::update_status),

        route(GET, "/v3/transactions/", Transactions, transactions::list),
        route(POST, "/v3/transactions/", Transactions, transactions::create).creates(),
        route(GET, "/v3/transactions/{transaction_uuid}/", Transactions, transactions::show),
        route(PATCH, "/x/transactions/{transaction_uuid}/", Transactions, transactions::update_status),
        route(GET, "/v3/transactions/rules/", Transactions, transaction_rules::list),
        route(POST, "/v3/transactions/rules/", Transactions, transaction_rules::create).creates(),
        route(POST, "/v3/transactions/rules/backtest/", Transactions, transaction_rules::backtest),
        route(GET, "/v3/transactions/rules/library/", Transactions, transaction_rules::library),
        route(POST, "/v3/transactions/rules/install/", Transactions, transaction_rules::install),
        route(DELETE, "/v3/transactions/rules/install/", Transactions, transaction_rules::uninstall),
        route(GET, "/v3/transactions/rules/{rule_uuid}/", Transactions, transaction_rules::show),
        route(PATCH, "/v3/transactions/rules/{rule_uuid}/", Transactions, transaction_rules::update),
        route(DELETE, "/v3/transactions/rules/{rule_uuid}/", Transactions, transaction_rules::delete).without_answer(),
        route(POST, "/x/transactions/rules/backtest/", Transactions, transaction_rules::long_backtest),

        route(GET, "/v3/workflows/", Workflows, workflows::list),
        route(POST, "/v3/workflows/", Workflows, workflows::create).creates(),
        route(GET, "/v3/workflows/{workflow_uuid}/", Workflows, workflows::show),
        route(PATCH, "/v3/workflows/{workflow_uuid}/", Workflows, workflows::update),
        route(DELETE, "/v3/workflows/{workflow_uuid}/", Workflows, workflows::delete).without_answer(),
        route(PATCH, "/x/workflows/{workflow_uuid}/", Workflows, workflows::update_settings),

        route(GET, "/v3/questionnaires/", Workflows, questionnaires::list),
        route(POST, "/v3/questionnaires/", Workflows, questionnaires::create).creates(),
        route(GET, "/v3/questionnaires/{questionnaire_uuid}/", Workflows, questionnaires::show),
        route(PATCH, "/v3/questionnaires/{questionnaire_uuid}/", Workflows, questionnaires::update),
        route(DELETE, "/v3/questionnaires/{questionnaire_uuid}/", Workflows, questionnaires::delete).without_answer(),

        route(POST, "/x/media/", Sessions, media::upload).creates().takes_files(media_limit),
        route(POST, "/x/sessions/{session_id}/evidence/", Sessions, evidence::create),
        route(POST, "/x/sessions/{session_id}/comments/", Sessions, session_notes::comment).creates(),
        route(GET, "/x/sessions/{session_id}/tags/", Sessions, session_notes::tags),
        route(POST, "/x/sessions/{session_id}/tags/", Sessions, session_notes::add_tag).creates(),
        route(DELETE, "/x/sessions/{session_id}/tags/{tag}/", Sessions, session_notes::remove_tag).without_answer(),
        route(GET, "/x/sessions/{session_id}/files/", Sessions, session_notes::files),
        route(POST, "/x/sessions/{session_id}/files/", Sessions, session_notes::add_file).creates(),
        route(DELETE, "/x/sessions/{session_id}/files/{file_uuid}/", Sessions, session_notes::remove_file).without_answer(),
        route(GET, "/x/sessions/{session_id}/entries/", Sessions, decisions::entries).and_needs(Lists, Level::Read),
        route(POST, "/x/screen/", Lists, screen::create),

        route(GET, "/x/queue/", Sessions, queue::list),
        route(POST, "/x/queue/next/", Sessions, queue::next),
        route(GET, "/x/sessions/{session_id}/queue/", Sessions, queue::show),
        route(PATCH, "/x/sessions/{session_id}/queue/", Sessions, queue::update),
        route(POST, "/x/sessions/{session_id}/claim/", Sessions, queue::claim),
        route(POST, "/x/sessions/{session_id}/renew/", Sessions, queue::renew),
        route(POST, "/x/sessions/{session_id}/release/", Sessions, queue::release),
        route(GET, "/x/sessions/{session_id}/presence/", Sessions, queue::present),
        route(POST, "/x/sessions/{session_id}/presence/", Sessions, queue::look),
        route(GET, "/x/sessions/{session_id}/pending-review/", Sessions, queue::pending),
        route(POST, "/x/sessions/{session_id}/pending-review/", Sessions, queue::decide).creates(),
        route(DELETE, "/x/sessions/{session_id}/pending-review/", Sessions, queue::undo).without_answer(),
        route(GET, "/x/sessions/{session_id}/screening/", Sessions, evidence::made_with),
        route(POST, "/x/sessions/{session_id}/screening/replay/", Sessions, evidence::replay),

        route(GET, "/x/lists/lookup/", Lists, list_history::look_up),
        route(POST, "/x/lists/preview/", Lists, list_history::preview),
        route(GET, "/x/lists/{list_uuid}/", Lists, list_history::show),
        route(PATCH, "/x/lists/{list_uuid}/", Lists, list_history::update),
        route(GET, "/x/lists/{list_uuid}/entries/", Lists, list_history::entries),
        route(GET, "/x/lists/{list_uuid}/entries/{entry_uuid}/", Lists, list_history::entry),
        route(PATCH, "/x/lists/{list_uuid}/entries/{entry_uuid}/", Lists, list_history::update_entry),
        route(GET, "/x/lists/{list_uuid}/history/", Lists, list_history::history),
        route(GET, "/x/lists/{list_uuid}/diff/", Lists, list_history::diff),
        route(POST, "/x/lists/{list_uuid}/revert/", Lists, list_history::revert),
        route(POST, "/x/lists/{list_uuid}/entries/import/", Lists, files::import).takes_streams(),
        route(GET, "/x/lists/{list_uuid}/entries/export/", Lists, files::export),
        route(GET, "/x/lists/{list_uuid}/imports/", Lists, files::list),
        route(GET, "/x/lists/{list_uuid}/imports/{import_uuid}/", Lists, files::show),
        route(GET, "/x/lists/{list_uuid}/imports/{import_uuid}/verdicts/", Lists, files::verdicts),
        route(GET, "/x/lists/{list_uuid}/imports/{import_uuid}/rejects/", Lists, files::rejects),
        route(GET, "/x/lists/{list_uuid}/sweeps/", Lists, sweeps::list),
        route(GET, "/x/lists/{list_uuid}/sweeps/{sweep_uuid}/", Lists, sweeps::show),
        route(GET, "/x/lists/{list_uuid}/sweeps/{sweep_uuid}/sessions/", Lists, sweeps::items),
        route(GET, "/x/lists/{list_uuid}/proposals/", Lists, proposals::list),
        route(POST, "/x/lists/{list_uuid}/proposals/", Lists, proposals::create).creates(),
        route(GET, "/x/lists/{list_uuid}/proposals/{proposal_uuid}/", Lists, proposals::show),
        route(POST, "/x/lists/{list_uuid}/proposals/{proposal_uuid}/approve/", Lists, proposals::approve),
        route(POST, "/x/lists/{list_uuid}/proposals/{proposal_uuid}/reject/", Lists, proposals::reject),
        route(POST, "/x/lists/{list_uuid}/proposals/{proposal_uuid}/withdraw/", Lists, proposals::withdraw),

        open(POST, "/x/sign-in/", signins::sign_in),
        open(POST, "/x/password/forgot/", signins::forgot),
        open(POST, "/x/password/reset/", signins::reset),
        open(POST, "/x/invitations/accept/", signins::accept),
        personal(POST, "/x/sign-out/", signins::sign_out),
        personal(GET, "/x/me/", me::show),
        personal(PATCH, "/x/me/", me::update),
        personal(POST, "/x/me/password/", me::change_password).without_answer(),
        personal(POST, "/x/me/totp/", me::start_totp),
        personal(POST, "/x/me/totp/confirm/", me::confirm_totp),
        personal(POST, "/x/me/totp/disable/", me::disable_totp).without_answer(),
        personal(GET, "/x/me/sessions/", signins::list),
        personal(DELETE, "/x/me/sessions/{signin_uuid}/", signins::revoke).without_answer(),
        personal(GET, "/x/notifications/", notifications::list),
        personal(POST, "/x/notifications/read/", notifications::mark_read),
        powerful(GET, "/x/members/", Power::Members, members::list),
        powerful(POST, "/x/members/", Power::Members, members::invite).creates(),
        powerful(GET, "/x/members/names/", Power::MemberNames, members::names),
        powerful(PATCH, "/x/members/{member_uuid}/", Power::Members, members::update),
        powerful(DELETE, "/x/members/{member_uuid}/", Power::Members, members::remove).without_answer(),

        route(GET, "/x/users/{user_uuid}/", Users, users::trace).and_needs(Lists, Level::Read),
        route(POST, "/x/users/{user_uuid}/comments/", Users, subject_notes::comment).creates(),
        route(GET, "/x/users/{user_uuid}/tags/", Users, subject_notes::user_tags),
        route(POST, "/x/users/{user_uuid}/tags/", Users, subject_notes::tag_user).creates(),
        route(DELETE, "/x/users/{user_uuid}/tags/{tag}/", Users, subject_notes::untag_user).without_answer(),
        route(POST, "/x/users/bulk-status/", Users, users::bulk_status),
        route(GET, "/x/transactions/{transaction_uuid}/entries/", Transactions, transactions::entries).and_needs(Lists, Level::Read),
        route(GET, "/x/businesses/{business_uuid}/", Businesses, businesses::trace).and_needs(Lists, Level::Read),
        route(GET, "/x/businesses/{business_uuid}/tags/", Businesses, subject_notes::business_tags),
        route(POST, "/x/businesses/{business_uuid}/tags/", Businesses, subject_notes::tag_business).creates(),
        route(DELETE, "/x/businesses/{business_uuid}/tags/{tag}/", Businesses, subject_notes::untag_business).without_answer(),
        route(POST, "/x/businesses/bulk-status/", Businesses, businesses::bulk_status),

        route(GET, "/x/webhook/destinations/{destination_uuid}/", Webhooks, webhooks::show),
        route(POST, "/x/webhook/destinations/{destination_uuid}/test/", Webhooks, webhooks::test),
        route(POST, "/x/webhook/destinations/{destination_uuid}/rotate-secret/", Webhooks, webhooks::rotate_secret),
        route(POST, "/x/webhook/destinations/{destination_uuid}/pause/", Webhooks, webhooks::pause),
        route(POST, "/x/webhook/destinations/{destination_uuid}/resume/", Webhooks, webhooks::resume),
        route(POST, "/x/webhook/destinations/{destination_uuid}/replay/", Webhooks, webhooks::replay),
        route(GET, "/x/webhook/destinations/{destination_uuid}/dead-letters/", Webhooks, webhooks::dead_letters),

        powerful(GET, "/x/settings/", Power::Settings, settings::show),
        powerful(PATCH, "/x/settings/", Power::Settings, settings::update),
        powerful(GET, "/x/applications/", Power::Settings, api_keys::applications),
        powerful(GET, "/x/api-keys/", Power::Keys, api_keys::list),
        powerful(POST, "/x/api-keys/", Power::Keys, api_keys::create).creates(),
        powerful(DELETE, "/x/api-keys/{key_uuid}/", Power::Keys, api_keys::revoke).without_answer(),
        powerful(POST, "/x/retention/report/", Power::Settings, settings::report),

        powerful(POST, "/x/subjects/erase/", Power::Erasure, subjects::erase).creates(),
        powerful(GET, "/x/subjects/erasures/", Power::Erasure, subjects::list),
        powerful(GET, "/x/subjects/erasures/{erasure_uuid}/", Power::Erasure, subjects::show),

        route(GET, "/x/audit/events/", Audit, audit::events),
        route(GET, "/x/audit/export/", Audit, audit::export),
        route(GET, "/x/audit/checkpoints/", Audit, audit::checkpoints),
        route(GET, "/x/audit/public-key/", Audit, audit::public_key),
        route(GET, "/x/audit/logs/", Audit, audit::logs),
    ]
}

fn public<T: 'static>(path: &'static str, handler: impl Handler<T, App>) -> Route {
    Route::new(Method::GET, path, Access::Public, handler)
}

/// A route that asks nobody who they are, and changes something.
fn open<T: 'static>(method: Method, path: &'static str, handler: impl Handler<T, App>) -> Route {
    Route::new(method, path, Access::Public, handler)
}

/// A route for people alone.
fn personal<T: 'static>(method: Method, path: &'static str, handler: impl Handler<T, App>) -> Route {
    Route::new(method, path, Access::Member, handler)
}

/// A route for keys with full access and people with a power.
fn powerful<T: 'static>(method: Method, path: &'static str, power: Power, handler: impl Handler<T, App>) -> Route {
    Route::new(method, path, Access::Power(power), handler)
}

/// A route for keys: GET needs read, everything else write on the resource.
fn route<T: 'static>(method: Method, path: &'static str, resource: Resource, handler: impl Handler<T, App>) -> Route {
    let level = if method == Method::GET { Level::Read } else { Level::Write };
    Route::new(method, path, Access::Scope(resource, level), handler)
}

/// The server for this application.
pub fn server(app: App) -> gate::Server {
    let table = table(app.config.media_max_bytes);
    gate::Server::new(app, table)
}
