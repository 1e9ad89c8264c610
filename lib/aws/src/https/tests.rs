//! The client against a server on loopback that plays one script a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const ANSWER: &str = "HTTP/1.1 404 Not Found\r\nx-amzn-requestid: 7\r\ncontent-length: 7\r\n\r\nnothing";

/// Answers every request on every connection until it has given `answers` on one, then hangs up without a word. Returns
/// the address and the count of connections.
async fn server(answers: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                for answer in 0..=answers {
                    let mut heard = Vec::new();
                    while !heard.ends_with(b"\r\n\r\n") {
                        heard.push(stream.read_u8().await?);
                    }
                    if answer < answers {
                        stream.write_all(ANSWER.as_bytes()).await?;
                    }
                }
                io::Result::Ok(())
            });
        }
    });
    (url, connections)
}

async fn get(https: &Https, url: &str) -> Result<HttpResponse, ConnectorError> {
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_uri(url).unwrap();
    https.call(request).await
}

#[tokio::test]
async fn an_answer_comes_with_status_headers_and_body() {
    let (url, _) = server(1).await;
    let mut answer = get(&Https::new(&Tls::compiled_in()), &url).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().get("x-amzn-requestid")), (404, Some("7")));
    let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
    assert_eq!(&ByteStream::new(body).collect().await.unwrap().to_vec(), b"nothing");
}

#[tokio::test]
async fn a_connection_that_was_opened_ahead_of_time_is_the_one_that_calls_use() {
    let (url, connections) = server(usize::MAX - 1).await;
    let https = Https::new(&Tls::compiled_in());
    https.open(&url).await.unwrap();
    for _ in 0..3 {
        let mut answer = get(&https.clone(), &url).await.unwrap();
        let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
        ByteStream::new(body).collect().await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_breaks_on_the_way_may_be_tried_again() {
    let (hangs_up, _) = server(0).await;
    let error = get(&Https::new(&Tls::compiled_in()), &hangs_up).await.unwrap_err();
    assert!(error.is_io(), "{error:?}");
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = get(&Https::new(&Tls::compiled_in()), &format!("http://{nobody}")).await.unwrap_err();
    assert!(error.is_io(), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_a_call_failed_on_is_given_up() {
    let (url, connections) = server(usize::MAX - 1).await;
    let https = Https::new(&Tls::compiled_in());
    for _ in 0..2 {
        let captured = CaptureSmithyConnection::new();
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(url.as_str()).unwrap();
        request.add_extension(captured.clone());
        let mut answer = https.call(request).await.unwrap();
        captured.get().expect("the call had a connection").poison();
        let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
        ByteStream::new(body).collect().await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}
