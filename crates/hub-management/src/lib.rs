//! What people do with the hub: users, keys, providers, reports; authorisation and audit live here.
