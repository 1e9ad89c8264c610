//! What is told to a session on its next page, as a cookie of that session.

use console::views::VerifyView;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use pages::{Notice, Tone};
use serde::{Deserialize, Serialize};
use web::Told;

use crate::seal::Sealer;

/// Browsers take 4,096 bytes of a cookie with its name; a longer one would not come back.
const COOKIE_LETTERS_MAX: usize = 3600;
/// What is read back was written by us, and never has more than this.
const PLAIN_BYTES_MAX: usize = 256 * 1024;
/// Where nothing shorter helps, so much of a sentence is left.
const TEXT_LETTERS_MAX: usize = 500;

#[derive(Serialize, Deserialize)]
struct Written {
    notice: Option<(String, String, String)>,
    verdict: Option<VerifyView>,
}

fn tone(class: &str) -> Tone {
    [Tone::Good, Tone::Care, Tone::Bad].into_iter().find(|tone| tone.class() == class).unwrap_or(Tone::Plain)
}

fn purpose(session: &str) -> String {
    format!("told {session}")
}

/// Writes what is to be told, as much of it as a cookie carries: the verdict goes before the notice.
pub(crate) fn write(sealer: &Sealer, session: &str, told: Told) -> String {
    let notice = told.notice.map(|notice| (notice.tone.class().to_owned(), notice.text, notice.hint));
    let sealed = |written: &Written| {
        let plain = serde_json::to_vec(written).expect("views have text keys and no foreign serialisers");
        sealer.seal_bytes(&purpose(session), compress_to_vec(&plain, 6))
    };
    let whole = Written { notice, verdict: told.verdict };
    let text = sealed(&whole);
    if text.len() <= COOKIE_LETTERS_MAX {
        return text;
    }
    let text = sealed(&Written { verdict: None, notice: whole.notice.clone() });
    if text.len() <= COOKIE_LETTERS_MAX {
        return text;
    }
    let cut = |text: String| text.chars().take(TEXT_LETTERS_MAX).collect();
    let notice = whole.notice.map(|(tone, text, hint)| (tone, cut(text), cut(hint)));
    sealed(&Written { notice, verdict: None })
}

/// Reads what was written for this session.
pub(crate) fn read(sealer: &Sealer, session: &str, text: &str) -> Option<Told> {
    let packed = sealer.open_bytes(&purpose(session), text)?;
    let plain = decompress_to_vec_with_limit(&packed, PLAIN_BYTES_MAX).ok()?;
    let written: Written = serde_json::from_slice(&plain).ok()?;
    let notice = written.notice.map(|(class, text, hint)| Notice { tone: tone(&class), text, hint });
    Some(Told { notice, verdict: written.verdict })
}
