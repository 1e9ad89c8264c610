//! Holds the rows of lists that are not ordered by client until everything about a client is there.
//!
//! A service desk lists its contacts and assets by id, while a client's records are looked at together. The rows of a page
//! wait here by client, as JSON, packed once there are many; what is kept unpacked of every client is a sum over its rows,
//! by which an unchanged client is recognised without unpacking anything. Pages can be saved and loaded again, so that a
//! read goes on in the middle of a list.

use std::collections::{BTreeMap, BTreeSet};

use apis::feed::has_no_id;
use reconcile::ids::VendorId;
use reconcile::record::{Kind, VendorRecord};
use serde::{Deserialize, Serialize};

use crate::store::digests::Sum;

/// Rows are packed once more than so many bytes of them wait; in tests a few pages are enough.
const PLAIN_BYTES_MAX: usize = if cfg!(test) { 256 << 10 } else { 8 << 20 };

/// A saved page holds at most about so many bytes of JSON, so that it fits an item even where packing gains nothing.
const SAVED_BYTES_MAX: usize = 250 << 10;

/// deflate's quickest level that still looks for repetitions.
const PACKING_LEVEL: u8 = 1;

/// Whose rows: of a kind, below a client where the kind lies below one.
pub type Owner = (Kind, Option<VendorId>);

/// What is known of one owner's rows without looking at them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// The sum over them.
    pub sum: Sum,
    /// How many there are, repeated ids each time.
    pub count: u64,
    /// Whether one of them has no id of the vendor's.
    pub has_unknown: bool,
    place: u32,
}

/// Rows that wait.
#[derive(Debug, Default)]
pub struct Spool {
    owners: BTreeMap<Owner, Rows>,
    chunks: Vec<Chunk>,
    plain_bytes: usize,
    /// How many of the chunks are saved, and in how many items.
    saved: (usize, usize),
}

/// Some rows of one page.
#[derive(Debug)]
struct Chunk {
    /// The owner's place, and where its rows' JSON list begins and ends.
    index: Vec<(u32, u32, u32)>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Plain(String),
    Packed(Vec<u8>),
}

impl Body {
    fn text(&self) -> String {
        match self {
            Body::Plain(text) => text.clone(),
            Body::Packed(bytes) => {
                let bytes = miniz_oxide::inflate::decompress_to_vec(bytes).expect("what was packed here unpacks");
                String::from_utf8(bytes).expect("what was packed here is text")
            }
        }
    }
}

/// Rows as they are saved.
#[derive(Debug, Serialize, Deserialize)]
struct Saved(Vec<(Kind, Option<VendorId>, Vec<VendorRecord>)>);

impl Spool {
    /// Takes the rows of a page.
    pub fn put(&mut self, records: Vec<VendorRecord>) {
        let mut by_owner: BTreeMap<Owner, Vec<VendorRecord>> = BTreeMap::new();
        for record in records {
            let owner = (record.kind, record.client.clone().filter(|_| record.kind.is_below_client()));
            by_owner.entry(owner).or_default().push(record);
        }
        let mut chunk = Chunk { index: Vec::new(), body: Body::Plain(String::new()) };
        let mut text = String::new();
        for (owner, records) in by_owner {
            let next = self.owners.len() as u32;
            let rows = self.owners.entry(owner).or_insert_with(|| Rows { place: next, ..Rows::default() });
            for record in &records {
                rows.sum.add(record, 1);
                rows.count += 1;
                rows.has_unknown |= has_no_id(record);
            }
            let place = rows.place;
            for some in records.chunks(ROWS_AT_ONCE) {
                let begin = text.len() as u32;
                text.push_str(&serde_json::to_string(some).expect("records have text keys"));
                chunk.index.push((place, begin, text.len() as u32));
                if text.len() > SAVED_BYTES_MAX {
                    chunk.body = Body::Plain(std::mem::take(&mut text));
                    self.plain_bytes += SAVED_BYTES_MAX;
                    self.chunks.push(std::mem::replace(
                        &mut chunk,
                        Chunk { index: Vec::new(), body: Body::Plain(String::new()) },
                    ));
                }
            }
        }
        if !text.is_empty() {
            self.plain_bytes += text.len();
            chunk.body = Body::Plain(text);
            self.chunks.push(chunk);
        }
        if self.plain_bytes > PLAIN_BYTES_MAX {
            self.pack();
        }
    }

    fn pack(&mut self) {
        for chunk in &mut self.chunks {
            if let Body::Plain(text) = &chunk.body {
                chunk.body = Body::Packed(miniz_oxide::deflate::compress_to_vec(text.as_bytes(), PACKING_LEVEL));
            }
        }
        self.plain_bytes = 0;
    }

    /// Returns what is known of an owner's rows.
    pub fn rows(&self, owner: &Owner) -> Option<&Rows> {
        self.owners.get(owner)
    }

    /// Iterates over the clients that have rows of kinds below a client, each once, in order.
    pub fn clients(&self) -> BTreeSet<&VendorId> {
        self.owners.keys().filter_map(|(_, client)| client.as_ref()).collect()
    }

    /// Returns the rows of some owners, unpacking each page that holds any of them once.
    pub fn unpack(&self, owners: &BTreeSet<Owner>) -> BTreeMap<Owner, Vec<VendorRecord>> {
        let wanted: BTreeMap<u32, &Owner> =
            owners.iter().filter_map(|owner| Some((self.owners.get(owner)?.place, owner))).collect();
        let mut found: BTreeMap<Owner, Vec<VendorRecord>> = BTreeMap::new();
        for chunk in &self.chunks {
            if !chunk.index.iter().any(|(place, ..)| wanted.contains_key(place)) {
                continue;
            }
            let text = chunk.body.text();
            for (place, begin, end) in &chunk.index {
                let Some(owner) = wanted.get(place) else { continue };
                let rows: Vec<VendorRecord> = serde_json::from_str(&text[*begin as usize..*end as usize])
                    .expect("what was written here is read here");
                found.entry((*owner).clone()).or_default().extend(rows);
            }
        }
        found
    }

    /// Returns the chunks that were not saved yet, as JSON, with the number of the first item, and counts them as saved.
    pub fn save(&mut self) -> (usize, Vec<String>) {
        let (first, number) = self.saved;
        let names: BTreeMap<u32, Owner> = self.owners.iter().map(|(owner, rows)| (rows.place, owner.clone())).collect();
        let texts = self.chunks[first..].iter().map(|chunk| {
            let text = chunk.body.text();
            let lists = chunk.index.iter().map(|(place, begin, end)| {
                let (kind, client) = names[place].clone();
                let rows = serde_json::from_str(&text[*begin as usize..*end as usize]);
                (kind, client, rows.expect("what was written here is read here"))
            });
            serde_json::to_string(&Saved(lists.collect())).expect("records have text keys")
        });
        let texts: Vec<String> = texts.collect();
        self.saved = (self.chunks.len(), number + texts.len());
        (number, texts)
    }

    /// Takes back one saved item; they come in the order of their numbers.
    pub fn load(&mut self, text: &str) -> Result<(), serde_json::Error> {
        let Saved(lists) = serde_json::from_str(text)?;
        self.put(lists.into_iter().flat_map(|(.., records)| records).collect());
        self.saved = (self.chunks.len(), self.saved.1 + 1);
        Ok(())
    }
}

/// Rows of one owner that are written together.
const ROWS_AT_ONCE: usize = 100;

#[cfg(test)]
mod tests;
