//! Tests of what a leg is told and may pass on.

use std::task::Waker;

use proptest::prelude::*;

use super::*;

fn next(peer: &mut Peer) -> Option<ToEnd> {
    match peer.poll_to_end(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(item) => Some(item),
        Poll::Pending => None,
    }
}

fn has_room(peer: &mut Peer) -> bool {
    peer.poll_room(&mut Context::from_waker(Waker::noop())).is_ready()
}

fn up(pairing: u64) -> Option<ToEnd> {
    Some(ToEnd::Notice(Notice::Up { pairing }))
}

const DOWN: Option<ToEnd> = Some(ToEnd::Notice(Notice::Down));

fn binary(text: &'static str) -> ToEnd {
    ToEnd::Binary(Bytes::from_static(text.as_bytes()))
}

#[tokio::test]
async fn the_first_notice_says_how_things_stand() {
    let mut peer = Peer::default();
    assert_eq!((next(&mut peer), next(&mut peer)), (DOWN, None));
    let mut peer = Peer::default();
    let (ours, _theirs) = Pairing::between(7);
    peer.change(Some(ours));
    assert_eq!((next(&mut peer), next(&mut peer)), (up(7), None));
}

#[tokio::test]
async fn changes_that_pile_up_are_told_as_down_and_the_newest_up() {
    let mut peer = Peer::default();
    let (first, second, third) = (Pairing::between(1), Pairing::between(2), Pairing::between(3));
    peer.change(Some(first.0));
    assert_eq!(next(&mut peer), up(1));
    second.1.to_peer.try_send("never told".into()).expect("room");
    peer.change(Some(second.0));
    peer.change(None);
    third.1.to_peer.try_send("third".into()).expect("room");
    peer.change(Some(third.0));
    drop(first.1);
    assert_eq!([next(&mut peer), next(&mut peer), next(&mut peer)], [DOWN, up(3), Some(binary("third"))]);
    assert_eq!(next(&mut peer), None);
}

#[tokio::test]
async fn what_was_read_of_a_pairing_comes_before_its_end_and_nothing_after() {
    let mut peer = Peer::default();
    let (ours, theirs) = Pairing::between(1);
    peer.change(Some(ours));
    assert_eq!(next(&mut peer), up(1));
    theirs.to_peer.try_send("last".into()).expect("room");
    peer.change(None);
    assert!(theirs.to_peer.try_send("too late".into()).is_err());
    assert_eq!([next(&mut peer), next(&mut peer), next(&mut peer)], [Some(binary("last")), DOWN, None]);
}

#[tokio::test]
async fn a_leg_that_ends_is_owed_the_rest_of_what_it_knows_only() {
    let mut peer = Peer::default();
    let (ours, theirs) = Pairing::between(1);
    theirs.to_peer.try_send("one".into()).expect("room");
    peer.change(Some(ours));
    assert_eq!(next(&mut peer), up(1));
    assert_eq!(peer.into_rest(), ["one"]);

    let mut untold = Peer::default();
    let (ours, theirs) = Pairing::between(2);
    theirs.to_peer.try_send("two".into()).expect("room");
    untold.change(Some(ours));
    assert!(untold.into_rest().is_empty());
}

#[tokio::test]
async fn binary_passes_only_after_the_sync_of_the_pairing_that_stands() {
    let mut peer = Peer::default();
    let (ours, mut theirs) = Pairing::between(2);
    peer.change(Some(ours));
    peer.hear(port::sync(2).as_bytes());
    assert!(has_room(&mut peer));
    peer.take("before up was told".into());
    assert_eq!(next(&mut peer), up(2));
    peer.hear(port::sync(1).as_bytes());
    peer.hear(b"{}");
    assert!(has_room(&mut peer));
    peer.take("of an older pairing".into());
    peer.hear(port::sync(2).as_bytes());
    assert!(has_room(&mut peer));
    peer.take("good".into());
    assert_eq!(theirs.from_peer.try_recv().expect("passed"), "good");
    assert!(theirs.from_peer.try_recv().is_err());
}

#[tokio::test]
async fn a_slow_peer_stops_the_reading_and_a_gone_one_does_not() {
    let mut peer = Peer::default();
    let (ours, theirs) = Pairing::between(1);
    peer.change(Some(ours));
    assert_eq!(next(&mut peer), up(1));
    peer.hear(port::sync(1).as_bytes());
    let mut taken = 0;
    while has_room(&mut peer) {
        peer.take("x".into());
        taken += 1;
        assert!(taken < 100, "bounded");
    }
    drop(theirs);
    assert!(has_room(&mut peer));
    peer.take("discarded".into());
    peer.change(None);
    assert!(has_room(&mut peer));
}

proptest! {
    /// Whatever changes and however far the writing got in between: notices alternate, numbers rise, and each binary message
    /// is of the pairing that was told last.
    #[test]
    fn the_end_is_never_misled(steps in proptest::collection::vec((any::<bool>(), 0..3usize, 0..6usize), 0..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let _inside = runtime.enter();
        let (mut peer, mut told, mut held) = (Peer::default(), None, Vec::new());
        for (number, (paired, sent, polled)) in (1u64..).zip(steps) {
            let pairing = paired.then(|| Pairing::between(number));
            peer.change(pairing.map(|(ours, theirs)| {
                for _ in 0..sent {
                    theirs.to_peer.try_send(number.to_string().into()).expect("room");
                }
                held.push(theirs);
                ours
            }));
            for _ in 0..polled {
                match next(&mut peer) {
                    Some(ToEnd::Notice(Notice::Up { pairing })) => {
                        prop_assert!(!matches!(told, Some(Some(_))), "up after up");
                        told = Some(Some(pairing));
                    }
                    Some(ToEnd::Notice(Notice::Down)) => {
                        prop_assert!(!matches!(told, Some(None)), "down after down");
                        told = Some(None);
                    }
                    Some(ToEnd::Binary(message)) => {
                        let pairing = told.flatten().expect("no binary without a peer");
                        prop_assert_eq!(message, pairing.to_string());
                    }
                    None => break,
                }
            }
        }
    }
}
