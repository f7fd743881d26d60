//! One client connection.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use http::Request;
use http::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::patience::{PatientSocket, Phase};
use super::{Answer, ServerSettings, Service};
use crate::Body;

/// Serves a connection until it ends or, once `stop` is cancelled, until its running request is answered.
pub(super) async fn serve<S: Service>(
    socket: TcpStream,
    peer: SocketAddr,
    settings: ServerSettings,
    service: Arc<S>,
    stop: CancellationToken,
) {
    // Without it, small events of a stream wait for the client's acknowledgement (steps of 40 ms).
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let phase = Arc::new(Phase::default());
    let socket = PatientSocket::new(socket, Arc::clone(&phase), settings);
    let handler = service_fn(move |request: Request<Incoming>| {
        let (service, busy) = (Arc::clone(&service), phase.enter_request());
        // A request may have come with a length as well, which was ignored. Another server on its way may have
        // believed the length instead: what follows could be that reading's idea of a body, so nothing may.
        let is_last = request.headers().contains_key(TRANSFER_ENCODING);
        async move {
            let mut response = service.call(request, peer).await;
            if is_last {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Answer::Ok(response.map(|body| Body::guarded(body, busy)))
        }
    });
    let connection = http1::Builder::new()
        .max_header_size(settings.max_header_bytes)
        .serve_connection(TokioIo::new(socket), handler);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a client connection ended early");
    }
}
