//! A hub that is killed in the middle of its work.
