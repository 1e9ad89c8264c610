use super::*;

const WANTED: Wanted = Wanted { root: "result", list: "items", row: "client", fields: &["clientid", "name"] };

fn read(items: &str) -> XmlList {
    list(format!("<result status=\"OK\"><items>{items}</items></result>").as_bytes(), &WANTED)
}

/// The name of the only row; `None` where it cannot be read.
fn name(text: &str) -> Option<String> {
    let list = read(&format!("<client><name>{text}</name></client>"));
    assert_eq!((list.rows.len(), &list.broken), (1, &None), "{text}");
    let row = &list.rows[0];
    row.unreadable().is_empty().then(|| row.text("name").to_owned())
}

#[test]
fn texts_are_read_in_every_way_of_writing_them() {
    let same = [
        "A &amp; B &lt;C&gt;",
        "<![CDATA[A & B <C>]]>",
        " A &#38; B &#x3c;C&#62; ",
        "A <!-- not this -->&amp;<![CDATA[ B <C>]]>",
        "\n<![CDATA[A]]> & <![CDATA[B <C>]]>\n",
    ];
    for text in same {
        assert_eq!(name(text).as_deref(), Some("A & B <C>"), "{text}");
    }
    assert_eq!(name("").as_deref(), Some(""));
    assert_eq!(name("<![CDATA[]]>").as_deref(), Some(""));
    assert_eq!(read("<client><name/></client>").rows[0].text("name"), "");
    assert_eq!(read("<client/>").rows[0].text("name"), "");
}

#[test]
fn a_text_that_cannot_be_read_costs_its_row() {
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    for text in ["&other;", "a<b/>c", "<b><c>d</c></b>", "&#0;", "&#xD800;", "&#x110000;", "&#12a;", &long] {
        assert_eq!(name(text), None, "{}", &text[..text.len().min(40)]);
    }
    assert!(name(&long[1..]).is_some(), "the longest text that is read");
}

#[test]
fn a_document_type_expands_nothing() {
    let bomb = (1..=30).map(|nth| format!("<!ENTITY e{nth} \"&e{0};&e{0};\">", nth - 1)).collect::<String>();
    let body = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE result [<!ENTITY e0 \"ha\">{bomb}<!ENTITY out SYSTEM \"file:///etc/hosts\">]>\
         <result><items><client><name>&e30;</name></client><client><name>&out;</name></client>\
         <client><name>Oak</name></client></items></result>"
    );
    let list = list(body.as_bytes(), &WANTED);
    assert_eq!(list.broken, None);
    assert_eq!(list.rows.iter().map(XmlRow::unreadable).collect::<Vec<_>>(), [&["name"][..], &["name"], &[]]);
    assert_eq!(list.rows[2].text("name"), "Oak");
    assert!(list.rows.iter().all(|row| row.text("name").len() <= 3), "nothing was expanded");
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("<client>{}{}</client>", "<a>".repeat(depth), "</a>".repeat(depth));
    assert_eq!(read(&nested(DEPTH_MAX - 3)).broken, None);
    assert_eq!(read(&nested(DEPTH_MAX - 2)).broken.as_deref(), Some("it has elements more than 32 deep"));
    let list = read(&format!("<client><name>Oak</name></client>{}", nested(1_000_000)));
    assert_eq!((list.rows.len(), list.broken.is_some()), (1, true), "what came before is kept");
}

#[test]
fn rows_are_bounded() {
    assert_eq!(read(&"<client/>".repeat(ROWS_MAX)).broken, None);
    let list = read(&"<client/>".repeat(ROWS_MAX + 1));
    assert_eq!((list.rows.len(), list.broken.as_deref()), (ROWS_MAX, Some("it has more than 100000 rows")));
}

#[test]
fn letters_are_told_one_by_one() {
    assert_eq!(decoded("Łódź".as_bytes()), "Łódź");
    assert_eq!(decoded(b"Caf\xe9 \x80 \x93x\x94"), "Café € “x”");
    assert_eq!(decoded(b"Caf\xe9, \xc5\x81\xc3\xb3d\xc5\xba"), "Café, Łódź", "one row does not change another");
    assert_eq!(decoded(b"\x81\xff"), "\u{81}ÿ");
}

#[test]
fn what_is_not_the_document_is_broken() {
    let why = |body: &str| list(body.as_bytes(), &WANTED).broken.expect("it is broken");
    assert_eq!(why(""), "it is empty");
    assert_eq!(why("  \n"), "it breaks off after 3 bytes");
    assert_eq!(why("<!DOCTYPE html><HTML></HTML>"), "it is HTML instead of XML");
    assert_eq!(why("<rss><items/></rss>"), "it is not the XML that was expected (no <result>)");
    assert_eq!(why("<result/>"), "it holds no list");
    assert_eq!(why("<result><items>"), "it breaks off after 15 bytes");
    assert_eq!(why("<result><items/></result"), "it breaks off after 24 bytes");
    assert_eq!(why("<!DOCTYPE result [<!ENTITY a \"b\""), "it breaks off after 32 bytes");
    for wrong in
        ["{}", "x<result/>", "<result><items/></other>", "<result><items/></result>x", "<result></result></result>"]
    {
        assert!(why(wrong).starts_with("it is not the XML that was expected (byte "), "{wrong}: {}", why(wrong));
    }
}

#[test]
fn rows_count_once_their_end_is_there() {
    let list = list(b"<result><items><client><name>Oak</name></client><client><name>Mill</name>", &WANTED);
    assert_eq!(list.rows.len(), 1);
    assert_eq!(list.broken.as_deref(), Some("it breaks off after 73 bytes"));
}

#[test]
fn what_was_not_asked_for_is_passed_over() {
    let list = read("<note>&x;</note><client><other>&x;<name>no</name></other><name>Oak</name></client><site/>");
    assert_eq!(list.broken, None);
    assert_eq!(list.rows.len(), 1);
    assert_eq!(list.rows[0].sorted(), [("name", "Oak")]);
}

#[test]
fn a_byte_that_changed_makes_up_no_row_and_changes_no_two() {
    let row = |id: u32| format!("<client><clientid>{id}</clientid><name><![CDATA[A & B]]> &amp; &#67;</name></client>");
    let body = format!("<?xml version=\"1.0\"?><result status=\"OK\"><items>{}{}</items></result>", row(1), row(2));
    let whole = list(body.as_bytes(), &WANTED);
    assert_eq!((whole.rows.len(), &whole.broken), (2, &None));
    for (at, byte) in (0..body.len()).flat_map(|at| b"<>&;/!x\0\xff".map(|byte| (at, byte))) {
        let mut changed = body.clone().into_bytes();
        changed[at] = byte;
        let list = list(&changed, &WANTED);
        assert!(list.rows.len() <= 2, "byte {at} as {byte}: a row is made up");
        let same = list.rows.iter().filter(|row| whole.rows.contains(row)).count();
        assert!(list.rows.len() < 2 || same >= 1, "byte {at} as {byte} changed both rows: {list:?}");
    }
}
