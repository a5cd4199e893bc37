//! The witness, and how late this process is itself.

use std::time::Duration;

use lockkeeper_engine::probe::{Lateness, WitnessPlace, WitnessProbe};
use lockkeeper_testkit::{FaultyHttp, HttpAnswer};

use super::http::request;

fn places(server: &FaultyHttp) -> [WitnessPlace; 2] {
    let (host, port) = ("127.0.0.1".to_owned(), server.address().port());
    [
        WitnessPlace::Tcp { host, port, limit: Duration::from_secs(2) },
        WitnessPlace::Http(Box::new(request(&server.url("/")))),
    ]
}

#[tokio::test]
async fn whatever_the_witness_answers_it_was_reached() {
    let server = FaultyHttp::start(HttpAnswer::Body { status: 503, content_type: "text/plain", body: String::new() });
    for place in places(&server) {
        let word = WitnessProbe::new(place.clone()).take().await;
        assert!(word.reached, "{place:?}: {}", word.said);
    }
    assert!(server.requests().last().unwrap().starts_with("HEAD / "), "{:?}", server.requests());
    server.stop();
    for place in places(&server) {
        assert!(!WitnessProbe::new(place.clone()).take().await.reached, "{place:?}");
    }
}

/// The runtime has one thread, which somebody else holds: the nap ends when it is free again.
#[tokio::test]
async fn a_process_that_is_held_up_knows_it() {
    let lateness = Lateness { nap: Duration::from_millis(20), late_max: Duration::from_millis(200) };
    let nap = tokio::spawn(async move { lateness.take().await });
    tokio::task::yield_now().await;
    std::thread::sleep(Duration::from_millis(400));
    let late = nap.await.unwrap();
    assert!(lateness.is_starved(late), "{late:?}");
    assert!(!lateness.is_starved(Duration::from_millis(200)));
}
