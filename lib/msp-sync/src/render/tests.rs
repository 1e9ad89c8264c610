use super::screen::{Screen, harmless, harmless_lines};
use super::table::{Column, Sheet};

fn narrow(width: u16) -> Screen {
    Screen { width: Some(width), colour: false }
}

fn sheet() -> Sheet {
    let mut sheet = Sheet::new([
        Column::id("ID"),
        Column::text("NAME"),
        Column::number("ASSETS"),
        Column::text("NOTE").optional(1),
        Column::text("EMPTY").optional(2),
    ]);
    sheet.row([
        "c_0123456789abcdef".into(),
        "Northwind Traders International".into(),
        7.into(),
        "a note".into(),
        "".into(),
    ]);
    sheet.row(["c_fedcba9876543210".into(), "Ærø 渋谷".into(), 1200.into(), "".into(), "".into()]);
    sheet
}

fn check(screen: Screen, expected: &[&str]) {
    let text = sheet().render(screen);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines, expected);
}

#[test]
fn numbers_stand_right_and_empty_columns_are_left_out() {
    check(
        Screen::PLAIN,
        &[
            "ID                  NAME                             ASSETS  NOTE",
            "───────────────────────────────────────────────────────────────────",
            "c_0123456789abcdef  Northwind Traders International       7  a note",
            "c_fedcba9876543210  Ærø 渋谷                           1200",
        ],
    );
}

#[test]
fn a_narrow_screen_cuts_names_first_then_drops_columns_and_never_cuts_ids() {
    check(
        narrow(60),
        &[
            "ID                  NAME                      ASSETS  NOTE",
            "────────────────────────────────────────────────────────────",
            "c_0123456789abcdef  Northwind Traders Inter…       7  a note",
            "c_fedcba9876543210  Ærø 渋谷                    1200",
        ],
    );
    check(
        narrow(43),
        &[
            "ID                  NAME             ASSETS",
            "───────────────────────────────────────────",
            "c_0123456789abcdef  Northwind Trad…       7",
            "c_fedcba9876543210  Ærø 渋谷           1200",
        ],
    );
}

#[test]
fn vendor_text_cannot_drive_the_terminal() {
    let mut sheet = Sheet::new([Column::text("NAME"), Column::prose("NOTE")]);
    sheet.row(["a\u{1b}[2J\rb\u{202e}c".into(), "one\ntwo\u{7}".into()]);
    let text = sheet.render(Screen::PLAIN);
    assert!(text.contains(r"a\u{1b}[2J\rb\u{202e}c  one\ntwo\u{7}"), "{text}");
    assert_eq!(harmless_lines("one\ntwo\u{1b}[31m"), "one\ntwo\\u{1b}[31m");
    assert_eq!(harmless(&"x".repeat(400)).chars().count(), 300);
}

#[test]
fn a_column_that_does_not_fit_leaves_room_for_one_that_does() {
    let mut sheet =
        Sheet::new([Column::id("KIND"), Column::id("VENDOR ID").optional(1), Column::text("CLIENT").optional(2)]);
    sheet.row(["asset".into(), "NzM2MjUxOTA0NDE4MjczNjUwLDczNjI1MTkx".into(), "Northwind".into()]);
    let lines: Vec<String> = sheet.render(narrow(30)).lines().map(str::to_owned).collect();
    assert_eq!(lines, ["KIND   CLIENT", "────────────────", "asset  Northwind"]);
}

#[test]
fn beside_a_sentence_names_go_on_in_the_next_line_by_whole_words() {
    let mut sheet = Sheet::new([Column::text("NAME"), Column::prose("WHY")]);
    sheet.row(["Northwind Traders".into(), "the record cannot be read".into()]);
    let lines: Vec<String> = sheet.render(narrow(40)).lines().map(str::to_owned).collect();
    assert_eq!(lines[2..], ["Northwind       the record cannot be", "Traders         read"]);
}

#[test]
fn a_long_command_goes_on_as_a_shell_takes_it_and_keeps_quotes_whole() {
    let narrow = Screen { width: Some(40), colour: false };
    let shown = super::command("msp-sync integration set acme --schedule '0 20 * * *'", narrow);
    assert_eq!(shown, "  $ msp-sync integration set acme \\\n      --schedule '0 20 * * *'");
    assert_eq!(super::command("msp-sync status", Screen::PLAIN), "  $ msp-sync status");
}

#[test]
fn a_paragraph_keeps_its_indentation_and_never_cuts_a_word() {
    let narrow = Screen { width: Some(20), colour: false };
    assert_eq!(super::paragraph("    one two three four", narrow), "    one two three\n    four\n");
    assert_eq!(super::paragraph("  unbreakableunbreakable x", narrow), "  unbreakableunbreakable\n  x\n");
}

#[test]
fn a_run_that_the_guard_holds_is_not_told_as_nothing_changed() {
    let run = |outcome: &str| -> console::views::RunView {
        let run = serde_json::json!({
            "run_id": "acme.20261122T200000000Z", "integration": "acme", "trigger": "manual", "outcome": outcome,
            "started_at": "2026-11-22T20:00:00Z", "finished_at": null, "counts": {}, "vendor_requests": 17,
            "plan_id": null, "progress": null, "notes": [], "log": [],
        });
        serde_json::from_value(run).unwrap()
    };
    let screen = Screen::PLAIN;
    let held = super::runs_together(&[run("held")], screen);
    assert!(held.contains("its plan waits for you") && !held.contains("Nothing has changed"), "{held}");
    assert!(super::runs_together(&[run("complete")], screen).contains("Nothing has changed"));
}
