//! The gateway inside another program, as the example shows it.

#[cfg(test)]
mod embed;
