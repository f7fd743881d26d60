//! One contract for every session store.
