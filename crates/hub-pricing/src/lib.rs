//! What a request costs: the price table and the cost function. Pure and exact: prices are whole pico-dollars a
//! token, sums are made in 128 bits, and each line of a cost is rounded once.

mod builtin;
mod cost;
mod decimal;
mod price;
mod table;

pub use builtin::{ModelMapError, builtin_rows, rows_from_model_map};
pub use cost::{Cost, cost};
pub use price::{Price, PriceError, Rates};
pub use table::{PriceTable, RefusedPrice};

#[cfg(test)]
mod tests;
