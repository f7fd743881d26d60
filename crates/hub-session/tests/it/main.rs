//! One contract for every session store.

#[cfg(test)]
mod pool;
