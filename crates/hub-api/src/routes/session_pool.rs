//! The session pool and its keys, under `/admin`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hub_management::view::{NewPoolKeyView, PoolClearedView, PoolKeyView, PoolStatsView, PoolSwitchView};
use hub_types::KeyId;

use crate::envelope::{Input, Operator, Refusal, Row, Success, done, success};
use crate::router::ApiState;

type Answer<T> = Result<T, Refusal>;
type Enveloped<T> = Answer<Json<Success<T>>>;

/// All keys: a bare array, the one answer without an envelope.
pub(crate) async fn list_keys(
    State(state): State<ApiState>,
    Operator(operator): Operator,
) -> Answer<Json<Vec<PoolKeyView>>> {
    Ok(Json(state.management.list_pool_keys(&operator).await?))
}

pub(crate) async fn show_key(
    State(state): State<ApiState>,
    Operator(operator): Operator,
    Row(id): Row<KeyId>,
) -> Enveloped<PoolKeyView> {
    Ok(success(state.management.show_pool_key(&operator, id).await?))
}

/// The answer is the only place where the credential is ever shown.
pub(crate) async fn create_key(
    State(state): State<ApiState>,
    Operator(operator): Operator,
    Input(input): Input,
) -> Answer<(StatusCode, Json<Success<NewPoolKeyView>>)> {
    let key = state.management.create_pool_key(&operator, &input).await?;
    Ok((StatusCode::CREATED, done("the key is made; it is shown only now", key)))
}

pub(crate) async fn mark_key(
    State(state): State<ApiState>,
    Operator(operator): Operator,
    Row(id): Row<KeyId>,
    Input(input): Input,
) -> Enveloped<PoolKeyView> {
    let key = state.management.set_collect_session(&operator, id, &input).await?;
    let message = if key.collect_session {
        "sessions of this key are collected"
    } else {
        "sessions of this key are not collected"
    };
    Ok(done(message, key))
}

pub(crate) async fn stats(
    State(state): State<ApiState>,
    Operator(operator): Operator,
) -> Enveloped<PoolStatsView> {
    Ok(success(state.management.session_pool_stats(&operator).await?))
}

pub(crate) async fn switch(
    State(state): State<ApiState>,
    Operator(operator): Operator,
) -> Enveloped<PoolSwitchView> {
    Ok(done("the pool moved on", state.management.switch_session_pool(&operator).await?))
}

pub(crate) async fn set_current(
    State(state): State<ApiState>,
    Operator(operator): Operator,
    Input(input): Input,
) -> Enveloped<PoolSwitchView> {
    Ok(done("the current session is set", state.management.set_pooled_session(&operator, &input).await?))
}

pub(crate) async fn clear(
    State(state): State<ApiState>,
    Operator(operator): Operator,
) -> Enveloped<PoolClearedView> {
    let cleared = state.management.clear_session_pool(&operator).await?;
    Ok(done("the pool holds its current session only", cleared))
}
