//! The wire formats: scanning a body, the SSE codec, the usage tap.
