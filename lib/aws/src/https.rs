//! The HTTP client that all of a function's calls to AWS go through: one pool of connections, one TLS configuration.
//!
//! It does what the SDK's own does for us, but for proxies: HTTP/1.1 (which is what these services speak), a bound on
//! the time that a connection takes, and connections that the SDK can give up before it tries again.

use std::error::Error;
use std::io;
use std::time::Duration;

use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{CaptureConnection, HttpConnector as Tcp, capture_connection};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tls::Tls;

/// Until a connection stands, TLS not included: the SDK's own default, whose retry comes after it.
const CONNECT_MAX: Duration = Duration::from_millis(3_100);

/// The HTTP client. Clones share its connections.
#[derive(Debug, Clone)]
pub(crate) struct Https(Client<HttpsConnector<Tcp>, SdkBody>);

impl Https {
    /// Makes a client without any connection.
    pub(crate) fn new(tls: &Tls) -> Self {
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_MAX));
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls.client(&[]));
        let connector = builder.https_or_http().enable_http1().wrap_connector(tcp);
        Self(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector))
    }

    /// Opens a connection to `endpoint` and leaves it in the pool. It is asked for `/`: DynamoDB says there that it is
    /// healthy, others that they know no such thing, and either way the connection stays.
    pub(crate) async fn open(&self, endpoint: &str) -> Result<(), String> {
        let told = |error: &(dyn Error + 'static)| engine::error::with_causes(error);
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(format!("{endpoint}/")).map_err(|error| told(&error))?;
        let mut answer = self.call(request).await.map_err(|error| told(&error))?;
        let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
        // A connection goes back to the pool when its answer has been read to the end.
        ByteStream::new(body).collect().await.map(drop).map_err(|error| told(&error))
    }
}

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let connection = capture_connection(&mut request);
        if let Some(wanted) = request.extensions().get::<CaptureSmithyConnection>() {
            wanted.set_connection_retriever(move || described(&connection));
        }
        let answering = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let answer = answering.await.map_err(failure)?.map(SdkBody::from_body_1_x);
            HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

impl HttpClient for Https {
    /// The same for every client: their settings differ in nothing that matters here.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Lets the SDK give a connection up that a call failed on.
fn described(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    connection.connection_metadata().as_ref()?;
    let connection = connection.clone();
    let give_up = move || {
        if let Some(connected) = connection.connection_metadata().as_ref() {
            connected.poison();
        }
    };
    Some(ConnectionMetadata::builder().proxied(false).poison_fn(give_up).build())
}

/// Tells the SDK what to try again: whatever broke on the way.
fn failure(error: legacy::Error) -> ConnectorError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(one) = cause {
        if one.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return ConnectorError::timeout(error.into());
        }
        cause = one.source();
    }
    ConnectorError::io(error.into())
}

#[cfg(test)]
mod tests;
