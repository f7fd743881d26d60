//! The hub on the command line.

fn main() {}
