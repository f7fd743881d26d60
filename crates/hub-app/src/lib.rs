//! Composition: configuration in, a running hub out, drained at the end.
