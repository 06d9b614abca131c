//! HTTP: every route on one screen ([`table`]), what happens before it ([`gate`], [`routes`]), and what it takes and
//! shows ([`extract`], [`page`], [`error`]). Handlers live in [`api`], one file per resource; each takes, acts and shows.

mod aliases;
pub mod api;
pub mod auth;
pub mod error;
pub mod extract;
pub mod gate;
mod idempotent;
mod linger;
pub mod page;
pub mod routes;
pub mod serve;

use axum::handler::Handler;
use gavel_core::access::{Level, Resource};
use http::Method;

use api::{
    blocklist, businesses, decisions, destinations, entries, evidence, files, health, list_history, lists, media, reviews,
    screen, sessions, users, webhooks, workflows,
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
    use Resource::{Businesses, Lists, Sessions, Users, Webhooks, Workflows};
    vec![
        public("/livez/", health::livez),
        public("/readyz/", health::readyz),
        public("/system/healthcheck/", health::healthcheck),
        public("/media/{media_uuid}/", media::download),

        route(POST, "/v3/session/", Sessions, sessions::create).creates().up_to(8 << 20),
        route(GET, "/v3/sessions/", Sessions, sessions::list),
        route(GET, "/v3/session/{session_id}/decision/", Sessions, decisions::show),
        route(PATCH, "/v3/session/{session_id}/update-status/", Sessions, sessions::update_status),
        route(DELETE, "/v3/session/{session_id}/delete/", Sessions, sessions::delete).without_answer(),
        route(POST, "/v3/sessions/delete/", Sessions, sessions::delete_many).without_answer(),
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

        route(GET, "/v3/workflows/", Workflows, workflows::list),

        route(POST, "/x/media/", Sessions, media::upload).creates().takes_files(media_limit),
        route(POST, "/x/sessions/{session_id}/evidence/", Sessions, evidence::create),
        route(POST, "/x/screen/", Lists, screen::create),

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

        route(GET, "/x/users/{user_uuid}/", Users, users::trace).and_needs(Lists, Level::Read),
        route(POST, "/x/users/bulk-status/", Users, users::bulk_status),
        route(GET, "/x/businesses/{business_uuid}/", Businesses, businesses::trace).and_needs(Lists, Level::Read),
        route(POST, "/x/businesses/bulk-status/", Businesses, businesses::bulk_status),

        route(GET, "/x/webhook/destinations/{destination_uuid}/", Webhooks, webhooks::show),
        route(POST, "/x/webhook/destinations/{destination_uuid}/test/", Webhooks, webhooks::test),
        route(POST, "/x/webhook/destinations/{destination_uuid}/rotate-secret/", Webhooks, webhooks::rotate_secret),
        route(POST, "/x/webhook/destinations/{destination_uuid}/pause/", Webhooks, webhooks::pause),
        route(POST, "/x/webhook/destinations/{destination_uuid}/resume/", Webhooks, webhooks::resume),
        route(POST, "/x/webhook/destinations/{destination_uuid}/replay/", Webhooks, webhooks::replay),
        route(GET, "/x/webhook/destinations/{destination_uuid}/dead-letters/", Webhooks, webhooks::dead_letters),
    ]
}

fn public<T: 'static>(path: &'static str, handler: impl Handler<T, App>) -> Route {
    Route::new(Method::GET, path, Access::Public, handler)
}

/// A route for keys: GET needs read, everything else write on the resource.
fn route<T: 'static>(method: Method, path: &'static str, resource: Resource, handler: impl Handler<T, App>) -> Route {
    let level = if method == Method::GET { Level::Read } else { Level::Write };
    Route::new(method, path, Access::Scope(resource, level), handler)
}

/// The server for this application.
pub fn server(app: App) -> gate::Server {
    let routes = routes::router(&app, table(app.config.media_max_bytes));
    gate::Server::new(app, routes)
}
