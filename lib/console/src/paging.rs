//! Cursors: opaque texts that a shell takes without quotes.

use crate::error::{Code, ConsoleError};
use crate::request::{PAGE_LIMIT_MAX, Page};
use crate::views::List;

/// Writes the place of an item as a cursor.
pub(crate) fn cursor(place: &[&str]) -> String {
    place.join("\0").bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a cursor of so many parts.
pub(crate) fn place(page: &Page, parts: usize) -> Result<Option<Vec<String>>, ConsoleError> {
    let Some(cursor) = &page.cursor else { return Ok(None) };
    let bytes: Option<Vec<u8>> = if cursor.len().is_multiple_of(2) && cursor.is_ascii() {
        (0..cursor.len() / 2).map(|index| u8::from_str_radix(&cursor[2 * index..2 * index + 2], 16).ok()).collect()
    } else {
        None
    };
    let place: Option<Vec<String>> = bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(|text| text.split('\0').map(str::to_owned).collect())
        .filter(|place: &Vec<String>| place.len() == parts);
    match place {
        Some(place) => Ok(Some(place)),
        None => Err(ConsoleError::new(
            Code::Usage,
            format!("{cursor:?} is no cursor of this list"),
            "give the `next` of the page before, with the same filters",
        )),
    }
}

/// Checks how many items are asked for.
pub(crate) fn limit(page: &Page) -> Result<usize, ConsoleError> {
    match page.limit {
        1..=PAGE_LIMIT_MAX => Ok(page.limit),
        other => Err(ConsoleError::new(
            Code::Usage,
            format!("a page cannot have {other} items"),
            format!("give a limit from 1 to {PAGE_LIMIT_MAX}"),
        )),
    }
}

/// Cuts a page out of a list that is sorted in any stable way; `key` names an item.
pub(crate) fn slice<T>(all: Vec<T>, page: &Page, key: impl Fn(&T) -> String) -> Result<List<T>, ConsoleError> {
    let limit = limit(page)?;
    let from = match place(page, 1)? {
        None => 0,
        Some(place) => all.iter().position(|item| key(item) == place[0]).map_or(all.len(), |index| index + 1),
    };
    let more = all.len() > from + limit;
    let items: Vec<T> = all.into_iter().skip(from).take(limit).collect();
    let next = items.last().filter(|_| more).map(|item| cursor(&[&key(item)]));
    Ok(List { items, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_without_gap_or_overlap() {
        let all: Vec<u32> = (0..7).collect();
        let mut page = Page { limit: 3, cursor: None };
        let mut seen = Vec::new();
        let mut pages = 0;
        loop {
            let list = slice(all.clone(), &page, u32::to_string).unwrap();
            seen.extend(list.items);
            pages += 1;
            match list.next {
                Some(next) => page.cursor = Some(next),
                None => break,
            }
        }
        assert_eq!((seen, pages), (all, 3));
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        for cursor in ["zz", "abc", "ü", "6100"] {
            let page = Page { limit: 3, cursor: Some(cursor.to_owned()) };
            assert_eq!(place(&page, 1).unwrap_err().code, Code::Usage, "{cursor}");
        }
        let page = Page { limit: 3, cursor: Some(cursor(&["Ä b", ""])) };
        assert_eq!(place(&page, 2).unwrap(), Some(vec!["Ä b".to_owned(), String::new()]));
        assert_eq!(limit(&Page { limit: 0, cursor: None }).unwrap_err().code, Code::Usage);
    }
}
