//! HTTP transport in and out: accept loop, drain, bodies, the upstream client.
