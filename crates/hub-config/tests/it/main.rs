//! The configuration from the outside: what is accepted, refused, shown and documented.

#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod values;

#[cfg(test)]
use hub_config::{Config, ConfigErrors};

/// Reads a configuration from pairs.
#[cfg(test)]
fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let find = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Config::from_lookup(&find)
}

/// The variables that an error is about, in order.
#[cfg(test)]
fn mistaken(pairs: &[(&str, &str)]) -> Vec<&'static str> {
    read(pairs)
        .err()
        .map(|errors| errors.0.into_iter().map(|error| error.variable).collect())
        .unwrap_or_default()
}
