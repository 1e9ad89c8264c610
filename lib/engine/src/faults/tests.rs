use apis::call::{Call, Reply};

use super::*;
use crate::contract;
use crate::memory::{FnTransport, MemoryQueue, MemorySecrets, MemoryTable};
use crate::ports::{Expect, Key, QueueIn, QueueOut, Route, SendError, Table, TableError, Transport, Write};

fn put(sk: &str) -> Write {
    Write::put(Key::new("p", sk), Expect::Absent, "{}".to_owned())
}

fn envelope(body: &str) -> Envelope {
    Envelope { group: "g".to_owned(), deduplication: body.to_owned(), body: body.to_owned() }
}

fn always(rates: Rates) -> Faults {
    Faults::new(1, rates)
}

#[tokio::test]
async fn a_wrapped_port_without_faults_is_the_port_itself() {
    let faults = Faults::new(7, Rates::NONE);
    contract::table(&faults.wrap(MemoryTable::new())).await;
    contract::queue(&faults.wrap(MemoryQueue::new())).await;
    contract::secrets(&faults.wrap(MemorySecrets::new())).await;
    assert_eq!(faults.log(), []);
}

#[tokio::test]
async fn one_seed_tells_one_story() {
    let story = async |seed| {
        let faults = Faults::new(seed, Rates::SOME);
        let table = faults.wrap(MemoryTable::new());
        for n in 0..300 {
            drop(table.write(put(&n.to_string())).await);
        }
        (faults.log(), table.port().dump())
    };
    let (log, items) = story(3).await;
    assert!(log.len() > 5 && items.len() > 200, "{} faults, {} items", log.len(), items.len());
    assert_eq!(story(3).await, (log.clone(), items));
    assert_ne!(story(4).await.0, log);
    assert_eq!(log[0].to_string(), format!("call {}, write: {:?}", log[0].call, log[0].fault));
}

#[tokio::test]
async fn a_write_fails_before_or_after_its_effect_or_meets_itself() {
    for (rates, written) in [
        (Rates { before: 1000, ..Rates::NONE }, 0),
        (Rates { after: 1000, ..Rates::NONE }, 1),
        (Rates { throttle: 1000, ..Rates::NONE }, 0),
    ] {
        let table = always(rates).wrap(MemoryTable::new());
        let error = table.write(put("a")).await.expect_err("every call fails");
        assert!(matches!(error, TableError::Unavailable { .. }) && !is_crash(&error), "{error:?}");
        assert_eq!(table.port().dump().len(), written, "{rates:?}");
    }
    let table = always(Rates { twice: 1000, ..Rates::NONE }).wrap(MemoryTable::new());
    let error = table.write(put("a")).await.expect_err("the second try meets the first");
    assert!(matches!(error, TableError::Conflict { index: 0, .. }), "{error:?}");
    assert_eq!(table.port().dump().len(), 1);
}

#[tokio::test]
async fn after_a_crash_nothing_goes_on_until_the_revival() {
    let faults = Faults::new(1, Rates::NONE);
    let table = faults.wrap(MemoryTable::new());
    let queue = faults.wrap(MemoryQueue::new());
    table.write(put("before")).await.expect("alive");
    assert_eq!(faults.calls(), 1);
    faults.crash_after(1);
    table.write(put("last")).await.expect("one more call goes through");
    assert!(!faults.crashed());
    let error = queue.send(vec![envelope("1")]).await.expect_err("dead");
    assert!(is_crash(&error) && faults.crashed(), "{error:?}");
    let error = table.transact(vec![put("late")]).await.expect_err("still dead");
    assert!(is_crash(&error), "{error:?}");
    assert_eq!((table.port().dump().len(), queue.port().depth()), (2, 0), "the dead have no effect");
    assert_eq!(faults.log(), [Happened { call: 3, operation: "send", fault: Fault::Crash }]);

    faults.revive();
    table.write(put("late")).await.expect("alive again");
}

#[tokio::test]
async fn a_message_comes_twice_though_its_queue_removes_doubles() {
    let faults = always(Rates { twice: 1000, ..Rates::NONE });
    let queue = faults.wrap(MemoryQueue::new());
    for body in ["1", "2", "3", "4"] {
        QueueOut::send(&queue, vec![envelope(body)]).await.expect("it is taken");
    }
    let copies = queue.port().depth() - 4;
    assert!(copies >= 3, "each but perhaps the last was copied by now: {copies}");
}

#[tokio::test]
async fn a_refused_message_is_named_and_the_others_are_taken() {
    let queue = always(Rates { refuse: 1000, ..Rates::NONE }).wrap(MemoryQueue::new());
    let refused = queue.send(vec![envelope("0"), envelope("1"), envelope("2")]).await.expect("two are taken");
    assert_eq!((refused.len(), queue.port().depth()), (1, 2));
    let taken = queue.receive(1).await.expect("reachable");
    assert_ne!(taken[0].body, refused[0].to_string());
}

#[tokio::test]
async fn a_lost_delivery_comes_again() {
    let faults = Faults::new(1, Rates::NONE);
    let queue = faults.wrap(MemoryQueue::new());
    queue.send(vec![envelope("1")]).await.expect("it is taken");
    faults.set_rates(Rates { after: 1000, ..Rates::NONE });
    queue.receive(1).await.expect_err("the answer is lost");
    faults.set_rates(Rates::NONE);
    assert_eq!(queue.receive(1).await.expect("reachable")[0].attempt, 2);
}

#[tokio::test]
async fn a_vendor_throttles_and_connections_break() {
    let faults = Faults::new(1, Rates { throttle: 1000, ..Rates::NONE });
    let transport = faults.wrap(FnTransport::new(|_: &Call| Ok(Reply { status: 200, ..Reply::default() })));
    let call = Call::get("https://vendor.example/list".parse().expect("a URL"));
    let reply = transport.send(&call, &Route::default()).await.expect("an answer");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("1")));
    faults.set_rates(Rates { before: 1000, ..Rates::NONE });
    let error = transport.send(&call, &Route::default()).await.expect_err("it breaks");
    assert!(matches!(&error, SendError::Broken { host, .. } if host == "vendor.example"), "{error:?}");
    faults.set_rates(Rates::NONE);
    faults.crash_after(0);
    let error = transport.send(&call, &Route::default()).await.expect_err("dead");
    assert!(is_crash(&error), "{error:?}");
}
