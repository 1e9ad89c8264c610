//! Plans in words: what a person reads before approving.

use reconcile::plan::{Action, Change};
use reconcile::record::Value;

use crate::shown::{shown, shown_short};
use crate::views::PlanItemView;

/// The longest value that is shown whole.
const VALUE_LETTERS_MAX: usize = 60;

/// Returns what an item does, as one line.
pub fn item(item: &PlanItemView) -> String {
    let what = match item.action {
        Action::Create => "create",
        Action::Match => "match",
        Action::Exclude => "exclude",
        Action::Reset => "reset",
        Action::Update => "update",
        Action::Stale => "mark stale",
        Action::Return => "no longer stale",
        Action::Archive => "archive",
        Action::Detach => "detach",
    };
    let mut line = format!("{what} {} {} ({})", item.kind, shown(&item.name), shown(item.vendor_id.as_str()));
    if let Some(doc) = &item.doc_id {
        let joint = match item.action {
            Action::Match => "with",
            Action::Detach => "from",
            _ => "as",
        };
        line.push_str(&format!(" {joint} {doc}"));
    }
    if !item.changes.is_empty() && item.action != Action::Create {
        let changes: Vec<String> = item.changes.iter().map(change).collect();
        line.push_str(&format!(": {}", changes.join(", ")));
    }
    line
}

/// Returns a change of one field: `os "Windows 10" → "Windows 11"`.
pub fn change(change: &Change) -> String {
    let side = |value: &Option<Value>| match value {
        Some(value) => format!("{:?}", shown_short(&value.to_string(), VALUE_LETTERS_MAX)).replace("\\\\", "\\"),
        None => "nothing".to_owned(),
    };
    format!("{} {} → {}", change.field, side(&change.from), side(&change.to))
}

#[cfg(test)]
mod tests {
    use reconcile::ids::{DocId, VendorId};
    use reconcile::record::{Field, Kind};

    use super::*;

    #[test]
    fn an_item_is_one_line_and_hostile_text_is_shown() {
        let view = PlanItemView {
            action: Action::Update,
            kind: Kind::Asset,
            vendor_id: VendorId::parse("17").unwrap(),
            name: "FS\u{202e}01".to_owned(),
            doc_id: Some(DocId::parse("a_0123456789abcdef_0123456789abcdef").unwrap()),
            doc_name: None,
            rule: None,
            changes: vec![
                Change { field: Field::Os, from: None, to: Some(Value::Text("Windows\u{1b}[2J 11".to_owned())) },
                Change { field: Field::Make, from: Some(Value::Text("Dell".to_owned())), to: None },
            ],
        };
        assert_eq!(
            item(&view),
            "update asset FS\\u{202e}01 (17) as a_0123456789abcdef_0123456789abcdef: os nothing → \
             \"Windows\\u{1b}[2J 11\", make \"Dell\" → nothing"
        );
    }
}
