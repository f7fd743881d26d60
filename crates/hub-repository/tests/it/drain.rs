//! The drain between the journal and a database.
