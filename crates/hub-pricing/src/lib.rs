//! What a request costs: the price table and the cost function.
