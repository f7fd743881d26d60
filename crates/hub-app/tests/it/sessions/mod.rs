//! Sessions through the whole hub: who is recognised, who keeps to whom, how many talk at once.

mod concurrency;
mod figures;
mod messages;
mod pool;
mod recognised;
mod ring;
mod sticky;
