//! An HTTP proxy between a worker and a storage server: records requests and responses, and injects faults. It listens
//! on loopback only.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

type Body = BoxBody<Bytes, hyper::Error>;

/// A request and its answer. A request whose client went away before the answer came has no status.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: String,
    /// Whether it was a copy inside the server.
    pub copies: bool,
    /// Status of the response of the server or the proxy.
    pub status: Option<u16>,
}

/// The faults to inject.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Every n-th request is answered with 503 instead of being forwarded; 0: none.
    pub refuse_every: usize,
    /// Every n-th request's connection is dropped without an answer; 0: none.
    pub drop_every: usize,
    /// Each request waits this long.
    pub delay: Duration,
}

/// A running proxy; it ends with its runtime.
#[derive(Clone)]
pub struct FaultProxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    faults: Faults,
    log: Vec<Exchange>,
}

impl FaultProxy {
    /// Starts to forward requests to `upstream`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(upstream: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let proxy = Self {
            address: listener.local_addr()?,
            state: Arc::default(),
        };
        let state = Arc::clone(&proxy.state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let state = Arc::clone(&state);
                        async move { answer(request, upstream, &state).await }
                    });
                    // Broken connections are expected.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(client), service)
                        .await;
                });
            }
        });
        Ok(proxy)
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Injects these faults from now on.
    pub fn set(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// All requests so far, in order.
    pub fn log(&self) -> Vec<Exchange> {
        self.state().log.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(
    request: Request<Incoming>,
    upstream: SocketAddr,
    state: &Mutex<State>,
) -> io::Result<Response<Body>> {
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let (faults, index) = {
        let mut state = lock();
        state.log.push(Exchange {
            method: request.method().clone(),
            uri: request.uri().to_string(),
            copies: request.headers().contains_key("x-amz-copy-source")
                || request.headers().contains_key("x-ms-copy-source"),
            status: None,
        });
        (state.faults, state.log.len() - 1)
    };
    tokio::time::sleep(faults.delay).await;
    let hits = |every: usize| every > 0 && index % every == every - 1;
    if hits(faults.drop_every) {
        return Err(io::Error::other("dropped on purpose"));
    }
    let response = if hits(faults.refuse_every) {
        refusal().map_err(io::Error::other)?
    } else {
        let stream = TcpStream::connect(upstream).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection);
        sender
            .send_request(request)
            .await
            .map_err(io::Error::other)?
            .map(BodyExt::boxed)
    };
    if let Some(exchange) = lock().log.get_mut(index) {
        exchange.status = Some(response.status().as_u16());
    }
    Ok(response)
}

fn refusal() -> Result<Response<Body>, hyper::http::Error> {
    let body = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    let body = Full::new(Bytes::from_static(body.as_bytes())).map_err(|never: Infallible| match never {});
    Response::builder()
        .status(StatusCode::SERVICE_UNAVAILABLE)
        .header("content-type", "application/xml")
        .body(body.boxed())
}
