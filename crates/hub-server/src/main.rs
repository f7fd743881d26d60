//! The hub, as a server.

fn main() {}
