//! The management REST interface and its OpenAPI document.
