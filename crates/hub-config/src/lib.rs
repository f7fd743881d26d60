//! The environment, checked and turned into typed values.
