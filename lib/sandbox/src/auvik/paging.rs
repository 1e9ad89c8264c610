//! Auvik's way of parting a list (auvik.md, section 8): opaque cursors, absolute links, brackets percent-encoded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::ids::Spot;

/// Rows of a page whose call names no number (auvik.md, section 8).
const PAGE_ROWS_DEFAULT: usize = 100;
/// Rows of the largest page: the sheet knows no maximum and advises this one for the simulator.
const PAGE_ROWS_MAX: usize = 1000;

/// Which rows a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageWish {
    rows: usize,
    direction: Direction,
    edge: Option<Spot>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

/// A page of a list of places, and where it stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// The page's number, counted from 1.
    pub number: usize,
    /// The number of pages.
    pub total: usize,
    first: Option<Spot>,
    last: Option<Spot>,
    has_before: bool,
    has_after: bool,
}

/// The addresses that a page carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PageLinks {
    pub first: String,
    pub next: Option<String>,
    pub prev: Option<String>,
    pub last: String,
}

impl PageWish {
    /// Reads the `page[…]` parameters; says which is wrong.
    pub(super) fn read(query: &[(String, String)]) -> Result<PageWish, &'static str> {
        let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let rows = |name| value(name).map(|text| text.parse::<usize>().unwrap_or(0));
        let (first, last) = (rows("page[first]"), rows("page[last]"));
        let backward = first.is_none() && (last.is_some() || value("page[before]").is_some());
        let rows = if backward { last } else { first }.unwrap_or(PAGE_ROWS_DEFAULT);
        if rows == 0 || rows > PAGE_ROWS_MAX {
            return Err("page size must be between 1 and 1000");
        }
        let edge = value(if backward { "page[before]" } else { "page[after]" });
        let edge = edge.map(|text| read_cursor(text).ok_or("page cursor cannot be read")).transpose()?;
        Ok(PageWish { rows, direction: if backward { Direction::Backward } else { Direction::Forward }, edge })
    }

    /// Cuts the page out of a list that is in order.
    pub(super) fn cut<T: Copy>(self, list: &[T], spot: impl Fn(&T) -> Spot) -> Page<T> {
        let (start, end) = match (self.direction, self.edge) {
            (Direction::Forward, edge) => {
                let start = edge.map_or(0, |edge| list.partition_point(|row| spot(row) <= edge));
                (start, list.len().min(start + self.rows))
            }
            (Direction::Backward, edge) => {
                let end = edge.map_or(list.len(), |edge| list.partition_point(|row| spot(row) < edge));
                (end.saturating_sub(self.rows), end)
            }
        };
        Page {
            rows: list[start..end].to_vec(),
            number: start / self.rows + 1,
            total: list.len().div_ceil(self.rows),
            first: list[start..end].first().map(&spot),
            last: list[start..end].last().map(&spot),
            has_before: start > 0,
            has_after: end < list.len(),
        }
    }

    /// Returns the addresses of a page's neighbours; they carry the call's other parameters along.
    pub(super) fn links<T>(self, page: &Page<T>, endpoint: &str, query: &[(String, String)]) -> PageLinks {
        let others: Vec<_> = query.iter().filter(|(name, _)| !name.starts_with("page[")).collect();
        let link = |paging: &[(&str, String)]| {
            let mut out = url::form_urlencoded::Serializer::new(String::new());
            out.extend_pairs(others.iter().copied()).extend_pairs(paging);
            format!("{endpoint}?{}", out.finish().replace("%2C", ","))
        };
        let rows = self.rows.to_string();
        let beside = |spot: Option<Spot>, cursor: &'static str, size: &'static str| {
            spot.map(|spot| link(&[(cursor, cursor_text(spot)), (size, rows.clone())]))
        };
        PageLinks {
            first: link(&[("page[first]", rows.clone())]),
            next: beside(page.last.filter(|_| page.has_after), "page[after]", "page[first]"),
            prev: beside(page.first.filter(|_| page.has_before), "page[before]", "page[last]"),
            last: link(&[("page[last]", rows.clone())]),
        }
    }
}

/// Writes a cursor: base64 without padding of `cursor:<tenant>,<entity>`.
fn cursor_text((tenant, entity): Spot) -> String {
    STANDARD_NO_PAD.encode(format!("cursor:{tenant},{entity}"))
}

fn read_cursor(text: &str) -> Option<Spot> {
    let bytes = STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    let (tenant, entity) = std::str::from_utf8(&bytes).ok()?.strip_prefix("cursor:")?.split_once(',')?;
    Some((tenant.parse().ok()?, entity.parse().ok()?))
}
