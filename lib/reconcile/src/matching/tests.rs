use expect_test::expect;

use crate::worlds::check;

#[test]
fn serial_goes_before_mac_and_mac_before_hostname() {
    check(
        r#"
        asset 1 a serial=S1
        asset 2 b mac=m
        asset 3 c host=fs03.acme.local
        doc asset d1 a serial=s1
        doc asset d2 b mac=m
        doc asset d3 c host=FS03
        "#,
        expect![[r#"
            match asset 1 "a" -> d1 by Serial; serial_number s1 => S1
            match asset 2 "b" -> d2 by Mac
            match asset 3 "c" -> d3 by Hostname; hostname FS03 => fs03.acme.local
        "#]],
    );
}
