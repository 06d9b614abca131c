//! The real binary: how it starts and ends, what a `kill -9` leaves, several processes on one database. These run one at
//! a time (`.config/nextest.toml`, by the name of this module).

mod audit;
mod commands;
mod crash;
mod demo;
mod desk;
mod erasure;
mod gone;
mod imports;
mod life;
mod members;
mod resent;
mod soak;
mod subjects;
mod together;
mod transactions;

/// One test per engine around an async function of the engine.
#[macro_export]
macro_rules! on_both_engines {
    ($name:ident) => {
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::harness::Engine::Sqlite).await
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name($crate::harness::Engine::Postgres).await
            }
        }
    };
}
