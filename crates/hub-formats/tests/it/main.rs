//! Tests of hub-formats against what real programs made of the same bytes.

#[cfg(test)]
mod estimate;
