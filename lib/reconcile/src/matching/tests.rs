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

#[test]
fn identifiers_that_point_at_different_records_wait_for_a_person() {
    check(
        r#"
        asset 1 a serial=S1 host=pc1
        asset 2 b mac=m,n
        doc asset d1 a serial=S1
        doc asset d2 b host=pc1
        doc asset d3 c mac=m
        doc asset d4 d mac=n
        "#,
        expect![[r#"
            asset 1: ambiguous_match (d1, d2)
            asset 2: ambiguous_match (d3, d4)
            not settled
        "#]],
    );
}

#[test]
fn a_lower_identifier_joins_nothing_whose_higher_ones_differ() {
    check(
        r#"
        asset 1 a serial=S1 host=pc1
        asset 2 b serial=S2 mac=m
        asset 3 c mac=k host=pc3
        doc asset d1 a serial=S9 host=pc1
        doc asset d2 b serial=S8 mac=m
        doc asset d3 c mac=j host=pc3
        "#,
        expect![[r#"
            create asset 1 "a" -> new:1; hostname - => pc1; serial_number - => S1
            create asset 2 "b" -> new:2; serial_number - => S2; mac_addresses - => 00:1A:00:00:00:6D
            create asset 3 "c" -> new:3; hostname - => pc3; mac_addresses - => 00:1A:00:00:00:6B
        "#]],
    );
}

#[test]
fn host_names_with_different_domains_are_different_hosts() {
    check(
        r#"
        asset 1 a host=dc01.acme.local
        doc asset d1 a host=dc01.globex.local
        "#,
        expect![[r#"
            create asset 1 "a" -> new:1; hostname - => dc01.acme.local
        "#]],
    );
}

#[test]
fn a_mac_that_several_devices_carry_identifies_none_of_them() {
    check(
        r#"
        asset 1 a mac=d,a
        asset 2 b mac=d
        doc asset d1 Dock mac=d
        doc asset d2 A mac=a
        "#,
        expect![[r#"
            match asset 1 "a" -> d2 by Mac; mac_addresses 00:1A:00:00:00:61 => 00:1A:00:00:00:61; 00:1A:00:00:00:64
            create asset 2 "b" -> new:2; mac_addresses - => 00:1A:00:00:00:64
        "#]],
    );
}

#[test]
fn a_mac_that_another_integration_gives_to_several_devices_identifies_none_either() {
    check(
        r#"
        asset 1 a mac=d host=pc1
        doc asset d1 a
          source auvik 1 monitor mac=d host=pc1
        doc asset d2 b
          source auvik 2 monitor mac=d host=pc2
        "#,
        expect![[r#"
            match asset 1 "a" -> d1 by Hostname
        "#]],
    );
}

#[test]
fn a_record_held_by_another_one_of_the_integration_is_no_candidate() {
    check(
        r#"
        asset 1 a host=pc1 matched=d1
        asset 2 b host=pc1
        doc asset d1 a
        "#,
        expect![[r#"
            create asset 2 "b" -> new:2; hostname - => pc1
        "#]],
    );
}

#[test]
fn a_replaced_record_waits_until_its_predecessor_is_stale_and_takes_its_place() {
    check(
        r#"
        asset 1 a mac=m matched=d1 absent missed=1
        asset 2 a mac=m
        doc asset d1 a
        "#,
        expect![[r#"
            stale asset 1 "a" -> d1
            asset 2: ambiguous_match (d1)
            not settled
        "#]],
    );
    check(
        r#"
        asset 1 a mac=m matched=d1 earlier missed=2
        asset 2 a mac=m os=new
        doc asset d1 a
          source rmm 1 rmm stale mac=m
        "#,
        expect![[r#"
            detach asset 1 "a" -> d1
            match asset 2 "a" -> d1 by Mac; os - => new
        "#]],
    );
}

#[test]
fn of_two_records_with_one_serial_the_mapped_one_keeps_it_else_both_wait() {
    check(
        r#"
        asset 1 a serial=S1 matched=d1
        asset 2 b serial=s1 host=pc2
        asset 3 c serial=S3
        asset 4 d serial=S3 host=pc4
        asset 5 e serial=S5 excluded
        asset 6 f serial=S5
        doc asset d1 a
        doc asset d3 c serial=S3
        "#,
        expect![[r#"
            create asset 6 "f" -> new:6; serial_number - => S5
            asset 2: duplicate_at_vendor
            asset 3: duplicate_at_vendor
            asset 4: duplicate_at_vendor
            asset 5: excluded
        "#]],
    );
}

#[test]
fn the_highest_identifier_wins_a_contested_record_and_equal_ones_wait() {
    check(
        r#"
        asset 1 a serial=S1
        asset 2 b host=pc1
        asset 3 c host=pc3
        asset 4 d host=pc3
        doc asset d1 a serial=S1 host=pc1
        doc asset d3 c host=pc3
        "#,
        expect![[r#"
            match asset 1 "a" -> d1 by Serial
            create asset 2 "b" -> new:2; hostname - => pc1
            asset 3: ambiguous_match (d3)
            asset 4: ambiguous_match (d3)
            not settled
        "#]],
    );
}

#[test]
fn archived_records_are_looked_at_before_one_is_made() {
    check(
        r#"
        asset 1 a serial=S1
        asset 2 b serial=S2
        asset 3 c serial=S3
        doc asset d1 a serial=S1 archived
        doc asset d2 b serial=S2 shelved
        doc asset d3 c serial=S3 archived
        doc asset d4 c serial=S3
        "#,
        expect![[r#"
            match asset 1 "a" -> d1 by Serial
            match asset 2 "b" -> d2 by Serial
            match asset 3 "c" -> d4 by Serial
        "#]],
    );
}

#[test]
fn contacts_match_by_email_then_by_a_name_that_no_email_contradicts() {
    check(
        r#"
        contact 1 "Ann Smith" email=ann@acme.example
        contact 2 "Bob Jones"
        contact 3 "Cy Dee" email=cy@acme.example
        contact 4 "Eve One" email=info@acme.example
        contact 5 "Eve Two" email=info@acme.example
        doc contact d1 "A. Smith" email=ANN@acme.example
        doc contact d2 "bob  jones" email=bob@acme.example
        doc contact d3 "Cy Dee" email=other@acme.example
        doc contact d4 "Eve One" email=info@acme.example
        doc contact d5 "Eve Two" email=info@acme.example
        "#,
        expect![[r#"
            match contact 1 "Ann Smith" -> d1 by Email; email ANN@acme.example => ann@acme.example
            match contact 2 "Bob Jones" -> d2 by IdenticalName
            match contact 4 "Eve One" -> d4 by IdenticalName
            match contact 5 "Eve Two" -> d5 by IdenticalName
            contact 3: ambiguous_match (d3)
            not settled
        "#]],
    );
}

#[test]
fn locations_match_by_name_then_by_address() {
    check(
        r#"
        location 1 "Main office" address="9 Elsewhere"
        location 2 Warehouse address="2 High St"
        location 3 Depot address="3 Low St"
        doc location d1 "main office" address="1 Main St"
        doc location d2 Store address="2, high st."
        doc location d3 One address="3 Low St"
        doc location d4 Two address="3 Low St"
        "#,
        expect![[r#"
            match location 1 "Main office" -> d1 by IdenticalName; address 1 Main St => 9 Elsewhere
            match location 2 "Warehouse" -> d2 by Address; address 2, high st. => 2 High St
            location 3: ambiguous_match (d3, d4)
            not settled
        "#]],
    );
}

#[test]
fn a_new_client_with_an_identical_unique_name_is_matched_and_an_ambiguous_one_waits() {
    check(
        r#"
        run auto=client
        client 1 "Acme Ltd" new
        client 2 Globex new
        client 3 Globex new
        client 4 Initech new
        client 5 Hooli new
        client 6 Umbrella new
        client 7 Left
        client 8 "Umbrella Corp" matched=d6
        doc client d1 "ACME LTD"
        doc client d4 Initech
        doc client d5 Initech
        doc client d6 Umbrella
        doc client d7 Left
        "#,
        expect![[r#"
            match client 1 "Acme Ltd" -> d1 by IdenticalName
            create client 5 "Hooli" -> new:5
            client 2: ambiguous_name
            client 3: ambiguous_name
            client 4: ambiguous_name (d4, d5)
            client 6: ambiguous_name (d6)
            client 7: unmatched
            not settled
        "#]],
    );
}

#[test]
fn without_auto_create_clients_wait_for_a_person() {
    check(
        r#"
        client 1 Acme new
        user 2 Ann new
        doc client d1 Acme
        "#,
        expect![[r#"
            client 1: unmatched
            user 2: unmatched
        "#]],
    );
}

#[test]
fn new_users_are_matched_by_email_before_name() {
    check(
        r#"
        run auto=user
        user 1 "Ann Smith" new email=ann@msp.example
        user 2 "Bob Jones" new
        user 3 "Cy Dee" new email=cy@msp.example
        doc user d1 Annie email=ann@msp.example
        doc user d2 "Bob Jones"
        doc user d3 "Cy Dee" email=cyril@msp.example
        "#,
        expect![[r#"
            match user 1 "Ann Smith" -> d1 by Email
            match user 2 "Bob Jones" -> d2 by IdenticalName
            user 3: ambiguous_name (d3)
            not settled
        "#]],
    );
}

#[test]
fn what_was_made_from_a_record_before_is_found_again_and_not_made_twice() {
    check(
        r#"
        asset 1 a host=pc1
        asset 2 b host=pc2
        asset 3 c host=pc3 matched=new:2
        doc asset new:1 "Renamed"
        doc asset new:2 "Taken"
        "#,
        expect![[r#"
            match asset 1 "a" -> new:1 by SameRecord; hostname - => pc1
            asset 2: ambiguous_match (new:2)
            not settled
        "#]],
    );
}

#[test]
fn a_stale_source_whose_record_is_nowhere_holds_nothing() {
    check(
        r#"
        asset 1 a serial=S1
        asset 2 b serial=S2
        doc asset d1 A serial=S1
          source rmm 8 rmm stale
        doc asset d2 B serial=S2
          source rmm 9 rmm
        "#,
        expect![[r#"
            match asset 1 "a" -> d1 by Serial
            create asset 2 "b" -> new:2; serial_number - => S2
        "#]],
    );
}
