//! Everything a chat has, on its way in: questions from anywhere, edits, deletes, files, mentions, floods.

mod ask;
mod deletes;
mod edits;
mod files;
mod flood;
mod mentions;

use crate::harness::world::World;

/// A world whose executor is not there yet, and the port on which it will be.
async fn without_executor() -> (World, u16) {
    let mut world = World::without_bridge().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    world.start_bridge();
    (world, port)
}
