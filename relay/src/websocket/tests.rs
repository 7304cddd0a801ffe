//! Tests of the codec: the rules one by one, any cut of any stream, and tungstenite as the other side.

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};

use super::*;

const LARGEST: usize = 100_000;

/// What a stream of bytes means, with the pieces of a message joined.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    Begun(Kind, Vec<u8>),
    Message(Kind, Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
    Broke(Violation),
}

/// Reads `wire` in pieces of these lengths, over and over.
fn read(wire: &[u8], cuts: &[usize]) -> Vec<Heard> {
    let (mut decoder, mut heard) = (Decoder::new(LARGEST), Vec::new());
    let (mut rest, mut cuts) = (wire, cuts.iter().cycle());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(cuts.next().map_or(rest.len(), |cut| *cut.max(&1)).min(rest.len()));
        rest = after;
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        while !input.is_empty() {
            match decoder.decode(input) {
                Ok((count, item)) => {
                    assert!(count > 0 && count <= input.len());
                    note(&mut heard, item, input);
                    input = &mut input[count..];
                }
                Err(violation) => {
                    heard.push(Heard::Broke(violation));
                    return heard;
                }
            }
        }
    }
    heard
}

fn note(heard: &mut Vec<Heard>, item: Option<Item>, input: &[u8]) {
    match item {
        Some(Item::Data { kind, payload, end }) => {
            // The message that is open may have control frames behind it.
            let open = heard.iter().position(|heard| matches!(heard, Heard::Begun(..)));
            let mut data = match open.map(|at| heard.remove(at)) {
                Some(Heard::Begun(_, data)) => data,
                _ => Vec::new(),
            };
            data.extend_from_slice(&input[payload]);
            heard.push(if end { Heard::Message(kind, data) } else { Heard::Begun(kind, data) });
        }
        Some(Item::Ping(payload)) => heard.push(Heard::Ping(payload.to_vec())),
        Some(Item::Pong) => heard.push(Heard::Pong),
        Some(Item::Close(code)) => heard.push(Heard::Close(code)),
        None => {}
    }
}

/// A client's frame: its first byte, and a payload of less than 64 KiB.
fn frame(first: u8, key: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut frame = match u16::try_from(payload.len()).expect("short") {
        short @ 0..126 => vec![first, 0x80 | u8::try_from(short).expect("short")],
        long => [&[first, 0xfe], &long.to_be_bytes()[..]].concat(),
    };
    frame.extend(key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn whole(first: u8, payload: &[u8]) -> Vec<Heard> {
    read(&frame(first, [1, 2, 3, 4], payload), &[])
}

const OUGHT_NOT: fn(Vec<Heard>) -> bool = |heard| matches!(heard[..], [.., Heard::Broke(Violation::Framing(_))]);

#[test]
fn each_rule_of_framing_is_kept() {
    for first in [0xc2, 0xa2, 0x92, 0x83, 0x87, 0x8b, 0x8f, 0x00, 0x80, 0x09, 0x08] {
        assert!(OUGHT_NOT(whole(first, b"x")), "{first:#x}");
    }
    assert!(OUGHT_NOT(read(&[0x82, 0x00], &[])), "no mask");
    assert!(OUGHT_NOT(whole(0x89, &[0; 126])), "a long ping");
    assert!(OUGHT_NOT(read(&[frame(0x02, [0; 4], b"a"), frame(0x82, [0; 4], b"b")].concat(), &[])), "a message within another");
    assert!(OUGHT_NOT(read(&[0x82, 0xfe, 0, 125, 0, 0, 0, 0], &[])), "two bytes for 125");
    assert!(OUGHT_NOT(read(&[0x82, 0xff, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0], &[])), "eight bytes for 65535");
    assert!(OUGHT_NOT(read(&[0x82, 0xff, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[])), "the highest bit");
}

#[test]
fn what_is_wrong_is_told_with_the_byte_that_is() {
    assert!(OUGHT_NOT(read(&[0xf2, 0x80], &[1])));
    assert_eq!(read(&[0xf2], &[]), []);
    let over = u64::try_from(LARGEST).expect("fits") + 1;
    let giant = [&[0x82, 0xff][..], &over.to_be_bytes(), &[0; 4]].concat();
    assert_eq!(read(&giant, &[]), [Heard::Broke(Violation::TooBig)], "before any of its payload");
}

#[test]
fn fragments_are_one_message_and_their_sum_is_bounded() {
    let part = vec![7; 60_000];
    let wire = [frame(0x02, [9; 4], &part), frame(0x80, [8; 4], &[1])].concat();
    assert_eq!(read(&wire, &[]), [Heard::Message(Kind::Binary, [&part[..], &[1]].concat())]);
    let wire = [frame(0x02, [9; 4], &part), frame(0x80, [8; 4], &part)].concat();
    assert_eq!(read(&wire, &[]), [Heard::Begun(Kind::Binary, part), Heard::Broke(Violation::TooBig)]);
}

#[test]
fn control_frames_come_between_fragments() {
    let wire = [frame(0x01, [1; 4], b"he"), frame(0x89, [2; 4], b"there?"), frame(0x8a, [3; 4], b""), frame(0x80, [4; 4], b"re")];
    let expected = [Heard::Ping(b"there?".into()), Heard::Pong, Heard::Message(Kind::Text, b"here".into())];
    assert_eq!(read(&wire.concat(), &[1]), expected);
}

#[test]
fn a_close_has_a_code_that_may_be_sent_or_none_and_ends_everything() {
    assert_eq!(whole(0x88, b""), [Heard::Close(None)]);
    for code in [1000u16, 1001, 1003, 1007, 1012, 3000, 4999] {
        assert_eq!(whole(0x88, &code.to_be_bytes()), [Heard::Close(Some(code))]);
    }
    for code in [0u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        assert!(OUGHT_NOT(whole(0x88, &code.to_be_bytes())), "{code}");
    }
    assert!(OUGHT_NOT(whole(0x88, &[3])));
    assert_eq!(whole(0x88, &[3, 0xe8, 0xff]), [Heard::Broke(Violation::NotUtf8)]);
    let wire = [frame(0x88, [0; 4], &[3, 0xe8]), frame(0x82, [0; 4], b"deaf"), vec![0xff; 20]].concat();
    assert_eq!(read(&wire, &[]), [Heard::Close(Some(1000))]);
}

#[test]
fn text_is_utf8_and_refused_at_the_first_byte_that_is_not() {
    assert_eq!(whole(0x81, "κόσμε".as_bytes()), [Heard::Message(Kind::Text, "κόσμε".into())]);
    let heard = read(&frame(0x81, [5; 4], b"a\xce\xbab\xed\xa0"), &[1]);
    assert_eq!(heard, [Heard::Begun(Kind::Text, b"a\xce\xbab\xed".into()), Heard::Broke(Violation::NotUtf8)]);
    let wire = [frame(0x01, [5; 4], b"\xce"), frame(0x80, [5; 4], b"")].concat();
    assert_eq!(read(&wire, &[]), [Heard::Begun(Kind::Text, b"\xce".into()), Heard::Broke(Violation::NotUtf8)]);
    assert_eq!(whole(0x82, b"\xff"), [Heard::Message(Kind::Binary, b"\xff".into())]);
}

/// Messages and pings as a client may send them, and what they mean.
fn valid() -> impl Strategy<Value = (Vec<u8>, Vec<Heard>)> {
    let payload = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        proptest::collection::vec(any::<u8>(), 120..130),
        proptest::collection::vec(any::<u8>(), 300..400),
    ];
    let fragments = proptest::collection::vec((any::<[u8; 4]>(), payload, any::<bool>()), 1..5);
    proptest::collection::vec(fragments, 0..6).prop_map(|messages| {
        let (mut wire, mut heard) = (Vec::new(), Vec::new());
        for fragments in messages {
            let (last, mut message) = (fragments.len() - 1, Vec::new());
            for (number, (key, payload, pinged)) in fragments.iter().enumerate() {
                let (fin, opcode) = (if number == last { 0x80 } else { 0 }, if number == 0 { 2 } else { 0 });
                wire.extend(frame(fin | opcode, *key, payload));
                message.extend_from_slice(payload);
                if *pinged && number != last {
                    let ping = payload.get(..100).unwrap_or_default();
                    wire.extend(frame(0x89, *key, ping));
                    heard.push(Heard::Ping(ping.to_vec()));
                }
            }
            heard.push(Heard::Message(Kind::Binary, message));
        }
        (wire, heard)
    })
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(prop_oneof![1..4usize, 1..200usize], 1..8)
}

proptest! {
    #[test]
    fn a_valid_stream_means_the_same_however_it_is_cut((wire, expected) in valid(), cuts in cuts()) {
        prop_assert_eq!(read(&wire, &cuts), expected);
    }

    #[test]
    fn any_bytes_mean_the_same_however_they_are_cut(
        start in valid(), noise in proptest::collection::vec(any::<u8>(), 0..60), cuts in cuts()
    ) {
        let wire = [&start.0[..], &noise].concat();
        let (whole, cut) = (read(&wire, &[]), read(&wire, &cuts));
        // Of text that breaks off, more was passed on where it came in pieces; the rest is the same.
        let rest = |heard: Vec<Heard>| heard.into_iter().filter(|heard| !matches!(heard, Heard::Begun(Kind::Text, _))).collect::<Vec<_>>();
        prop_assert_eq!(rest(whole), rest(cut));
    }

    #[test]
    fn what_another_client_writes_is_read(
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..70_000), 0..4), text in ".{0,200}", cuts in cuts()
    ) {
        let mut client = WebSocket::from_raw_socket(std::io::Cursor::new(Vec::new()), Role::Client, None);
        let mut expected: Vec<_> = messages.iter().map(|data| Heard::Message(Kind::Binary, data.clone())).collect();
        for data in messages {
            client.send(Message::Binary(data.into())).expect("written");
        }
        client.send(Message::text(text.clone())).expect("written");
        expected.push(Heard::Message(Kind::Text, text.into()));
        prop_assert_eq!(read(client.get_ref().get_ref(), &cuts), expected);
    }

    #[test]
    fn what_is_written_another_client_reads(sizes in proptest::collection::vec(prop_oneof![0..200usize, 65_530..65_540usize], 0..5), code in 3000..5000u16) {
        let (mut wire, mut expected) = (Vec::new(), Vec::new());
        for size in sizes {
            let (data, mut head) = (vec![3; size], [0; LONGEST_HEAD]);
            let length = write_head(Opcode::Binary, size, &mut head);
            wire.extend(head[..length].iter().chain(&data));
            expected.push(Message::Binary(data.into()));
        }
        wire.extend(text_frame("notice").iter().chain(&control_frame(Opcode::Ping, &[7; 200])).chain(&close_frame(Some(code))));
        let mut client = WebSocket::from_raw_socket(std::io::Cursor::new(wire), Role::Client, None);
        for message in expected {
            prop_assert_eq!(client.read().expect("a message"), message);
        }
        prop_assert_eq!(client.read().expect("text"), Message::text("notice"));
        prop_assert_eq!(client.read().expect("a ping"), Message::Ping(vec![7; 125].into()));
        let Message::Close(Some(frame)) = client.read().expect("a close") else { return Err(TestCaseError::fail("no close")) };
        prop_assert_eq!(u16::from(frame.code), code);
    }
}
