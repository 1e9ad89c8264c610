//! Pages, filters, order and left-out fields of lists (kaseya_bms.md sections 4 and 6).

use serde_json::Value;
use url::Url;

use crate::dates;

/// A call, read: query names in lower case.
pub(super) struct Asked {
    pub path: String,
    query: Vec<(String, String)>,
}

/// One page of a list.
pub(super) struct Page {
    pub rows: Vec<Value>,
    pub total: usize,
}

/// How a filter is compared with the field of a row.
#[derive(Clone, Copy)]
pub(super) enum How {
    /// The field holds the text, whatever the case.
    Contains,
    /// The field is this number or switch.
    Is,
    /// The field is no such number.
    IsNot,
    /// The field is one of these numbers, in one value parted by commas or in several.
    OneOf,
    /// The field is an instant not before this.
    From,
    /// The field is an instant not after this.
    To,
}

/// A filter's name after `Filter.`, and the field it looks at.
pub(super) type Filter = (&'static str, &'static str, How);

impl Asked {
    pub(super) fn read(url: &Url) -> Asked {
        let query = url.query_pairs().map(|(name, value)| (name.to_lowercase(), value.into_owned())).collect();
        Asked { path: url.path().to_lowercase(), query }
    }

    /// Returns the values of a parameter.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Result<Option<usize>, &'static str> {
        let value = self.values(name).next();
        value.map(str::parse).transpose().map_err(|_| "PageSize and PageNumber are whole numbers")
    }

    /// Returns the number of the page; the first one has number 1, and what 0 is, is uncertain.
    pub(super) fn page(&self) -> usize {
        self.number("pagenumber").ok().flatten().unwrap_or(1).max(1)
    }

    /// Asks for another page.
    pub(super) fn ask_for_page(&mut self, page: usize) {
        self.query.retain(|(name, _)| name != "pagenumber");
        self.query.push(("pagenumber".to_owned(), page.to_string()));
    }

    /// Cuts a page out of a list. Rows are written only where they are needed: all of them for a filter or an order.
    pub(super) fn cut<T>(
        &self,
        list: &[T],
        write: impl Fn(&T) -> Value,
        filters: &[Filter],
        size_max: usize,
        repeats_last_page: bool,
    ) -> Result<Page, &'static str> {
        let size = self.number("pagesize")?.filter(|size| *size > 0).unwrap_or(size_max).min(size_max);
        self.number("pagenumber")?;
        let is_plain = !self.query.iter().any(|(name, _)| name == "sort" || name.starts_with("filter."));
        let mut rows = Vec::new();
        let mut total = list.len();
        if !is_plain {
            for row in list.iter().map(&write) {
                if self.keeps(&row, filters)? {
                    rows.push(row);
                }
            }
            if let Some(field) = self.values("sort").next() {
                let field = small_first(field);
                rows.sort_by(|one, other| compare(&one[&field], &other[&field]));
            }
            total = rows.len();
        }
        let mut first = (self.page() - 1).saturating_mul(size);
        if first >= total && repeats_last_page {
            first = total.saturating_sub(1) / size * size;
        }
        let range = first.min(total)..first.saturating_add(size).min(total);
        let mut rows: Vec<Value> = match is_plain {
            true => list[range].iter().map(write).collect(),
            false => rows.drain(range).collect(),
        };
        let left_out: Vec<String> =
            self.values("exclude").flat_map(|names| names.split(',')).map(small_first).collect();
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            row.retain(|name, _| !left_out.contains(name));
        }
        Ok(Page { rows, total })
    }

    fn keeps(&self, row: &Value, filters: &[Filter]) -> Result<bool, &'static str> {
        for (name, field, how) in filters {
            let key = format!("filter.{}", name.to_lowercase());
            let values: Vec<&str> = self.values(&key).collect();
            if !values.is_empty() && !fits(&row[*field], &values, *how)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn fits(field: &Value, values: &[&str], how: How) -> Result<bool, &'static str> {
    let shown = match field {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let first = values.first().copied().unwrap_or_default();
    let wanted = match how {
        How::From | How::To => instant_ms(first).ok_or("a filter is no date-time")?,
        _ => 0,
    };
    Ok(match how {
        How::Contains => shown.to_lowercase().contains(&first.to_lowercase()),
        How::Is => shown.eq_ignore_ascii_case(first),
        How::IsNot => !shown.eq_ignore_ascii_case(first),
        How::OneOf => values.iter().flat_map(|value| value.split(',')).any(|value| value.trim() == shown),
        How::From => instant_ms(&shown).is_some_and(|found| found >= wanted),
        How::To => instant_ms(&shown).is_some_and(|found| found <= wanted),
    })
}

/// Reads an instant, in UTC where it names no zone (section 1).
fn instant_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    let zoned = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00") };
    dates::parse(&format!("{}Z", zoned.trim_end_matches('Z')))
}

fn compare(one: &Value, other: &Value) -> std::cmp::Ordering {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => one.as_str().cmp(&other.as_str()),
    }
}

fn small_first(name: &str) -> String {
    let name = name.trim();
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
