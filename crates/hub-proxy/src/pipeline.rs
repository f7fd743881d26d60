//! The story of a request, top to bottom. Each step is a module; each phase is a type that the next step
//! takes, so a step can't be forgotten.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HeaderValue;
use http::request::Parts;
use http::{Request, Response};

use hub_http::{Body, discard_body};
use hub_types::Outcome;

use crate::authenticate::authenticate;
use crate::docket::Docket;
use crate::receive::receive;
use crate::route::{self, Forward, Route};
use crate::shared::Shared;
use crate::{
    ProxyError, admission, client, content, forward, keep_alive, models, render, session, transcript,
};

/// Answers one request.
pub(crate) async fn run<B>(shared: &Arc<Shared>, request: Request<B>, peer: IpAddr) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Unpin + Send,
{
    let (head, mut body) = request.into_parts();
    // Whoever asks before they send waits for a word, and gets the answer for it.
    let is_coming = !head.headers.contains_key(http::header::EXPECT);
    let mut docket = Docket::new(shared, shared.clock.now());
    let id = docket.id();
    let route = route::recognise(&head.method, &head.uri, &head.headers);
    let dialect = match &route {
        Ok(Route::Forward(forward)) => forward.dialect,
        Ok(Route::Models(call)) => call.dialect,
        _ => route::guess_dialect(&head.uri, &head.headers),
    };
    docket.record().dialect = dialect;
    let answer = match route {
        Ok(Route::Forward(call)) => converse(shared, docket, head, &mut body, call, peer).await,
        Ok(Route::Models(call)) => models::answer(shared, docket, &head, call, peer).await,
        Ok(Route::Telemetry) => {
            docket.close(Outcome::Completed, 200);
            Ok(Response::new(Body::from("{}")))
        }
        Err(error) => Err(docket.refuse(error)),
    };
    let mut response = answer.unwrap_or_else(|error| render::refusal(dialect, id, &error));
    let is_through = body.is_end_stream() || (is_coming && discard_body(&mut body).await);
    if !is_through {
        response.headers_mut().insert(http::header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

/// A request that is to be forwarded.
async fn converse<B>(
    shared: &Arc<Shared>,
    mut docket: Docket,
    head: Parts,
    body: B,
    call: Forward,
    peer: IpAddr,
) -> Result<Response<Body>, ProxyError>
where
    B: http_body::Body<Data = Bytes> + Unpin + Send,
{
    match admit(shared, &mut docket, head, body, call, peer).await {
        Ok(admitted) => keep_alive::answer(shared, docket, admitted).await,
        Err(error) => Err(docket.refuse(error)),
    }
}

/// Steps 1 to 5: everything that is decided before a provider is asked.
async fn admit<B>(
    shared: &Arc<Shared>,
    docket: &mut Docket,
    head: Parts,
    body: B,
    call: Forward,
    peer: IpAddr,
) -> Result<forward::Admitted, ProxyError>
where
    B: http_body::Body<Data = Bytes> + Unpin + Send,
{
    let record = docket.record();
    record.endpoint = call.endpoint;
    record.model.clone_from(&call.model);
    let address = client::address(peer, &head.headers, &shared.options.trusted_proxies);
    docket.record().client_address = Some(address);
    let caller = authenticate(shared, docket, &head, address, call.dialect).await?;
    let received = receive(shared, docket, head, body, call).await?;
    content::check(&caller, &received)?;
    let now = docket.record().created_at;
    let seat = session::find_seat(shared, docket.id(), &caller, &received, now).await;
    docket.record().session_id = Some(seat.session().to_string());
    let catalogue = shared.directory.catalogue();
    let spent = admission::admit(shared, docket, &caller, &received, seat, &catalogue).await?;
    transcript::keep_request(shared, docket, &received);
    docket.open();
    let estimated_input = docket.estimated_input();
    Ok(forward::Admitted { caller, received, catalogue, spent, estimated_input })
}
