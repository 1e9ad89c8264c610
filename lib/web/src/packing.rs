//! Answers made smaller on their way, for whoever takes them so.
//!
//! A page of a hundred rows repeats itself a hundred times: packed it is a tenth. The lengths tell nobody anything new: who
//! could watch them would need requests with the session's cookie, which browsers send from our own pages alone.

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Response};

use crate::Bytes;

/// The zlib format, which HTTP calls `deflate`.
const ENCODING: HeaderValue = HeaderValue::from_static("deflate");
/// Less than this goes in one packet anyway.
const BYTES_MIN: usize = 1_000;
/// Between speed and size: higher levels save a per cent.
const LEVEL: u8 = 6;

/// Says whether the browser takes packed answers.
pub(crate) fn is_taken(headers: &HeaderMap) -> bool {
    let offered = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|line| line.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let is_refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        name.trim().eq_ignore_ascii_case("deflate") && !is_refused
    })
}

/// Returns the answer packed, where it is text and long enough to gain by it.
pub(crate) fn packed(answer: Response<Bytes>) -> Response<Bytes> {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_text = kind.starts_with("text/") || kind.starts_with("application/json") || kind.starts_with("image/svg");
    if !is_text || answer.body().len() < BYTES_MIN || answer.headers().contains_key(CONTENT_ENCODING) {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    head.headers.insert(CONTENT_ENCODING, ENCODING);
    head.headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    Response::from_parts(head, miniz_oxide::deflate::compress_to_vec_zlib(&body, LEVEL).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(text).expect("a value"));
        headers
    }

    #[test]
    fn only_who_says_so_gets_a_packed_answer() {
        assert!(is_taken(&accepting("gzip, deflate, br, zstd")));
        assert!(is_taken(&accepting("Deflate;q=0.5")));
        for text in ["gzip, br", "deflate;q=0, gzip", "", "x-deflate"] {
            assert!(!is_taken(&accepting(text)), "{text}");
        }
        assert!(!is_taken(&HeaderMap::new()));
    }

    #[test]
    fn a_packed_answer_holds_the_same_and_is_smaller() {
        let page = "<tr><td>a row like many</td></tr>".repeat(500);
        let mut answer = Response::new(Bytes::from(page.clone()));
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        let answer = packed(answer);
        assert_eq!(answer.headers()[CONTENT_ENCODING], "deflate");
        assert!(answer.body().len() * 10 < page.len());
        let unpacked = miniz_oxide::inflate::decompress_to_vec_zlib(answer.body()).expect("it is what it says");
        assert_eq!(unpacked, page.as_bytes());
    }

    #[test]
    fn what_gains_nothing_stays_as_it_is() {
        let mut short = Response::new(Bytes::from_static(b"ok"));
        short.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert_eq!(packed(short).body().as_ref(), b"ok");
        let mut picture = Response::new(Bytes::from(vec![0; 5_000]));
        picture.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("image/png"));
        assert_eq!(packed(picture).body().len(), 5_000);
    }
}
