use expect_test::expect;

use crate::worlds::check;

#[test]
fn new_assets_are_created_and_known_ones_matched() {
    check(
        r#"
        asset 1 "FS01" serial=ABC host=fs01
        asset 2 "FS02" serial=DEF host=fs02
        doc asset d1 "File server" serial=abc
        "#,
        expect![[r#"
            match asset 1 "FS01" -> d1 by Serial; hostname - => fs01; serial_number abc => ABC
            create asset 2 "FS02" -> new:2; hostname - => fs02; serial_number - => DEF
        "#]],
    );
}

#[test]
fn a_changed_value_updates_and_an_equal_one_does_not() {
    check(
        r#"
        asset 1 "FS01" serial=ABC os=new matched=d1
        asset 2 "FS02" serial=DEF os=same matched=d2
        doc asset d1 "FS01"
          source rmm 1 rmm serial=ABC os=old
        doc asset d2 "FS02"
        "#,
        expect![[r#"
            update asset 1 "FS01" -> d1; os old => new
        "#]],
    );
}
