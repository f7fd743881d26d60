//! Real PostgreSQL and Redis processes for tests.
